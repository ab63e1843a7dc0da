"""The same through fastmcp's client."""

import asyncio
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main(command, *args):
    async with Client(StdioTransport(command=command, args=list(args))) as client:
        await client.call_tool("echo", {"text": "hello"})
        # measured here


asyncio.run(main(*sys.argv[1:]))
