"""The text tools, one promise at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from toolbox.client import Client


@pytest.mark.parametrize("text", ["", "x", '{"a": 1}', "a\nb", "é😀\0"])
def test_echo_gives_the_text_back(box: Client, text: str) -> None:
    assert box.call("echo", text=text) == text
    assert "structuredContent" not in box.result("echo", text=text)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", (0, 0, 0)),
        ("one", (1, 1, 3)),
        ("one two\n", (1, 2, 8)),
        ("a\n\nb", (3, 2, 4)),
        ("\n", (1, 0, 1)),
        ("é 😀", (1, 2, 3)),
    ],
)
def test_word_count_counts_lines_words_and_characters(
    box: Client, text: str, counts: tuple[int, int, int]
) -> None:
    expected = dict(zip(("lines", "words", "characters"), counts, strict=True))
    assert box.call("word_count", text=text) == expected


def test_find_text_gives_the_lines_that_hold_it(box: Client) -> None:
    text = "an apple\nBanana\nnone\n"
    assert box.call("find_text", text=text, find="an") == {
        "count": 3,
        "lines": [{"line": 1, "text": "an apple"}, {"line": 2, "text": "Banana"}],
    }
    assert box.call("find_text", text=text, find="BANANA", ignore_case=True)["count"] == 1
    assert box.call("find_text", text=text, find="a.") == {"count": 0, "lines": []}


def test_find_text_gives_a_line_once_however_often_it_matches(box: Client) -> None:
    text = "a" * 100_000
    assert box.call("find_text", text=text, find="a") == {
        "count": 100_000,
        "lines": [{"line": 1, "text": text}],
    }


def test_find_text_looks_for_something_within_a_line(box: Client) -> None:
    assert "'find'" in box.failure("find_text", text="a\nb", find="a\nb")
    assert "'find'" in box.failure("find_text", text="a", find="")


def test_replace_text_replaces_every_occurrence(box: Client) -> None:
    assert box.call("replace_text", text="a.b.c", old=".", new="--") == "a--b--c"
    assert box.call("replace_text", text="aaa", old="a", new="") == ""
    assert box.call("replace_text", text="x", old="y", new="z") == "x"
    assert "'old'" in box.failure("replace_text", text="x", old="", new="z")


def test_replace_text_refuses_to_make_more_than_there_is_room_for(box: Client) -> None:
    message = box.failure("replace_text", text="a" * 100_000, old="a", new="b" * 100_000)
    assert message == "the changed text would be too large: the limit is 32 MiB"
    assert box.request("ping") == {}


def test_markdown_table_shows_all_columns_as_they_first_appear(box: Client) -> None:
    rows = [{"name": "a", "n": 1}, {"n": 2.5, "more": True}, {}]
    assert box.call("markdown_table", rows=rows) == (
        "| name | n | more |\n| --- | ---: | --- |\n| a | 1 |  |\n|  | 2.5 | true |\n|  |  |  |\n"
    )


def test_markdown_table_shows_the_columns_asked_for(box: Client) -> None:
    table = box.call("markdown_table", rows=[{"a": 1, "b": 2}], columns=["b", "c"])
    assert table == "| b | c |\n| ---: | --- |\n| 2 |  |\n"
    assert box.call("markdown_table", rows=[], columns=["b"]) == "| b |\n| --- |\n"


def test_markdown_table_keeps_every_cell_in_its_cell(box: Client) -> None:
    rows = [{"a|b": "x|y\nz\\", "c": {"k": [1, None, "é"]}}]
    assert box.call("markdown_table", rows=rows) == (
        '| a\\|b | c |\n| --- | --- |\n| x\\|y<br>z\\\\ | {"k":[1,null,"é"]} |\n'
    )


def test_markdown_table_needs_a_column(box: Client) -> None:
    for rows in ([], [{}]):
        message = box.failure("markdown_table", rows=rows)
        assert message == "a table needs at least one column"


def test_markdown_table_refuses_a_table_that_is_the_square_of_its_rows(box: Client) -> None:
    rows = [{f"column {number}": 1} for number in range(1001)]
    assert "more than 1000000 cells" in box.failure("markdown_table", rows=rows)
