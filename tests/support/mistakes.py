"""Files with one mistake each: its code, what stands where the finding points, and the text.

The line is marked with ``#!`` in the text.
"""

from itertools import pairwise

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
    "no version": ("GF103", "name:", "name: t #!\n" + START_END + LINE),
    "another major version": ("GF107", '"2.', 'version: "2.0" #!\nname: t\n' + START_END + LINE),
    "a version that is no number": (
        "GF107",
        "true",
        "version: true #!\nname: t\n" + START_END + LINE,
    ),
    "no name": ("GF103", "version:", 'version: "1.0" #!\n' + START_END + LINE),
    "a name that is no text": ("GF104", "5", 'version: "1.0"\nname: 5 #!\n' + START_END + LINE),
    "no nodes": ("GF103", "version:", 'version: "1.0" #!\nname: t\nedges: []\n'),
    "nodes that are no list": ("GF104", "nodes:", HEAD + "nodes: {} #!\nedges: []\n"),
    "a node that is no map": ("GF104", "start", HEAD + "nodes:\n  - start #!\n" + LINE),
    "a list for a workflow": ("GF104", "-", "- a #!\n- b\n"),
    "a repeated key": ("GF102", "name:", HEAD + "name: u #!\n" + START_END + LINE),
    "two names of one key": (
        "GF102",
        "when:",
        HEAD
        + START_END
        + "edges:\n  - {from: start, to: end, condition: 'true', when: 'true'} #!\n",
    ),
    "an unknown key": ("GF105", "descripton:", HEAD + "descripton: x #!\n" + START_END + LINE),
    "broken YAML": ("GF101", "}  ", HEAD + "nodes: [\n  }  #!\n"),
    "a tab": ("GF101", "\t", HEAD + "nodes:\n\t- {id: start, type: start} #!\n"),
    "a duration": ("GF106", "5", HEAD + "timeout: 5 parsecs #!\n" + START_END + LINE),
    "a negative duration": ("GF106", "-5", HEAD + "timeout: -5 #!\n" + START_END + LINE),
    "no parallelism": ("GF106", "0", HEAD + "max_parallel: 0 #!\n" + START_END + LINE),
    "a fraction of parallelism": (
        "GF106",
        "1.5",
        HEAD + "max_parallel: 1.5 #!\n" + START_END + LINE,
    ),
    # variables
    "a variable's name": ("GF106", "a-b", PLAIN + "variables:\n  - {name: a-b} #!\n"),
    "a reserved variable": ("GF106", "nodes", PLAIN + "variables:\n  - {name: nodes} #!\n"),
    "a variable's type": ("GF106", "text", PLAIN + "variables:\n  - {name: a, type: text} #!\n"),
    "a variable twice": ("GF110", "a", PLAIN + "variables:\n  - {name: a}\n  - {name: a} #!\n"),
    "a default of another type": (
        "GF501",
        "'5'",
        PLAIN + "variables:\n  - {name: a, type: number, default: '5'} #!\n",
    ),
    "an unused variable": ("GF502", "a", PLAIN + "variables:\n  - {name: a} #!\n"),
    # servers
    "a server without id": ("GF103", "{co", PLAIN + "servers:\n  - {command: x} #!\n"),
    "a server without command": ("GF103", "{id", PLAIN + "servers:\n  - {id: a} #!\n"),
    "an http server without url": (
        "GF103",
        "{id",
        PLAIN + "servers:\n  - {id: a, transport: http} #!\n",
    ),
    "a transport": (
        "GF106",
        "tcp",
        PLAIN + "servers:\n  - {id: a, command: x, transport: tcp} #!\n",
    ),
    "a server's id": ("GF106", "a", PLAIN + "servers:\n  - {id: a b, command: x} #!\n"),
    "a server twice": (
        "GF110",
        "a",
        PLAIN + "servers:\n  - {id: a, command: x}\n  - {id: a, command: x} #!\n",
    ),
    "an argument that is no text": (
        "GF104",
        "5",
        PLAIN + "servers:\n  - {id: a, command: x, args: [5]} #!\n",
    ),
    "an environment value that is no text": (
        "GF104",
        "80",
        PLAIN + "servers:\n  - id: a\n    command: x\n    env:\n      PORT: 80 #!\n",
    ),
    "a mode": ("GF106", "fast", PLAIN + "servers:\n  - {id: a, command: x, mode: fast} #!\n"),
    "an unused server": ("GF402", "a", PLAIN + "servers:\n  - {id: a, command: x} #!\n"),
    # nodes
    "no type": (
        "GF103",
        "{id",
        HEAD + "nodes:\n  - {id: start} #!\n  - {id: end, type: end}\n" + LINE,
    ),
    "an unknown type": (
        "GF108",
        "strat",
        HEAD + "nodes:\n  - {id: start, type: strat} #!\n  - {id: end, type: end}\n" + LINE,
    ),
    "no id": (
        "GF103",
        "{ty",
        HEAD + "nodes:\n  - {type: start} #!\n  - {id: end, type: end}\n" + LINE,
    ),
    "a node's id": (
        "GF106",
        "a",
        HEAD + "nodes:\n  - {id: a b, type: start} #!\n  - {id: end, type: end}\nedges: []\n",
    ),
    "a node twice": ("GF110", "end", HEAD + START_END + "  - {id: end, type: end} #!\n" + LINE),
    "no start": ("GF201", "nodes:", HEAD + "nodes: #!\n  - {id: end, type: end}\nedges: []\n"),
    "two starts": ("GF201", "{id", HEAD + START_END + "  - {id: s2, type: start} #!\n" + LINE),
    "no end": ("GF202", "nodes:", HEAD + "nodes: #!\n  - {id: start, type: start}\nedges: []\n"),
    "no such server": (
        "GF401",
        "nope",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: nope, tool: x} #!\n" + LINE,
    ),
    "a tool node without tool": (
        "GF103",
        "{id",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: s} #!\n" + LINE,
    ),
    "a result": (
        "GF106",
        "x",
        HEAD + START_END + "  - {id: a, type: mcp_tool, server: s, tool: t, result: x} #!\n" + LINE,
    ),
    "an output that is no name": (
        "GF106",
        "a.b",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1', output: a.b} #!\n" + LINE,
    ),
    "a reserved output": (
        "GF106",
        "run",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1', output: run} #!\n" + LINE,
    ),
    "a transform without expression": (
        "GF103",
        "{id",
        HEAD + START_END + "  - {id: a, type: transform} #!\n" + LINE,
    ),
    "a transform's kind": (
        "GF106",
        "awk",
        HEAD + START_END + "  - {id: a, type: transform, expression: x, kind: awk} #!\n" + LINE,
    ),
    "a pattern": (
        "GF301",
        '"("',
        HEAD
        + START_END
        + '  - {id: a, type: transform, expression: \'"x" matches "("\'} #!\n'
        + LINE,
    ),
    "a JSONPath": (
        "GF301",
        ")]'",
        HEAD + START_END + "  - {id: a, type: transform, expression: '$.a[?(@ ==)]'} #!\n" + LINE,
    ),
    "a JSONPath with a value in it": (
        "GF301",
        "&]'",
        HEAD + START_END + "  - {id: a, type: transform, expression: '$.a[${n} &]'} #!\n" + LINE,
    ),
    "jq that is no text": (
        "GF104",
        "5",
        HEAD + START_END + "  - {id: a, type: transform, expression: 5, kind: jq} #!\n" + LINE,
    ),
    "a value in a jq program": (
        "GF301",
        "})'",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a + ${})'} #!\n" + LINE,
    ),
    "an unknown name in a jq program": (
        "GF302",
        "x",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a + ${x})'} #!\n" + LINE,
    ),
    "jq that is not closed": (
        "GF301",
        "'} ",
        HEAD + START_END + "  - {id: a, type: transform, expression: 'jq(.a'} #!\n" + LINE,
    ),
    "a retry without attempts": (
        "GF106",
        "0",
        HEAD
        + START_END
        + "  - id: a\n    type: transform\n    expression: '1'\n"
        + "    retry: {max_attempts: 0} #!\n"
        + LINE,
    ),
    "an on_error": (
        "GF106",
        "ignore",
        HEAD
        + START_END
        + "  - {id: a, type: transform, expression: '1', on_error: ignore} #!\n"
        + LINE,
    ),
    # edges
    "an edge from nowhere": ("GF203", "strat", PLAIN + "  - {from: strat, to: end} #!\n"),
    "an edge to nowhere": ("GF203", "nod", PLAIN + "  - {from: start, to: nod} #!\n"),
    "an edge without end": ("GF103", "{fr", PLAIN + "  - {from: start} #!\n"),
    "a self loop": ("GF204", "{fr", PLAIN + "  - {from: end, to: end} #!\n"),
    "an edge twice": ("GF205", "{fr", PLAIN + "  - {from: start, to: end} #!\n"),
    "an edge's on": ("GF106", "failure", PLAIN + "  - {from: start, to: end, on: failure} #!\n"),
    "a cycle": (
        "GF206",
        "{fr",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough}\n  - {id: b, type: passthrough}\n"
        + LINE
        + "  - {from: start, to: a}\n  - {from: a, to: b} #!\n  - {from: b, to: a}\n"
        + "  - {from: b, to: end}\n",
    ),
    "an unreachable node": (
        "GF207",
        "{id",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough} #!\n"
        + LINE
        + "  - {from: a, to: end}\n",
    ),
    "a dead end": (
        "GF208",
        "{id",
        HEAD
        + START_END
        + "  - {id: a, type: passthrough} #!\n"
        + LINE
        + "  - {from: start, to: a}\n",
    ),
    "a condition without false": (
        "GF209",
        "{id",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'} #!\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n",
    ),
    "a plain edge from a condition": (
        "GF209",
        "{fr",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'}\n  - {id: p, type: passthrough}\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n"
        + "  - {from: c, to: p} #!\n  - {from: p, to: end}\n",
    ),
    # expressions
    "a condition's syntax": (
        "GF301",
        "'} ",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 >'} #!\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n",
    ),
    "an 'if' with a mistake": (
        "GF301",
        "'} ",
        HEAD + START_END + "  - {id: a, type: passthrough, if: '1 +'} #!\n" + LINE,
    ),
    "an edge's condition": (
        "GF301",
        "'} ",
        PLAIN + "  - {from: start, to: end, on: always, when: '('} #!\n",
    ),
    "an interpolation with a mistake": (
        "GF301",
        "'} ",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: 'a ${'} #!\n"
        + LINE,
    ),
    "a transform with a mistake": (
        "GF301",
        "1",
        HEAD + START_END + "  - {id: a, type: transform, expression: '1 1'} #!\n" + LINE,
    ),
    "an input with a mistake": (
        "GF301",
        "1",
        HEAD
        + START_END
        + "  - {id: a, type: transform, expression: '1', input: '1 1'} #!\n"
        + LINE,
    ),
    "a parameter with a mistake": (
        "GF301",
        "}' ",
        HEAD
        + START_END
        + "  - id: a\n    type: mcp_tool\n    server: s\n    tool: t\n"
        + "    parameters:\n      deep:\n        - ok\n        - '${1 +}' #!\n"
        + LINE,
    ),
    "an undefined variable": (
        "GF302",
        "nope",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${nope}'} #!\n"
        + LINE,
    ),
    "an input where there is none": (
        "GF302",
        "input",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${input}'} #!\n"
        + LINE,
    ),
    "an undeclared input": (
        "GF302",
        "x",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${inputs.x}'} #!\n"
        + LINE,
    ),
    "an unknown node's output": (
        "GF304",
        "x.output",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${nodes.x.output}'} #!\n"
        + LINE,
    ),
    "a member that the run does not have": (
        "GF302",
        "nam",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${run.nam}'} #!\n"
        + LINE,
    ),
    "a member that a node's record does not have": (
        "GF302",
        "state",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${nodes[\"start\"].state}'} #!\n"
        + LINE,
    ),
    "the record of a node that comes later": (
        "GF303",
        "b.status",
        chain(
            "{id: a, type: transform, expression: nodes.b.status} #!",
            "{id: b, type: transform, expression: '1'}",
        ),
    ),
    "a variable that nothing sets": (
        "GF303",
        "v",
        HEAD
        + "variables:\n  - {name: v}\n"
        + "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end, return: '${v}'} #!\n"
        + LINE,
    ),
    "an empty id": ("GF106", "'',", PLAIN + "  - {from: '', to: end} #!\n"),
    "an empty condition": (
        "GF106",
        "''}",
        PLAIN + "  - {from: start, to: end, on: error, when: ''} #!\n",
    ),
    "an error class with a typo": (
        "GF106",
        "on:",
        HEAD
        + START_END
        + "  - id: a\n    type: transform\n    expression: '1'\n"
        + "    retry: {on: [tool_eror]} #!\n"
        + LINE,
    ),
    "a number without end": (
        "GF101",
        ".inf",
        PLAIN + "max_parallel: .inf #!\n",
    ),
    "an integer of a thousand digits": (
        "GF101",
        "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
        PLAIN + f"timeout: {'9' * 1000} #!\n",
    ),
    "a variable in a server": (
        "GF302",
        "${folder",
        PLAIN + "servers:\n  - {id: a, command: x, args: ['${folder}']} #!\n",
    ),
    "an environment variable in a command": (
        "GF302",
        "${env",
        PLAIN + "servers:\n  - {id: a, command: '${env.HOME}/x'} #!\n",
    ),
    "an element where there is none": (
        "GF301",
        "# +",
        HEAD + START_END + "  - {id: a, type: transform, expression: '# + 1'} #!\n" + LINE,
    ),
    "nodes as a value": (
        "GF301",
        "nodes",
        HEAD
        + "nodes:\n  - {id: start, type: start}\n"
        + "  - {id: end, type: end, return: '${keys(nodes)}'} #!\n"
        + LINE,
    ),
    "an input of a transform without one": (
        "GF302",
        "input",
        HEAD + START_END + "  - {id: a, type: transform, expression: input} #!\n" + LINE,
    ),
    "a condition of an error edge": (
        "GF301",
        "'} ",
        HEAD
        + START_END
        + "  - {id: c, type: condition, condition: '1 > 0'}\n"
        + "edges:\n  - {from: start, to: c}\n  - {from: c, to: end, condition: 'true'}\n"
        + "  - {from: c, to: end, on: error, condition: '((('} #!\n",
    ),
    "a sum that is text": (
        "GF305",
        "'${",
        HEAD + START_END + "  - {id: a, type: transform, expression: '${run.id} + 1'} #!\n" + LINE,
    ),
    # what the workflow says of itself
    "a minor version of three parts and more": (
        "GF107",
        "1.0.0.0",
        PLAIN.replace('"1.0"', "1.0.0.0 #!"),
    ),
    "a version that is a word": ("GF107", '"1.', PLAIN.replace('"1.0"', '"1.x" #!')),
    "a time of creation": ("GF104", "yesterday", PLAIN + "metadata:\n  created: yesterday #!\n"),
    "tags that are one text": ("GF104", "a", PLAIN + "metadata:\n  tags: a b #!\n"),
    "an author of a number": ("GF104", "7", PLAIN + "metadata:\n  author: 7 #!\n"),
    # credentials
    "a credential_ref": (
        "GF106",
        "vault:",
        PLAIN + "servers:\n  - {id: a, transport: http, url: u, credential_ref: vault://x} #!\n",
    ),
    "a credential that goes nowhere": (
        "GF103",
        "{id",
        PLAIN + "servers:\n  - {id: a, command: x, credential_ref: 'keyring://x'} #!\n",
    ),
    "a place for no credential": (
        "GF103",
        "TOKEN",
        PLAIN + "servers:\n  - {id: a, command: x, credential_env: TOKEN} #!\n",
    ),
    # policies
    "a cache that is a word": ("GF104", "always", PLAIN + "cache: always #!\n"),
    "a time to live": ("GF106", "soon", PLAIN + "cache:\n  ttl: soon #!\n"),
    "a scope of the cache": ("GF106", "global", PLAIN + "cache:\n  scope: global #!\n"),
    "a mode of the cache": ("GF106", "on", PLAIN + "cache:\n  mode: on #!\n"),
    "arguments to ignore that are no list": (
        "GF104",
        "stamp",
        PLAIN + "cache:\n  ignore: stamp #!\n",
    ),
    "a cache of a loop": (
        "GF504",
        "true",
        HEAD
        + START_END
        + "  - {id: l, type: loop, collection: '[1]', body: [a], cache: true} #!\n"
        + "  - {id: a, type: transform, expression: '1'}\n"
        + "edges:\n  - {from: start, to: l}\n  - {from: l, to: end}\n",
    ),
    "a cache of what differs each time": (
        "GF504",
        "true",
        HEAD
        + START_END
        + "  - {id: a, type: transform, expression: 'now()', cache: true} #!\n"
        + LINE,
    ),
    "no bytes for the cache": ("GF106", "0", PLAIN + "cache:\n  max_bytes: 0 #!\n"),
    "an unknown key of the cache": ("GF105", "lifetime:", PLAIN + "cache:\n  lifetime: 5 #!\n"),
    "a version of the cache": ("GF104", "version:", PLAIN + "cache:\n  version: [1] #!\n"),
    "a first delay over the longest": (
        "GF503",
        "1m",
        SERVER + CALL + "    retry:\n      max_attempts: 3\n      initial_delay: 1m #!\n" + THROUGH,
    ),
    "one attempt": ("GF503", "1", SERVER + CALL + "    retry: {max_attempts: 1} #!\n" + THROUGH),
    "a class tried again and never": (
        "GF503",
        "skip_on:",
        SERVER
        + CALL
        + "    retry:\n      max_attempts: 3\n      on: [timeout]\n      skip_on: [timeout] #!\n"
        + THROUGH,
    ),
    "a multiplier that shrinks": (
        "GF106",
        "0.5",
        SERVER + CALL + "    retry:\n      max_attempts: 3\n      multiplier: 0.5 #!\n" + THROUGH,
    ),
    "a retry of a condition": (
        "GF504",
        "retry:",
        HEAD
        + START_END
        + "  - id: a\n    type: condition\n    condition: '1 > 0'\n"
        + "    retry: {max_attempts: 2} #!\n"
        + LINE,
    ),
    "a timeout of a transform": (
        "GF504",
        "5s",
        HEAD
        + START_END
        + "  - id: a\n    type: transform\n    expression: '1'\n    timeout: 5s #!\n"
        + THROUGH,
    ),
    "a timeout without time": (
        "GF505",
        "0",
        SERVER + CALL + "    timeout: 0 #!\n" + THROUGH,
    ),
    "a server's timeout without time": (
        "GF505",
        "0s",
        "servers:\n  - {id: s, command: x, connect_timeout: 0s} #!\n" + CALL + THROUGH,
    ),
    # loops and parallel nodes
    "a loop over nothing": ("GF103", "{id", chain("{id: a, type: loop, body: [m]} #!")),
    "a loop over a number": (
        "GF104",
        "5",
        chain("{id: a, type: loop, collection: 5, body: [m]} #!"),
    ),
    "a loop over an empty text": (
        "GF106",
        "'',",
        chain("{id: a, type: loop, collection: '', body: [m]} #!"),
    ),
    "a loop without body": ("GF103", "{id", chain("{id: a, type: loop, collection: [1]} #!")),
    "an empty body": ("GF214", "body:", chain("{id: a, type: loop, collection: [1], body: []} #!")),
    "a member that is no text": (
        "GF104",
        "5",
        chain("{id: a, type: loop, collection: [1], body: [m, 5]} #!"),
    ),
    "a reserved item": (
        "GF106",
        "input",
        chain("{id: a, type: loop, collection: [1], item: input, body: [m]} #!"),
    ),
    "a member that does not exist": (
        "GF211",
        "n",
        chain("{id: a, type: loop, collection: [1], body: [n]} #!"),
    ),
    "a member twice": (
        "GF212",
        "m",
        chain("{id: a, type: loop, collection: [1], body: [m, m]} #!"),
    ),
    "a member of two": (
        "GF212",
        "m",
        chain(
            "{id: a, type: loop, collection: [1], body: [m]}",
            "{id: b, type: loop, collection: [1], body: [m]} #!",
        ),
    ),
    "a loop in itself": (
        "GF213",
        "a",
        chain("{id: a, type: loop, collection: [1], body: [m, a]} #!"),
    ),
    "loops in a circle": (
        "GF213",
        "{id",
        chain(
            "{id: a, type: loop, collection: [1], body: [b]} #!",
            "{id: b, type: loop, collection: [1], body: [a]}",
        ),
    ),
    "an end in a loop": (
        "GF215",
        "end",
        chain("{id: a, type: loop, collection: [1], body: [m, end]} #!"),
    ),
    "a condition in a loop": (
        "GF216",
        "c",
        chain(
            "{id: a, type: loop, collection: [1], body: [m, c]} #!",
            "{id: c, type: condition, condition: item > 1}",
        ),
    ),
    "a parallel loop that breaks": (
        "GF217",
        "item",
        chain(
            "{id: a, type: loop, collection: [1], body: [m], parallel: true, "
            "break_condition: item > 1} #!"
        ),
    ),
    "a limit of a loop that has none": (
        "GF504",
        "2",
        chain("{id: a, type: loop, collection: [1], body: [m], max_parallel: 2} #!"),
    ),
    "an edge to a member": (
        "GF210",
        "m",
        chain("{id: a, type: loop, collection: [1], body: [m]}") + "  - {from: start, to: m} #!\n",
    ),
    "an edge from a member": (
        "GF210",
        "m",
        chain("{id: a, type: loop, collection: [1], body: [m]}") + "  - {from: m, to: end} #!\n",
    ),
    "an item outside its loop": (
        "GF302",
        "item",
        chain(
            "{id: a, type: loop, collection: [1], body: [m]}",
            "{id: b, type: transform, expression: item + 1} #!",
        ),
    ),
    "an item in its own collection": (
        "GF302",
        "item",
        chain("{id: a, type: loop, collection: 'range(item)', body: [m]} #!"),
    ),
    "a break condition that does not parse": (
        "GF301",
        "'} ",
        chain("{id: a, type: loop, collection: [1], body: [m], break_condition: 'item >'} #!"),
    ),
    "no branches": ("GF103", "{id", chain("{id: a, type: parallel} #!")),
    "one branch": ("GF214", "branches:", chain("{id: a, type: parallel, branches: [[m]]} #!")),
    "an empty branch": ("GF214", "[]]", chain("{id: a, type: parallel, branches: [[m], []]} #!")),
    "a branch that is no list": (
        "GF104",
        "m",
        chain("{id: a, type: parallel, branches: [m, m]} #!"),
    ),
    "a merge strategy": (
        "GF106",
        "wait_some",
        chain("{id: a, type: parallel, branches: [[m], [m]], merge: wait_some} #!"),
    ),
    # workflows and functions
    "a workflow node without workflow": ("GF103", "{id", chain("{id: a, type: workflow} #!")),
    "a workflow that does not exist": (
        "GF403",
        "no-such",
        chain("{id: a, type: workflow, workflow: no-such} #!"),
    ),
    "inputs that are no map": (
        "GF104",
        "inputs:",
        chain("{id: a, type: workflow, workflow: no-such, inputs: [1]} #!"),
    ),
    "a function node without function": ("GF103", "{id", chain("{id: a, type: function} #!")),
    "arguments that are no map": (
        "GF104",
        "5",
        chain("{id: a, type: function, function: f, arguments: 5} #!"),
    ),
    # what runs at the same time
    "two writers at the same time": (
        "GF306",
        "x",
        beside(
            "{id: a, type: transform, expression: '1', output: x}",
            "{id: b, type: transform, expression: '2', output: x} #!",
        ),
    ),
    "a reader beside a writer": (
        "GF306",
        "x",
        PLAIN_X
        + beside(
            "{id: a, type: transform, expression: '1', output: x}",
            "{id: b, type: transform, expression: 'x + 1'} #!",
        ),
    ),
    "a node's record beside the node": (
        "GF306",
        "a.output",
        beside(
            "{id: a, type: transform, expression: '1'}",
            "{id: b, type: transform, expression: 'nodes.a.output'} #!",
        ),
    ),
    # types
    "a number compared with a text": ("GF307", "> '", typed("limit > '2'")),
    "a text compared with null": ("GF307", "< '", typed("null < 'a'")),
    "a boolean in a sum": ("GF307", "+ t", typed("limit + true")),
    "a number times a text": ("GF307", "* '", typed("limit * 'a'")),
    "a negated text": ("GF307", "-", typed("-'a'")),
    "a prefix of a number": ("GF307", "startsWith", typed("limit startsWith '1'")),
    "a number in a number": ("GF307", "in", typed("1 in limit")),
    "a number that equals a text": ("GF308", "== ", typed("limit == '3'")),
    "a count that differs from a text": ("GF308", "!= ", typed("count([1]) != 'one'")),
    "an output that nobody reads": (
        "GF502",
        "x",
        chain("{id: a, type: transform, expression: '1', output: x} #!"),
    ),
    "a jq program that does not compile": ("GF301", '|)"', typed("jq(.a |)")),
    "a function that jq does not have": ("GF301", "lenght", typed("jq(lenght)")),
    "Python's words": ("GF302", "None", typed("limit == None")),
}
