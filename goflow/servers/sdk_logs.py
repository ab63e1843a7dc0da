"""What the official SDK and its HTTP client log, without the secrets of live sessions.

They log URLs and messages as they are, at levels that a host program may well have switched on.
"""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.servers.redaction import Redactor

__all__ = ["hidden_in_logs"]

# A filter of a logger sees only what is logged to that very logger.
_LOGGERS = (
    "client",
    "httpcore2.connection",
    "httpcore2.http11",
    "httpcore2.http2",
    "httpcore2.proxy",
    "httpcore2.socks",
    "httpx2",
    "mcp.client.auth.oauth2",
    "mcp.client.client",
    "mcp.client.sse",
    "mcp.client.streamable_http",
    "mcp.shared.dispatcher",
    "mcp.shared.jsonrpc_dispatcher",
)

# Without a handler, the SDK's tracebacks (and what is in them) are printed on standard error.
for _name in ("mcp", "client"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


@contextmanager
def hidden_in_logs(redactor: Redactor, *, more: bool) -> Iterator[None]:
    """Replace the secrets in what is logged meanwhile; ``more`` may come up."""
    if not redactor.secrets and not more:
        yield
        return

    def hide(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        record.msg, record.args = redactor.text(message), ()
        if record.exc_info:
            text = "".join(traceback.format_exception(*record.exc_info))
            record.exc_text, record.exc_info = redactor.text(text.rstrip("\n")), None
        return True

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(hide)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hide)
