"""The schema of each type of node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goflow.workflow.schema_parts import (
    CACHE,
    LABEL,
    Schema,
    a_map,
    choice,
    condition,
    count,
    described,
    duration,
    flag,
    text,
    variable_name,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["node_types"]


def node_types() -> dict[str, Schema]:
    """By the word that files write as ``type``."""
    if_key: dict[str, Schema] = {
        "if": condition("An expression; when it is false the node is skipped.")
    }
    if_aliases: dict[str, tuple[str, ...]] = {"if": ("condition",)}
    working = {**_OUTPUT, **if_key, **_WORKING}
    output: dict[str, tuple[str, ...]] = {"output": ("output_variable", "output_var")}
    return {
        "start": _node("start", "Where a run begins.", _OUTPUT, aliases=output),
        "end": _node(
            "end",
            "Where a run ends.",
            {"return": described("The result: any value, with ${…} inside.")},
            aliases={"return": ("return_value", "output")},
        ),
        "mcp_tool": _node(
            "mcp_tool",
            "Calls a tool of a server.",
            {
                "server": described("The id of the server.", type="string", minLength=1),
                "tool": described("The name of the tool.", type="string", minLength=1),
                "parameters": described(
                    "The tool's arguments, with ${…} inside.", type=["object", "null"]
                ),
                "result": choice(
                    "Which part of the answer is the value.",
                    ("auto", "raw", "text", "json", "structured"),
                    "auto",
                ),
                **working,
            },
            required=("server", "tool"),
            aliases={
                "server": ("server_id",),
                "tool": ("tool_name",),
                "parameters": ("arguments", "input"),
                **if_aliases,
                **output,
            },
        ),
        "transform": _node(
            "transform",
            "Computes a value.",
            {
                "input": text("An expression whose value is 'input' in the transform's own."),
                "expression": described(
                    "An expression, text with ${…} inside, or a literal value.",
                ),
                "kind": choice(
                    "How the expression is read.",
                    ("auto", "expression", "template", "jsonpath", "jq"),
                    "auto",
                ),
                **working,
            },
            required=("expression",),
            aliases={"expression": ("template",), **if_aliases, **output},
        ),
        "condition": _node(
            "condition",
            "Decides which of its two edges is taken.",
            {
                "condition": condition("An expression.", optional=False),
                **working,
            },
            required=("condition",),
            aliases={"condition": ("expression",), **output},
        ),
        "parallel": _node(
            "parallel",
            "Runs branches at once.",
            {
                "branches": described(
                    "Lists of node ids; the members of each run in this order.",
                    type="array",
                    items={"type": "array", "items": {"type": "string"}, "minItems": 1},
                    minItems=2,
                ),
                "merge": choice(
                    "When it is done: when all are, at the first success, at the first end.",
                    ("wait_all", "wait_any", "wait_first", "race"),
                    "wait_all",
                ),
                "max_parallel": count("How many branches run at once."),
                **working,
            },
            required=("branches",),
            aliases={"merge": ("merge_strategy",), **if_aliases, **output},
        ),
        "loop": _node(
            "loop",
            "Runs its body for each item of a collection.",
            {
                "collection": described(
                    "A variable's name, an expression, or a list.",
                    type=["string", "array"],
                    minLength=1,
                ),
                "item": variable_name("The variable of the item.", optional=True),
                "body": described(
                    "Node ids; the members run in this order.",
                    type="array",
                    items={"type": "string"},
                    minItems=1,
                ),
                "break_condition": condition("Tested before each iteration; true ends the loop."),
                "parallel": flag("Whether iterations run at once, each for itself.", default=False),
                "max_parallel": count("How many iterations run at once."),
                **working,
            },
            required=("collection", "body"),
            aliases={"item": ("item_variable", "variable"), **if_aliases, **output},
            rules=(
                {
                    "if": {"properties": {"parallel": {"const": True}}, "required": ["parallel"]},
                    "then": {"properties": {"break_condition": {"type": "null"}}},
                },
            ),
        ),
        "workflow": _node(
            "workflow",
            "Runs another workflow.",
            {
                "workflow": described(
                    "Its file, relative to this one, or its name.", type="string", minLength=1
                ),
                "inputs": described("Its inputs, with ${…} inside.", type=["object", "null"]),
                **working,
            },
            required=("workflow",),
            aliases={**if_aliases, **output},
        ),
        "function": _node(
            "function",
            "Calls a function of the program that runs the workflow.",
            {
                "function": described(
                    "The name that it was registered by.", type="string", minLength=1
                ),
                "arguments": described(
                    "Its keyword arguments, with ${…} inside.", type=["object", "null"]
                ),
                **working,
            },
            required=("function",),
            aliases={**if_aliases, **output},
        ),
        "passthrough": _node(
            "passthrough", "Joins paths.", {**_OUTPUT, **if_key}, aliases={**output, **if_aliases}
        ),
    }


_OUTPUT = {"output": variable_name("The variable that receives the value.", optional=True)}
_WORKING: dict[str, Schema] = {
    "timeout": duration("How long one attempt may take."),
    "retry": described(
        "When and how often a failed attempt is tried again.",
        anyOf=[{"$ref": "#/$defs/retry"}, {"type": "null"}],
    ),
    "cache": CACHE,
    "on_error": described(
        "What a failure means: the run fails, or goes on with null or with a value.",
        anyOf=[
            {"enum": ["fail", "continue", None]},
            {
                "type": "object",
                "properties": {"value": {"description": "The value to go on with."}},
                "required": ["value"],
                "additionalProperties": False,
            },
        ],
        default="fail",
    ),
}


def _node(
    name: str,
    description: str,
    own: dict[str, Schema],
    *,
    required: tuple[str, ...] = (),
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    rules: tuple[Schema, ...] = (),
) -> Schema:
    properties = {
        "id": word("What edges and expressions call the node.", "[A-Za-z0-9_.-]+"),
        "type": described(description, const=name),
        "description": text("What it is for."),
        "label": LABEL,
        **own,
    }
    return a_map(properties, required=("id", "type", *required), aliases=aliases, rules=rules)
