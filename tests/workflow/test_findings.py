"""Each mistake in a file gives its code at its line. The line is marked with ``#!`` in the text."""

from itertools import pairwise

import pytest

import goflow
from goflow.errors import BadCall, WorkflowInvalid
from goflow.workflow.diagnostics import CODES

HEAD = 'version: "1.0"\nname: t\n'
START_END = "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end}\n"
LINE = "edges:\n  - {from: start, to: end}\n"
PLAIN = HEAD + START_END + LINE
THROUGH = "edges:\n  - {from: start, to: a}\n  - {from: a, to: end}\n"
SERVER = "servers:\n  - {id: s, command: x}\n"
CALL = HEAD + START_END + "  - id: a\n    type: mcp_tool\n    server: s\n    tool: t\n"
PLAIN_X = "variables:\n  - {name: x, default: 1}\n"


def chain(*nodes):
    """A workflow of these nodes in a row, and ``m``, a member for them."""
    ids = ["start", *(node.partition("id: ")[2].partition(",")[0] for node in nodes), "end"]
    rows = "".join(f"  - {node}\n" for node in nodes)
    member = "  - {id: m, type: transform, expression: '1'}\n"
    edges = "".join(f"  - {{from: {a}, to: {b}}}\n" for a, b in pairwise(ids))
    return HEAD + START_END + rows + member + "edges:\n" + edges


def beside(*nodes):
    """A workflow of these nodes between start and end, all at once."""
    ids = [node.partition("id: ")[2].partition(",")[0] for node in nodes]
    rows = "".join(f"  - {node}\n" for node in nodes)
    edges = "".join(f"  - {{from: start, to: {i}}}\n  - {{from: {i}, to: end}}\n" for i in ids)
    return HEAD + START_END + rows + "edges:\n" + edges


def typed(expression):
    """A workflow with a number, ``limit``, and one transform."""
    return (
        HEAD
        + "variables:\n  - {name: limit, type: number, default: 3}\n"
        + START_END
        + f'  - {{id: a, type: transform, expression: "{expression}"}} #!\n'
        + THROUGH
    )


MISTAKES = {
    "no version": ("GF103", "name: t #!\n" + START_END + LINE),
    "another major version": ("GF107", 'version: "2.0" #!\nname: t\n' + START_END + LINE),
    "a version that is no number": ("GF107", "version: true #!\nname: t\n" + START_END + LINE),
    "no name": ("GF103", 'version: "1.0" #!\n' + START_END + LINE),
    "a name that is no text": ("GF104", 'version: "1.0"\nname: 5 #!\n' + START_END + LINE),
    "no nodes": ("GF103", 'version: "1.0" #!\nname: t\nedges: []\n'),
    "nodes that are no list": ("GF104", HEAD + "nodes: {} #!\nedges: []\n"),
    "a node that is no map": ("GF104", HEAD + "nodes:\n  - start #!\n" + LINE),
    "a list for a workflow": ("GF104", "- a #!\n- b\n"),
    "a repeated key": ("GF102", HEAD + "name: u #!\n" + START_END + LINE),
    "two names of one key": (
        "GF102",
        HEAD
        + START_END
        + "edges:\n  - {from: start, to: end, condition: 'true', when: 'true'} #!\n",
    ),
    "an unknown key": ("GF105", HEAD + "descripton: x #!\n" + START_END + LINE),
    "broken YAML": ("GF101", HEAD + "nodes: [\n  }  #!\n"),
    "a tab": ("GF101", HEAD + "nodes:\n\t- {id: start, type: start} #!\n"),
    "a duration": ("GF106", HEAD + "timeout: 5 parsecs #!\n" + START_END + LINE),
    "a negative duration": ("GF106", HEAD + "timeout: -5 #!\n" + START_END + LINE),
    "no parallelism": ("GF106", HEAD + "max_parallel: 0 #!\n" + START_END + LINE),
    "a fraction of parallelism": ("GF106", HEAD + "max_parallel: 1.5 #!\n" + START_END + LINE),
    # variables
    "a variable's name": ("GF106", PLAIN + "variables:\n  - {name: a-b} #!\n"),
    "a reserved variable": ("GF106", PLAIN + "variables:\n  - {name: nodes} #!\n"),
    "a variable's type": ("GF106", PLAIN + "variables:\n  - {name: a, type: text} #!\n"),
    "a variable twice": ("GF110", PLAIN + "variables:\n  - {name: a}\n  - {name: a} #!\n"),
    "a default of another type": (
        "GF501",
        PLAIN + "variables:\n  - {name: a, type: number, default: '5'} #!\n",
    ),
    "an unused variable": ("GF502", PLAIN + "variables:\n  - {name: a} #!\n"),
    # servers
    "a server without id": ("GF103", PLAIN + "servers:\n  - {command: x} #!\n"),
    "a server without command": ("GF103", PLAIN + "servers:\n  - {id: a} #!\n"),
    "an http server without url": ("GF103", PLAIN + "servers:\n  - {id: a, transport: http} #!\n"),
    "a transport": ("GF106", PLAIN + "servers:\n  - {id: a, command: x, transport: tcp} #!\n"),
    "a server's id": ("GF106", PLAIN + "servers:\n  - {id: a b, command: x} #!\n"),
    "a server twice": (
        "GF110",
        PLAIN + "servers:\n  - {id: a, command: x}\n  - {id: a, command: x} #!\n",
    ),
    "an argument that is no text": (
        "GF104",
        PLAIN + "servers:\n  - {id: a, command: x, args: [5]} #!\n",
    ),
    "an environment value that is no text": (
        "GF104",
        PLAIN + "servers:\n  - id: a\n    command: x\n    env:\n      PORT: 80 #!\n",
    ),
    "a mode": ("GF106", PLAIN + "servers:\n  - {id: a, command: x, mode: fast} #!\n"),
    "an unused server": ("GF402", PLAIN + "servers:\n  - {id: a, command: x} #!\n"),
    # nodes
    "no type": ("GF103", HEAD + "nodes:\n  - {id: start} #!\n  - {id: end, type: end}\n" + LINE),
    "an unknown type": (
        "GF108",
        HEAD + "nodes:\n  - {id: start, type: strat} #!\n  - {id: end, type: end}\n" + LINE,
    ),
    "no id": ("GF103", HEAD + "nodes:\n  - {type: start} #!\n  - {id: end, type: end}\n" + LINE),
    "a node's id": (
        "GF106",
        HEAD + "nodes:\n  - {id: a b, type: start} #!\n  - {id: end, type: end}\nedges: []\n",
    ),
    "a node twice": ("GF110", HEAD + START_END + "  - {id: end, type: end} #!\n" + LINE),
    "no start": ("GF201", HEAD + "nodes: #!\n  - {id: end, type: end}\nedges: []\n"),
    "two starts": ("GF201", HEAD + START_END + "  - {id: s2, type: start} #!\n" + LINE),
    "no end": ("GF202", HEAD + "nodes: #!\n  - {id: start, type: start}\nedges: []\n"),
    "no such server": (
        "GF401",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: nope, tool: x} #!\n" + LINE,
    ),
    "a tool node without tool": (
        "GF103",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: s} #!\n" + LINE,
    ),
    "a result": (
        "GF106",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: s, tool: t, result: x} #!\n" + LINE,
    ),
    "an output that is no name": (
        "GF106",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1', output: a.b} #!\n" + LINE,
    ),
    "a reserved output": (
        "GF106",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1', output: run} #!\n" + LINE,
    ),
    "a transform without expression": (
        "GF103",
        HEAD + START_END + "  - {id: a, type: transform} #!\n" + LINE,
    ),
    "a transform's kind": (
        "GF106",
        HEAD + START_END + "  - {id: a, type: transform, expression: x, kind: awk} #!\n" + LINE,
    ),
    "a pattern": (
        "GF301",
        HEAD
        + START_END
        + '  - {id: a, type: transform, expression: \'"x" matches "("\'} #!\n'
        + LINE,
    ),
    "a JSONPath": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: '$.a[?(@ ==)]'} #!\n" + LINE,
    ),
    "a JSONPath with a value in it": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: '$.a[${n} &]'} #!\n" + LINE,
    ),
    "jq that is no text": (
        "GF104",
        HEAD + START_END + "  - {id: a, type: transform, expression: 5, kind: jq} #!\n" + LINE,
    ),
    "a value in a jq program": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a + ${})'} #!\n" + LINE,
    ),
    "an unknown name in a jq program": (
        "GF302",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a + ${x})'} #!\n" + LINE,
    ),
    "jq that is not closed": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a'} #!\n" + LINE,
    ),
    "a retry without attempts": (
        "GF106",
        HEAD
        + START_END
        + "  - id: a\n    type: transform\n    expression: '1'\n"
        + "    retry: {max_attempts: 0} #!\n"
        + LINE,
    ),
    "an on_error": (
        "GF106",
        HEAD
        + START_END
        + "  - {id: a, type: transform, expression: '1', on_error: ignore} #!\n"
        + LINE,
    ),
    "a cache that is asked for": (
        "GF109",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1', cache: true} #!\n" + LINE,
    ),
    # edges
    "an edge from nowhere": ("GF203", PLAIN + "  - {from: strat, to: end} #!\n"),
    "an edge to nowhere": ("GF203", PLAIN + "  - {from: start, to: nod} #!\n"),
    "an edge without end": ("GF103", PLAIN + "  - {from: start} #!\n"),
    "a self loop": ("GF204", PLAIN + "  - {from: end, to: end} #!\n"),
    "an edge twice": ("GF205", PLAIN + "  - {from: start, to: end} #!\n"),
    "an edge's on": ("GF106", PLAIN + "  - {from: start, to: end, on: failure} #!\n"),
    "a cycle": (
        "GF206",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough}\n  - {id: b, type: passthrough}\n"
        + LINE
        + "  - {from: start, to: a}\n  - {from: a, to: b} #!\n  - {from: b, to: a}\n"
        + "  - {from: b, to: end}\n",
    ),
    "an unreachable node": (
        "GF207",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough} #!\n"
        + LINE
        + "  - {from: a, to: end}\n",
    ),
    "a dead end": (
        "GF208",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough} #!\n"
        + LINE
        + "  - {from: start, to: a}\n",
    ),
    "a condition without false": (
        "GF209",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'} #!\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n",
    ),
    "a plain edge from a condition": (
        "GF209",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'}\n  - {id: p, type: passthrough}\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n"
        + "  - {from: c, to: p} #!\n  - {from: p, to: end}\n",
    ),
    # expressions
    "a condition's syntax": (
        "GF301",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 >'} #!\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n",
    ),
    "an 'if' with a mistake": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: passthrough, if: '1 +'} #!\n" + LINE,
    ),
    "an edge's condition": (
        "GF301",
        PLAIN + "  - {from: start, to: end, on: always, when: '('} #!\n",
    ),
    "an interpolation with a mistake": (
        "GF301",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: 'a ${'} #!\n"
        + LINE,
    ),
    "a transform with a mistake": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1 1'} #!\n" + LINE,
    ),
    "an input with a mistake": (
        "GF301",
        HEAD
        + START_END
        + "  - {id: a, type: transform, expression: '1', input: '1 1'} #!\n"
        + LINE,
    ),
    "a parameter with a mistake": (
        "GF301",
        HEAD
        + START_END
        + "  - id: a\n    type: mcp_tool\n    server: s\n    tool: t\n"
        + "    parameters:\n      deep:\n        - ok\n        - '${1 +}' #!\n"
        + LINE,
    ),
    "an undefined variable": (
        "GF302",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${nope}'} #!\n"
        + LINE,
    ),
    "an input where there is none": (
        "GF302",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${input}'} #!\n"
        + LINE,
    ),
    "an undeclared input": (
        "GF302",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${inputs.x}'} #!\n"
        + LINE,
    ),
    "an unknown node's output": (
        "GF304",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${nodes.x.output}'} #!\n"
        + LINE,
    ),
    "a variable that nothing sets": (
        "GF303",
        HEAD
        + "variables:\n  - {name: v}\n"
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${v}'} #!\n"
        + LINE,
    ),
    "an empty id": ("GF106", PLAIN + "  - {from: '', to: end} #!\n"),
    "an empty condition": ("GF106", PLAIN + "  - {from: start, to: end, on: error, when: ''} #!\n"),
    "an error class with a typo": (
        "GF106",
        HEAD
        + START_END
        + "  - id: a\n    type: transform\n    expression: '1'\n"
        + "    retry: {on: [tool_eror]} #!\n"
        + LINE,
    ),
    "a number without end": (
        "GF101",
        PLAIN + "max_parallel: .inf #!\n",
    ),
    "an integer of a thousand digits": ("GF101", PLAIN + f"timeout: {'9' * 1000} #!\n"),
    "a variable in a server": (
        "GF302",
        PLAIN + "servers:\n  - {id: a, command: x, args: ['${folder}']} #!\n",
    ),
    "an environment variable in a command": (
        "GF302",
        PLAIN + "servers:\n  - {id: a, command: '${env.HOME}/x'} #!\n",
    ),
    "a pool in this release": (
        "GF109",
        PLAIN + "servers:\n  - {id: a, command: x, max_sessions: 3} #!\n",
    ),
    "an element where there is none": (
        "GF301",
        HEAD + START_END + "  - {id: a, type: transform, expression: '# + 1'} #!\n" + LINE,
    ),
    "nodes as a value": (
        "GF301",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${keys(nodes)}'} #!\n"
        + LINE,
    ),
    "an input of a transform without one": (
        "GF302",
        HEAD + START_END + "  - {id: a, type: transform, expression: input} #!\n" + LINE,
    ),
    "a condition of an error edge": (
        "GF301",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'}\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n"
        + "  - {from: c, to: end, on: error, condition: '((('} #!\n",
    ),
    "a sum that is text": (
        "GF305",
        HEAD + START_END + "  - {id: a, type: transform, expression: '${run.id} + 1'} #!\n" + LINE,
    ),
    # what the workflow says of itself
    "a minor version of three parts and more": ("GF107", PLAIN.replace('"1.0"', "1.0.0.0 #!")),
    "a version that is a word": ("GF107", PLAIN.replace('"1.0"', '"1.x" #!')),
    "a time of creation": ("GF104", PLAIN + "metadata:\n  created: yesterday #!\n"),
    "tags that are one text": ("GF104", PLAIN + "metadata:\n  tags: a b #!\n"),
    "an author of a number": ("GF104", PLAIN + "metadata:\n  author: 7 #!\n"),
    # credentials
    "a credential_ref": (
        "GF106",
        PLAIN + "servers:\n  - {id: a, transport: http, url: u, credential_ref: vault://x} #!\n",
    ),
    "a credential that goes nowhere": (
        "GF103",
        PLAIN + "servers:\n  - {id: a, command: x, credential_ref: 'keyring://x'} #!\n",
    ),
    "a place for no credential": (
        "GF103",
        PLAIN + "servers:\n  - {id: a, command: x, credential_env: TOKEN} #!\n",
    ),
    # policies
    "a cache that is a word": ("GF104", PLAIN + "cache: always #!\n"),
    "a time to live": ("GF106", PLAIN + "cache:\n  ttl: soon #!\n"),
    "a scope of the cache": ("GF106", PLAIN + "cache:\n  scope: global #!\n"),
    "a mode of the cache": ("GF106", PLAIN + "cache:\n  mode: on #!\n"),
    "arguments to ignore that are no list": ("GF104", PLAIN + "cache:\n  ignore: stamp #!\n"),
    "no bytes for the cache": ("GF106", PLAIN + "cache:\n  max_bytes: 0 #!\n"),
    "an unknown key of the cache": ("GF105", PLAIN + "cache:\n  lifetime: 5 #!\n"),
    "a version of the cache": ("GF104", PLAIN + "cache:\n  version: [1] #!\n"),
    "a cache in this release": ("GF109", PLAIN + "cache: true #!\n"),
    "a first delay over the longest": (
        "GF503",
        SERVER + CALL + "    retry:\n      max_attempts: 3\n      initial_delay: 1m #!\n" + THROUGH,
    ),
    "one attempt": ("GF503", SERVER + CALL + "    retry: {max_attempts: 1} #!\n" + THROUGH),
    "a class tried again and never": (
        "GF503",
        SERVER
        + CALL
        + "    retry:\n      max_attempts: 3\n      on: [timeout]\n      skip_on: [timeout] #!\n"
        + THROUGH,
    ),
    "a multiplier that shrinks": (
        "GF106",
        SERVER + CALL + "    retry:\n      max_attempts: 3\n      multiplier: 0.5 #!\n" + THROUGH,
    ),
    "a retry of a condition": (
        "GF504",
        HEAD
        + START_END
        + "  - id: a\n    type: condition\n    condition: '1 > 0'\n"
        + "    retry: {max_attempts: 2} #!\n"
        + LINE,
    ),
    "a timeout of a transform": (
        "GF504",
        HEAD
        + START_END
        + "  - id: a\n    type: transform\n    expression: '1'\n    timeout: 5s #!\n"
        + THROUGH,
    ),
    # loops and parallel nodes
    "a loop over nothing": ("GF103", chain("{id: a, type: loop, body: [m]} #!")),
    "a loop over a number": ("GF104", chain("{id: a, type: loop, collection: 5, body: [m]} #!")),
    "a loop over an empty text": (
        "GF106",
        chain("{id: a, type: loop, collection: '', body: [m]} #!"),
    ),
    "a loop without body": ("GF103", chain("{id: a, type: loop, collection: [1]} #!")),
    "an empty body": ("GF214", chain("{id: a, type: loop, collection: [1], body: []} #!")),
    "a member that is no text": (
        "GF104",
        chain("{id: a, type: loop, collection: [1], body: [m, 5]} #!"),
    ),
    "a reserved item": (
        "GF106",
        chain("{id: a, type: loop, collection: [1], item: input, body: [m]} #!"),
    ),
    "a member that does not exist": (
        "GF211",
        chain("{id: a, type: loop, collection: [1], body: [n]} #!"),
    ),
    "a member twice": ("GF212", chain("{id: a, type: loop, collection: [1], body: [m, m]} #!")),
    "a member of two": (
        "GF212",
        chain(
            "{id: a, type: loop, collection: [1], body: [m]}",
            "{id: b, type: loop, collection: [1], body: [m]} #!",
        ),
    ),
    "a loop in itself": (
        "GF213",
        chain("{id: a, type: loop, collection: [1], body: [m, a]} #!"),
    ),
    "loops in a circle": (
        "GF213",
        chain(
            "{id: a, type: loop, collection: [1], body: [b]} #!",
            "{id: b, type: loop, collection: [1], body: [a]}",
        ),
    ),
    "an end in a loop": (
        "GF215",
        chain("{id: a, type: loop, collection: [1], body: [m, end]} #!"),
    ),
    "a condition in a loop": (
        "GF216",
        chain(
            "{id: a, type: loop, collection: [1], body: [m, c]} #!",
            "{id: c, type: condition, condition: item > 1}",
        ),
    ),
    "a parallel loop that breaks": (
        "GF217",
        chain(
            "{id: a, type: loop, collection: [1], body: [m], parallel: true, "
            "break_condition: item > 1} #!"
        ),
    ),
    "a limit of a loop that has none": (
        "GF504",
        chain("{id: a, type: loop, collection: [1], body: [m], max_parallel: 2} #!"),
    ),
    "an edge to a member": (
        "GF210",
        chain("{id: a, type: loop, collection: [1], body: [m]}") + "  - {from: start, to: m} #!\n",
    ),
    "an edge from a member": (
        "GF210",
        chain("{id: a, type: loop, collection: [1], body: [m]}") + "  - {from: m, to: end} #!\n",
    ),
    "an item outside its loop": (
        "GF302",
        chain(
            "{id: a, type: loop, collection: [1], body: [m]}",
            "{id: b, type: transform, expression: item + 1} #!",
        ),
    ),
    "an item in its own collection": (
        "GF302",
        chain("{id: a, type: loop, collection: 'range(item)', body: [m]} #!"),
    ),
    "a break condition that does not parse": (
        "GF301",
        chain("{id: a, type: loop, collection: [1], body: [m], break_condition: 'item >'} #!"),
    ),
    "no branches": ("GF103", chain("{id: a, type: parallel} #!")),
    "one branch": ("GF214", chain("{id: a, type: parallel, branches: [[m]]} #!")),
    "an empty branch": ("GF214", chain("{id: a, type: parallel, branches: [[m], []]} #!")),
    "a branch that is no list": ("GF104", chain("{id: a, type: parallel, branches: [m, m]} #!")),
    "a merge strategy": (
        "GF106",
        chain("{id: a, type: parallel, branches: [[m], [m]], merge: wait_some} #!"),
    ),
    # workflows and functions
    "a workflow node without workflow": ("GF103", chain("{id: a, type: workflow} #!")),
    "a workflow that does not exist": (
        "GF403",
        chain("{id: a, type: workflow, workflow: no-such} #!"),
    ),
    "inputs that are no map": (
        "GF104",
        chain("{id: a, type: workflow, workflow: no-such, inputs: [1]} #!"),
    ),
    "a function node without function": ("GF103", chain("{id: a, type: function} #!")),
    "arguments that are no map": (
        "GF104",
        chain("{id: a, type: function, function: f, arguments: 5} #!"),
    ),
    # what runs at the same time
    "two writers at the same time": (
        "GF306",
        beside(
            "{id: a, type: transform, expression: '1', output: x}",
            "{id: b, type: transform, expression: '2', output: x} #!",
        ),
    ),
    "a reader beside a writer": (
        "GF306",
        PLAIN_X
        + beside(
            "{id: a, type: transform, expression: '1', output: x}",
            "{id: b, type: transform, expression: 'x + 1'} #!",
        ),
    ),
    "a node's record beside the node": (
        "GF306",
        beside(
            "{id: a, type: transform, expression: '1'}",
            "{id: b, type: transform, expression: 'nodes.a.output'} #!",
        ),
    ),
    # types
    "a number compared with a text": ("GF307", typed("limit > '2'")),
    "a text compared with null": ("GF307", typed("null < 'a'")),
    "a boolean in a sum": ("GF307", typed("limit + true")),
    "a number times a text": ("GF307", typed("limit * 'a'")),
    "a negated text": ("GF307", typed("-'a'")),
    "a prefix of a number": ("GF307", typed("limit startsWith '1'")),
    "a number in a number": ("GF307", typed("1 in limit")),
    "a number that equals a text": ("GF308", typed("limit == '3'")),
    "a count that differs from a text": ("GF308", typed("count([1]) != 'one'")),
    "an output that nobody reads": (
        "GF502",
        chain("{id: a, type: transform, expression: '1', output: x} #!"),
    ),
    "a jq program that does not compile": ("GF301", typed("jq(.a |)")),
    "a function that jq does not have": ("GF301", typed("jq(lenght)")),
    "Python's words": ("GF302", typed("limit == None")),
}


def findings(text):
    return [(finding.code, finding.line) for finding in goflow.validate(text)]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_has_its_code_at_its_line(mistake):
    code, text = MISTAKES[mistake]
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "#!" in row)
    assert (code, line) in findings(text)


def test_every_code_that_the_validator_has_is_tried():
    tried = {code for code, _ in MISTAKES.values()} | {
        "GF111",
        "GF404",
        "GF405",
        "GF406",
        "GF601",
        "GF602",
        "GF603",
    }
    assert tried == set(CODES)


def test_a_plain_workflow_has_no_findings():
    report = goflow.validate(PLAIN)
    assert report.valid
    assert len(report) == 0


def test_all_findings_come_at_once_and_in_the_order_of_lines():
    text = (
        'version: "1.0"\n'
        "nodes:\n"
        "  - {id: start, type: start}\n"
        "  - {id: a, type: nonsense}\n"
        "  - {id: end, type: end, return: '${who}', colour: red}\n"
        "edges:\n"
        "  - {from: start, to: ende}\n"
    )
    report = goflow.validate(text)
    assert [(f.code, f.line) for f in report] == [
        ("GF103", 1),
        ("GF108", 4),
        ("GF302", 5),
        ("GF105", 5),
        ("GF203", 7),
    ]


def test_a_finding_shows_its_line_with_a_caret_under_the_place():
    text = (
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${1 +}'}\n"
        + LINE
    )
    (finding,) = goflow.validate(text)
    row = text.splitlines()[finding.line - 1]
    assert row[finding.column - 1] == "}"
    assert row[: finding.column - 1].endswith("1 +")
    shown = goflow.validate(text).render().splitlines()
    assert shown[2].index("^") - shown[1].index("-") == finding.column - 1 - row.index("-")


def test_strict_makes_warnings_errors():
    _, text = MISTAKES["an unused variable"]
    report = goflow.validate(text)
    assert report.valid
    assert not report.strict().valid


def test_a_cycle_is_named_as_a_whole():
    _, text = MISTAKES["a cycle"]
    (message,) = [f.message for f in goflow.validate(text) if f.code == "GF206"]
    assert message.endswith(("a → b → a", "b → a → b"))


def test_a_report_is_plain_json():
    report = goflow.validate(MISTAKES["no end"][1]).to_dict()
    assert report["valid"] is False
    assert set(report["findings"][0]) == {
        "code", "severity", "message", "path", "line", "column", "hint",
    }  # fmt: skip


def test_load_refuses_a_file_whose_elements_cannot_be_read(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(MISTAKES["an unknown type"][1])
    with pytest.raises(WorkflowInvalid) as caught:
        goflow.load(file)
    assert f"{file}:4:" in str(caught.value)
    assert caught.value.report.errors[0].hint == "did you mean 'start'?"


def test_a_missing_file_is_a_bad_call_that_names_the_nearest(tmp_path):
    (tmp_path / "report.yaml").write_text(PLAIN)
    with pytest.raises(BadCall, match="No such file") as caught:
        goflow.load(tmp_path / "reprot.yaml")
    assert caught.value.hint == "did you mean 'report.yaml'?"
    with pytest.raises(BadCall, match="Is a directory"):
        goflow.validate(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00",
        b"name: \x80\n",
        b"",
        b"null\n",
        b"5\n",
        b"{",
        b"[" * 100_000,
        b"a: " * 50_000,
    ],
)
def test_a_file_that_is_no_workflow_is_a_finding(tmp_path, data):
    file = tmp_path / "odd.yaml"
    file.write_bytes(data)
    report = goflow.validate(file)
    assert not report.valid
    assert report.render()


def test_a_file_over_10_mib_is_refused(tmp_path):
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * (10 * 1024 * 1024 + 1))
    (finding,) = goflow.validate(file)
    assert finding.code == "GF111"


def test_an_alias_bomb_is_refused():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)]
    (finding,) = goflow.validate("".join(rows))
    assert finding.code == "GF111"
    (finding,) = goflow.validate("a: &a\n  b: *a\n")
    assert (finding.code, finding.line) == ("GF101", 2)


@pytest.mark.parametrize(
    "text",
    [
        f"version: 0x1{'f' * 3990}\n",
        f"timeout: 0x1{'f' * 3990}\n",
        f"x: !!float 1{'0' * 400}\n",
        '{"version": ' + "1" * 5000 + "}",
        '{"x": NaN}',
        '{"x": "\\ud800"}',
        '{"\\ud800": 1}',
        'x: "\ud800"\n',
        '{"x": ' + "[" * 900 + "]" * 900 + "}",
        '{"x": ' + "[" * 100_000 + "}",
        "x: !!python/object:os.system y\n",
        "? [a]\n: b\n",
        "a: b\n---\nc: d\n",
        "on_error: {{a: b}: c}\n",
        "\0\n",
    ],
)
def test_hostile_text_gives_a_report(text):
    report = goflow.validate(text)
    assert not report.valid
    assert report.render()
    report.to_dict()


def test_a_path_that_cannot_be_one_is_a_bad_call():
    with pytest.raises(BadCall):
        goflow.validate("a\0b")
