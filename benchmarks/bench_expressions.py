"""Expressions: parsed once, then evaluated many times, beside Python's own compiled code.

Each row is an expression and the Python that a programmer would write for it, on the same
variables. ``python`` is that code, compiled once and called through ``eval`` on the same
dictionary; ``ratio`` in the extra information is ours over it, taken in the same run. The Python
has none of the checks: it adds what is no number, compares what is of two types, and never stops.
"""

from __future__ import annotations

import time

import pytest

from goflow.expressions import compile as compiler
from goflow.expressions import grammar
from goflow.expressions.compile import RAW, Expression
from goflow.expressions.text import Template

ENV = {
    "n": 12,
    "limit": 10,
    "status": "active",
    "order": {"total": 250, "customer": {"name": "Blake", "tags": ["new", "large"]}},
    "rows": [{"price": i % 40, "name": f"n{i}"} for i in range(1_000)],
}
CASES = {
    "compare": ("n > limit", "n > limit"),
    "compare_literal": ("n > 10", "n > 10"),
    "equal_text": ("status == 'active'", "status == 'active'"),
    "and": (
        "order.total > 10 && status == 'active'",
        "order['total'] > 10 and status == 'active'",
    ),
    "member": ("order.customer.name", "order['customer']['name']"),
    "arithmetic": ("n * 2 + limit - 1", "n * 2 + limit - 1"),
    "in_list": ("'new' in order.customer.tags", "'new' in order['customer']['tags']"),
    "call": ("upper(status)", "status.upper()"),
    "filter_1000": ("filter(rows, .price > limit)", "[x for x in rows if x['price'] > limit]"),
    "sum_map_1000": ("rows | map(.price) | sum", "sum([x['price'] for x in rows])"),
}


def per_call(call, argument, rounds=2_000):
    """Least seconds of a call, of five loops."""
    best = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            call(argument)
        best.append((time.perf_counter() - start) / rounds)
    return min(best)


@pytest.mark.parametrize("case", CASES)
def test_evaluate(benchmark, case):
    source, python = CASES[case]
    env = {**ENV, RAW: {}}
    run = Expression.of(source).evaluate
    code = compile(python, case, "eval")
    assert run(env) == eval(code, dict(ENV))
    benchmark.group = "evaluate"
    benchmark(run, env)
    rounds = 20 if case.endswith("1000") else 2_000
    ours, theirs = (
        per_call(run, env, rounds),
        per_call(lambda env: eval(code, env), {**ENV}, rounds),
    )
    benchmark.extra_info["python_ns"] = round(theirs * 1e9, 1)
    benchmark.extra_info["ratio"] = round(ours / theirs, 2)


@pytest.mark.parametrize("case", ["text", "whole"])
def test_fill(benchmark, case):
    text = "Dear ${order.customer.name}: ${n} of ${limit}" if case == "text" else "${order.total}"
    env = {**ENV, RAW: {}}
    benchmark.group = "fill"
    benchmark(Template(text).evaluate, env)


def forget():
    grammar.parse.cache_clear()
    compiler.Expression.of.cache_clear()


@pytest.mark.parametrize("case", ["compare", "and", "filter_1000"])
def test_parse(benchmark, case):
    source, _ = CASES[case]

    def parse():
        return Expression.of(source).run

    benchmark.group = "parse"
    benchmark.pedantic(parse, setup=forget, rounds=2_000, warmup_rounds=100)
