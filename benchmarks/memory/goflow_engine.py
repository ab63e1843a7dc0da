"""A workflow of one call, run in an engine."""

import asyncio
import sys

import goflow

WORKFLOW = """\
version: "1.0"
name: memory
servers:
  - {{id: minimal, command: {command}, args: {args}}}
nodes:
  - {{id: start, type: start}}
  - {{id: call, type: mcp_tool, server: minimal, tool: echo, parameters: {{text: hello}}}}
  - {{id: end, type: end}}
edges:
  - {{from: start, to: call}}
  - {{from: call, to: end}}
"""


async def main(command, *args):
    async with goflow.Engine() as engine:
        workflow = goflow.load(WORKFLOW.format(command=command, args=list(args)))
        result = await engine.run(workflow)
        assert result.completed, result
        # measured here


asyncio.run(main(*sys.argv[1:]))
