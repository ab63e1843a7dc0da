"""Loading and validating: from the text of a file to its findings.

``validate`` reads a text and makes every finding, with every cache of parsed expressions emptied
before each round, as in a new process; ``load`` only makes the model; ``check`` starts from a
loaded model whose expressions were parsed before. The floor is ``yaml``: PyYAML's C loader reading
the same text into plain values.

The file is a row of blocks of ten nodes, each with tool calls side by side, a condition, a join,
transforms and a retry rule; it has no findings. No file may hold so much that it describes 100,000
of them: the two largest are models, of passthrough nodes in a row, each validated once in a process
of its own, that fails when it takes too long or too much memory.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys

import pytest
import yaml
from measure import OURS

import goflow
from goflow.expressions import compile as compiler
from goflow.expressions import facts, grammar, text
from goflow.expressions.jsonpath import JSONPath
from goflow.workflow import reads, types

SIZES = [10, 100, 1_000, 10_000]
LARGE = [100_000, 1_000_000]
CURVE = "validate"

HEAD = """\
version: "1.0"
name: benchmark
variables:
  - {name: folder, type: string, default: data}
  - {name: limit, type: number, default: 10}
servers:
  - {id: files, command: goflow-toolbox, args: [--root, "."]}
nodes:
  - {id: start, type: start}
"""
BLOCK = """\
  - id: read_@
    type: mcp_tool
    server: files
    tool: read_json
    description: Reads the orders
    parameters: {path: "${folder}/orders-@.json", after: "${v_#}"}
    output: orders_@
    retry: {max_attempts: 3}
    on_error: {value: {rows: []}}
  - id: list_@
    type: mcp_tool
    server: files
    tool: list_files
    parameters: {path: "${folder}", pattern: "*.md"}
    output: files_@
  - id: tried_@
    type: transform
    expression: "'attempts: ' + string(nodes.read_@.attempts)"
    output: reason_@
  - id: active_@
    type: transform
    input: orders_@
    expression: "filter(input.rows, .total > limit && .status != 'done')"
    output: active_@
  - id: paths_@
    type: transform
    input: files_@
    expression: "$.files[*].path"
    output: paths_@
  - id: many_@
    type: condition
    condition: "length(active_@) > limit and length(paths_@) > 0"
  - id: short_@
    type: transform
    expression: "{'count': length(active_@), 'first': active_@[0]?.id}"
    output: summary_@
  - id: long_@
    type: transform
    expression: "template:${length(active_@)} orders, ${paths_@[0]} and others"
    output: summary_@
  - id: join_@
    type: passthrough
  - id: value_@
    type: transform
    expression: "toJSON(summary_@) + reason_@"
    output: v_@
"""
EDGES = """\
  - {from: @before, to: read_@}
  - {from: @before, to: list_@}
  - {from: read_@, to: tried_@}
  - {from: read_@, to: active_@}
  - {from: list_@, to: paths_@}
  - {from: active_@, to: many_@}
  - {from: paths_@, to: many_@}
  - {from: many_@, to: short_@, condition: "true"}
  - {from: many_@, to: long_@, condition: "false"}
  - {from: short_@, to: join_@}
  - {from: long_@, to: join_@}
  - {from: tried_@, to: value_@}
  - {from: join_@, to: value_@}
"""


def text_of(count):
    """A file of about so many nodes."""
    blocks = range(max(1, count // 10))
    nodes, edges = [], []
    for i in blocks:
        before = f"value_{i - 1}" if i else "start"
        block = BLOCK.replace("${v_#}", f"${{v_{i - 1}}}" if i else "none")
        nodes.append(block.replace("@", str(i)))
        edges.append(EDGES.replace("@before", before).replace("@", str(i)))
    end = f"  - {{id: end, type: end, return: '${{v_{blocks[-1]}}}'}}\n"
    last = f"  - {{from: value_{blocks[-1]}, to: end}}\n"
    return HEAD + "".join(nodes) + end + "edges:\n" + "".join(edges) + last


def forget():
    """Empty the caches that a process has filled by its second file."""
    for cached in (grammar.parse, compiler.Expression.of, JSONPath.of, text._kept):
        cached.cache_clear()
    reads._known.clear()
    facts._known.clear()
    types._known.clear()
    gc.collect()


def floor(text):
    return yaml.load(text, yaml.CSafeLoader)


def emptied(argument):
    """Prepares by emptying the caches."""

    def prepare():
        forget()
        return argument

    return prepare


@pytest.fixture(params=SIZES)
def size(request, quick):
    if quick and request.param > 100:
        pytest.skip("not in quick mode")
    return request.param


LARGEST = """
import sys, time
import goflow
from goflow.workflow.model import Edge, EndNode, PassthroughNode, StartNode, Workflow
names = ["start", *(f"n{at}" for at in range(int(sys.argv[1]))), "end"]
inner = (PassthroughNode(id=name) for name in names[1:-1])
nodes = (StartNode(id="start"), *inner, EndNode(id="end"))
edges = tuple(Edge(source=a, target=b) for a, b in zip(names, names[1:]))
workflow = Workflow(name="large", nodes=nodes, edges=edges)
goflow.validate(Workflow(name="small", nodes=nodes[:1] + nodes[-1:],
                         edges=(Edge(source="start", target="end"),)))
began = time.perf_counter_ns()
assert list(goflow.validate(workflow)) == []
print(time.perf_counter_ns() - began)
"""
MEMORY, SECONDS = 3 << 30, 60


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize("nodes", SIZES + LARGE)
def test_validate(measure, nodes):
    if measure.quick and nodes > 100:
        pytest.skip("not in quick mode")
    if nodes in SIZES:
        text = text_of(nodes)
        assert list(goflow.validate(text)) == []
        works = {OURS: (emptied(text), goflow.validate), "yaml": (emptied(text), floor)}
        measure.turns(works, floor="yaml", curve=CURVE, size=nodes)
        return
    done = subprocess.run(
        [sys.executable, "-c", LARGEST, str(nodes)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        preexec_fn=limited,
    )
    measure.record(lambda: {OURS: [float(done.stdout)]})


def test_load(measure, size):
    text = text_of(size)
    works = {OURS: (emptied(text), goflow.load), "yaml": (emptied(text), floor)}
    measure.turns(works, floor="yaml", curve="load", size=size)


def test_check(measure, size):
    """Of a loaded model."""
    loaded = goflow.load(text_of(size))
    goflow.validate(loaded)
    measure.turns({OURS: lambda: goflow.validate(loaded)}, curve="check", size=size)
