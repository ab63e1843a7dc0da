"""JSON-RPC 2.0 messages as lines: what is sent and what is understood."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from goflow.errors import BadCall

__all__ = [
    "INTERNAL_ERROR",
    "METHOD_NOT_FOUND",
    "REFUSALS",
    "Message",
    "as_text",
    "decode",
    "decode_leniently",
    "error_line",
    "notification_line",
    "request_line",
    "result_line",
]

METHOD_NOT_FOUND = -32601
INTERNAL_ERROR = -32603

# What decoding a line can raise: not JSON, not UTF-8, nested too deeply.
REFUSALS = (msgspec.MsgspecError, ValueError, RecursionError)


class Message(msgspec.Struct, gc=False):
    """Any incoming message; which fields are set says which kind it is."""

    id: Any = None
    method: str | None = None
    params: Any = None
    result: Any = msgspec.UNSET
    error: Any = None


decode = msgspec.json.Decoder(Message).decode
_decode_batch = msgspec.json.Decoder(list[Message]).decode
_encode = msgspec.json.Encoder().encode


def decode_leniently(line: bytes) -> tuple[list[Message], str | None]:
    """The messages in a line that `decode` refused, and what is wrong with it, if anything.

    A batch is fine. JSON with what JSON does not have (``NaN``, half of a surrogate pair, a
    number out of range) still tells *which* request it answers, so that the request can fail
    now and not when its time is up. Anything else gives no message.
    """
    try:
        return _decode_batch(line), None
    except REFUSALS:
        pass
    import json  # noqa: PLC0415 (needed for broken servers only)

    try:
        value = json.loads(line)
    except REFUSALS as error:
        return [], str(error)
    if not isinstance(value, dict):
        return [], "not an object"
    try:
        decode(line)
    except REFUSALS as error:
        return [Message(id=value.get("id"), method=value.get("method"))], str(error)
    return [], None


def request_line(request_id: int, method: str, params: dict[str, Any] | None) -> bytes:
    """A request as one line.

    Raises BadCall when the parameters are no JSON value.
    """
    if params is None:
        return b'{"jsonrpc":"2.0","id":%d,"method":%b}\n' % (request_id, _encode(method))
    try:
        encoded = _encode(params)
    except (TypeError, OverflowError, *REFUSALS) as error:
        raise BadCall(f"the parameters of {method} cannot be sent as JSON: {error}") from error
    # The encoder writes NaN and infinities as null; only then is it worth looking for one.
    if b"null" in encoded and _holds_nonfinite(params):
        raise BadCall(f"the parameters of {method} cannot be sent as JSON: a number is not finite")
    return b'{"jsonrpc":"2.0","id":%d,"method":%b,"params":%b}\n' % (
        request_id,
        _encode(method),
        encoded,
    )


def _holds_nonfinite(value: Any) -> bool:
    """Whether a NaN or an infinity is anywhere in the value."""
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, float):
            if not math.isfinite(value):
                return True
        elif isinstance(value, dict):
            rest += value.values()
        elif isinstance(value, list | tuple):
            rest += value
    return False


def as_text(value: Any) -> str:
    """A JSON value as compact text, for a log."""
    return _encode(value).decode()


def notification_line(method: str, params: dict[str, Any]) -> bytes:
    """A notification as one line."""
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    return _encode(message) + b"\n"


def result_line(request_id: Any, result: dict[str, Any]) -> bytes:
    """A result, the answer to a request of the server, as one line."""
    return _encode({"jsonrpc": "2.0", "id": request_id, "result": result}) + b"\n"


def error_line(request_id: Any, code: int, message: str) -> bytes:
    """An error, the answer to a request of the server, as one line."""
    error = {"code": code, "message": message}
    return _encode({"jsonrpc": "2.0", "id": request_id, "error": error}) + b"\n"
