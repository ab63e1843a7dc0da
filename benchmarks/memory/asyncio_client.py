"""The least in asyncio: spawn, shake hands, call once."""

import asyncio
import json
import sys


async def main(*command):
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )

    def send(message):
        child.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    info = {"name": "raw", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
    send({"id": 1, "method": "initialize", "params": params})
    await child.stdout.readline()
    send({"method": "notifications/initialized"})
    call = {"name": "echo", "arguments": {"text": "hello"}}
    send({"id": 2, "method": "tools/call", "params": call})
    await child.stdout.readline()
    # measured here
    child.stdin.close()
    await child.wait()


asyncio.run(main(*sys.argv[1:]))
