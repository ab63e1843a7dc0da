"""What a server says unasked: its requests are answered, its notifications passed on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from goflow.servers import jsonrpc
from goflow.servers.handlers import LogMessage, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from goflow.servers.config import ServerConfig
    from goflow.servers.handlers import Answerer, Handlers, OnProgress
    from goflow.servers.log import ServerLog

__all__ = ["Inbound", "Refused", "answer_request"]

# Requests of one server that are being answered at once; more are refused.
_LIMIT = 16

# What changed before the server began to tell was not told: when it begins counts as a change.
_TOOLS_CHANGED = (
    "notifications/tools/list_changed",
    "notifications/subscriptions/acknowledged",
)

_REASONS = {
    "roots/list": "this client offers no roots",
    "sampling/createMessage": "this client runs no model for servers",
    "elicitation/create": "this client has nobody to ask",
}


class Refused(Exception):
    """A request that is answered with an error: its JSON-RPC code, and why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def find_answer(handlers: Handlers, method: str) -> dict[str, Any] | Answerer:
    """The result of a server's request, or who gives it; raises ``Refused`` when nobody does."""
    if method == "ping":
        return {}
    if method == "roots/list" and handlers.roots is not None:
        return {"roots": [{"uri": uri} for uri in handlers.roots]}
    answerer: Answerer | None = {
        "sampling/createMessage": handlers.sample,
        "elicitation/create": handlers.elicit,
    }.get(method)
    if answerer is None:
        reason = _REASONS.get(method)
        text = f"Method not found: {method}" + (f" ({reason})" if reason else "")
        raise Refused(jsonrpc.METHOD_NOT_FOUND, text)
    return answerer


async def answer_request(
    handlers: Handlers, server: str, method: str, params: dict[str, Any]
) -> dict[str, Any]:
    """The result of a server's request; raises ``Refused`` when there is none."""
    answer = find_answer(handlers, method)
    if isinstance(answer, dict):
        return answer
    try:
        return await answer(server, params)
    except Exception as error:
        raise Refused(jsonrpc.INTERNAL_ERROR, f"{type(error).__name__}: {error}") from error


def _read_progress(params: dict[str, Any]) -> Progress | None:
    """The progress in a notification's parameters, if there is any."""
    progress, total, message = (params.get(key) for key in ("progress", "total", "message"))
    if type(progress) not in (int, float):
        return None
    return Progress(
        progress,  # type: ignore[arg-type]  # it is a number
        total if type(total) in (int, float) else None,
        message if isinstance(message, str) else None,
    )


class Inbound:
    """The requests and notifications of one server.

    ``reply(line)`` sends an answer that nobody waits for. What a host's callback raises is logged
    and harms nothing.
    """

    __slots__ = (
        "_config",
        "_handlers",
        "_log",
        "_on_tools_changed",
        "_progress",
        "_reply",
        "_tasks",
    )

    def __init__(
        self,
        config: ServerConfig,
        log: ServerLog,
        handlers: Handlers,
        reply: Callable[[bytes], None],
    ) -> None:
        self._config = config
        self._log = log
        self._handlers = handlers
        self._reply = reply
        # Few servers ask, tell of progress, or change their tools: made when the first does.
        self._progress: dict[int, OnProgress] | None = None
        self._tasks: dict[Any, asyncio.Task[None]] | None = None
        self._on_tools_changed: list[Callable[[], object]] | None = None

    # -- requests ------------------------------------------------------------------------------

    def on_request(self, message: jsonrpc.Message) -> None:
        """Answer a request, now or when a handler has an answer."""
        method, request_id = message.method or "", message.id
        try:
            answer = find_answer(self._handlers, method)
        except Refused as refused:
            self._reply(jsonrpc.error_line(request_id, refused.code, refused.reason))
            return
        if isinstance(answer, dict):
            self._reply(jsonrpc.result_line(request_id, answer))
            return
        tasks = self._tasks = self._tasks or {}
        if len(tasks) >= _LIMIT:
            reason = f"{_LIMIT} requests are being answered"
            self._reply(jsonrpc.error_line(request_id, jsonrpc.INTERNAL_ERROR, reason))
            return
        key = _key(request_id)
        task = asyncio.get_running_loop().create_task(
            self._answer(request_id, method, message.params),
            name=f"goflow {self._config.id} asks {method}",
        )
        tasks[key] = task
        task.add_done_callback(
            lambda done: tasks.pop(key, None) if tasks.get(key) is done else None
        )

    async def _answer(self, request_id: Any, method: str, params: Any) -> None:
        given = params if isinstance(params, dict) else {}
        try:
            result = await answer_request(self._handlers, self._config.id, method, given)
            line = jsonrpc.result_line(request_id, result)
        except Refused as refused:
            line = jsonrpc.error_line(request_id, refused.code, refused.reason)
        except (TypeError, *jsonrpc.REFUSALS) as error:
            reason = f"the handler's answer is no JSON value: {error}"
            line = jsonrpc.error_line(request_id, jsonrpc.INTERNAL_ERROR, reason)
        self._reply(line)

    async def close(self) -> None:
        """Cancel what is being answered, and wait until it is gone."""
        tasks = list((self._tasks or {}).values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def cancel_now(self) -> None:
        """Cancel what is being answered."""
        for task in (self._tasks or {}).values():
            task.cancel()

    # -- notifications -------------------------------------------------------------------------

    def listen(self, token: int, on_progress: OnProgress) -> None:
        """Have the progress of the request with this token told."""
        self._progress = self._progress or {}
        self._progress[token] = on_progress

    def forget(self, token: int) -> None:
        """Nobody listens to that request's progress any more."""
        if self._progress:
            self._progress.pop(token, None)

    def on_tools_changed(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` called when the server says that its tools have changed."""
        self._on_tools_changed = self._on_tools_changed or []
        self._on_tools_changed.append(callback)

    def on_notification(self, message: jsonrpc.Message) -> None:
        """Take a notification; those that mean nothing here are dropped."""
        params = message.params if isinstance(message.params, dict) else {}
        if message.method == "notifications/progress":
            token = params.get("progressToken")
            listener = (self._progress or {}).get(token) if type(token) is int else None
            progress = _read_progress(params)
            if listener is not None and progress is not None:
                self._tell(listener, progress)
        elif message.method == "notifications/message":
            self._on_log(params)
        elif message.method in _TOOLS_CHANGED:
            for callback in self._on_tools_changed or ():
                self._tell(callback)
        elif message.method == "notifications/cancelled":
            task = (self._tasks or {}).get(_key(params.get("requestId")))
            if task is not None:
                task.cancel()

    def _on_log(self, params: dict[str, Any]) -> None:
        level, logger = params.get("level"), params.get("logger")
        redactor = self._log.redactor
        said = LogMessage(
            self._config.id,
            level if isinstance(level, str) else "info",
            redactor.text(logger) if isinstance(logger, str) else None,
            redactor.value(params.get("data")),
        )
        text = said.data if isinstance(said.data, str) else jsonrpc.as_text(said.data)
        self._log.note(f"{said.level}{f' ({said.logger})' if said.logger else ''}: {text}")
        if self._handlers.log is not None:
            self._tell(self._handlers.log, said)

    def _tell(self, callback: Callable[..., object], *what: Any) -> None:
        try:
            callback(*what)
        except Exception as error:
            self._log.note(f"a callback failed: {type(error).__name__}: {error}")


def _key(request_id: Any) -> Any:
    """The id as a key: 1 and "1" differ, and what no key can be is its text."""
    return (type(request_id), request_id) if isinstance(request_id, int | str) else repr(request_id)
