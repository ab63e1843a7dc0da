"""``mcp_tool``: one call of a tool, its arguments built from the run's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.engine.answer import failure, original_text, unwrap
from goflow.engine.nodes import Answer
from goflow.errors import ConnectFailed
from goflow.expressions.compile import Env, Run, raw_of
from goflow.expressions.text import Template, fill

if TYPE_CHECKING:
    from goflow.servers.config import ServerConfig
    from goflow.servers.connections import Connections
    from goflow.servers.session import Session
    from goflow.workflow.model import ToolNode

__all__ = ["ToolWork"]


class Request(NamedTuple):
    """The arguments of a call; ``originals`` are texts that some of them were read from."""

    arguments: dict[str, Any]
    originals: dict[str, str]


class ToolWork:
    """Calls one tool on one server."""

    __slots__ = ("_arguments", "_result", "_sources", "server", "tool")

    def __init__(self, node: ToolNode, server: ServerConfig, *, strict: bool = False) -> None:
        self.server = server
        self.tool = node.tool
        self._result = node.result
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

    async def attempt(
        self, request: Request, connections: Connections, timeout: float | None
    ) -> Answer:
        """Call the tool once, connecting first if need be.

        ``timeout`` is in seconds and covers both; without it each has the server's own. Raises
        ``ToolFailed`` for a result with ``isError`` and the ``ServerError`` of a call without one.
        """
        session = connections.ready(self.server)
        if session is not None:
            try:
                return await self._call(session, request, connections, timeout)
            except ConnectFailed:
                pass  # it had died while idle, and nothing was sent: a new session may take it
        session, timeout = await connections.session(self.server, timeout)
        return await self._call(session, request, connections, timeout)

    async def _call(
        self, session: Session, request: Request, connections: Connections, timeout: float | None
    ) -> Answer:
        arguments = request.arguments
        if request.originals:
            schema = await connections.tool(self.server, self.tool)
            arguments = arguments | _texts_wanted(request.originals, schema)
        raw = await session.call_tool(self.tool, arguments, timeout=timeout)
        if raw.get("isError"):
            raise failure(raw, server=self.server.id, tool=self.tool)
        return Answer(unwrap(raw, self._result, server=self.server.id, tool=self.tool), raw)

    async def repeatable(self, connections: Connections) -> bool:
        """Whether the server marks the tool as read-only or idempotent."""
        tool = await connections.tool(self.server, self.tool)
        annotations = tool.get("annotations") or {}
        return bool(annotations.get("readOnlyHint") or annotations.get("idempotentHint"))


def _raw_source(value: Any) -> Run | None:
    """Where the raw result of an argument is found that is one reference to a tool's value."""
    if not isinstance(value, str) or "${" not in value:
        return None
    whole = Template(value).whole
    return None if whole is None else raw_of(whole)


def _texts_wanted(originals: dict[str, str], tool: dict[str, Any]) -> dict[str, str]:
    """The arguments that the tool's schema wants as text, as the text they were read from."""
    properties = (tool.get("inputSchema") or {}).get("properties") or {}
    return {
        name: text
        for name, text in originals.items()
        if (properties.get(name) or {}).get("type") == "string"
    }
