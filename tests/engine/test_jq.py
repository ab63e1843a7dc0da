"""jq in transforms: real jq, in processes of its own that can do no harm."""

import asyncio
import json
import os
import signal

import pytest
from support.servers import children, process_exists, wait_until
from support.workflows import transform, workflow

import goflow
from goflow.errors import TransformFailed
from goflow.expressions.jq import JqProgram, input_text
from goflow.expressions.jq_client import JqWorker


def of(expression, value=None, **options):
    """A workflow of one jq transform over the variable ``v``."""
    variables = [{"name": "v", "default": value}, {"name": "x"}]
    node = transform("a", expression, input="v", output="out", **options)
    return workflow([node], ["start a", "a end"], result="${out}", variables=variables)


def error_of(result):
    assert result.status == "failed"
    assert result.error["code"] == "transform_error"
    return result.error["message"]


async def worker_since(before):
    """Wait until a worker was started, and is at work."""
    for _ in range(1000):
        await asyncio.sleep(0.01)
        if children() - before:
            break
    await asyncio.sleep(0.2)


@pytest.fixture
def worker():
    worker = JqWorker()
    yield worker
    worker.close()


def ask(worker, program, value=None, limit=5.0, **arguments):
    return worker.ask(program, arguments, json.dumps(value).encode(), limit)


@pytest.mark.parametrize(
    ("expression", "value", "result"),
    [
        ("jq(.a)", {"a": 1}, 1),
        (" jq( .a ) ", {"a": 1}, 1),
        ("jq(.[] | select(.n > 1))", [{"n": 1}, {"n": 2}], {"n": 2}),
        ("jq(.[])", [1, 2], [1, 2]),
        ("jq(.[])", [], None),
        ("jq(.[0])", [[1]], [1]),
        ("jq(.a)", '{"a": [1, "é😀"]}', [1, "é😀"]),
        ("jq(.)", "no JSON", "no JSON"),
        ("jq(.)", "é\u0000\u2028😀", "é\u0000\u2028😀"),
        ("jq(nan, [nan])", 1, [None, [None]]),
        ('jq(")" | length # ")" (\n)', None, 1),
        ('jq("a\\(.n + (1))b")', {"n": 1}, "a2b"),
        ("jq(input_filename)", None, None),
        ("jq([inputs])", None, []),
        ("jq($ENV, env)", None, [{}, {}]),
        ("jq(9007199254740992)", None, 2**53),
    ],
)
def test_a_program_gives_its_result(go, expression, value, result):
    assert go(of(expression, value)).raise_for_status().result == result


def test_kind_jq_needs_no_call_and_no_input(go):
    assert go(of(".a + 1", {"a": 1}, kind="jq")).result == 2
    text = workflow([transform("a", "jq(., 1)", output="o")], ["start a", "a end"], result="${o}")
    assert go(text).result == [None, 1]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("jq(.a == ${x})", False),
        ('jq("<${x}>")', "<{x}>"),
        ('jq("a\\("<${x}>")")', "a<{x}>"),
        ("jq({k: ${x}, input: ${input.a}})", None),
        ("jq(${x} | length)", None),
        ("jq(# ${x}\n1)", 1),
        ('jq("$${x}")', "${x}"),
    ],
)
@pytest.mark.parametrize(
    "attempt",
    ['" | env | "', "\\(env)", ") | env | (", '"', "\\", "#", "é😀\n\u0000", "$__1", "${v}"],
)
def test_a_value_is_never_part_of_the_program(worker, expression, result, attempt):
    program = JqProgram(expression)
    env = {"x": attempt, "input": {"a": 5}}
    (found,) = worker.ask(program.source, program.arguments(env), b'{"a": 1}')
    if isinstance(result, str) and "${" not in result:
        result = result.replace("{x}", attempt)
    elif result is None:
        result = {"k": attempt, "input": 5} if "input" in expression else len(attempt)
    assert found == result


def test_a_value_keeps_its_type_in_code(worker):
    program = JqProgram("jq(${x} | type, ${x}[0])")
    values = program.arguments({"x": [{"a": 1}]})
    assert worker.ask(program.source, values, b"null") == ["array", {"a": 1}]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("jq(.a)", "Cannot index number"),
        ('jq(error("mine"))', "jq: mine"),
        ("jq(input)", "jq: "),
        ('jq("x" * 2000000000 | length)', "more memory than its limit of 1024 MiB"),
    ],
)
def test_a_program_that_fails_fails_its_node(go, expression, message):
    assert message in error_of(go(of(expression, 5)))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("jq(.a |)", "jq: syntax error, unexpected end of file"),
        ("jq(nothing(1))", "jq: nothing/1 is not defined"),
        ("jq(.a | $x)", "jq: $x is not defined"),
        ('jq(import "a" as a; 1)', "jq: module not found: a"),
        ("jq(map(.x > ${v})", "jq: syntax error"),
    ],
)
def test_a_program_that_does_not_compile_is_told_before_the_run(expression, message):
    (finding,) = goflow.validate(of(expression, 5)).errors
    assert finding.code == "GF301"
    assert message in finding.message


def test_asking_whether_a_program_compiles_does_not_run_it(worker):
    assert worker.mistake("def f: f; f", []) is None
    assert worker.mistake("$__1 + 1", ["__1"]) is None
    assert "not defined" in worker.mistake("$__1 + 1", [])


def test_two_programs_are_no_program():
    for text in ("jq(.a) + jq(.b)", "jq(.a) | jq(.b)"):
        (finding,) = goflow.validate(of(text)).errors
        assert finding.code == "GF301"
        assert "must be the whole" in finding.message


def test_a_program_without_end_is_ended(go):
    assert "its limit of 0.3 s" in error_of(go(of("jq(def f: f; f)", timeout="300ms")))


def test_what_a_jq_node_fails_with_can_be_handled(go):
    nodes = [
        transform("a", "jq(def f: f; f)", timeout="200ms", on_error={"value": "late"}, output="o"),
        transform("b", "jq(1 + 1)", output="p"),
    ]
    text = workflow(nodes, ["start a", "a b", "b end"], result=["${o}", "${p}"])
    assert go(text).result == ["late", 2]


def test_other_nodes_run_while_jq_works(go):
    nodes = [
        transform("slow", "jq(def f: f; f)", timeout="1s", on_error="continue"),
        transform("quick", "1 + 1", output="x"),
    ]
    seen = []
    text = workflow(nodes, ["start slow", "start quick", "slow end", "quick end"], result="${x}")
    assert go(text, listener=lambda e: seen.append((type(e).__name__, getattr(e, "node", None))))
    finished = [node for name, node in seen if name == "NodeFinished"]
    assert finished.index("quick") < finished.index("slow")


def test_a_worker_stays_warm_and_ends_with_its_engine(run):
    before = children()

    async def main():
        async with goflow.Engine() as engine:
            pids = []
            for _ in range(3):
                result = await engine.run(of("jq(.a)", {"a": 1}))
                assert result.result == 1
                pids.append(children() - before)
            assert pids[0] == pids[1] == pids[2]
            assert len(pids[0]) == 1
        assert wait_until(lambda: children() == before)

    run(main())


def test_a_worker_that_died_is_replaced(run):
    before = children()

    async def main():
        async with goflow.Engine() as engine:
            assert (await engine.run(of("jq(1)"))).result == 1
            (pid,) = children() - before
            os.kill(pid, signal.SIGKILL)
            assert wait_until(lambda: not process_exists(pid))
            assert (await engine.run(of("jq(2)"))).result == 2

    run(main())


def test_a_crash_fails_the_node(run):
    before = children()

    async def main():
        async with goflow.Engine() as engine:
            going = asyncio.ensure_future(engine.run(of("jq(def f: f; f)", timeout="60s")))
            await worker_since(before)
            (pid,) = children() - before
            os.kill(pid, signal.SIGKILL)
            assert "the jq worker was killed by signal 9" in error_of(await going)
            assert (await engine.run(of("jq(2)"))).result == 2

    run(main())


def test_cancelling_a_run_ends_its_worker(run):
    before = children()

    async def main():
        async with goflow.Engine() as engine:
            going = asyncio.ensure_future(engine.run(of("jq(def f: f; f)", timeout="60s")))
            await worker_since(before)
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
            assert wait_until(lambda: children() == before)

    run(main())


def test_a_program_can_read_no_file(worker, tmp_path):
    (tmp_path / "secret.json").write_text('{"a": 1}')
    (tmp_path / "more.jq").write_text("def more: 1;")
    for program in (
        f'import "secret" as $s {{search: "{tmp_path}"}}; $s',
        f'import "more" as m {{search: "{tmp_path}"}}; m::more',
        f'include "more" {{search: "{tmp_path}"}}; more',
    ):
        with pytest.raises(TransformFailed):
            ask(worker, program)
    assert ask(worker, "1") == [1]


def test_an_input_that_finds_no_room_is_refused():
    worker = JqWorker(memory=256 << 20)
    with pytest.raises(TransformFailed, match="more memory than its limit of 256 MiB"):
        worker.ask("length", {}, b'"' + b"x" * (150 << 20) + b'"', 60)
    assert not worker.alive
    worker.close()


def test_a_large_value_goes_through(worker):
    value = ["é" * 1000] * 3000
    assert ask(worker, ".", value) == [value]


def test_a_worker_ends_when_its_input_ends_and_by_itself(worker):
    worker._process.stdin.close()
    assert worker._process.wait(10) == 0


def test_a_worker_whose_user_is_gone_ends_a_program_without_end(worker):
    # As if it were not ended by us: its own alarm does it.
    worker.close, closed = (lambda: None), worker.close
    with pytest.raises(TransformFailed, match=r"limit of 0\.05"):
        ask(worker, "def f: f; f", limit=0.05)
    assert worker._process.wait(20) == -signal.SIGALRM
    worker.close = closed


def test_a_dropped_worker_is_ended():
    worker = JqWorker()
    pid = worker.pid
    del worker
    assert wait_until(lambda: pid not in children())


def test_input_that_has_no_json_text_is_refused():
    with pytest.raises(goflow.errors.ExpressionError, match="no JSON text"):
        input_text({"a": object()})
