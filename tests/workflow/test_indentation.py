"""A line that stands too far left or right is found by its neighbours."""

from pathlib import Path

import pytest

import goflow
from goflow.workflow.indentation import misplaced

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
TEXT = """\
version: "1.0"
name: x
nodes:
  - {id: start, type: start}
  - id: a
    expression: |
      1 +
        2
    type: transform
    output: b
  - {id: end, type: end}
edges:
  - {from: start, to: a}
  - {from: a, to: end}
""".splitlines()


def moved(line, by):
    """The text with that line, from 1, moved to the right."""
    text = TEXT[line - 1]
    column = len(text) - len(text.lstrip()) + by
    return [*TEXT[: line - 1], " " * column + text.lstrip(), *TEXT[line:]]


@pytest.mark.parametrize("by", [-2, -1, 1, 2, 3])
@pytest.mark.parametrize(
    ("line", "others"),
    [
        (5, "the other items of its list in 3"),
        (6, "the keys beside it in 5"),
        (10, "the keys beside it in 5"),
        (11, "the other items of its list in 3"),
        (14, "the other items of its list in 3"),
    ],
)
def test_the_hint_names_the_column_of_the_line_and_that_of_its_neighbours(line, others, by):
    (found,) = goflow.validate("\n".join(moved(line, by)) + "\n").findings
    column = len(TEXT[line - 1]) - len(TEXT[line - 1].lstrip()) + by + 1
    assert (found.code, found.line, found.column) == ("GF101", line, column)
    assert found.hint == f"this line begins in column {column}, {others}"


@pytest.mark.parametrize("by", [1, 2, 3])
@pytest.mark.parametrize("line", [2, 3, 12])
def test_a_key_of_the_workflow_belongs_in_the_first_column(line, by):
    (found,) = goflow.validate("\n".join(moved(line, by)) + "\n").findings
    assert found.hint == f"this line begins in column {by + 1}, the keys beside it in 1"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_nothing_is_misplaced_in_a_text_that_can_be_read(file):
    lines = file.read_text().splitlines()
    assert misplaced(lines, len(lines)) is None


def test_texts_over_lines_flow_collections_and_lists_beneath_their_key_are_in_place():
    text = (
        'a:\n- b: "x\n y: z"\n  c: {d: 1,\n e: [2,\n  3]}\n-\n  f: >-\n   g: h\n  i: 1\nj: k\n  l\n'
    )
    assert misplaced(text.splitlines(), 100) is None
