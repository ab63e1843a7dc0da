"""``goflow functions``: the functions of the expression language."""

from __future__ import annotations

import click

from goflow.cli.output import emit, emit_json

__all__ = ["command"]


@click.command("functions")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, as_json: bool) -> int:
    """List the functions that expressions can call, or show the one called NAME.

    \b
    Examples:
      goflow functions
      goflow functions filter
      goflow functions --json
    """
    from goflow.errors import BadCall  # noqa: PLC0415
    from goflow.expressions.functions import FUNCTIONS, nearest  # noqa: PLC0415

    if name is not None and name not in FUNCTIONS:
        raise BadCall(f"there is no function {name!r}", hint=nearest(name, FUNCTIONS))
    chosen = sorted(FUNCTIONS, key=str.lower) if name is None else [name]
    if as_json:
        shown = [_described(each) for each in chosen]
        document = shown if name is None else shown[0]
        emit_json(document)
        return 0
    rows = [(FUNCTIONS[each].signature, FUNCTIONS[each].help) for each in chosen if _own(each)]
    if name is not None and not rows:
        rows = [(FUNCTIONS[name].signature, f"{FUNCTIONS[name].help} (also called {name})")]
    width = max(len(signature) for signature, _ in rows)
    for signature, help_text in rows:
        emit(f"{signature:{width}}  {help_text}")
    return 0


def _own(name: str) -> bool:
    """Whether ``name`` is the function's own and no other name of it."""
    from goflow.expressions.functions import FUNCTIONS  # noqa: PLC0415

    return FUNCTIONS[name].name == name


def _described(name: str) -> dict[str, object]:
    from goflow.expressions.functions import FUNCTIONS  # noqa: PLC0415

    function = FUNCTIONS[name]
    return {
        "name": name,
        "alias_of": None if _own(name) else function.name,
        "signature": function.signature,
        "help": function.help,
        "least_arguments": function.least,
        "most_arguments": function.most,
        "per_element": function.per_element,
        "pure": function.pure,
    }
