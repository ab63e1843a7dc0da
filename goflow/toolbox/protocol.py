"""The protocol: one line of JSON-RPC in, at most one line out.

Both eras of MCP are spoken. A request whose `_meta` names a protocol version is of the stateless
era (2026-07-28): it carries all there is to know. Any other request is of the era that opens with
`initialize`. Each request is answered on its own; nothing is remembered from one to the next, so
there is no wrong order. Batches are refused, notifications are taken and need nothing done.
"""

from __future__ import annotations

import json

from goflow.toolbox.arguments import check_arguments, kind
from goflow.toolbox.registry import ToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from goflow.toolbox.folder import Folder
    from goflow.toolbox.registry import Tool

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSIONS = ("2026-07-28",)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
UNSUPPORTED_VERSION = -32022

META_VERSION = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META_SERVER = "io.modelcontextprotocol/serverInfo"

_HOUR_MS = 3_600_000  # The tools never change while the server lives; a client may keep the list.
_INSTRUCTIONS = "Paths are relative to the root folder, with / between names."


class RpcError(Exception):
    """A request that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


class Server:
    """Answers requests with the given tools on the given folder; not for use by two threads.

    With `read_only`, those that write are neither listed nor called.
    """

    def __init__(
        self, tools: dict[str, Tool], folder: Folder, version: str, *, read_only: bool
    ) -> None:
        self._tools = tools
        self._offered = [
            tool.entry for tool in tools.values() if not read_only or tool.access != "write"
        ]
        self._read_only = read_only
        self._folder = folder
        self._info = {"name": "goflow-toolbox", "title": "GoFlow toolbox", "version": version}

    def answer(self, line: bytes) -> bytes | None:
        """The answer to one line, with its line feed, or None if it needs none. Never raises."""
        request_id: str | int | None = None
        try:
            message = _parse(line)
            if _needs_no_answer(message):
                return None
            request_id = _request_id(message)
            result = self._answer(message)
            return _line({"jsonrpc": "2.0", "id": request_id, "result": result}, "strict")
        except RpcError as error:
            return _error_line(request_id, error)
        except Exception as error:  # No memory, or a value on the edge of being too deep.
            text = f"internal error: {type(error).__name__}"
            return _error_line(request_id, RpcError(INTERNAL_ERROR, text))

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        method, params = _method_and_params(message)
        meta = params.get("_meta", {})
        if not isinstance(meta, dict):
            raise RpcError(INVALID_PARAMS, f"params._meta must be an object, not {kind(meta)}")
        if method == "initialize":  # Of the older era, whatever `_meta` says.
            return self._initialize(params)
        if META_VERSION in meta or method == "server/discover":
            return self._answer_stateless(method, params, meta)
        if method == "ping":
            return {}
        if method == "tools/list":
            return self._list_tools(params)
        if method == "tools/call":
            return self._call_tool(params)
        raise RpcError(METHOD_NOT_FOUND, f"unknown method {method!r}")

    def _answer_stateless(
        self, method: str, params: dict[str, Any], meta: dict[str, Any]
    ) -> dict[str, Any]:
        missing = [key for key in (META_VERSION, META_CAPABILITIES) if key not in meta]
        if missing:
            raise RpcError(INVALID_PARAMS, f"params._meta lacks {missing[0]!r}")
        version = meta[META_VERSION]
        if not isinstance(version, str):
            raise RpcError(
                INVALID_PARAMS, f"the protocol version must be a string, not {kind(version)}"
            )
        if version not in STATELESS_VERSIONS:
            data = {"supported": list(STATELESS_VERSIONS), "requested": version}
            raise RpcError(UNSUPPORTED_VERSION, f"unsupported protocol version {version!r}", data)
        result: dict[str, Any] = {"resultType": "complete", "_meta": {META_SERVER: self._info}}
        cacheable = {"ttlMs": _HOUR_MS, "cacheScope": "private"}
        if method == "server/discover":
            result |= cacheable
            result["supportedVersions"] = list(STATELESS_VERSIONS)
            result["capabilities"] = {"tools": {}}
            result["instructions"] = _INSTRUCTIONS
        elif method == "tools/list":
            result |= cacheable | self._list_tools(params)
        elif method == "tools/call":
            result |= self._call_tool(params)
        else:
            raise RpcError(METHOD_NOT_FOUND, f"unknown method {method!r}")
        return result

    def _initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        version = params.get("protocolVersion")
        if not isinstance(version, str):
            raise RpcError(INVALID_PARAMS, "params.protocolVersion must be a string")
        return {
            "protocolVersion": version if version in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1],
            "capabilities": {"tools": {}},
            "serverInfo": self._info,
            "instructions": _INSTRUCTIONS,
        }

    def _list_tools(self, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("cursor") is not None:  # All tools are in one page, so no cursor is ours.
            raise RpcError(INVALID_PARAMS, "params.cursor was not given out by this server")
        return {"tools": self._offered}

    def _call_tool(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params.get("name")
        arguments = params.get("arguments", {})
        if not isinstance(name, str):
            raise RpcError(INVALID_PARAMS, f"params.name must be a string, not {kind(name)}")
        if not isinstance(arguments, dict):
            raise RpcError(
                INVALID_PARAMS, f"params.arguments must be an object, not {kind(arguments)}"
            )
        tool = self._tools.get(name)
        if tool is None:
            raise RpcError(INVALID_PARAMS, f"unknown tool {name!r}")
        if self._read_only and tool.access == "write":
            raise RpcError(INVALID_PARAMS, f"tool {name!r} is not offered: the server is read-only")
        try:
            check_arguments(tool.input_schema, arguments)
            given = () if tool.access == "none" else (self._folder,)
            return _result(tool.run(*given, **arguments))
        except ToolError as error:
            return _failure(str(error))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            return _failure(
                f"{name}: {reason}" + (f": {error.filename!r}" if error.filename else "")
            )
        except UnicodeEncodeError:
            return _failure(
                f"{name}: the text is not valid Unicode: it holds half a surrogate pair"
            )
        except Exception as error:  # A tool's own mistake, or no memory: the server lives on.
            return _failure(f"{name} failed: {type(error).__name__}: {error}")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line.decode(), parse_constant=_no_constant)
    except RecursionError:
        raise RpcError(PARSE_ERROR, "the message is nested too deeply") from None
    except ValueError as error:  # Of the JSON, of the UTF-8, or a number that is too long.
        raise RpcError(PARSE_ERROR, f"the message is not JSON: {error}") from None
    if isinstance(message, list):
        raise RpcError(INVALID_REQUEST, "batches are not supported")
    if not isinstance(message, dict):
        raise RpcError(INVALID_REQUEST, f"a message must be an object, not {kind(message)}")
    return message


def _needs_no_answer(message: dict[str, Any]) -> bool:
    if "method" in message:
        return "id" not in message  # A notification.
    return "result" in message or "error" in message  # A response, to nothing that was asked.


def _request_id(message: dict[str, Any]) -> str | int:
    request_id = message.get("id")
    if isinstance(request_id, bool) or not isinstance(request_id, str | int):
        raise RpcError(
            INVALID_REQUEST, f"the id must be a string or a whole number, not {kind(request_id)}"
        )
    if isinstance(request_id, str) and not request_id.isascii():
        try:
            request_id.encode()
        except UnicodeEncodeError:
            raise RpcError(INVALID_REQUEST, "the id is not valid Unicode") from None
    return request_id


def _method_and_params(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    method = message.get("method")
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "the message is not a JSON-RPC 2.0 request")
    params = message.get("params", {})
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, f"params must be an object, not {kind(params)}")
    return method, params


def _result(value: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(value, str):
        value.encode()  # Fails here, where it can still become the call's failure.
        return {"content": [{"type": "text", "text": value}], "isError": False}
    text = _dump(value)
    text.encode()
    return {
        "content": [{"type": "text", "text": text}],
        "structuredContent": value,
        "isError": False,
    }


def _failure(text: str) -> dict[str, Any]:
    text = text.encode("utf-8", "replace").decode()
    return {"content": [{"type": "text", "text": text}], "isError": True}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _line(message: dict[str, Any], errors: str) -> bytes:
    return _dump(message).encode("utf-8", errors) + b"\n"


def _error_line(request_id: str | int | None, error: RpcError) -> bytes:
    # An error may quote what was sent, and that may hold half a surrogate pair: shown as "?".
    return _line({"jsonrpc": "2.0", "id": request_id, "error": error.error}, "replace")


TOO_LONG = _error_line(None, RpcError(PARSE_ERROR, "the message is too long"))
"""The answer to a line that is longer than the server keeps."""
