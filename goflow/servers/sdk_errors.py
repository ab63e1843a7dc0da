"""What went wrong with a server behind HTTP, as our errors: redacted, with a code and a hint."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
from mcp.client.auth import OAuthFlowError

from goflow.errors import ConnectFailed, ConnectionLost, ServerError

if TYPE_CHECKING:
    from goflow.servers.config import ServerConfig
    from goflow.servers.redaction import Redactor

__all__ = ["SdkErrors"]

_E = TypeVar("_E", bound=ServerError)

# The classes of error that a file may name and only HTTP knows, and what to do.
_CREDENTIALS = (
    "it wants other credentials: look at the server's 'headers' and 'credential_ref', or log in "
    "with goflow servers login"
)
_STATUSES = {
    401: ("unauthorized", _CREDENTIALS),
    403: ("unauthorized", _CREDENTIALS),
    404: ("not_found", "look at the path in the server's 'url'"),
    405: ("not_found", "look at the server's 'url' and 'transport'"),
    429: ("rate_limit", "it wants fewer calls: 'max_in_flight', or a retry with a longer delay"),
    503: ("service_unavailable", None),
}


class SdkErrors:
    """The errors of one server. ``connected`` says whether the handshake was done with by then."""

    def __init__(self, config: ServerConfig, redactor: Redactor) -> None:
        self._config = config
        self._redactor = redactor

    def error(self, kind: type[_E], what: str, **fields: Any) -> _E:
        """An error of this server, redacted; ``what`` completes "server 'x' …"."""
        text = self._redactor.text(f"server {self._config.id!r} {what}")
        return kind(text, server=self._config.id, **fields)

    def not_let_in(self, error: OAuthFlowError, *, connected: bool) -> ServerError:
        """Nobody is logged in, or not any more."""
        kind = ServerError if connected else ConnectFailed
        hint = f"goflow servers login {self._config.id}"
        failed = self.error(kind, f"does not let us in: {error}", hint=hint)
        failed.code = "unauthorized"
        return failed

    def unreachable(self, error: BaseException) -> ConnectFailed:
        """Nothing got to the server."""
        # This one's text is a header, escaped, in which redaction would not find a secret.
        reason = "" if isinstance(error, httpx2.LocalProtocolError) else str(error)
        what = f"cannot be reached at {self._config.url}: {reason or type(error).__name__}"
        hint = "it must be running, and 'url' must be the address of its MCP endpoint"
        return self.error(ConnectFailed, what, hint=hint)

    def refused(self, response: httpx2.Response, method: str, *, connected: bool) -> ServerError:
        """A response that is an HTTP error and nothing more."""
        status = response.status_code
        kind: type[ServerError] = ServerError
        if not connected:
            kind = ConnectFailed
        elif status >= 500 and status != 503:  # what the server behind a gateway did is unknown
            kind = ConnectionLost
        code, hint = _STATUSES.get(status, ("bad_request" if status < 500 else kind.code, None))
        what = f"answered {method} with HTTP {status} {response.reason_phrase}".rstrip()
        if response.has_redirect_location:
            target = response.headers["location"]
            what += f", to {target}"
            hint = "if that is the server's address now, put it into its 'url'"
        hint = self._redactor.text(hint or "its own log may say why")
        error = self.error(kind, what, hint=hint)
        error.code = code
        error.retry_after = _seconds(response.headers.get("retry-after"))
        return error

    def connect_failed(self, failure: BaseException | None) -> ConnectFailed:
        """Why there is no session; None when the time was up."""
        while failure is not None and getattr(failure, "exceptions", None):
            failure = failure.exceptions[0]  # type: ignore[attr-defined]  # an exception group
        if isinstance(failure, OAuthFlowError):
            failure = self.not_let_in(failure, connected=False)
        if isinstance(failure, httpx2.HTTPStatusError):
            failure = self.refused(failure.response, "GET", connected=False)
        if isinstance(failure, ConnectFailed):
            return failure
        if isinstance(failure, ServerError):
            return ConnectFailed(failure.message, server=self._config.id, hint=failure.hint)
        if failure is None or isinstance(failure, TimeoutError):
            limit = self._config.connect_timeout
            what = f"did not answer initialize within {limit:.3g} s"
            return self.error(ConnectFailed, what, hint="'connect_timeout' allows more")
        return self.unreachable(failure)


def _seconds(text: str | None) -> float | None:
    """The seconds that a ``Retry-After`` asks for: a number of them, or a date."""
    if text is None:
        return None
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, at.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
