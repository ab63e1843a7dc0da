"""The reference pages that are written out of the code: what they say cannot become untrue.

``write(docs)`` makes ``reference/*.md`` and ``pictures/*.svg``, which the repository does not keep.
"""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import goflow
from goflow import errors
from goflow.cli.app import cli
from goflow.diagram.diagram import diagram_of
from goflow.diagram.svg import svg
from goflow.engine import events
from goflow.expressions.functions import FUNCTIONS
from goflow.workflow import schema
from goflow.workflow.diagnostics import CODES
from goflow.workflow.explanations import EXPLANATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DRAWN", "PAGES", "write"]

EXAMPLES = Path(__file__).parents[1] / "examples"
DRAWN = ("ticket-routing", "log-errors", "exchange-rates")
"""The examples of which there are pictures."""

OTHER_NAME = "Another name of '"


def write(docs: Path) -> None:
    """Write every page that changed, so that an unchanged one is not built again."""
    for name, page in PAGES.items():
        path = docs / "reference" / f"{name}.md"
        text = page()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    (docs / "pictures").mkdir(exist_ok=True)
    for name in DRAWN:
        workflow = goflow.load(EXAMPLES / f"{name}.yaml")
        picture = svg(diagram_of(workflow))
        (docs / "pictures" / f"{name}.svg").write_text(picture)


# -- the format --------------------------------------------------------------------------------


def format_page() -> str:
    """Every key of a workflow file, out of its JSON Schema."""
    whole = schema.build()
    parts = whole["$defs"]
    lines = [
        "# The format",
        "Every key of a workflow file, version 1. This page is made of the JSON Schema that",
        "`goflow schema` prints; [how a run goes](../how-a-run-goes.md) says what happens with it.",
        "Other names of a key, which files in other dialects use, mean the same; `to_yaml()` and",
        "`goflow fmt` write the first.\n",
        "A *duration* is text such as `250ms`, `1.5s`, `2m`, `1h30m`, or a number of seconds.\n",
        "## The file\n",
        *_keys(whole),
    ]
    for name in ("variable", "server", "retry", "cache", "edge"):
        lines += [f"\n## {_TITLES[name]}\n", *_keys(parts[name])]
    lines.append("\n## Nodes\n")
    lines.append("Every node has an `id` and a `type`. The types:\n")
    for name in parts["node"]["properties"]["type"]["enum"]:
        node = parts[name]
        lines += [f"\n### {name}\n", f"{node.get('description', '')}\n", *_keys(node)]
    return "\n".join(lines) + "\n"


_TITLES = {
    "variable": "A variable",
    "server": "A server",
    "retry": "Retry",
    "cache": "A cache policy",
    "edge": "An edge",
}


def _keys(part: dict[str, Any]) -> Iterator[str]:
    """A table of the keys of one map, each with its other names beside it."""
    known = part["properties"]
    required = set(part.get("required", ()))
    for rule in part.get("allOf", ()):
        names = [name for way in rule.get("anyOf", ()) for name in way.get("required", ())]
        required.update(names)
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key, value in known.items():
        meaning = value.get("description", "")
        if meaning.startswith(OTHER_NAME) or "const" in value:
            continue
        others = [
            f"`{name}`"
            for name, other in known.items()
            if other.get("description") == f"{OTHER_NAME}{key}'."
        ]
        if others:
            meaning += f" Also: {', '.join(others)}."
        default = f"`{value['default']}`" if "default" in value else ""
        if isinstance(value.get("default"), bool):
            default = f"`{str(value['default']).lower()}`"
        need = "required" if key in required else default
        yield f"| `{key}` | {_type(value)} | {need} | {_cell(meaning)} |"


def _type(value: dict[str, Any]) -> str:
    if "enum" in value:
        return " ".join(f"`{each}`" for each in value["enum"] if each is not None)
    if "const" in value:
        return f"`{value['const']}`"
    if "$ref" in value:
        return value["$ref"].rsplit("/", 1)[1]
    if "anyOf" in value:
        kinds = [_type(way) for way in value["anyOf"]]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind and kind != "null"))
    kinds = value.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = {"object": "map", "array": "list", "string": "text", "integer": "whole number"}
    named = [words.get(kind, kind) for kind in kinds if kind != "null"]
    if named == ["list"] and "$ref" in value.get("items", {}):
        return f"list of {value['items']['$ref'].rsplit('/', 1)[1]}s"
    return " or ".join(named)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# -- functions, findings, errors, events -------------------------------------------------------


def functions_page() -> str:
    """Every function of the expression language."""
    lines = [
        "# Functions",
        "What expressions can call; `goflow functions` lists them too. `x | f(y)` is `f(x, y)`.",
        "A *condition* or *expression* argument is evaluated for each element: `.price > 10`, or",
        "with `#` for the element.\n",
        "| function | what it gives |",
        "|---|---|",
    ]
    for name in sorted(FUNCTIONS, key=str.lower):
        function = FUNCTIONS[name]
        if function.name != name:
            continue
        others = sorted(k for k, f in FUNCTIONS.items() if f.name == name and k != name)
        also = f" Also called {', '.join(f'`{each}`' for each in others)}." if others else ""
        pure = "" if function.pure else " Its value differs from call to call."
        lines.append(f"| `{_cell(function.signature)}` | {_cell(function.help)}{also}{pure} |")
    return "\n".join(lines) + "\n"


def findings_page() -> str:
    """Every code that the validator gives, with the mistake and its fix."""
    lines = [
        "# Findings",
        "What `goflow validate` finds, by code, as `goflow explain CODE` says it. The examples are",
        "parts of files: keys, start and end nodes and edges that do not matter are left out.\n",
    ]
    for code, meaning in CODES.items():
        explanation = EXPLANATIONS[code]
        lines += [f"## {code}\n", f"**{meaning[0].upper()}{meaning[1:]}.**\n", explanation.why, ""]
        for title, example in (
            ("The mistake:", explanation.mistake),
            ("The fix:", explanation.fix),
            (f"Beside it, in `{explanation.beside_name}`:", explanation.beside),
        ):
            if example:
                fence = "````" if "```" in example else "```"
                lines += [title, "", f"{fence}yaml", example.rstrip(), fence, ""]
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """The error tree: classes, codes and fields."""
    lines = [
        "# Errors",
        "Every error is a `goflow.errors.GoFlowError`, with a stable `code`, a `message` and,",
        "mostly, a `hint`. Indentation shows what a class is a kind of.\n",
        "```text",
    ]

    def tree(kind: type[errors.GoFlowError], depth: int) -> Iterator[str]:
        yield f"{'  ' * depth}{kind.__name__:{44 - 2 * depth}} {kind.code}"
        for each in kind.__subclasses__():
            if each.__module__ == "goflow.errors":
                yield from tree(each, depth + 1)

    lines += [*tree(errors.GoFlowError, 0), "```", ""]
    for name in ["GoFlowError", *(each for each in errors.__all__ if each != "GoFlowError")]:
        lines += _documented(getattr(errors, name))
    return "\n".join(lines) + "\n"


def events_page() -> str:
    """The events of a run."""
    lines = [
        "# Events",
        "What `engine.stream(…)`, a listener and `--events FILE` get, in order. As JSON each has",
        "its name in `event`, `run` (the run's id) and `at` (a Unix time in seconds).\n",
    ]
    for name in events.__all__:
        kind = getattr(events, name)
        if not inspect.isclass(kind) or not hasattr(kind, "__struct_config__"):
            continue
        fields = [each for each in kind.__struct_fields__ if each not in ("run", "at")]
        tag = kind.__struct_config__.tag
        lines += [
            f"## {name}\n",
            f"{f'`{tag}`: ' if tag else ''}{', '.join(f'`{each}`' for each in fields)}\n",
            inspect.cleandoc(kind.__doc__ or ""),
            "",
        ]
    return "\n".join(lines).replace("``", "`") + "\n"


def _documented(kind: type) -> list[str]:
    text = inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
    return [f"## {kind.__name__}\n", text, ""]


# -- the command -------------------------------------------------------------------------------


def commands_page() -> str:
    """Every verb with its help, as the command prints it."""
    lines = [
        "# The command",
        "`goflow VERB --help` says the same. Results go to standard output, everything else to",
        "standard error. Exit codes: 0 done, 1 the run failed or the file has errors, 2 the call",
        "itself is wrong, 130 interrupted.\n",
        "| variable | |",
        "|---|---|",
        "| `GOFLOW_HOME` | moves everything GoFlow keeps on disk |",
        "| `GOFLOW_SECRET_NAME` | a secret's value, where the keyring has none |",
        "| `GOFLOW_SECRETS_FILE` | a file with secrets, `NAME=VALUE` a line |",
        "| `NO_COLOR` | no colours |",
        "",
    ]
    lines += _verb(cli, "goflow", None, 2)
    return "\n".join(lines) + "\n"


def _verb(
    command: click.Command, name: str, parent: click.Context | None, level: int
) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=88)
    if parent is not None:
        path = context.command_path
        yield f"{'#' * level} {path}\n"
        yield "```text"
        yield textwrap.dedent(command.get_help(context))
        yield "```\n"
        level += 1
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found is not None and not found.hidden:
                yield from _verb(found, each, context, level)


PAGES = {
    "format": format_page,
    "functions": functions_page,
    "findings": findings_page,
    "errors": errors_page,
    "events": events_page,
    "commands": commands_page,
}
