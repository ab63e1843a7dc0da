"""The tools that work on the text and the lists they are given, and touch no file."""

from __future__ import annotations

import json

from goflow.toolbox.place import LARGEST_READ, MIB
from goflow.toolbox.registry import ToolError, listing, record, string, tool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_CELLS = 1_000_000


@tool(arguments={"text": string("The text to give back.")})
def echo(text: str) -> str:
    """Give the text back unchanged."""
    return text


@tool(
    arguments={"text": string("The text to count in.")},
    result=record(lines="integer", words="integer", characters="integer"),
)
def word_count(text: str) -> dict[str, Any]:
    """Count lines, words and characters. Words are separated by white space; a last line without
    a line feed counts as one."""
    lines = text.count("\n") + (text != "" and not text.endswith("\n"))
    return {"lines": lines, "words": len(text.split()), "characters": len(text)}


@tool(
    arguments={
        "text": string("The text to search."),
        "find": string("The text to look for, as it is: not a regular expression.", minLength=1),
        "ignore_case": {"type": "boolean", "description": "Take A and a for the same."},
    },
    result=record(
        count={"type": "integer", "description": "How often it was found, overlaps left out."},
        lines=listing(record(line="integer", text="string")),
    ),
)
def find_text(text: str, find: str, ignore_case: bool = False) -> dict[str, Any]:
    """Find the lines that contain a text. Lines are numbered from 1."""
    # Plain search: a regular expression from outside could take for ever.
    if "\n" in find:
        raise ToolError("argument 'find' must be within one line")
    sought = find.casefold() if ignore_case else find
    count = 0
    lines = []
    # A line is given once, however often it matches: the answer is never larger than the text.
    for number, line in enumerate(text.split("\n"), 1):
        found = (line.casefold() if ignore_case else line).count(sought)
        if found:
            count += found
            lines.append({"line": number, "text": line})
    return {"count": count, "lines": lines}


@tool(
    arguments={
        "text": string("The text to change."),
        "old": string("What to replace, as it is: not a regular expression.", minLength=1),
        "new": string("What to put in its place."),
    }
)
def replace_text(text: str, old: str, new: str) -> str:
    """Replace every occurrence of a text by another and give the changed text."""
    # Counted first: a few short arguments can ask for more than there is memory.
    if len(text) + text.count(old) * (len(new) - len(old)) > LARGEST_READ:
        raise ToolError(
            f"the changed text would be too large: the limit is {LARGEST_READ // MIB} MiB"
        )
    return text.replace(old, new)


@tool(
    arguments={
        "rows": {
            "type": "array",
            "items": {"type": "object"},
            "description": "The rows, each an object of column name and cell.",
        },
        "columns": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The columns to show, in order; by default all, as they first appear.",
        },
    }
)
def markdown_table(rows: list[dict[str, Any]], columns: list[str] | None = None) -> str:
    """Write a list of objects as a Markdown table. A missing or null cell is empty; a number is
    aligned to the right when its whole column is numbers; lists and objects are written as JSON."""
    names = columns_of(rows, columns)
    head = "| " + " | ".join(_cell(name) for name in names) + " |"
    rule = "| " + " | ".join("---:" if _numeric(rows, name) else "---" for name in names) + " |"
    body = ["| " + " | ".join(_cell(row.get(name)) for name in names) + " |" for row in rows]
    return "\n".join([head, rule, *body]) + "\n"


def columns_of(rows: list[dict[str, Any]], columns: list[str] | None) -> list[str]:
    """The columns of a table of rows: those asked for, or all in the order they first appear."""
    names = (
        list(dict.fromkeys(name for row in rows for name in row)) if columns is None else columns
    )
    if not names:
        raise ToolError("a table needs at least one column")
    # Rows that have no column in common would make a table that is the square of what was given.
    if len(rows) * len(names) > MOST_CELLS:
        raise ToolError(f"the table would have more than {MOST_CELLS} cells")
    return names


def plain(value: Any) -> str:
    """A cell's text: a string as it is, null as nothing, everything else as compact JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _cell(value: Any) -> str:
    text = plain(value).replace("\\", "\\\\").replace("|", "\\|")
    return "<br>".join(text.splitlines())


def _numeric(rows: list[dict[str, Any]], name: str) -> bool:
    cells = [row[name] for row in rows if row.get(name) is not None]
    return bool(cells) and all(type(cell) in (int, float) for cell in cells)
