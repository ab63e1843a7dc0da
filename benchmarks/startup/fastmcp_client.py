"""The same through fastmcp's client."""

import asyncio
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main(command):
    transport = StdioTransport(command=command[0], args=command[1:])
    async with Client(transport) as client:
        await client.call_tool("stamp", {})


asyncio.run(main(sys.argv[1:]))
