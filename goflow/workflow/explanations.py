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
    """``mistake`` and ``fix`` are YAML."""

    why: str
    mistake: str
    fix: str
    whole: bool = False


_START_END = "nodes:\n  - {id: start, type: start}\n  - {id: end, type: end}\n"
_TO_END = "edges:\n  - {from: start, to: end}\n"

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
    "GF109": Explanation(
        "The file is right, and this release cannot do it: as an error where the result would "
        "differ, as information where it would only be slower, as with 'cache'.",
        "nodes:\n  - {id: first, type: function, function: length}\n",
        "nodes:\n  - {id: first, type: transform, input: run.id, expression: length(input)}\n",
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
    # -- expressions ---------------------------------------------------------------------------
    "GF301": Explanation(
        "The expression cannot be evaluated on any values. The caret stands where reading "
        "stopped. A literal '${' in a text is written '$${'.",
        'nodes:\n  - {id: end, type: end, return: "${length([1, 2)}"}\n',
        'nodes:\n  - {id: end, type: end, return: "${length([1, 2])}"}\n',
    ),
    "GF302": Explanation(
        "Names are the workflow's variables, the outputs of nodes, and nodes, run and inputs. A "
        "text needs quotes inside an expression too.",
        "variables:\n  - {name: folder, default: data}\n"
        'nodes:\n  - {id: end, type: end, return: "${foldr}"}\n',
        "variables:\n  - {name: folder, default: data}\n"
        'nodes:\n  - {id: end, type: end, return: "${folder}"}\n',
    ),
    "GF303": Explanation(
        "On some path the node that sets the variable has not run, and the variable is null. "
        "This is a warning: give it a default, or say with '??' what null means.",
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
    # -- servers and variables -----------------------------------------------------------------
    "GF401": Explanation(
        "The node's tool cannot be called. Servers are defined under 'servers'; a node names one "
        "by its id.",
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
}
"""An explanation for every code of ``CODES``."""
