"""Workflows with a cache policy over a server whose starts and calls are counted."""

import json
from pathlib import Path

from support.workflows import row, script, tool, workflow


class Counted:
    """A server of ``counted.py`` and the file in which its starts and calls are counted."""

    def __init__(self, file):
        self.file = file

    def server(self, *args, server_id="lab", **options):
        return script("counted", str(self.file), *args, server_id=server_id, **options)

    def says(self, **tools):
        Path(f"{self.file}.says").write_text(json.dumps(tools))

    @property
    def lines(self):
        return self.file.read_text().splitlines() if self.file.exists() else []

    @property
    def starts(self):
        return self.lines.count("start")

    @property
    def calls(self):
        return [line for line in self.lines if line != "start"]


def read(node_id, text="hi", /, *, name="read", cache=True, **options):
    node = {**tool(node_id, name, text=text), **options}
    return node if cache is None else {**node, "cache": cache}


def one(counted, *args, cache=True, name="read", text="hi", server=None, **top):
    """A workflow of one node."""
    server = server or counted.server()
    return workflow(
        [read("a", text, name=name, cache=cache, output="x")],
        row("a"),
        result="${x}",
        servers=[server],
        **top,
    )


def twice(go, text, **options):
    return go(text, **options), go(text, **options)
