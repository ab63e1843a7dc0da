"""What people write by mistake: where the finding points, and what it says to do."""

import pytest
from support.mistakes import HEAD, LINE, START_END, THROUGH

import goflow

A = "  - {id: a, type: transform, expression: '1', output: x}\n"
LOOP = "  - {id: each, type: loop, collection: [1], item: row, body: [m]}\n"
WRITTEN = {
    "a comment that cuts an expression off": (
        HEAD + START_END + "  - id: a\n    type: transform\n    expression: map([1], # * 2)\n"
        + THROUGH,
        "GF301", " # * 2", "in YAML ' #' begins a comment: put the text in quotes",
    ),
    "an escape that YAML does not have": (
        HEAD + 'description: "\\${x}"\n' + START_END + LINE,
        "GF101", "\\$", "use '…', and '$${' for a literal '${'",
    ),
    "one space too few": (
        HEAD + START_END + "  - id: a\n   type: passthrough\n" + LINE,
        "GF101", "type:", "this line begins in column 4, the keys beside it in 5",
    ),
    "a text that begins with a bracket": (
        HEAD + START_END + "  - id: a\n    type: transform\n    expression: [x] + [1]\n" + LINE,
        "GF101", "+", "quote a text that begins with '['",
    ),
    "an interpolation in a flow map": (
        HEAD + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: ${x}}\n",
        "GF101", "{x}", "quote a text that holds '${…}'",
    ),
    "a word of another language": (
        HEAD + START_END + "  - {id: a, type: passthrough, if: 1 > 0 AND 2 > 1}\n" + THROUGH,
        "GF301", "AND", "write 'and' or '&&'",
    ),
    "one equals sign": (
        HEAD + START_END + "  - {id: a, type: passthrough, if: 1 = 1}\n" + THROUGH,
        "GF301", "= 1", "compare with '=='",
    ),
    "a dot before a filter": (
        HEAD + START_END + "  - {id: a, type: transform, expression: '$.[?@.b]'}\n" + THROUGH,
        "GF301", "[?", "write '$['",
    ),
    "a mistake on the second line of a text": (
        HEAD + START_END
        + "  - id: a\n    type: transform\n    expression: |\n      1 +\n      2 2\n" + THROUGH,
        "GF301", "2\n", None,
    ),
    "a name on the second line of a template": (
        HEAD + START_END
        + "  - id: a\n    type: transform\n    expression: |\n      template:\n      ${b} x\n"
        + THROUGH,
        "GF302", "b} x", None,
    ),
    "a node's name with a dash": (
        HEAD + START_END + "  - {id: get-it, type: passthrough}\n"
        + "  - {id: a, type: transform, expression: get-it.output}\n" + THROUGH,
        "GF302", "get-it.", "that node is nodes[\"get-it\"].output",
    ),
    "a node's name for its result": (
        HEAD + START_END + A + "  - {id: b, type: transform, expression: a + 1}\n" + THROUGH,
        "GF302", "a + 1", "the result of a node is nodes.a.output",
    ),
    "a node's name, misspelt": (
        HEAD + START_END + "  - {id: total, type: passthrough}\n"
        + "  - {id: a, type: transform, expression: totl}\n" + THROUGH,
        "GF302", "totl", "did you mean the result of a node, nodes.total.output?",
    ),
    "the item by its usual name": (
        HEAD + START_END + LOOP + "  - {id: m, type: transform, expression: item}\n" + LINE,
        "GF302", "item}", "in the loop 'each' it is called 'row'",
    ),
    "a type of another language": (
        HEAD + "variables:\n  - {name: x, type: integer}\n" + START_END + LINE,
        "GF106", "integer", "write 'number'",
    ),
    "a word for a list": (
        HEAD + START_END + "  - {id: a, type: loop, collection: [1], body: m}\n" + THROUGH,
        "GF104", "m}", "write [m]",
    ),
    "a map for a list": (
        HEAD + "servers:\n  files: {command: x}\n" + START_END + LINE,
        "GF104", "servers:", "each item begins with '- '",
    ),
    "yes for true": (
        HEAD + START_END + "  - {id: a, type: condition, condition: 1 > 0}\nedges:\n"
        + "  - {from: start, to: a}\n  - {from: a, to: end, when: yes}\n",
        "GF209", "yes", 'write "true"',
    ),
    "a member of a number": (
        HEAD + "variables:\n  - {name: n, type: number, default: 1}\n" + START_END
        + "  - {id: a, type: transform, expression: n.size}\n" + THROUGH,
        "GF307", "size", None,
    ),
    "a key of the workflow, misspelt": (
        HEAD + START_END.replace("nodes:", "node:") + LINE,
        "GF103", "node:", "did you mean 'nodes'?",
    ),
    "a command line for a command": (
        HEAD + "servers:\n  - {id: s, command: [python, x.py]}\n" + START_END + LINE,
        "GF104", "command:", "the words behind it in 'args'",
    ),
    "a place in a jq program": (
        HEAD + START_END + "  - {id: a, type: transform, expression: jq(.a | lenght)}\n" + THROUGH,
        "GF301", "lenght", None,
    ),
    "a name in a server's definition": (
        HEAD + "servers:\n  - {id: s, command: x, args: ['--in=${folder}']}\n" + START_END + LINE,
        "GF302", "${folder}", "only ${env.NAME} and ${secret.NAME}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRITTEN)
def test_a_mistake_is_shown_at_its_place_with_what_to_do(what):
    text, code, place, hint = WRITTEN[what]
    found = next(f for f in goflow.validate(text) if f.code == code)
    rest = "\n".join(text.split("\n")[found.line - 1 :])[found.column - 1 :]
    assert rest.startswith(place)
    assert hint is None or hint in found.hint


def codes(text):
    return [finding.code for finding in goflow.validate(text)]


def test_one_mistake_is_told_once():
    """What follows from a mistake that is told already is no finding of its own."""
    assert codes(HEAD + "nodes: [start]\nedges: []\n") == ["GF104"]
    assert codes(WRITTEN["a key of the workflow, misspelt"][0]) == ["GF103"]
    assert codes(WRITTEN["a word for a list"][0]) == ["GF104"]
    assert codes(WRITTEN["a map for a list"][0]) == ["GF104"]
    unknown = "  - {id: a, type: mcp_tool, server: fils, tool: t}\n"
    servers = "servers:\n  - {id: files, command: x}\n"
    assert codes(HEAD + servers + START_END + unknown + THROUGH) == ["GF401"]
    condition = WRITTEN["yes for true"][0] + "  - {from: a, to: end, when: no, on: success}\n"
    assert codes(condition) == ["GF209", "GF205", "GF209"]


def test_a_loaded_workflow_keeps_what_loading_it_found():
    text = HEAD + "descripton: x\nmax_parallel: 2\n" + START_END + LINE
    assert list(goflow.validate(goflow.load(text))) == list(goflow.validate(text))
    assert codes(text) == ["GF105"]


def test_a_description_and_a_label_are_welcome_anywhere():
    text = (
        HEAD
        + "label: x\nvariables:\n  - {name: v, default: 1, description: x, label: x}\n"
        + "servers:\n  - {id: s, command: x, description: x, label: x}\n"
        + "nodes:\n  - {id: start, type: start, description: x, label: x}\n"
        + "  - id: a\n    type: mcp_tool\n    server: s\n    tool: t\n    description: x\n"
        + "    label: x\n    retry: {max_attempts: 2, description: x, label: x}\n"
        + "    cache: {mode: 'off', description: x, label: x}\n    parameters: {v: '${v}'}\n"
        + "  - {id: end, type: end, description: x, label: x}\n"
        + "edges:\n  - {from: start, to: a, description: x, label: x}\n  - {from: a, to: end}\n"
    )
    assert codes(text) == []


def test_a_node_type_that_there_is_not_is_one_finding_and_its_readers_are_not_blamed():
    text = HEAD + START_END + A.replace("transform", "transfrom") + THROUGH
    read = text.replace("id: end, type: end", "id: end, type: end, return: '${x}'")
    assert read != text
    assert codes(read) == ["GF108"]
