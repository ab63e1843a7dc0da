"""The table of tools: what a tool is, and the decorator that adds one.

A tool is a function with `@tool(...)` above it: its name is the tool's name, its docstring the
tool's description, a parameter with a default is an optional argument, and what it returns is the
result: a `str` is plain text, a `dict` is structured content. Raising `ToolError` fails the call.
"""

from __future__ import annotations

TYPE_CHECKING = False  # Type checkers take it for true; importing `typing` slows the boot.
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TypeAlias, TypeVar

    Schema: TypeAlias = dict[str, Any]
    Run = TypeVar("Run", bound=Callable[..., str | dict[str, Any]])
    Access: TypeAlias = Literal["none", "read", "write"]


class ToolError(Exception):
    """A call that fails; the message is for the person who made it."""


class CommandLineError(Exception):
    """A command line that the server cannot start with."""


class Tool:
    """One tool: the function, and its entry in the answer to `tools/list`.

    `access` says what the tool does with the root folder: "none" (the function is not given it),
    "read" or "write" (the function's first parameter is the `Folder`).
    """

    __slots__ = ("access", "entry", "input_schema", "name", "run")

    def __init__(
        self,
        run: Callable[..., str | dict[str, Any]],
        access: Access,
        arguments: dict[str, Schema],
        result: Schema | None,
        hints: dict[str, bool],
    ) -> None:
        self.name = run.__name__
        self.run = run
        self.access = access
        self.input_schema = _input_schema(run, arguments)
        self.entry: dict[str, Any] = {
            "name": self.name,
            "description": " ".join((run.__doc__ or "").split()),
            "inputSchema": self.input_schema,
            "annotations": hints,
        }
        if result is not None:
            self.entry["outputSchema"] = result


TOOLS: dict[str, Tool] = {}
"""Every tool by name, in the order in which `tools/list` names them."""


def tool(
    *,
    arguments: dict[str, Schema],
    access: Access = "none",
    result: Schema | None = None,
    destructive: bool = False,
    idempotent: bool = True,
) -> Callable[[Run], Run]:
    """Add the decorated function to `TOOLS`.

    `result` is the schema of a structured result. `destructive`: what was there may be lost.
    `idempotent`: a second equal call changes nothing more.
    """

    def add(run: Run) -> Run:
        hints = {
            "readOnlyHint": access != "write",
            "destructiveHint": destructive,
            "idempotentHint": idempotent,
            "openWorldHint": False,
        }
        TOOLS[run.__name__] = Tool(run, access, arguments, result, hints)
        return run

    return add


def string(description: str, **more: object) -> Schema:
    """The schema of a text argument."""
    return {"type": "string", "description": description, **more}


def flag(description: str) -> Schema:
    """The schema of a yes-or-no argument."""
    return {"type": "boolean", "description": description}


def record(**fields: str | Schema) -> Schema:
    """The schema of an object that always has these fields, each a type's name or a schema."""
    properties = {
        name: {"type": field} if isinstance(field, str) else field for name, field in fields.items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def listing(items: Schema) -> Schema:
    """The schema of a list whose items all look alike."""
    return {"type": "array", "items": items}


def _input_schema(run: Callable[..., Any], arguments: dict[str, Schema]) -> Schema:
    # The function's own defaults say what is optional, so the two cannot disagree.
    names = run.__code__.co_varnames[: run.__code__.co_argcount]
    values = run.__defaults__ or ()
    defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
    properties = {
        name: {**schema, "default": defaults[name]}
        if defaults.get(name) is not None
        else dict(schema)
        for name, schema in arguments.items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in arguments if name not in defaults],
        "additionalProperties": False,
    }
