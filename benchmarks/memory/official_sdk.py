"""The same through the official SDK's client."""

import asyncio
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(command, *args):
    server = StdioServerParameters(command=command, args=args)
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        await session.call_tool("echo", {"text": "hello"})
        # measured here


asyncio.run(main(*sys.argv[1:]))
