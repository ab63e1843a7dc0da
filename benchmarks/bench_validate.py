"""Loading and validating: from the text of a file to its findings.

``validate`` reads a text and makes every finding, with every cache of parsed expressions emptied
before each round, as in a new process; ``load`` only makes the model; ``check`` starts from a
loaded model whose expressions were parsed before. ``yaml`` is the floor: PyYAML's C loader reading
the same text into plain values; ``floor`` in the extra information is the ratio to it.

The file is a row of blocks of ten nodes, each with tool calls side by side, a condition, a join,
transforms and a retry rule; it has no findings.
"""

from __future__ import annotations

import gc
import time

import pytest
import yaml

import goflow
from goflow.expressions import compile as compiler
from goflow.expressions import facts, grammar, text
from goflow.expressions.jsonpath import JSONPath
from goflow.workflow import reads

SIZES = [10, 100, 1_000, 10_000]

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
    gc.collect()


def floor(text):
    return yaml.load(text, yaml.CSafeLoader)


def measured(benchmark, work, text, argument, setup=forget):
    """Time ``work``, and what the floor takes beside it."""
    rounds = max(3, min(50, 20_000 // max(1, text.count("\n") // 6)))
    benchmark.pedantic(work, (argument,), setup=setup, rounds=rounds, warmup_rounds=1)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        floor(text)
        times.append(time.perf_counter() - start)
    benchmark.extra_info["floor_ms"] = round(min(times) * 1e3, 3)
    benchmark.extra_info["floor"] = round(benchmark.stats.stats.min / min(times), 2)


@pytest.mark.parametrize("size", SIZES)
def test_validate(benchmark, size):
    text = text_of(size)
    assert list(goflow.validate(text)) == []
    measured(benchmark, goflow.validate, text, text)


@pytest.mark.parametrize("size", SIZES)
def test_load(benchmark, size):
    text = text_of(size)
    measured(benchmark, goflow.load, text, text)


@pytest.mark.parametrize("size", SIZES)
def test_check(benchmark, size):
    text = text_of(size)
    measured(benchmark, goflow.validate, text, goflow.load(text), setup=gc.collect)


@pytest.mark.parametrize("size", SIZES)
def test_yaml(benchmark, size):
    text = text_of(size)
    measured(benchmark, floor, text, text)
