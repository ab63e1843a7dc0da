"""Runs as OpenTelemetry spans, where the application has a tracer: run, node, attempt, call.

Made from a run's events, with their times, in the thread that delivers them; an application that
does not trace pays one look into ``sys.modules`` a run. Names and attributes follow the semantic
conventions for generative AI and for MCP (OpenTelemetry, status "Development").
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

from goflow import __version__
from goflow.engine import events
from goflow.workflow.model import SubworkflowNode, ToolNode

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.engine.plan import Plan
    from goflow.workflow.model import Node

__all__ = ["Spans", "tracing"]

_Place: TypeAlias = tuple[tuple[events.Within, ...], str, tuple[int, ...]]

_BAD = ("failed", "outcome_unknown")


def tracing(plan: Plan) -> Spans | None:
    """The spans of a run that begins now, under the caller's span; None unless there is a tracer.

    The package ``opentelemetry`` is never imported here: who traces has done so.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    if isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
        return None
    return Spans(plan, trace, provider.get_tracer("goflow", __version__))


class Spans:
    """A listener that makes spans of what it hears."""

    def __init__(self, plan: Plan, trace: Any, tracer: Any) -> None:
        self._plan = plan
        self._trace = trace
        self._tracer = tracer
        self._around = sys.modules["opentelemetry.context"].get_current()
        self._run: Any = None
        self._nodes: dict[_Place, Any] = {}
        self._attempts: dict[_Place, list[Any]] = {}
        self._connecting: dict[str, Any] = {}
        self._heard: dict[type, Callable[[Any], None]] = {
            events.RunStarted: self._run_started,
            events.NodeStarted: self._node_started,
            events.AttemptStarted: self._attempt_started,
            events.AttemptFailed: self._attempt_failed,
            events.NodeFinished: self._node_finished,
            events.ServerConnecting: self._connecting_started,
            events.ServerConnected: self._connecting_ended,
            events.ServerConnectFailed: self._connecting_ended,
            events.RunFinished: self._run_finished,
        }

    def on_event(self, event: events.Event) -> None:
        """Start or end the spans that the event is about."""
        heard = self._heard.get(type(event))
        if heard is not None:
            heard(event)

    def _run_started(self, event: events.RunStarted) -> None:
        self._run = self._tracer.start_span(
            f"invoke_workflow {event.workflow}",
            context=self._around,
            start_time=_nanoseconds(event.at),
            attributes={
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": event.workflow,
                "goflow.run.id": event.run,
            },
        )

    def _node_started(self, event: events.NodeStarted) -> None:
        node = self._node(event)
        attributes: dict[str, Any] = {"goflow.node.id": event.node, "goflow.node.type": node.type}
        if event.path:
            attributes["goflow.node.path"] = list(event.path)
        around = self._run
        if event.within:
            *outer, last = event.within
            place = (tuple(outer), last.node, last.path)
            around = self._attempts.get(place, [None])[0] or self._nodes.get(place)
        span = self._child(around, f"node {event.node}", event.at, attributes)
        self._nodes[event.within, event.node, event.path] = span

    def _attempt_started(self, event: events.AttemptStarted) -> None:
        place = event.within, event.node, event.path
        attributes: dict[str, Any] = {"goflow.attempt": event.attempt}
        attempt = self._child(
            self._nodes.get(place), f"attempt {event.attempt}", event.at, attributes
        )
        spans = [attempt]
        node = self._node(event)
        if isinstance(node, ToolNode):
            attributes = {
                "mcp.method.name": "tools/call",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": node.tool,
                "goflow.server.id": node.server,
            }
            client = self._trace.SpanKind.CLIENT
            spans.append(
                self._child(attempt, f"tools/call {node.tool}", event.at, attributes, kind=client)
            )
        self._attempts[place] = spans

    def _attempt_failed(self, event: events.AttemptFailed) -> None:
        self._end_attempt((event.within, event.node, event.path), event.at, event.error)

    def _node_finished(self, event: events.NodeFinished) -> None:
        place = event.within, event.node, event.path
        error = event.error if event.status in _BAD else None
        self._end_attempt(place, event.at, error)
        span = self._nodes.pop(place, None)
        if span is not None:
            span.set_attribute("goflow.node.status", event.status)
            self._end(span, event.at, error)

    def _run_finished(self, event: events.RunFinished) -> None:
        for span in self._connecting.values():
            span.end(end_time=_nanoseconds(event.at))
        self._run.set_attribute("goflow.run.status", event.status)
        error = (
            None
            if event.status in ("completed", "cached")
            else {"code": event.status, "message": ""}
        )
        self._end(self._run, event.at, error)

    def _connecting_started(self, event: events.ServerConnecting) -> None:
        attributes = {
            "goflow.server.id": event.server,
            "goflow.connect.reason": event.reason,
            "goflow.attempt": event.attempt,
        }
        client = self._trace.SpanKind.CLIENT
        self._connecting[event.server] = self._child(
            self._run, f"connect {event.server}", event.at, attributes, kind=client
        )

    def _connecting_ended(self, event: events.ServerConnected | events.ServerConnectFailed) -> None:
        span = self._connecting.pop(event.server, None)
        if span is not None:  # else it began before the run
            error = event.error if isinstance(event, events.ServerConnectFailed) else None
            self._end(span, event.at, error)

    def _node(self, event: events.NodeStarted | events.AttemptStarted) -> Node:
        """The node of an event, in the workflow that it is of."""
        plan = self._plan
        for around in event.within:
            outer = plan.workflow.nodes[plan.index[around.node]]
            assert isinstance(outer, SubworkflowNode)
            plan = plan.workflows[outer.workflow]
        return plan.workflow.nodes[plan.index[event.node]]

    def _end_attempt(self, place: _Place, at: float, error: dict[str, Any] | None) -> None:
        for span in reversed(self._attempts.pop(place, [])):
            self._end(span, at, error)

    def _child(
        self, parent: Any, name: str, at: float, attributes: dict[str, Any], **options: Any
    ) -> Any:
        return self._tracer.start_span(
            name,
            context=self._trace.set_span_in_context(parent or self._run),
            start_time=_nanoseconds(at),
            attributes=attributes,
            **options,
        )

    def _end(self, span: Any, at: float, error: dict[str, Any] | None) -> None:
        if error is not None:
            span.set_attribute("error.type", error["code"])
            span.set_status(self._trace.StatusCode.ERROR, error["message"])
        span.end(end_time=_nanoseconds(at))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
