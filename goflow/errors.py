"""Every error GoFlow raises, in one tree; this module imports nothing of the package.

Each class has a stable ``code``, the fields a program needs to decide what to do, and an optional
``hint`` for a person. ``str(error)`` is one readable message without the hint.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BadCall",
    "CacheFailed",
    "CassetteMismatch",
    "CircuitOpen",
    "ConnectFailed",
    "ConnectionLost",
    "ExpressionError",
    "FunctionFailed",
    "GoFlowError",
    "GraphError",
    "HistoryError",
    "InputError",
    "NodeFailed",
    "NodeTimeout",
    "NotJson",
    "OutcomeUnknown",
    "PoolClosed",
    "PoolError",
    "PoolTimeout",
    "RequestRejected",
    "RunFailed",
    "ServerError",
    "ServerTimeout",
    "ToolFailed",
    "TransformFailed",
    "WorkflowInvalid",
]


class GoFlowError(Exception):
    """The root: ``code`` names the class of problem, ``hint`` says what to do about it.

    ``node_id`` is the node it happened in, if it happened in one. ``outcome_unknown`` is False
    where a request whose end nobody knows can have changed nothing.
    """

    code = "goflow_error"
    node_id: str | None = None
    outcome_unknown: bool | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


# -- what the caller or the file got wrong ---------------------------------------------------


class BadCall(GoFlowError):
    """GoFlow was called wrongly: no such file, an option that cannot be."""

    code = "bad_call"


class InputError(BadCall):
    """An input of the run is missing, unknown or of the wrong type; ``variable`` names it."""

    code = "bad_input"

    def __init__(self, message: str, *, variable: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.variable = variable


class WorkflowInvalid(GoFlowError):
    """The file has errors; ``report`` holds every finding with its line and column."""

    code = "workflow_invalid"

    def __init__(self, message: str, *, report: Any, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


class GraphError(GoFlowError, ValueError):
    """Nodes or edges that make no graph: a repeated id, an end that is no node."""

    code = "graph_error"


class NotJson(GoFlowError, ValueError):
    """A value that is no JSON value; ``path`` is where in it the trouble is, as a JSONPath."""

    code = "not_json"

    def __init__(self, message: str, *, path: str = "$", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class ExpressionError(GoFlowError):
    """An expression that does not parse, or cannot be evaluated on these values.

    ``position`` is the 0-based offset in ``source``, in characters.
    """

    code = "expression_error"

    def __init__(
        self, message: str, *, source: str = "", position: int = 0, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.source = source
        self.position = position


# -- servers -----------------------------------------------------------------------------------


class ServerError(GoFlowError):
    """A server did not do its part; ``stderr`` is the tail of what it said there, redacted.

    Over HTTP the instance's ``code`` says what its status means: ``unauthorized``, ``rate_limit``…
    ``retry_after`` are the seconds after which the server wants to be asked again, if it said so.
    """

    code = "server_error"
    retry_after: float | None = None

    def __init__(
        self, message: str, *, server: str, stderr: str = "", hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.server = server
        self.stderr = stderr


class ConnectFailed(ServerError):
    """The server could not be started or reached, or did not complete the handshake."""

    code = "connection_error"


class ConnectionLost(ServerError):
    """The connection ended while an answer was awaited: the call's outcome is unknown."""

    code = "connection_error"


class ServerTimeout(ServerError):
    """No answer within ``seconds``: the call's outcome is unknown."""

    code = "timeout"

    def __init__(
        self,
        message: str,
        *,
        server: str,
        seconds: float,
        stderr: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, server=server, stderr=stderr, hint=hint)
        self.seconds = seconds


class RequestRejected(ServerError):
    """The server answered with a JSON-RPC error: ``rpc_code`` and ``data`` are its own."""

    code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        server: str,
        rpc_code: int,
        data: Any = None,
        stderr: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, server=server, stderr=stderr, hint=hint)
        self.rpc_code = rpc_code
        self.data = data


class CassetteMismatch(ServerError):
    """A call that a cassette has no answer to: what is run is not what was recorded."""

    code = "cassette_mismatch"


# -- pools -------------------------------------------------------------------------------------


class PoolError(GoFlowError):
    """A connection pool has no connection to give, or a lease none any more."""

    code = "pool_error"


class PoolClosed(PoolError):
    """The pool was closed, and gives out nothing more."""

    def __init__(self, message: str, *, key: object, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.key = key


class PoolTimeout(PoolError):
    """No connection to ``key`` was free within ``seconds``; nothing was begun.

    ``server`` is its id, if what is pooled are sessions with servers.
    """

    code = "timeout"
    server: str | None = None

    def __init__(
        self, message: str, *, key: object, seconds: float, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.key = key
        self.seconds = seconds


class CircuitOpen(PoolError):
    """Connecting to ``key`` failed too often: it is not tried again for ``seconds``.

    ``cause`` is the last failure.
    """

    code = "connection_error"

    def __init__(
        self,
        message: str,
        *,
        key: object,
        seconds: float,
        cause: BaseException,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.key = key
        self.seconds = seconds
        self.cause = cause


class CacheFailed(GoFlowError):
    """The store of results could not be used; runs go on without it, a person asked for it."""

    code = "cache_error"


# -- runs --------------------------------------------------------------------------------------


class NodeFailed(GoFlowError):
    """A node's work failed, after ``attempts`` tries."""

    code = "node_failed"
    attempts: int = 1


class ToolFailed(NodeFailed):
    """The tool answered ``isError: true``; the message is the tool's own text."""

    code = "tool_error"

    def __init__(self, message: str, *, server: str, tool: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.server = server
        self.tool = tool


class FunctionFailed(NodeFailed):
    """A function that the host program registered raised, or returned what is no JSON value."""

    code = "tool_error"


class NodeTimeout(NodeFailed):
    """A node was not done within ``seconds``; what it had begun may have been done."""

    code = "timeout"

    def __init__(self, message: str, *, seconds: float, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


class TransformFailed(NodeFailed):
    """A transform, condition or interpolated value could not be computed."""

    code = "transform_error"


class RunFailed(GoFlowError):
    """A run did not complete; ``result`` is its whole record."""

    code = "run_failed"

    def __init__(self, message: str, *, result: Any, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.result = result


class OutcomeUnknown(GoFlowError):
    """Calls were sent before a run was cut off, and nobody knows what became of them.

    ``nodes`` are their ids, each with ``@`` and its path where it is a member.
    """

    code = "outcome_unknown"

    def __init__(self, message: str, *, nodes: tuple[str, ...], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.nodes = nodes


class HistoryError(GoFlowError):
    """What is kept of runs cannot be read or written.

    ``renewed`` when a new file is begun instead, ``empty`` when there is none yet.
    """

    code = "history_error"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        renewed: bool = False,
        empty: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.renewed = renewed
        self.empty = empty


def copied(error: GoFlowError) -> GoFlowError:
    """An error for another who fails from the same cause: a node writes its name into its own."""
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__)
    return copy
