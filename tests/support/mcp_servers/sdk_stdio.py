"""A server over standard input and output, built with the official SDK: it speaks both eras.

Among its tools are those that talk back while they are called: ``steps`` tells of its progress,
``log`` logs, ``grow`` adds a tool, ``ask`` asks whoever runs the client, ``think`` wants a model
and ``roots`` wants to know the folders.
"""

from typing import Any

from mcp import MCPError, types
from mcp.server.mcpserver import Context, Image, MCPServer
from pydantic import BaseModel

server = MCPServer("sdk", version="1.2.3", instructions="Try it.", log_level="CRITICAL")


class Sum(BaseModel):
    sum: float
    note: str | None = None


class Name(BaseModel):
    name: str


@server.tool()
def echo(text: str) -> str:
    """Give the text back."""
    return text


@server.tool()
def add(a: float, b: float) -> Sum:
    """Add two numbers."""
    return Sum(sum=a + b)


@server.tool()
def same(value: Any) -> dict[str, Any]:
    """Give any JSON value back."""
    return {"value": value}


@server.tool(structured_output=False)
def kinds() -> list[Any]:
    """Blocks of several kinds."""
    return ["one", Image(data=b"\x89PNG", format="png"), "two"]


@server.tool()
def fail(reason: str) -> str:
    """Fail with isError."""
    raise ValueError(reason)


@server.tool()
def reject(reason: str) -> str:
    """Fail with a JSON-RPC error."""
    raise MCPError(-32000, reason, {"reason": reason})


@server.tool()
async def steps(count: int, context: Context) -> str:
    """Tell of so many steps, then answer."""
    for step in range(1, count + 1):
        await context.report_progress(step, count, f"step {step}")
    return "done"


@server.tool()
async def log(text: str, context: Context) -> str:
    """Log the text at two levels, then answer."""
    await context.log("info", text, logger_name="lab")
    await context.log("warning", {"text": text})
    return "logged"


@server.tool()
async def grow(name: str, context: Context) -> str:
    """Add a tool of that name, and say that the tools have changed."""

    def grown() -> str:
        """One that was added."""
        return name

    server.add_tool(grown, name=name)
    await context.notify_tools_changed()
    return "grown"


@server.tool()
async def ask(question: str, context: Context) -> str:
    """Ask whoever runs the client for a name."""
    answer = await context.elicit(question, Name)
    return answer.data.name if answer.action == "accept" else answer.action


@server.tool()
async def think(prompt: str, context: Context) -> str:
    """Have the client's model answer."""
    message = types.SamplingMessage(
        role="user", content=types.TextContent(type="text", text=prompt)
    )
    result = await context.session.create_message(messages=[message], max_tokens=10)
    return result.content.text


@server.tool()
async def roots(context: Context) -> list[str]:
    """The client's roots."""
    result = await context.session.list_roots()
    return [str(root.uri) for root in result.roots]


server.run()
