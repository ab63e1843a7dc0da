"""OAuth for servers behind HTTP: logging in once, and the tokens that this leaves in the keyring.

A run never begins a login: it uses and refreshes what `login` left, and says when that is over.
"""

from __future__ import annotations

import asyncio
import time
import webbrowser
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, OAuthFlowError
from mcp.client.auth.utils import is_valid_client_metadata_url
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
)
from msgspec.structs import replace
from pydantic import AnyUrl, BaseModel, ValidationError

from goflow import __version__
from goflow.errors import ConnectFailed
from goflow.servers import logins

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx2
    from mcp.client.auth.oauth2 import OAuthContext

    from goflow.servers.config import ServerConfig
    from goflow.servers.sdk import SdkSession

__all__ = ["LoginNeeded", "login", "provider"]

_M = TypeVar("_M", bound=BaseModel)

PATIENCE = 300.0
"""Seconds that a person may take to log in."""
# How many pages one login may take.
_LOGINS = 3
_PAGE = b"""HTTP/1.1 200 OK\r
Content-Type: text/plain; charset=utf-8\r
Connection: close\r
\r
You can close this window and go back to GoFlow.
"""


class LoginNeeded(OAuthFlowError):
    """There are no tokens, or none that can be refreshed, and nobody to log in."""


# -- the tokens --------------------------------------------------------------------------------


class _Tokens:
    """The SDK's ``TokenStorage``: all that a login leaves, as one secret.

    The SDK keeps tokens and client only. When a token is over, and where to renew it, is kept too:
    otherwise a login would be over with its first token. ``context`` is the provider's.
    """

    def __init__(self, config: ServerConfig, redirect: str | None) -> None:
        self._config = config
        self._redirect = redirect
        self._kept: dict[str, Any] | None = None
        self.context: OAuthContext | None = None

    async def get_tokens(self) -> OAuthToken | None:
        kept = await self._read()
        if self.context is not None:
            self.context.token_expiry_time = _number(kept.get("expires_at"))
            self.context.oauth_metadata = _model(OAuthMetadata, kept.get("metadata"))
        return _model(OAuthToken, kept.get("tokens"))

    async def set_tokens(self, tokens: OAuthToken) -> None:
        kept: dict[str, Any] = {"tokens": _plain(tokens)}
        if tokens.expires_in is not None:
            kept["expires_at"] = time.time() + tokens.expires_in
        if self.context is not None and self.context.oauth_metadata is not None:
            kept["metadata"] = _plain(self.context.oauth_metadata)
        await self._write(kept)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        client = _model(OAuthClientInformationFull, (await self._read()).get("client"))
        if client is None or self._redirect is None:
            return client
        # A login listens at a port of its own: a client that was registered for another is useless.
        known = [str(uri) for uri in client.redirect_uris or ()]
        return client if self._redirect in known else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        await self._write({"client": _plain(client_info)})

    async def _read(self) -> dict[str, Any]:
        if self._kept is None:
            self._kept = await asyncio.to_thread(logins.read, self._config)
        return self._kept

    async def _write(self, changes: dict[str, Any]) -> None:
        self._kept = {**await self._read(), **changes}
        await asyncio.to_thread(logins.keep, self._config, self._kept)


def _plain(model: BaseModel) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _model(kind: type[_M], value: Any) -> _M | None:
    """What was kept, if it still is what it was."""
    try:
        return None if value is None else kind.model_validate(value)
    except ValidationError:
        return None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


# -- using them --------------------------------------------------------------------------------


def provider(config: ServerConfig) -> httpx2.Auth | None:
    """What authenticates the requests of a session; None when there was no login."""
    if not logins.login_counts(config):
        return None

    async def nobody(url: str) -> None:
        raise LoginNeeded("the login is over and cannot be renewed")

    async def no_code() -> AuthorizationCodeResult:
        raise LoginNeeded("nobody logs in")

    return _provider(config, None, nobody, no_code)


def _provider(
    config: ServerConfig,
    redirect: str | None,
    open_page: Callable[[str], Awaitable[None]],
    wait: Callable[[], Awaitable[AuthorizationCodeResult]],
    document: str | None = None,
) -> httpx2.Auth:
    """The SDK's client; ``document`` is where one is found that describes it, if there is one."""
    metadata = OAuthClientMetadata(
        client_name="GoFlow",
        software_id="goflow",
        software_version=__version__,
        redirect_uris=[AnyUrl(redirect or "http://127.0.0.1/callback")],
    )
    tokens = _Tokens(config, redirect)
    made = OAuthClientProvider(
        config.url, metadata, tokens, open_page, wait, client_metadata_url=document
    )
    tokens.context = made.context
    return made


# -- logging in --------------------------------------------------------------------------------


async def login(
    config: ServerConfig,
    *,
    show: Callable[[str], object],
    browse: Callable[[str], object] = webbrowser.open,
    client: dict[str, Any] | None = None,
    use: Callable[[SdkSession], Awaitable[object]] | None = None,
) -> None:
    """Have a person log in with a browser, and keep the tokens; when it returns, they work.

    ``show`` is called with the page's address, in case ``browse`` cannot open it. ``client`` are
    the ``client_id`` and ``client_secret`` of one that the server's people have registered, or as
    ``client_id`` the https address of a document that describes the client, for servers that read
    such; without them it is registered on the way. ``use`` is called with the session. Raises
    ``ConnectFailed`` when the server cannot be reached or the login does not succeed, and
    ``BadCall`` when there is no keyring.
    """
    from goflow.servers.sdk import SdkSession  # noqa: PLC0415 - it imports this module

    # One a page: a tool may want more rights than the first login gave.
    codes: list[asyncio.Future[AuthorizationCodeResult]] = []

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        words = line.split()
        address = urlsplit(words[1].decode("ascii", "replace")) if len(words) > 1 else None
        writer.write(_PAGE)
        await writer.drain()
        writer.close()
        code = codes[-1] if codes else None
        if address is None or address.path != "/callback" or code is None or code.done():
            return
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if "code" in query:
            code.set_result(
                AuthorizationCodeResult(
                    code=query["code"], state=query.get("state"), iss=query.get("iss")
                )
            )
        else:
            reason = query.get("error_description") or query.get("error") or "no code came back"
            code.set_exception(LoginNeeded(reason))

    async def open_page(url: str) -> None:
        if len(codes) == _LOGINS:
            raise LoginNeeded(f"it wants another login after {_LOGINS}")
        codes.append(asyncio.get_running_loop().create_future())
        show(url)
        await asyncio.to_thread(browse, url)

    async def wait() -> AuthorizationCodeResult:
        return await codes[-1]

    listener = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    try:
        port = listener.sockets[0].getsockname()[1]
        redirect = f"http://127.0.0.1:{port}/callback"
        document = None
        if client is not None and is_valid_client_metadata_url(client["client_id"]):
            document = client["client_id"]
        elif client is not None:
            method = "client_secret_basic" if client.get("client_secret") else "none"
            registered = OAuthClientInformationFull(
                redirect_uris=[AnyUrl(redirect)], token_endpoint_auth_method=method, **client
            )
            await _Tokens(config, redirect).set_client_info(registered)
        auth = _provider(config, redirect, open_page, wait, document)
        patient = replace(config, connect_timeout=PATIENCE)
        session = await SdkSession.connect(patient, auth=auth)
        try:
            # Some servers let anybody in and ask who it is when a tool is wanted.
            await session.list_tools()
            if use is not None:
                await use(session)
        finally:
            await session.close()
    finally:
        listener.close()
        await listener.wait_closed()
        for code in codes:
            if not code.cancel():
                code.exception()  # which nobody may have waited for
    if not logins.tokens_kept(config):
        raise ConnectFailed(
            f"server {config.id!r} did not ask for a login", server=config.id, hint="it needs none"
        )
