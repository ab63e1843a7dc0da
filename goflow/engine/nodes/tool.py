"""``mcp_tool``: one call of a tool, its arguments built from the run's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from goflow.engine.answer import checked, failure, original_text, unwrap
from goflow.engine.nodes import Answer
from goflow.errors import ConnectFailed, GoFlowError, RequestRejected, ToolFailed
from goflow.expressions.compile import Env, Run, raw_of
from goflow.expressions.text import Template, fill
from goflow.servers.redaction import Redactor

if TYPE_CHECKING:
    from goflow.engine.resources import Resources
    from goflow.engine.sending import Sending
    from goflow.results.key import ResultKey
    from goflow.results.results import Results
    from goflow.servers.config import ServerConfig
    from goflow.servers.connections import RunConnections
    from goflow.servers.session import Session
    from goflow.workflow.model import CachePolicy, ToolNode

__all__ = ["ToolWork"]

# Seconds that a server may take to list its tools for an error to be explained.
EXPLAIN_TIMEOUT = 1.0


class Request(msgspec.Struct, frozen=True):
    """The arguments of a call; ``originals`` are texts that some of them were read from."""

    arguments: dict[str, Any]
    originals: dict[str, str]


class ToolWork:
    """Calls one tool on one server."""

    __slots__ = ("_arguments", "_redactor", "_result", "_sources", "server", "tool")

    def __init__(self, node: ToolNode, server: ServerConfig, *, strict: bool = False) -> None:
        self.server = server
        self.tool = node.tool
        self._result = node.result
        self._redactor = Redactor(server.secrets)
        self._arguments, _ = fill(node.parameters, strict=strict)
        self._sources = {
            name: source
            for name, value in node.parameters.items()
            if (source := _raw_source(value)) is not None
        }

    def prepare(self, env: Env) -> Request:
        """The call's arguments; raises ``ExpressionError``."""
        arguments = self._arguments(env)
        originals = {}
        for name, source in self._sources.items():
            raw = source(env)
            text = None if raw is None else original_text(raw, arguments[name])
            if text is not None:
                originals[name] = text
        return Request(arguments, originals)

    def key(
        self,
        request: Request,
        policy: CachePolicy,
        within: str | None,
        results: Results,
        schema: str,
    ) -> ResultKey:
        """What a kept result of the call is found by; raises ``NotJson``."""
        from goflow.results.key import tool_key  # noqa: PLC0415 - few runs reuse results

        return tool_key(
            server=results.identity(self.server),
            tool=self.tool,
            schema=schema,
            arguments=request.arguments,
            originals=request.originals,
            result=self._result,
            ignore=policy.ignore,
            version=policy.version,
            within=within,
        )

    def given(self, request: Request) -> Any:
        """The call's arguments."""
        return request.arguments

    async def attempt(
        self,
        request: Request,
        resources: Resources,
        timeout: float | None,
        sending: Sending | None,
    ) -> Answer:
        """Call the tool once, connecting first if need be.

        ``timeout`` is in seconds and covers both; without it each has the server's own. Raises
        ``ToolFailed`` for a result with ``isError`` and the ``ServerError`` of a call without one.
        """
        connections = resources.connections
        try:
            lease, left = await connections.acquire(self.server, timeout)
            try:
                if lease.waited:
                    return await self._call(lease.connection, request, connections, left, sending)
                try:
                    return await self._call(lease.connection, request, connections, left, sending)
                except ConnectFailed:
                    pass  # it had died while idle, and nothing was sent: a new one may take it
            finally:
                connections.release(lease)
            lease, left = await connections.acquire(self.server, timeout)
            try:
                return await self._call(lease.connection, request, connections, left, sending)
            finally:
                connections.release(lease)
        except GoFlowError as error:
            # A server may well give its secrets back in what it complains of.
            error.message = self._redactor.text(error.message)
            if error.hint is not None:
                error.hint = self._redactor.text(error.hint)
            raise

    async def _call(
        self,
        session: Session,
        request: Request,
        connections: RunConnections,
        timeout: float | None,
        sending: Sending | None,
    ) -> Answer:
        arguments = request.arguments
        if request.originals:
            schema = await self._described(session, connections, timeout)
            arguments = arguments | _texts_wanted(request.originals, schema)
        progress = None
        if sending is not None:
            progress = sending.progress
            if sending.waits:
                connections.learn(session)  # whether the next call may do without waiting
                await sending.before()
        try:
            raw = checked(
                await session.call_tool(
                    self.tool, arguments, timeout=timeout, on_progress=progress
                ),
                server=self.server.id,
                tool=self.tool,
            )
            if raw["isError"]:
                raise failure(raw, server=self.server.id, tool=self.tool)
        except (ToolFailed, RequestRejected) as error:
            await self._explain(error, arguments, session, connections)
            raise
        return Answer(unwrap(raw, self._result, server=self.server.id, tool=self.tool), raw)

    async def _described(
        self, session: Session, connections: RunConnections, timeout: float | None
    ) -> dict[str, Any]:
        """What the server says of the tool; asked for at most once a session."""
        import asyncio  # noqa: PLC0415 - a plan is made before asyncio is loaded

        try:
            return await asyncio.wait_for(connections.described(session, self.tool), timeout)
        except asyncio.TimeoutError:
            raise ConnectFailed(
                f"server {self.server.id!r} did not list its tools in time: nothing was called",
                server=self.server.id,
            ) from None

    async def _explain(
        self,
        error: ToolFailed | RequestRejected,
        arguments: dict[str, Any],
        session: Session,
        connections: RunConnections,
    ) -> None:
        """Say what was wrong with a call that was refused, where the server's tools tell."""
        from goflow.engine.refusal import looks_refused, refusal_hint  # noqa: PLC0415

        if error.hint is not None or not looks_refused(error):
            return
        try:
            await self._described(session, connections, EXPLAIN_TIMEOUT)
        except GoFlowError:
            return  # the error says enough without
        hint = refusal_hint(self.tool, arguments, connections.known_tools(self.server))
        if hint is not None:
            error.hint = f"{hint} (goflow validate FILE --live finds this before a run)"

    def harmless(self, resources: Resources) -> bool:
        """Whether the server is known to mark the tool as read-only or idempotent."""
        return _harmless(resources.connections.known_tool(self.server, self.tool))

    def read_only(self, connections: RunConnections) -> bool:
        """Whether the server is known to mark the tool as read-only."""
        annotations = _map(connections.known_tool(self.server, self.tool).get("annotations"))
        return annotations.get("readOnlyHint") is True

    async def repeatable(self, resources: Resources) -> bool:
        """Whether the server marks the tool as read-only or idempotent."""
        return _harmless(await resources.connections.tool(self.server, self.tool))


def _raw_source(value: Any) -> Run | None:
    """Where the raw result of an argument is found that is one reference to a tool's value."""
    if not isinstance(value, str) or "${" not in value:
        return None
    whole = Template(value).whole
    return None if whole is None else raw_of(whole)


def _texts_wanted(originals: dict[str, str], tool: dict[str, Any]) -> dict[str, str]:
    """The arguments that the tool's schema wants as text, as the text they were read from."""
    properties = _map(_map(tool.get("inputSchema")).get("properties"))
    return {
        name: text
        for name, text in originals.items()
        if _is_text(_map(properties.get(name)).get("type"))
    }


def _is_text(kinds: Any) -> bool:
    """Whether a schema's ``type`` takes strings and neither lists nor maps."""
    if isinstance(kinds, list):
        return "string" in kinds and "object" not in kinds and "array" not in kinds
    return bool(kinds == "string")


def _harmless(described: dict[str, Any]) -> bool:
    annotations = _map(described.get("annotations"))
    return bool(annotations.get("readOnlyHint") or annotations.get("idempotentHint"))


def _map(value: Any) -> dict[str, Any]:
    """``value`` if it is a map: what a server says of itself may be anything."""
    return value if isinstance(value, dict) else {}
