"""What each finding is about: why it matters, the mistake, and the fix.

To explain a code, add its row. The examples are parts of files: keys at the top that an example
does not show, its start and end nodes and the edges between them are left out. Those that are
``whole`` leave nothing out. A test completes each example and sees that the mistake gives the code
and that the fix gives no finding at all.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["EXPLANATIONS", "Explanation"]


class Explanation(NamedTuple):
    """``mistake`` and ``fix`` are YAML; ``beside`` is a file in the same folder.

    ``live`` findings need servers to be asked.
    """

    why: str
    mistake: str
    fix: str
    whole: bool = False
    beside: str = ""
    beside_name: str = "orders.yaml"
    live: bool = False


_START_END = "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end}\n"
_TO_END = "edges:\n  - {from: start, to: end}\n"

_LOOP = (
    "nodes:\n  - {id: start, type: start}\n"
    "  - {id: each, type: loop, collection: '[1, 2]', body: [double]}\n"
    "  - {id: end, type: end}\n"
    "  - {id: double, type: transform, expression: item * 2}\n"
)
_AROUND = "edges:\n  - {from: start, to: each}\n  - {from: each, to: end}\n"
_ORDERS = (
    'version: "1.0"\nname: orders\n'
    "variables:\n  - {name: folder, type: string, required: true}\n"
    "nodes:\n  - {id: start, type: start}\n"
    '  - {id: end, type: end, return: "all orders of ${folder}"}\n' + _TO_END
)
_FILES = "servers:\n  - {id: files, command: goflow-toolbox, args: [--root, .]}\nnodes:\n"
_PARALLEL = (
    "nodes:\n  - {id: start, type: start}\n"
    "  - {id: both, type: parallel, branches: [[a], [b]]}\n"
    "  - {id: a, type: transform, expression: '1'}\n"
    "  - {id: b, type: transform, expression: '2'}\n"
    "  - {id: end, type: end}\n"
    "edges:\n  - {from: start, to: both}\n  - {from: both, to: end}\n"
)

EXPLANATIONS = {
    # -- what is written -----------------------------------------------------------------------
    "GF101": Explanation(
        "The text cannot be read at all, so nothing else about it is known. Mostly it is an "
        "indentation, a tab, or a text with ': ' that needs quotes.",
        "description: Warning: this is read as a key in a value\n",
        'description: "Warning: quotes make it one text"\n',
    ),
    "GF102": Explanation(
        "One of the two values would silently win. A key and another name of the same key, such "
        "as 'condition' and 'when', count as twice too.",
        "name: orders\nname: invoices\n",
        "name: orders\n",
    ),
    "GF103": Explanation(
        "The element cannot do its work without this key: a server has a command or a url, a "
        "tool node a server and a tool, an edge two ends.",
        "nodes:\n  - {id: sum, type: transform, output: total}\n"
        '  - {id: end, type: end, return: "${total}"}\n',
        "nodes:\n  - {id: sum, type: transform, expression: 1 + 1, output: total}\n"
        '  - {id: end, type: end, return: "${total}"}\n',
    ),
    "GF104": Explanation(
        "Values are not converted: what YAML reads as a number or a boolean is no text. Quotes "
        "make a text of it, spelt as it is written.",
        "name: 2026\n",
        'name: "2026"\n',
    ),
    "GF105": Explanation(
        "The key has no effect. Probably it is misspelt, and what it should have said is not "
        "said. This is a warning; --strict makes it an error.",
        "descripton: Sums the orders\n",
        "description: Sums the orders\n",
    ),
    "GF106": Explanation(
        "The value has the right type and is not one that this key can have: a word that is none "
        "of the choices, a number out of bounds, an id with blanks, a reserved name.",
        "timeout: 5 minutes\n",
        "timeout: 5m\n",
    ),
    "GF107": Explanation(
        "Another major version of the format means other things by the same words. This release "
        "reads version 1.",
        'version: "2.0"\n',
        'version: "1.0"\n',
    ),
    "GF108": Explanation(
        "The type decides which keys the node has and what it does, so the rest of the node "
        "cannot be read either.",
        "nodes:\n  - {id: join, type: passthru}\n",
        "nodes:\n  - {id: join, type: passthrough}\n",
    ),
    "GF110": Explanation(
        "An edge or a node that uses the name could mean either of the two.",
        "nodes:\n  - {id: join, type: passthrough}\n  - {id: join, type: passthrough}\n",
        "nodes:\n  - {id: join1, type: passthrough}\n  - {id: join2, type: passthrough}\n",
    ),
    "GF111": Explanation(
        "A file of a few lines can stand for billions of values through aliases of aliases, and "
        "would take all memory. Files end at 10 MiB, a million values and 200 levels.",
        "metadata:\n"
        + "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"  a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n"  # ten times as many each
            for i in range(1, 6)
        ),
        "metadata:\n  a0: [x, x, x, x, x, x, x, x, x, x]\n",
    ),
    # -- nodes and edges -----------------------------------------------------------------------
    "GF201": Explanation(
        "A run begins at one place. Work that should begin at once is a start node with several "
        "edges.",
        'version: "1.0"\nname: t\n'
        "nodes:\n  - {id: a, type: passthrough}\n  - {id: end, type: end}\n"
        "edges:\n  - {from: a, to: end}\n",
        'version: "1.0"\nname: t\n'
        "nodes:\n  - {id: start, type: start}\n  - {id: a, type: passthrough}\n"
        "  - {id: end, type: end}\n"
        "edges:\n  - {from: start, to: a}\n  - {from: a, to: end}\n",
        whole=True,
    ),
    "GF202": Explanation(
        "The result of a run is what an end node returns.",
        'version: "1.0"\nname: t\nnodes:\n  - {id: start, type: start}\nedges: []\n',
        'version: "1.0"\nname: t\n' + _START_END + _TO_END,
        whole=True,
    ),
    "GF203": Explanation(
        "Mostly the id is misspelt. What follows the edge is not checked until it is right.",
        "edges:\n  - {from: start, to: nd}\n",
        "edges:\n  - {from: start, to: end}\n",
    ),
    "GF204": Explanation(
        "A node would wait for itself. A node that should be tried again has 'retry'.",
        "nodes:\n  - {id: join, type: passthrough}\n"
        "edges:\n  - {from: start, to: join}\n  - {from: join, to: join}\n"
        "  - {from: join, to: end}\n",
        "nodes:\n  - {id: join, type: passthrough}\n"
        "edges:\n  - {from: start, to: join}\n  - {from: join, to: end}\n",
    ),
    "GF205": Explanation(
        "The second edge says nothing new, or it was meant to lead elsewhere. Edges between the "
        "same nodes with another 'on' are other edges.",
        "edges:\n  - {from: start, to: end}\n  - {from: start, to: end}\n",
        "edges:\n  - {from: start, to: end}\n",
    ),
    "GF206": Explanation(
        "A node runs when everything before it is done, so the nodes of a cycle would wait for "
        "one another. The message names a shortest cycle.",
        "nodes:\n  - {id: a, type: passthrough}\n  - {id: b, type: passthrough}\n"
        "edges:\n  - {from: start, to: a}\n  - {from: a, to: b}\n  - {from: b, to: a}\n"
        "  - {from: b, to: end}\n",
        "nodes:\n  - {id: a, type: passthrough}\n  - {id: b, type: passthrough}\n"
        "edges:\n  - {from: start, to: a}\n  - {from: a, to: b}\n  - {from: b, to: end}\n",
    ),
    "GF207": Explanation(
        "The node would never run. Nothing of a file is silently without effect.",
        "nodes:\n  - {id: join, type: passthrough}\n"
        "edges:\n  - {from: start, to: end}\n  - {from: join, to: end}\n",
        "nodes:\n  - {id: join, type: passthrough}\n"
        "edges:\n  - {from: start, to: join}\n  - {from: join, to: end}\n",
    ),
    "GF208": Explanation(
        "The run could end there without a result.",
        "nodes:\n  - {id: join, type: passthrough}\n"
        "edges:\n  - {from: start, to: join}\n  - {from: start, to: end}\n",
        "nodes:\n  - {id: join, type: passthrough}\n"
        "edges:\n  - {from: start, to: join}\n  - {from: join, to: end}\n",
    ),
    "GF209": Explanation(
        "Each of the two answers needs one way to go on. What is asked stands in the node; its "
        "edges only say which answer they are for.",
        "nodes:\n  - {id: many, type: condition, condition: 2 > 1}\n"
        'edges:\n  - {from: start, to: many}\n  - {from: many, to: end, condition: "true"}\n',
        "nodes:\n  - {id: many, type: condition, condition: 2 > 1}\n"
        "  - {id: few, type: passthrough}\n"
        'edges:\n  - {from: start, to: many}\n  - {from: many, to: end, condition: "true"}\n'
        '  - {from: many, to: few, condition: "false"}\n  - {from: few, to: end}\n',
    ),
    "GF210": Explanation(
        "A loop or a parallel node runs its members itself, in the order it lists them. Edges lead "
        "to the loop and from it; the members have none.",
        _LOOP + _AROUND + "  - {from: double, to: end}\n",
        _LOOP + _AROUND,
    ),
    "GF211": Explanation(
        "A loop or a parallel node runs the nodes it names, and there is none of this name. "
        "Probably it is misspelt.",
        _LOOP.replace("[double]", "[duoble]") + _AROUND,
        _LOOP + _AROUND,
    ),
    "GF212": Explanation(
        "A node runs in one place. Work that is to be done in two places is two nodes.",
        _LOOP.replace("[double]", "[double, double]") + _AROUND,
        _LOOP + _AROUND,
    ),
    "GF213": Explanation(
        "Loops and parallel nodes may contain each other, but not in a circle: none of them would "
        "ever begin.",
        "nodes:\n  - {id: start, type: start}\n"
        "  - {id: a, type: loop, collection: '[1]', body: [b]}\n"
        "  - {id: b, type: loop, collection: '[1]', body: [a]}\n"
        "  - {id: end, type: end}\n" + _TO_END,
        _LOOP + _AROUND,
    ),
    "GF214": Explanation(
        "A loop without members does nothing, and a parallel node with one branch runs nothing at "
        "the same time: nodes of one branch run one after the other.",
        _PARALLEL.replace("[[a], [b]]", "[[a, b]]"),
        _PARALLEL,
    ),
    "GF215": Explanation(
        "Start and end belong to the whole workflow, not to a loop or a branch.",
        _LOOP.replace("[double]", "[double, end]") + _AROUND,
        _LOOP + _AROUND,
    ),
    "GF216": Explanation(
        "Members run in their order, whatever a condition among them says; its value is only "
        "recorded. What decides for a member is its own 'if'.",
        _LOOP.replace("[double]", "[large, double]")
        + "  - {id: large, type: condition, condition: item > 9}\n"
        + _AROUND,
        _LOOP.replace("item * 2}", "item * 2, if: item > 9}") + _AROUND,
    ),
    "GF217": Explanation(
        "Iterations that run at once have no order, so there is none to break off before. A loop "
        "has either 'parallel' or 'break_condition'.",
        _LOOP.replace("[double]", "[double], parallel: true, break_condition: item > 9") + _AROUND,
        _LOOP.replace("[double]", "[double], break_condition: item > 9") + _AROUND,
    ),
    # -- expressions ---------------------------------------------------------------------------
    "GF301": Explanation(
        "The expression cannot be evaluated on any values. The caret stands where reading "
        "stopped. A literal '${' in a text is written '$${'.",
        'nodes:\n  - {id: end, type: end, return: "${length([1, 2)}"}\n',
        'nodes:\n  - {id: end, type: end, return: "${length([1, 2])}"}\n',
    ),
    "GF302": Explanation(
        "Names are the workflow's variables, the outputs of nodes, and nodes, run and inputs: "
        "nodes.ID has output, status, error, attempts and duration, run has id, workflow and "
        "started_at. A text needs quotes inside an expression too.",
        "variables:\n  - {name: folder, default: data}\n"
        'nodes:\n  - {id: end, type: end, return: "${foldr}"}\n',
        "variables:\n  - {name: folder, default: data}\n"
        'nodes:\n  - {id: end, type: end, return: "${folder}"}\n',
    ),
    "GF303": Explanation(
        "On some path the node that sets the variable has not run, and the variable is null. "
        "This is a warning: give it a default, or say with '??' what null means. The record of a "
        "node that runs later, nodes.ID, holds nothing yet either.",
        "variables:\n  - {name: folder, type: string}\n"
        'nodes:\n  - {id: end, type: end, return: "${folder}"}\n',
        "variables:\n  - {name: folder, type: string, required: true}\n"
        'nodes:\n  - {id: end, type: end, return: "${folder}"}\n',
    ),
    "GF304": Explanation(
        "The expression asks for the record of a node, and no node has that id.",
        "nodes:\n  - {id: sum, type: transform, expression: 1 + 1}\n"
        '  - {id: end, type: end, return: "${nodes.sun.output}"}\n',
        "nodes:\n  - {id: sum, type: transform, expression: 1 + 1}\n"
        '  - {id: end, type: end, return: "${nodes.sum.output}"}\n',
    ),
    "GF305": Explanation(
        "With '${' inside other text a transform is a text: it gives \"2 + 3\", not 5. An "
        "expression needs no '${'. To say that a text is meant, begin it with 'template:'.",
        "variables:\n  - {name: a, default: 2}\n"
        'nodes:\n  - {id: sum, type: transform, expression: "${a} + 3"}\n',
        "variables:\n  - {name: a, default: 2}\n"
        "nodes:\n  - {id: sum, type: transform, expression: a + 3}\n",
    ),
    "GF306": Explanation(
        "Nodes without a path between them may run at the same time. When one writes what the "
        "other reads or writes, the result depends on which comes first. An edge between them "
        "decides it.",
        "nodes:\n  - {id: start, type: start}\n"
        "  - {id: a, type: transform, expression: '1', output: x}\n"
        "  - {id: b, type: transform, expression: '2', output: x}\n"
        '  - {id: end, type: end, return: "${x}"}\n'
        "edges:\n  - {from: start, to: a}\n  - {from: start, to: b}\n"
        "  - {from: a, to: end}\n  - {from: b, to: end}\n",
        "nodes:\n  - {id: start, type: start}\n"
        "  - {id: a, type: transform, expression: '1', output: x}\n"
        "  - {id: b, type: transform, expression: '2', output: x}\n"
        '  - {id: end, type: end, return: "${x}"}\n'
        "edges:\n  - {from: start, to: a}\n  - {from: a, to: b}\n  - {from: b, to: end}\n",
    ),
    "GF307": Explanation(
        "Operators are strict about types: numbers are compared with numbers and texts with texts. "
        "The types of literals and of declared variables are known before the run.",
        "variables:\n  - {name: limit, type: number, default: 3}\n"
        "nodes:\n  - {id: more, type: transform, expression: limit > '2'}\n",
        "variables:\n  - {name: limit, type: number, default: 3}\n"
        "nodes:\n  - {id: more, type: transform, expression: limit > 2}\n",
    ),
    "GF308": Explanation(
        "Values of different types are never equal, so the comparison decides nothing. Probably "
        "one side has quotes that it should not have, or lacks them.",
        "variables:\n  - {name: limit, type: number, default: 3}\n"
        "nodes:\n  - {id: same, type: transform, expression: limit == '3'}\n",
        "variables:\n  - {name: limit, type: number, default: 3}\n"
        "nodes:\n  - {id: same, type: transform, expression: limit == 3}\n",
    ),
    # -- servers and variables -----------------------------------------------------------------
    "GF401": Explanation(
        "The node's tool cannot be called. A node names a server by its id. It is defined under "
        "'servers', is one of the user's own (goflow servers list), or stands in the .mcp.json of "
        "the project.",
        "servers:\n  - {id: files, command: goflow-toolbox}\n"
        "nodes:\n  - {id: list, type: mcp_tool, server: file, tool: list_files}\n",
        "servers:\n  - {id: files, command: goflow-toolbox}\n"
        "nodes:\n  - {id: list, type: mcp_tool, server: files, tool: list_files}\n",
    ),
    "GF402": Explanation(
        "No node calls the server, so it is never started. Remove it, or see whether a node "
        "names another by mistake. This is a warning.",
        "servers:\n  - {id: files, command: goflow-toolbox}\n"
        "  - {id: more, command: goflow-toolbox}\n"
        "nodes:\n  - {id: list, type: mcp_tool, server: files, tool: list_files}\n",
        "servers:\n  - {id: files, command: goflow-toolbox}\n"
        "nodes:\n  - {id: list, type: mcp_tool, server: files, tool: list_files}\n",
    ),
    "GF403": Explanation(
        "The workflow is a file, beside this one or at a path from it, and must have no errors "
        "itself.",
        "nodes:\n  - {id: report, type: workflow, workflow: no-such-report}\n",
        "nodes:\n  - {id: report, type: passthrough}\n",
    ),
    "GF404": Explanation(
        "A workflow that runs itself, directly or through others, would never end.",
        "name: report\nnodes:\n  - {id: sum, type: workflow, workflow: report}\n",
        "name: report\nnodes:\n"
        "  - {id: sum, type: workflow, workflow: orders, inputs: {folder: data}}\n",
        beside=_ORDERS,
    ),
    "GF405": Explanation(
        "The inputs of a workflow node are the variables of the workflow it runs: they must exist "
        "there and have the right type, and what is required must be given.",
        "nodes:\n  - {id: sum, type: workflow, workflow: orders, inputs: {foldr: data}}\n",
        "nodes:\n  - {id: sum, type: workflow, workflow: orders, inputs: {folder: data}}\n",
        beside=_ORDERS,
    ),
    "GF406": Explanation(
        "The node names a server of the user's own file or of the project's .mcp.json, and what "
        "stands there cannot be used: a server that is a process needs a 'command', one behind "
        "HTTP a 'url'.",
        "nodes:\n  - {id: list, type: mcp_tool, server: files, tool: list_files}\n",
        "nodes:\n  - {id: list, type: mcp_tool, server: box, tool: list_files}\n",
        beside='{"mcpServers": {"files": {"args": ["."]}, "box": {"command": "goflow-toolbox"}}}\n',
        beside_name=".mcp.json",
    ),
    "GF501": Explanation(
        "The default would be refused as an input. Values are not converted: in quotes a number "
        "is a text.",
        'variables:\n  - {name: limit, type: number, default: "5"}\n'
        'nodes:\n  - {id: end, type: end, return: "${limit}"}\n',
        "variables:\n  - {name: limit, type: number, default: 5}\n"
        'nodes:\n  - {id: end, type: end, return: "${limit}"}\n',
    ),
    "GF502": Explanation(
        "An input that changes nothing is a misunderstanding in the making. Read the variable "
        "somewhere, or remove it. This is a warning.",
        "variables:\n  - {name: limit, default: 5}\n",
        "variables:\n  - {name: limit, default: 5}\n"
        'nodes:\n  - {id: end, type: end, return: "${limit}"}\n',
    ),
    "GF503": Explanation(
        "The rule says two things, and only one can hold. 'max_attempts' counts all tries, so 1 "
        "means that nothing is tried again.",
        "servers:\n  - {id: s, command: server}\n"
        "nodes:\n  - {id: call, type: mcp_tool, server: s, tool: t, retry: {max_attempts: 1}}\n",
        "servers:\n  - {id: s, command: server}\n"
        "nodes:\n  - {id: call, type: mcp_tool, server: s, tool: t, retry: {max_attempts: 3}}\n",
    ),
    "GF504": Explanation(
        "What only computes gives the same result each time, at once, so there is nothing to "
        "retry, to time or to keep.",
        "nodes:\n  - {id: sum, type: transform, expression: 1 + 1, retry: {max_attempts: 3}}\n",
        "nodes:\n  - {id: sum, type: transform, expression: 1 + 1}\n",
    ),
    "GF505": Explanation(
        "A timeout of 0 seconds is over before anything is done, so that every attempt fails. "
        "Without the key a node and a run have no limit, and a call that of its server.",
        "servers:\n  - {id: s, command: server}\n"
        "nodes:\n  - {id: call, type: mcp_tool, server: s, tool: t, timeout: 0}\n",
        "servers:\n  - {id: s, command: server}\n"
        "nodes:\n  - {id: call, type: mcp_tool, server: s, tool: t, timeout: 5s}\n",
    ),
    # -- what servers say ----------------------------------------------------------------------
    "GF601": Explanation(
        "'goflow validate --live' starts or reaches every server that the workflow uses. This one "
        "did not come up, and what it was to be asked is not known.",
        "servers:\n  - {id: files, command: no-such-program}\n"
        "nodes:\n  - {id: call, type: mcp_tool, server: files, tool: list_files}\n",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: list_files, cache: true}\n",
        live=True,
    ),
    "GF602": Explanation(
        "The server was asked for its tools ('goflow validate --live'), and this is none of them.",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: list_flies, cache: true}\n",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: list_files, cache: true}\n",
        live=True,
    ),
    "GF603": Explanation(
        "The tool describes its arguments by a schema, and these do not fit it. Values that are "
        "only known in a run are not judged.",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: read_text}\n",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: read_text, "
        "parameters: {path: a.txt}, cache: true}\n",
        live=True,
    ),
    "GF604": Explanation(
        "The server marks the tool as read-only, so its result may be taken from an earlier run "
        "without anything being left undone. How long it stays true, only you know: 'cache: true', "
        "a 'ttl', or 'cache: false' to say that it is to be asked each time.",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: list_files}\n",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: list_files, "
        "cache: {ttl: 10m}}\n",
        live=True,
    ),
    "GF605": Explanation(
        "The tool describes its result by a schema, and the field is none of those that it lists. "
        "It would be null, and nothing in a text.",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: word_count, "
        "parameters: {text: a}, output: counted, cache: true}\n"
        "  - {id: tell, type: transform, expression: 'template:${counted.wrods} words'}\n",
        _FILES + "  - {id: call, type: mcp_tool, server: files, tool: word_count, "
        "parameters: {text: a}, output: counted, cache: true}\n"
        "  - {id: tell, type: transform, expression: 'template:${counted.words} words'}\n",
        live=True,
    ),
}
"""An explanation for every code of ``CODES``."""
