"""Recording: sessions around real ones, which write down what is asked and answered."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from goflow.cassettes.cassette import Call, Cassette, Tape
from goflow.cassettes.failures import to_value
from goflow.errors import GoFlowError, ServerError
from goflow.servers.handlers import NO_HANDLERS
from goflow.servers.opening import open_session
from goflow.servers.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import Handlers, OnProgress
    from goflow.servers.process import ServerProcess
    from goflow.servers.session import Session

__all__ = ["Recorder"]

# The value of an environment variable that is shorter is no secret, and hiding it hides much else.
_TELLING = 4


class Recorder:
    """Opens sessions that record, all into one cassette. Belongs to one event loop.

    What a server gets as a secret, what a login left for it, and the values of the environment that
    its definition names are ``***`` in the cassette.
    """

    offline = False
    """Whether servers are played back."""

    def __init__(self, *, workflow: str = "", inputs: dict[str, Any] | None = None) -> None:
        self.cassette = Cassette(workflow=workflow, inputs=inputs)
        self._secrets: dict[str, None] = {}

    async def open(
        self,
        config: ServerConfig,
        process: ServerProcess | None = None,
        handlers: Handlers = NO_HANDLERS,
    ) -> Session:
        """As ``open_session``, recorded: also when it fails."""
        self._hide(config)
        tape = self.cassette.servers.setdefault(config.id, _blank(config))
        try:
            session = await open_session(config, process, handlers)
        except ServerError as error:
            tape["connects"].append(to_value(error))
            raise
        tape["connects"].append(None)
        recording = RecordingSession(session, tape, self.cassette.calls)
        recording.describe()
        # Now, so that a replay has them whenever somebody asks; who needs them is told what fails.
        with suppress(GoFlowError):
            await recording.list_tools()
        return recording

    def save(self, file: Path) -> Cassette:
        """Write the cassette, without secrets; raises ``BadCall``."""
        # Tokens of logins, renewed ones too, are known to every redactor.
        redact = Redactor(self._secrets)
        hidden = Cassette(workflow=self.cassette.workflow)
        hidden.inputs = redact.value(self.cassette.inputs)
        hidden.servers = redact.value(self.cassette.servers)
        hidden.calls = [redact.value(call) for call in self.cassette.calls if len(call) == 4]
        hidden.write(file)
        return hidden

    def _hide(self, config: ServerConfig) -> None:
        found = [*config.credentials]
        found += (value for value in config.secrets if len(value) >= _TELLING)
        self._secrets |= dict.fromkeys(found)


def _blank(config: ServerConfig) -> Tape:
    return Tape(
        transport=config.transport,
        info={},
        protocol_version="",
        capabilities={},
        instructions=None,
        tools=None,
        connects=[],
    )


class RecordingSession:
    """A `Session` that is another one, and writes down what goes through it."""

    def __init__(self, session: Session, tape: Tape, calls: list[Call]) -> None:
        self._session = session
        self._tape = tape
        self._calls = calls

    def describe(self) -> None:
        """Write down what the server says of itself."""
        self._tape["info"] = self._session.server_info
        self._tape["protocol_version"] = self._session.protocol_version
        self._tape["capabilities"] = self._session.capabilities
        self._tape["instructions"] = self._session.instructions

    @property
    def config(self) -> ServerConfig:
        """The server that this is a conversation with."""
        return self._session.config

    @property
    def server_info(self) -> dict[str, Any]:
        """The server's ``serverInfo``."""
        return self._session.server_info

    @property
    def protocol_version(self) -> str:
        """The protocol version agreed on."""
        return self._session.protocol_version

    @property
    def capabilities(self) -> dict[str, Any]:
        """The server's ``capabilities``."""
        return self._session.capabilities

    @property
    def closed(self) -> bool:
        """Whether the session takes no more calls."""
        return self._session.closed

    @property
    def end_reason(self) -> str:
        """Why the session ended."""
        return self._session.end_reason

    @property
    def instructions(self) -> str | None:
        """How the server says its tools are used."""
        return self._session.instructions

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """See `Session.call_tool`; what it gives or raises is written down."""
        call = Call(server=self.config.id, tool=name, arguments=arguments)
        self._calls.append(call)
        try:
            result = await self._session.call_tool(
                name, arguments, timeout=timeout, on_progress=on_progress
            )
        except ServerError as error:
            call["error"] = to_value(error)
            raise
        call["result"] = result
        return result

    async def list_tools(self) -> list[dict[str, Any]]:
        """See `Session.list_tools`; the last list is what is kept."""
        tools = await self._session.list_tools()
        self._tape["tools"] = tools
        return tools

    def on_tools_changed(self, callback: Callable[[], object]) -> None:
        """See `Session.on_tools_changed`."""
        self._session.on_tools_changed(callback)

    async def ping(self) -> None:
        """See `Session.ping`."""
        await self._session.ping()

    async def close(self) -> None:
        """See `Session.close`."""
        await self._session.close()

    async def wait_closed(self) -> None:
        """See `Session.wait_closed`."""
        await self._session.wait_closed()

    def on_closed(self, callback: Callable[[Session], object]) -> None:
        """See `Session.on_closed`; the callback gets this session."""
        self._session.on_closed(lambda _: callback(self))
