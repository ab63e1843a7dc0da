"""The tools that read and write data files: JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import re

from goflow.toolbox.place import LARGEST_READ
from goflow.toolbox.registry import ToolError, flag, listing, record, string, tool
from goflow.toolbox.tools_files import PATH, WRITTEN, read_utf8
from goflow.toolbox.tools_text import columns_of, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from goflow.toolbox.folder import Folder

csv.field_size_limit(LARGEST_READ)  # A cell may be as large as a file.

# JSON's own numbers, so that 007 and 1_000 stay text.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,308})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")


@tool(
    access="read",
    arguments={"path": PATH},
    result=record(result={"description": "The value in the file."}),
)
def read_json(folder: Folder, path: str) -> dict[str, Any]:
    """Read a JSON file and give its value as `result`."""
    text = read_utf8(folder, path).removeprefix("\ufeff")
    try:
        return {"result": json.loads(text, parse_constant=_not_json)}
    except RecursionError:
        raise ToolError(f"{path!r} is nested too deeply") from None
    except ValueError as error:
        raise ToolError(f"{path!r} is not JSON: {error}") from None


@tool(
    access="write",
    destructive=True,
    arguments={
        "path": PATH,
        "value": {"description": "The value to write: anything that JSON can hold."},
        "indent": {
            "type": "integer",
            "minimum": 0,
            "maximum": 8,
            "description": "Blanks for each level; 0 writes all of it in one line.",
        },
    },
    result=WRITTEN,
)
def write_json(folder: Folder, path: str, value: Any, indent: int = 2) -> dict[str, Any]:
    """Write a value to a JSON file, over what was there, atomically."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=int(indent) or None)
    except RecursionError:
        raise ToolError("argument 'value' is nested too deeply") from None
    with folder.at(path) as place:
        return {"path": place.path, "size": place.replace([text.encode(), b"\n"])}


@tool(
    access="read",
    arguments={
        "path": PATH,
        "numbers": flag("Give cells that are JSON numbers as numbers; without it all is text."),
        "separator": string("What separates the cells.", minLength=1, maxLength=1),
    },
    result=record(columns=listing({"type": "string"}), rows=listing({"type": "object"})),
)
def read_csv(
    folder: Folder, path: str, numbers: bool = False, separator: str = ","
) -> dict[str, Any]:
    """Read a CSV file whose first line names the columns; each row becomes an object. Empty lines
    are left out; a row with more or fewer cells than columns is an error."""
    if separator in '"\r\n':
        raise ToolError("argument 'separator' must not be a quote or a line end")
    text = read_utf8(folder, path).removeprefix("\ufeff")
    try:
        # Lines are given with their ends: those inside a cell in quotes belong to the cell.
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        columns = next(lines, [])
        if len(set(columns)) < len(columns):
            raise ToolError(f"{path!r} has two columns of the same name")
        rows: list[dict[str, Any]] = []
        # Each row spells every column's name: long names and many rows multiply.
        room = LARGEST_READ * 8 // (sum(map(len, columns)) + 1)
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(columns):
                raise ToolError(
                    f"{path!r} line {lines.line_num}: {len(cells)} cells for {len(columns)} columns"
                )
            if len(rows) > room:
                raise ToolError(f"{path!r} has too many rows for names of columns that long")
            values: list[Any] = [_number(cell) for cell in cells] if numbers else cells
            rows.append(dict(zip(columns, values, strict=True)))
    except csv.Error as error:
        raise ToolError(f"{path!r} is not CSV: {error}") from None
    return {"columns": columns, "rows": rows}


@tool(
    access="write",
    destructive=True,
    arguments={
        "path": PATH,
        "rows": {
            "type": "array",
            "items": {"type": "object"},
            "description": "The rows, each an object of column name and cell.",
        },
        "columns": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The columns to write, in order; by default all, as they first appear.",
        },
    },
    result=WRITTEN,
)
def write_csv(
    folder: Folder, path: str, rows: list[dict[str, Any]], columns: list[str] | None = None
) -> dict[str, Any]:
    """Write a list of objects to a CSV file, over what was there, atomically. A missing or null
    cell is empty; lists and objects are written as JSON."""
    names = columns_of(rows, columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([plain(row.get(name)) for name in names] for row in rows)
    with folder.at(path) as place:
        return {"path": place.path, "size": place.replace([text.getvalue().encode()])}


def _number(cell: str) -> str | int | float:
    match = _NUMBER.fullmatch(cell)
    if not match:
        return cell
    if match[1] is None and match[2] is None:
        return int(cell)
    value = float(cell)
    return value if abs(value) != float("inf") else cell


def _not_json(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
