"""The JSON and CSV tools, one promise at a time."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from toolbox.client import Client


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, "é"]}, [], 3, "text", None, {}])
def test_read_json_gives_the_value_as_result(box: Client, root: Path, value: Any) -> None:
    (root / "file").write_text(json.dumps(value))
    assert box.call("read_json", path="file") == {"result": value}


@pytest.mark.parametrize("value", [{"b": 1, "a": [{}]}, [], 3, -0.5, "é\n", None, False, 10**30])
@pytest.mark.parametrize("indent", [None, 0, 1, 4, 2.0])
def test_what_write_json_writes_read_json_reads(box: Client, value: Any, indent: Any) -> None:
    extra = {} if indent is None else {"indent": indent}
    box.call("write_json", path="file", value=value, **extra)
    assert box.call("read_json", path="file") == {"result": value}


def test_write_json_writes_lines_that_people_can_read(box: Client, root: Path) -> None:
    answer = box.call("write_json", path="file", value={"b": [1], "a": "é"})
    text = '{\n  "b": [\n    1\n  ],\n  "a": "é"\n}\n'
    assert (root / "file").read_text() == text
    assert answer == {"path": "file", "size": len(text.encode())}
    box.call("write_json", path="file", value={"b": [1, 2]}, indent=0)
    assert (root / "file").read_text() == '{"b": [1, 2]}\n'


@pytest.mark.parametrize(
    "text",
    ["", "{", "NaN", "[Infinity]", "{'a': 1}", "[1] 2", "[" * 100_000, "9" * 5000, "1e999"],
    ids=range(9),
)
def test_a_file_that_is_not_json_is_an_error(box: Client, root: Path, text: str) -> None:
    (root / "file").write_text(text)
    assert box.failure("read_json", path="file")
    assert box.request("ping") == {}


def test_a_value_at_any_depth_gets_an_answer(box: Client, root: Path) -> None:
    for depth in [*range(900, 1100, 3), 10_000]:
        (root / "file").write_text("[" * depth + "]" * depth)
        box.send(
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
            b'{"name":"read_json","arguments":{"path":"file"}}}'
        )
        # Near the limit, what the server can still write may be more than the client can read.
        assert box.receive_line().startswith(b'{"jsonrpc":"2.0","id":1,')
        line = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_json",'
        line += f'"arguments":{{"path":"out","value":{"[" * depth + "]" * depth}}}}}}}'
        box.send(line.encode())
        assert box.receive_line()
    assert box.request("ping") == {}


def test_read_csv_gives_columns_and_rows_of_text(box: Client, root: Path) -> None:
    (root / "file").write_bytes(b'\xef\xbb\xbfname,n\r\n"a, ""b""",1\r\n\r\n"two\r\nlines",\r\n')
    assert box.call("read_csv", path="file") == {
        "columns": ["name", "n"],
        "rows": [{"name": 'a, "b"', "n": "1"}, {"name": "two\r\nlines", "n": ""}],
    }


def test_read_csv_splits_rows_at_line_ends_only(box: Client, root: Path) -> None:
    (root / "file").write_text("a,b\nx\u2028y,\x0b\x1c\x85\n")
    assert box.call("read_csv", path="file")["rows"] == [{"a": "x\u2028y", "b": "\x0b\x1c\x85"}]


def test_read_csv_gives_numbers_when_asked(box: Client, root: Path) -> None:
    cells = ["1", "-2", "2.50", "1e3", "007", "1_000", "", " 1", "+1", "0x1", "nan", "1e999", "٣"]
    (root / "file").write_text("a\n" + "\n".join(f'"{cell}"' for cell in cells))
    rows = box.call("read_csv", path="file", numbers=True)["rows"]
    assert [row["a"] for row in rows] == [1, -2, 2.5, 1000.0, *cells[4:]]
    assert [type(row["a"]) for row in rows[:4]] == [int, int, float, float]


def test_read_csv_takes_another_separator(box: Client, root: Path) -> None:
    (root / "file").write_text("a;b\n1;2\n")
    assert box.call("read_csv", path="file", separator=";")["rows"] == [{"a": "1", "b": "2"}]
    for separator in ("", "ab", '"', "\n", "\r"):
        assert "'separator'" in box.failure("read_csv", path="file", separator=separator)


def test_read_csv_of_an_empty_file_has_no_columns(box: Client, root: Path) -> None:
    (root / "file").touch()
    assert box.call("read_csv", path="file") == {"columns": [], "rows": []}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1\n", "line 2: 1 cells for 2 columns"),
        ("a\n1\n1,2\n", "line 3: 2 cells for 1 columns"),
        ("a,a\n1,2\n", "two columns of the same name"),
        ('a\n"x', "is not CSV"),
        ('a\n"x"y\n', "is not CSV"),
    ],
)
def test_a_file_that_is_not_csv_is_an_error(box: Client, root: Path, text: str, words: str) -> None:
    (root / "file").write_text(text)
    assert words in box.failure("read_csv", path="file")


def test_read_csv_takes_a_cell_as_large_as_a_file(box: Client, root: Path) -> None:
    (root / "file").write_text("a\n" + "x" * 1_000_000)
    assert len(box.call("read_csv", path="file")["rows"][0]["a"]) == 1_000_000


def test_read_csv_refuses_names_and_rows_that_multiply(box: Client, root: Path) -> None:
    (root / "file").write_text("x" * 1_000_000 + "\n" + "1\n" * 1000)
    assert "too many rows" in box.failure("read_csv", path="file")


def test_write_csv_writes_what_read_csv_reads(box: Client, root: Path) -> None:
    rows = [{"a": 'x, "y"\nz', "b": 1.5}, {"b": None, "c": [1, {"k": True}]}]
    answer = box.call("write_csv", path="file", rows=rows)
    assert answer == {"path": "file", "size": os.path.getsize(root / "file")}
    assert box.call("read_csv", path="file") == {
        "columns": ["a", "b", "c"],
        "rows": [
            {"a": 'x, "y"\nz', "b": "1.5", "c": ""},
            {"a": "", "b": "", "c": '[1,{"k":true}]'},
        ],
    }
    text = (root / "file").read_text()
    assert next(csv.reader(io.StringIO(text))) == ["a", "b", "c"]


def test_write_csv_writes_the_columns_asked_for(box: Client, root: Path) -> None:
    box.call("write_csv", path="file", rows=[{"a": 1, "b": 2}], columns=["b", "x"])
    assert (root / "file").read_text() == "b,x\n2,\n"
