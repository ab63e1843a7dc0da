"""The errors of servers as plain values, and back."""

from __future__ import annotations

from typing import Any

from goflow.errors import (
    ConnectFailed,
    ConnectionLost,
    RequestRejected,
    ServerError,
    ServerTimeout,
)

__all__ = ["from_value", "to_value"]

_CLASSES: dict[str, type[ServerError]] = {
    kind.__name__: kind
    for kind in (ServerError, ConnectFailed, ConnectionLost, ServerTimeout, RequestRejected)
}
_FIELDS = ("hint", "stderr", "seconds", "rpc_code", "data", "retry_after", "outcome_unknown")


def to_value(error: ServerError) -> dict[str, Any]:
    """What a program needs to know of the error."""
    kind = _CLASSES.get(type(error).__name__, ServerError)
    value: dict[str, Any] = {"class": kind.__name__, "message": error.message}
    if error.code != kind.code:
        value["code"] = error.code
    for name in _FIELDS:
        found = getattr(error, name, None)
        if found not in (None, ""):
            value[name] = found
    return value


def from_value(value: dict[str, Any], server: str) -> ServerError:
    """The error that was recorded."""
    kind = _CLASSES.get(str(value.get("class")), ServerError)
    known: dict[str, Any] = {"server": server, "hint": value.get("hint")}
    known["stderr"] = str(value.get("stderr", ""))
    if kind is ServerTimeout:
        known["seconds"] = float(value.get("seconds", 0))
    if kind is RequestRejected:
        known |= {"rpc_code": int(value.get("rpc_code", 0)), "data": value.get("data")}
    error = kind(str(value.get("message", "")), **known)
    if "code" in value:
        error.code = str(value["code"])
    for name in ("retry_after", "outcome_unknown"):
        if name in value:
            setattr(error, name, value[name])
    return error
