"""Spans of a run, as an application that traces gets them; and none where nobody does."""

import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.workflows import lab_server, loop, row, tool, transform, workflow

import goflow


@pytest.fixture
def spans(monkeypatch):
    """The finished spans of this process, oldest start first."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield lambda: sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)
    provider.shutdown()


def tree(spans):
    """Names below names, but for connecting."""
    spans = [span for span in spans if not span.name.startswith("connect ")]
    found = {None: {}}
    for span in spans:
        found[span.context.span_id] = {}
    for span in spans:
        parent = span.parent.span_id if span.parent else None
        found[parent][span.name] = found[span.context.span_id]
    return found[None]


def test_a_run_is_a_span_above_its_nodes_attempts_and_calls(spans):
    goflow.run(workflow([tool("a", "say", text="x")], row("a")))
    assert tree(spans()) == {
        "invoke_workflow test": {
            "node start": {},
            "node a": {"attempt 1": {"tools/call say": {}}},
            "node end": {},
        }
    }
    (call,) = (span for span in spans() if span.name == "tools/call say")
    assert call.kind == trace.SpanKind.CLIENT
    assert call.attributes["mcp.method.name"] == "tools/call"
    assert call.attributes["gen_ai.tool.name"] == "say"


def test_a_run_is_below_the_callers_span(spans):
    tracer = trace.get_tracer_provider().get_tracer("test")
    with tracer.start_as_current_span("outer"):
        goflow.run(workflow([], ["start end"]))
    assert list(tree(spans())) == ["outer"]


def test_failures_are_errors_with_their_code(spans):
    goflow.run(workflow([transform("a", "1 / 0")], row("a")))
    failed = {span.name: span.attributes.get("error.type") for span in spans()}
    assert failed == {
        "invoke_workflow test": "failed", "node start": None, "node a": "transform_error",
    }  # fmt: skip


def test_each_attempt_is_a_span(spans):
    retry = {"max_attempts": 2, "on": ["tool_error"], "initial_delay": "1ms"}
    goflow.run(workflow([tool("a", "flaky", key="k", failures=1, retry=retry)], row("a")))
    attempts = [(s.name, s.status.is_ok) for s in spans() if s.name.startswith("attempt")]
    assert attempts == [("attempt 1", False), ("attempt 2", True)]


def test_members_say_where_they_are(spans):
    goflow.run(workflow([loop("each", [1, 2], ["m"]), transform("m", "item")], row("each")))
    paths = [s.attributes["goflow.node.path"] for s in spans() if s.name == "node m"]
    assert paths == [(0,), (1,)]


def test_a_workflow_in_a_node_is_below_its_attempt(spans, tmp_path):
    (tmp_path / "inner.json").write_text(workflow([tool("b", "say", text="x")], row("b")))
    nodes = [loop("each", [1], ["s"]), {"id": "s", "type": "workflow", "workflow": "inner"}]
    (tmp_path / "outer.json").write_text(workflow(nodes, row("each")))
    goflow.run(tmp_path / "outer.json")
    assert tree(spans())["invoke_workflow test"]["node s"] == {
        "attempt 1": {
            "node start": {},
            "node b": {"attempt 1": {"tools/call say": {}}},
            "node end": {},
        }
    }


def test_connecting_is_a_span(spans):
    gone = {"id": "gone", "command": "no-such-command-here"}
    nodes = [tool("a", "say", text="x"), tool("b", "say", server="gone", on_error="continue")]
    goflow.run(workflow(nodes, row("a", "b"), servers=[lab_server(), gone]))
    found = {span.name: span for span in spans() if span.name.startswith("connect ")}
    assert found["connect lab"].kind == trace.SpanKind.CLIENT
    assert found["connect lab"].attributes["goflow.connect.reason"] == "prewarm"
    assert found["connect lab"].status.is_ok
    assert found["connect gone"].attributes["error.type"] == "connection_error"


def test_who_does_not_trace_imports_nothing_of_it():
    code = (
        "import sys, goflow; goflow.run(sys.argv[1]); "
        "print([m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, workflow([], ["start end"])],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_a_tracer_that_is_not_configured_hears_nothing():
    from goflow.engine.prepare import prepare
    from goflow.engine.telemetry import tracing

    assert tracing(prepare(workflow([], ["start end"]))) is None
