"""``goflow explain``: what a finding's code means, with the mistake and its fix."""

from __future__ import annotations

import click

from goflow.cli.output import emit, emit_json

__all__ = ["command"]


@click.command("explain")
@click.argument("code")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(code: str, as_json: bool) -> int:
    """Say what the finding CODE means, why it matters, and show the mistake and its fix.

    \b
    Examples:
      goflow explain GF203
      goflow explain GF203 --json
    """
    import textwrap  # noqa: PLC0415 - other verbs explain nothing

    from goflow.errors import BadCall  # noqa: PLC0415
    from goflow.expressions.functions import nearest  # noqa: PLC0415
    from goflow.workflow.diagnostics import CODES  # noqa: PLC0415
    from goflow.workflow.explanations import EXPLANATIONS  # noqa: PLC0415

    known = code.upper()
    if known not in CODES:
        hint = nearest(known, CODES) or f"codes read like {next(iter(CODES))}"
        raise BadCall(f"there is no finding {code!r}", hint=hint)
    explanation = EXPLANATIONS[known]
    if as_json:
        document = {
            "code": known,
            "meaning": CODES[known],
            "why": explanation.why,
            "mistake": explanation.mistake,
            "fix": explanation.fix,
        }
        emit_json(document)
        return 0
    emit(f"{known}: {CODES[known]}\n")
    emit(textwrap.fill(explanation.why, 88))
    for title, example in (
        ("The mistake", explanation.mistake),
        ("The fix", explanation.fix),
        (f"Beside it, in {explanation.beside_name}", explanation.beside),
    ):
        if not example:
            continue
        emit(f"\n{title}:\n\n{textwrap.indent(example.rstrip(), '    ')}")
    return 0
