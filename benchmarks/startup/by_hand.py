"""The packages that ``goflow run`` stands on, and nothing of ours: command, file, server, call.

The server is spawned as soon as the file is read, and boots while asyncio is loaded. Nothing is
checked, shown, cached or kept.
"""

import subprocess

import click
import msgspec
import yaml


@click.command()
@click.argument("file")
@click.option("--quiet", is_flag=True)
def main(file, quiet):
    with open(file, "rb") as text:
        workflow = yaml.load(text, yaml.CSafeLoader)
    server = workflow["servers"][0]
    pipe = subprocess.PIPE
    child = subprocess.Popen([server["command"], *server["args"]], stdin=pipe, stdout=pipe)

    import asyncio
    import sqlite3  # noqa: F401 - the command keeps its history there

    asyncio.run(call(child))


async def call(child):
    import asyncio

    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), child.stdout)
    encode = msgspec.json.Encoder().encode

    def send(message):
        child.stdin.write(encode({"jsonrpc": "2.0", **message}) + b"\n")
        child.stdin.flush()

    info = {"name": "by hand", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
    send({"id": 1, "method": "initialize", "params": params})
    msgspec.json.decode(await reader.readline())
    send({"method": "notifications/initialized"})
    send({"id": 2, "method": "tools/call", "params": {"name": "stamp", "arguments": {}}})
    await reader.readline()
    child.stdin.close()
    child.wait()


main()
