"""A host program's handlers as the callbacks of the official SDK's session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp import types
from pydantic import TypeAdapter, ValidationError

from goflow.servers.handlers import LogMessage
from goflow.servers.inbound import Refused, answer_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from goflow.servers.handlers import Handlers

__all__ = ["callbacks"]

_SAMPLE: TypeAdapter[Any] = TypeAdapter(
    types.CreateMessageResult | types.CreateMessageResultWithTools
)
_ELICIT: TypeAdapter[Any] = TypeAdapter(types.ElicitResult)
_ROOTS: TypeAdapter[Any] = TypeAdapter(types.ListRootsResult)


def callbacks(
    handlers: Handlers, server: str, heard: Callable[[LogMessage | None], None]
) -> dict[str, Any]:
    """Arguments of ``ClientSession``: only what there is a handler for is offered to the server.

    ``heard`` is called with what the server logs, and with None when its tools have changed.
    """

    async def on_message(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            heard(None)

    async def on_log(params: types.LoggingMessageNotificationParams) -> None:
        heard(LogMessage(server, params.level, params.logger, params.data))

    made: dict[str, Any] = {"message_handler": on_message, "logging_callback": on_log}
    if handlers.roots is not None:

        async def roots(context: Any) -> Any:
            return await _answered(handlers, server, "roots/list", None, _ROOTS)

        made["list_roots_callback"] = roots
    if handlers.sample is not None:
        made["sampling_callback"] = _callback(handlers, server, "sampling/createMessage", _SAMPLE)
    if handlers.elicit is not None:
        made["elicitation_callback"] = _callback(handlers, server, "elicitation/create", _ELICIT)
    if handlers.log is not None:
        made["log_level"] = "info"
    return made


def _callback(
    handlers: Handlers, server: str, method: str, result: TypeAdapter[Any]
) -> Callable[[Any, Any], Awaitable[Any]]:
    async def callback(context: Any, params: Any) -> Any:
        return await _answered(handlers, server, method, params, result)

    return callback


async def _answered(
    handlers: Handlers, server: str, method: str, params: Any, result: TypeAdapter[Any]
) -> Any:
    """The handler's answer as the SDK's model, or as its error."""
    given = {}
    if params is not None:
        given = params.model_dump(mode="json", by_alias=True, exclude_none=True)
    try:
        return result.validate_python(await answer_request(handlers, server, method, given))
    except Refused as refused:
        return types.ErrorData(code=refused.code, message=refused.reason)
    except ValidationError as error:
        text = f"the handler's answer is not what the protocol wants: {error.errors()[0]['msg']}"
        return types.ErrorData(code=types.INTERNAL_ERROR, message=text)
