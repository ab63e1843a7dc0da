"""What the documentation shows is what happens."""

import sys
from pathlib import Path

import pytest
from support.pages import Mismatch, blocks, play

ROOT = Path(__file__).parents[2]
WRITTEN = sorted(
    path for path in (ROOT / "docs").rglob("*.md")
    if path.parent.name != "reference" and any(blocks(path.read_text()))
)  # fmt: skip


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: path.stem)
def test_a_page_shows_what_happens(page, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert play(page, tmp_path) > 0


def page_of(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    return page


def test_a_caption_names_a_file(tmp_path):
    text = "```{code-block} python\n:caption: more/it.py\nprint(6 * 7)\n```\n"
    text += "```console\n$ python more/it.py\n42\n```\n"
    assert play(page_of(tmp_path, text), tmp_path) == 2


def test_a_transcript_that_differs_is_found(tmp_path):
    with pytest.raises(Mismatch, match=r"page.md:2: \$ echo 2"):
        play(page_of(tmp_path, "```console\n$ echo 2\n3\n```\n"), tmp_path)


def test_times_and_dots_match_anything(tmp_path):
    text = "```console\n$ printf 'a 12 ms\\nb\\nc\\nd 1\\n'\na 3 s\n...\nd ...\n```\n"
    assert play(page_of(tmp_path, text), tmp_path) == 1


def test_code_that_fails_is_found(tmp_path):
    with pytest.raises(Mismatch, match="ZeroDivisionError"):
        play(page_of(tmp_path, "```python\n1 / 0\n```\n"), tmp_path)


def test_the_reference_is_written_out_of_the_code(tmp_path):
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import reference_pages
    finally:
        sys.path.pop(0)
    (tmp_path / "reference").mkdir()
    reference_pages.write(tmp_path)
    pages = {path.stem: path.read_text() for path in (tmp_path / "reference").iterdir()}
    assert set(pages) == set(reference_pages.PAGES)
    drawn = {path.stem for path in (tmp_path / "pictures").iterdir()}
    assert drawn == set(reference_pages.DRAWN)
    assert (
        "| `server` | text | required | The id of the server. Also: `server_id`. |"
        in pages["format"]
    )
    assert "| `split(text, separator)` |" in pages["functions"]
    assert "## GF203" in pages["findings"]
    assert "## goflow servers add" in pages["commands"].replace("#### ", "## ").replace(
        "### ", "## "
    )
    assert "ToolFailed" in pages["errors"]
    assert "`node_started`: `node`, `path`" in pages["events"]
