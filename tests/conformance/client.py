"""The client that ``@modelcontextprotocol/conformance`` runs: ``python client.py URL``.

The scenario is in MCP_CONFORMANCE_SCENARIO. All of it goes through GoFlow's own sessions.
"""

import asyncio
import json
import os
import sys
import urllib.request

from goflow.errors import ServerError
from goflow.servers import oauth
from goflow.servers.config import ServerConfig
from goflow.servers.handlers import Handlers
from goflow.servers.sdk import SdkSession

SCENARIO = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
ARGUMENTS = {"a": 5, "b": 3}


async def defaults(server, params):
    """Accept with the defaults that the schema gives."""
    properties = params.get("requestedSchema", {}).get("properties", {})
    content = {name: item["default"] for name, item in properties.items() if "default" in item}
    return {"action": "accept", "content": content}


async def use(session):
    """List the tools and call each."""
    for tool in await session.list_tools():
        known = tool.get("inputSchema", {}).get("properties", {})
        await session.call_tool(
            tool["name"], {name: value for name, value in ARGUMENTS.items() if name in known}
        )


def browse(url):
    """Follow the login page to where it sends."""
    with urllib.request.urlopen(url) as page:
        page.read()


async def main():
    config = ServerConfig(id="conformance", transport="http", url=sys.argv[-1])
    handlers = Handlers(elicit=defaults) if SCENARIO.startswith("elicitation") else Handlers()
    if SCENARIO.startswith("auth/"):
        context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
        client = {key: context[key] for key in ("client_id", "client_secret") if key in context}
        if SCENARIO == "auth/basic-cimd":  # the document that its server wants to be named
            client = {"client_id": "https://conformance-test.local/client-metadata.json"}
        await oauth.login(config, show=print, browse=browse, client=client or None, use=use)
        return
    session = await SdkSession.connect(config, handlers)
    try:
        if SCENARIO != "initialize":
            await use(session)
    finally:
        await session.close()


try:
    asyncio.run(main())
except ServerError as error:
    sys.exit(f"{error} ({error.hint})")
