"""Workflows for tests, written as short as a test wants to read them."""

import asyncio
import json
import sys
from itertools import pairwise

from support.servers import SCRIPTS

from goflow.engine import events


def lab_server(server_id="lab", *args, **options):
    """The definition of a server that runs ``mcp_servers/lab.py``."""
    args = ["-S", "-E", str(SCRIPTS / "lab.py"), *map(str, args)]
    return {"id": server_id, "command": sys.executable, "args": args, **options}


def script(name, *args, server_id="lab", **options):
    """The definition of a server that runs another of those scripts."""
    arguments = ["-S", "-E", str(SCRIPTS / f"{name}.py"), *args]
    return {"id": server_id, "command": sys.executable, "args": arguments, **options}


def tool(node_id, tool_name, /, *, server="lab", **options):
    """A tool node; keyword arguments that are no keys of a node are the call's."""
    keys = ("output", "timeout", "retry", "on_error")
    node = {"id": node_id, "type": "mcp_tool", "server": server, "tool": tool_name}
    node |= {key: options.pop(key) for key in keys if key in options}
    return {**node, "parameters": options}


def transform(node_id, expression, **options):
    return {"id": node_id, "type": "transform", "expression": expression, **options}


def condition(node_id, text):
    return {"id": node_id, "type": "condition", "condition": text}


def passthrough(node_id, **options):
    return {"id": node_id, "type": "passthrough", **options}


def workflow(nodes, edges, *, result=None, servers=None, variables=None, **top):
    """The JSON text of a workflow with ``start`` and ``end`` added.

    An edge is written ``"a b"``, ``"a b true"`` (leaving a condition), ``"a b on:error"`` or
    ``"a b when:x > 1"``.
    """
    document = {
        "version": "1.0",
        "name": "test",
        "variables": variables or [],
        "nodes": [
            {"id": "start", "type": "start"},
            *nodes,
            {"id": "end", "type": "end", "return": result},
        ],
        "edges": [_edge(text) for text in edges],
        **top,
    }
    if servers is None and any(node.get("server") == "lab" for node in nodes):
        servers = [lab_server()]
    if servers:
        document["servers"] = servers
    return json.dumps(document)


def _edge(text):
    source, target, *more = text.split(" ", 2)
    edge = {"from": source, "to": target}
    for word in more:
        if word.startswith("on:"):
            edge["on"] = word[3:]
        elif word.startswith("when:"):
            edge["condition"] = word[5:]
        else:
            edge["condition"] = word
    return edge


def loop(node_id, collection, body, **options):
    return {"id": node_id, "type": "loop", "collection": collection, "body": body, **options}


def parallel(node_id, branches, **options):
    return {"id": node_id, "type": "parallel", "branches": branches, **options}


def function(node_id, name, /, *, output=None, **arguments):
    node = {"id": node_id, "type": "function", "function": name, "arguments": arguments}
    return {**node, "output": output} if output else node


def row(*ids):
    """The edges of nodes in a row, from start to end."""
    return [f"{a} {b}" for a, b in pairwise(["start", *ids, "end"])]


class Started:
    """A listener, and a wait until it has heard that a node began (or of anything, for None)."""

    def __init__(self, node=None):
        self._node = node
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def __call__(self, event):
        if self._node is None or (
            isinstance(event, events.NodeStarted) and event.node == self._node
        ):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self):
        await self._event.wait()
