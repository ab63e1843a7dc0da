"""An MCP server over HTTP that lets nobody in without OAuth, built with the official SDK.

``python sdk_auth_web.py LIFETIME``: seconds that an access token lives. Whoever asks is let in at
once, without a page, or refused with the word ``deny``, the second argument. ``refresh none`` as
second argument gives no refresh tokens. It prints its URL on one line.
"""

import secrets
import socket
import sys
import time

import uvicorn
from mcp import MCPError
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.auth import OAuthToken

LIFETIME = int(sys.argv[1])
KIND = sys.argv[2] if len(sys.argv) > 2 else ""


class Provider:
    """Everything in memory."""

    def __init__(self):
        self.clients = {}
        self.codes = {}
        self.tokens = {}
        self.refreshes = {}

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client, params):
        uri = str(params.redirect_uri)
        if KIND == "deny":
            return construct_redirect_uri(uri, error="access_denied", state=params.state)
        code = AuthorizationCode(
            code=secrets.token_urlsafe(16),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self.codes[code.code] = code
        return construct_redirect_uri(uri, code=code.code, state=params.state)

    async def load_authorization_code(self, client, code):
        return self.codes.get(code)

    async def exchange_authorization_code(self, client, code):
        del self.codes[code.code]
        return self.issue(client, code.scopes, code.resource)

    async def load_refresh_token(self, client, token):
        return self.refreshes.get(token)

    async def exchange_refresh_token(self, client, token, scopes):
        del self.refreshes[token.token]
        return self.issue(client, scopes or token.scopes, token.resource)

    async def load_access_token(self, token):
        return self.tokens.get(token)

    async def revoke_token(self, token):
        self.tokens.pop(token.token, None)

    def issue(self, client, scopes, resource):
        access, refresh = f"access-{secrets.token_hex(8)}", f"refresh-{secrets.token_hex(8)}"
        self.tokens[access] = AccessToken(
            token=access,
            client_id=client.client_id,
            scopes=scopes,
            expires_at=int(time.time()) + LIFETIME,
            resource=resource,
        )
        if KIND == "refresh none":
            return OAuthToken(access_token=access, expires_in=LIFETIME)
        self.refreshes[refresh] = RefreshToken(
            token=refresh, client_id=client.client_id, scopes=scopes, resource=resource
        )
        return OAuthToken(access_token=access, expires_in=LIFETIME, refresh_token=refresh)


listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
listener.listen()
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
provider = Provider()
server = MCPServer(
    "guarded",
    version="1",
    log_level="CRITICAL",
    auth_server_provider=provider,
    auth=AuthSettings(
        issuer_url=base,
        resource_server_url=f"{base}/mcp",
        client_registration_options=ClientRegistrationOptions(enabled=True),
    ),
)


@server.tool()
def logins() -> list[int]:
    """How many clients have registered and how many tokens were given."""
    return [len(provider.clients), len(provider.tokens)]


@server.tool()
def tell(how: str, context: Context) -> str:
    """Tell the header that lets the caller in: as a result, an error or a rejection."""
    header = context.headers["authorization"]
    if how == "error":
        raise ToolError(f"bad {header}")
    if how == "reject":
        raise MCPError(-32000, f"bad {header}", {"header": header})
    return header


app = server.streamable_http_app(json_response=True)
print(f"{base}/mcp", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])
