"""The JSON Schema (draft 2020-12) of a workflow file, as this release reads it.

It serves editors: names, aliases and defaults with a description each, and the mistakes that can be
seen without running the loader. An unknown key, which the loader only warns of, is a mistake here.
``workflow.schema.json`` is what ``build`` gives, kept as a file; a test compares them.
"""

from __future__ import annotations

from pathlib import Path

from goflow.workflow.fields import LARGEST
from goflow.workflow.model import TIMESTAMP, VARIABLE_TYPES
from goflow.workflow.schema_nodes import node_types
from goflow.workflow.schema_parts import (
    CACHE,
    LABEL,
    Schema,
    a_list,
    a_map,
    choice,
    condition,
    count,
    described,
    duration,
    flag,
    of_type,
    text,
    text_map,
    texts,
    variable_name,
    word,
)

__all__ = ["FILE", "UNSAID", "build", "json_text"]

FILE = Path(__file__).with_name("workflow.schema.json")
"""The schema as it ships with the package."""

UNSAID = (
    "a key is not written twice in one map",
    "ids and names are unique",
    "edges lead between nodes that exist, once, without cycles, and reach every node",
    "a condition node has one true and one false edge",
    "expressions parse, and read names that exist and are set",
    "a node's server is defined, and what is defined is used",
    "a whole number is written without a point: 3, not 3.0",
    "a duration that is written as text is at most ten years",
    "what a release does not run yet, and ${…} that a server's definition does not fill in",
)
"""Rules of the format that a schema cannot say; ``validate`` checks them."""


def json_text() -> str:
    """The schema as JSON text, the content of ``FILE``."""
    import json  # noqa: PLC0415 - not for runs

    return json.dumps(build(), indent=2, ensure_ascii=False) + "\n"


def build() -> Schema:
    """The schema as plain values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "GoFlow workflow",
        "description": "A deterministic workflow over MCP servers, format version 1.",
        **a_map(
            {
                "version": described(
                    "The version of the format.",
                    anyOf=[
                        {"type": "string", "pattern": r"^v?1(\.[0-9]+){0,2}$"},
                        {"type": "number", "minimum": 1, "exclusiveMaximum": 2},
                    ],
                    default="1.0",
                ),
                "name": described("How runs call the workflow.", type="string", minLength=1),
                "description": text("What the workflow is for."),
                "label": described("A note; it has no effect."),
                "metadata": described(
                    "What people and programs note about the file; any key is kept.",
                    type=["object", "null"],
                    properties={
                        "author": text("Who wrote it."),
                        "created": text("When, as RFC 3339 says it.", pattern=f"^{TIMESTAMP}$"),
                        "last_modified": text(
                            "When, as RFC 3339 says it.", pattern=f"^{TIMESTAMP}$"
                        ),
                        "tags": texts("Words to find it by.", "One word."),
                        "icon": text("What to show beside its name."),
                    },
                ),
                "variables": a_list("variable", "The variables of a run: its inputs and defaults."),
                "servers": a_list("server", "The MCP servers that tool nodes call."),
                "nodes": described(
                    "The steps: one start, at least one end, and the work between them.",
                    type="array",
                    items={"$ref": "#/$defs/node"},
                    allOf=[
                        {
                            "description": "There is exactly one start node.",
                            "contains": of_type("start"),
                            "minContains": 1,
                            "maxContains": 1,
                        },
                        {
                            "description": "There is at least one end node.",
                            "contains": of_type("end"),
                        },
                    ],
                ),
                "edges": described(
                    "What follows what.", type="array", items={"$ref": "#/$defs/edge"}
                ),
                "timeout": duration("How long the whole run may take."),
                "max_parallel": count("How many nodes run at once."),
                "cache": CACHE,
            },
            required=("version", "name", "nodes", "edges"),
        ),
        "$defs": _definitions(),
    }


# -- elements ----------------------------------------------------------------------------------


def _definitions() -> dict[str, Schema]:
    nodes = node_types()
    return {
        "duration": described(
            'A time such as "250ms", "1.5s", "2m", "1h30m", or a number of seconds.',
            anyOf=[
                {
                    "type": "string",
                    "pattern": r"^(?=.)([0-9]+(\.[0-9]+)?h)?([0-9]+(\.[0-9]+)?m)?"
                    r"([0-9]+(\.[0-9]+)?s)?([0-9]+ms)?$",
                },
                {"type": "number", "minimum": 0, "maximum": 10 * 365 * 86400},
            ],
        ),
        "variable": _variable(),
        "server": _server(),
        "retry": _retry(),
        "cache": _cache(),
        "node": {
            "type": "object",
            "properties": {
                "type": described("What the node does.", enum=list(nodes)),
            },
            "required": ["type"],
            # Only the branch of the node's own type speaks, so that a message is about that type.
            "allOf": [{"if": of_type(name), "then": {"$ref": f"#/$defs/{name}"}} for name in nodes],
        },
        **nodes,
        "edge": _edge(),
    }


def _variable() -> Schema:
    defaults: tuple[Schema, ...] = tuple(
        {
            "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
            "then": {
                "properties": {
                    key: {"type": [kind, "null"]} for key in ("default", "default_value")
                }
            },
        }
        for kind in VARIABLE_TYPES
        if kind != "any"
    )
    return a_map(
        {
            "name": variable_name("What expressions call it."),
            "type": choice("What it may hold.", VARIABLE_TYPES, "any"),
            "default": described("Its value when no input gives one."),
            "required": flag("Whether a run must be given it.", default=False),
            "description": text("What it is for."),
            "label": LABEL,
        },
        required=("name",),
        aliases={"default": ("default_value",)},
        rules=defaults,
    )


def _server() -> Schema:
    remote = {
        "properties": {"transport": {"enum": ["http", "sse", "streamable-http"]}},
        "required": ["transport"],
    }
    env = "${env.NAME} and ${secret.NAME} are filled in."
    return a_map(
        {
            "id": word("What nodes call the server.", "[A-Za-z0-9_-]+"),
            "name": text("What people call it."),
            "description": text("What it offers."),
            "label": LABEL,
            "transport": choice(
                "How it is reached; http is MCP's Streamable HTTP.",
                ("stdio", "http", "sse", "streamable-http"),
                "stdio",
            ),
            "command": text("The program of a stdio server, looked up on PATH; never a shell."),
            "args": texts(f"Its arguments. {env}", "One argument, as text."),
            "env": text_map(f"Its environment, beside HOME, PATH and a few more. {env}"),
            "cwd": text("Its folder, relative to this file."),
            "url": text(f"The address of an http or sse server. {env}"),
            "headers": text_map(f"Headers of each request to it. {env}"),
            "credential_ref": text(
                "Where the system's keyring keeps its secret: keyring://NAME or "
                "keyring://NAME/FIELD.",
                pattern=r"^keyring://[^/\s]+(/[^/\s]+)?$",
            ),
            "credential_env": text("The environment variable that receives the credential."),
            "timeout": duration("How long one call may take.", default="30s"),
            "connect_timeout": duration("How long connecting may take.", default="30s"),
            "max_sessions": count("How many sessions it gets at most.", default=1),
            "max_in_flight": count("How many calls are under way at once in one session."),
            "mode": choice(
                "Whether calls share a session.", ("multiplex", "exclusive", "run"), "multiplex"
            ),
            "prewarm": flag("Whether it is connected before it is needed.", default=False),
        },
        required=("id",),
        rules=(
            {
                "if": remote,
                "then": _given("url"),
                "else": _given("command"),
            },
            {"if": _given("credential_env", least=0), "then": _given("credential_ref")},
            {
                "if": {**_given("credential_ref"), "not": remote},
                "then": _given("credential_env", least=0),
            },
        ),
    )


def _retry() -> Schema:
    classes = "An error class such as timeout or rate_limit, or words of the message."
    return a_map(
        {
            "max_attempts": count("How often it is tried in all.", default=1),
            "backoff": choice(
                "How the delay grows.", ("exponential", "linear", "constant"), "exponential"
            ),
            "initial_delay": duration("The first delay.", default="1s"),
            "max_delay": duration("The longest delay.", default="30s"),
            "multiplier": described(
                "By how much an exponential delay grows.",
                type=["number", "null"],
                minimum=1,
                maximum=LARGEST,
                default=2.0,
            ),
            "jitter": flag("Whether a delay is drawn at random up to its length.", default=True),
            "on": texts("Which errors are tried again.", classes),
            "skip_on": texts("Which errors never are.", classes),
        },
        aliases={
            "multiplier": ("backoff_multiplier",),
            "on": ("retryable_errors",),
            "skip_on": ("non_retryable_errors",),
        },
    )


def _cache() -> Schema:
    return a_map(
        {
            "ttl": duration("How long a result may be used."),
            "version": described(
                "Part of the key: another version, another result.",
                type=["string", "integer", "null"],
            ),
            "ignore": texts("Arguments that the result does not depend on.", "An argument."),
            "scope": choice("Who may use the result.", ("shared", "workflow", "run"), "shared"),
            "mode": choice(
                "Use results, compute and store them again, or neither.",
                ("use", "refresh", "off"),
                "use",
            ),
            "max_bytes": count("The largest result that is kept."),
        }
    )


def _given(key: str, least: int = 1) -> Schema:
    """``key`` is there, with a text of at least so many characters."""
    return {"required": [key], "properties": {key: {"type": "string", "minLength": least}}}


def _edge() -> Schema:
    return a_map(
        {
            "from": described("The id of the node it leaves.", type="string", minLength=1),
            "to": described("The id of the node it leads to.", type="string", minLength=1),
            "condition": condition(
                'After a condition node "true" or "false"; elsewhere an expression.'
            ),
            "label": text("A note; it has no effect."),
            "description": LABEL,
            "on": choice("When it is taken.", ("success", "error", "always"), "success"),
        },
        required=("from", "to"),
        aliases={"condition": ("when",)},
    )
