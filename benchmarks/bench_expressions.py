"""Expressions: parsed once, then evaluated many times, beside Python's own compiled code.

Each case is an expression and the Python that a programmer would write for it, on the same
variables. ``python`` is that code, compiled once and called through ``eval`` on the same
dictionary. The Python has none of the checks: it adds what is no number, compares what is of two
types, and never stops.
"""

from __future__ import annotations

import pytest
from measure import OURS

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


def repeated(call, argument, rounds):
    def work():
        for _ in range(rounds):
            call(argument)

    return work


@pytest.mark.parametrize("case", CASES)
def test_evaluate(measure, case):
    source, python = CASES[case]
    env = {**ENV, RAW: {}}
    run, plain = Expression.of(source).evaluate, {**ENV}
    code = compile(python, case, "eval")
    assert run(env) == eval(code, dict(ENV))
    rounds = 10 if case.endswith("1000") else 1_000
    works = {
        OURS: repeated(run, env, rounds),
        "python": repeated(lambda env: eval(code, env), plain, rounds),
    }
    measure.turns(works, rounds, floor="python")


@pytest.mark.parametrize("case", ["text", "whole"])
def test_fill(measure, case):
    text = "Dear ${order.customer.name}: ${n} of ${limit}" if case == "text" else "${order.total}"
    env = {**ENV, RAW: {}}
    measure.loop(repeated(Template(text).evaluate, env, 1_000), 1_000)


def forget():
    grammar.parse.cache_clear()
    compiler.Expression.of.cache_clear()


@pytest.mark.parametrize("case", ["compare", "and", "filter_1000"])
def test_parse(measure, case):
    """To a closure, from text that was never seen before; what forgetting takes is in it."""
    source, _ = CASES[case]

    def work():
        for _ in range(100):
            forget()
            assert Expression.of(source).run

    measure.loop(work, 100)
