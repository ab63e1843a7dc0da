"""Generated workflows: every element with every field, odd words and deep values.

They load; whether their edges and expressions make sense is not their business.
"""

from hypothesis import strategies as st

from goflow.workflow.model import (
    CachePolicy,
    ConditionNode,
    Edge,
    EndNode,
    FunctionNode,
    LoopNode,
    ParallelNode,
    PassthroughNode,
    Retry,
    Server,
    StartNode,
    SubworkflowNode,
    ToolNode,
    TransformNode,
    Variable,
    Workflow,
)

ODD = [
    "", " ", "~", "null", "Null", "true", "False", "on", "off", "yes", "No", "y", "N", "=", "<<",
    "-", "- a", "?", "? a", ":", "a:", "a: b", "a :b", "#", "a #b", "a#b", "!x", "&a", "*a", "|",
    ">", "%a", "@a", "`a", "'", '"', "a'b\"c", "\\", "a\\nb", "[a]", "{a: b}", "a, b", "---", "...",
    "--- a", "1", "-1", "+1", "1.0", ".5", "1.", "1e3", "1E-3", "0o17", "017", "0x1F", "1_000",
    "0b1", "12:30:45", "190:20:30", "2026-01-02", "2026-01-02T03:04:05Z", "1.2.3", ".inf", "-.Inf",
    ".nan", "${a}", "a ${b} c", "$${a}", "#!", "a\n", "\na", "a\nb", "a\n\nb\n", "a\n\n", " a\nb",
    "a \nb", "\n", "\n\n", "a\tb", "\ta", "a\t", "a\r\nb", "\x00", "\x7f", "\x85", "a\x85b", "\xa0",
    "\u2028", "\ufeff", "\ufeffa", "ü", "日本", "😀", "😀\n😀", "e\u0301", "# a\nb", "a\n# b\n",
    "a\n  b\n c", "a: b\nc: d", "- a\n- b\n", "---\na", "a\n...\nb", "x" * 200, "word " * 40,
    "1m30s", "5 ", " 5",
]  # fmt: skip
"""Strings that some reader of YAML takes for something else when they are not quoted."""

texts = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
filled = texts.filter(bool)
plain_texts = texts.filter(lambda text: "${" not in text)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).map(lambda name: f"v_{name}")
ids = st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
maps = st.dictionaries(texts, values, max_size=4)
text_maps = st.dictionaries(texts, plain_texts, max_size=3)
maybe_text = st.none() | texts
counts = st.integers(1, 1000)
durations = st.sampled_from([0.0, 0.25, 1.0, 1.5, 30.0, 60.0, 90.0, 3600.0, 3661.5, 86400.0]) | (
    st.floats(0, 1e8)
)
maybe_duration = st.none() | durations
caches = st.none() | st.builds(
    CachePolicy,
    ttl=maybe_duration,
    version=maybe_text,
    ignore=st.lists(texts, max_size=3).map(tuple),
    scope=st.sampled_from(["shared", "workflow", "run"]),
    mode=st.sampled_from(["use", "refresh", "off"]),
    max_bytes=st.none() | counts,
)


def _built(model, **fields):
    """The model with any of its fields given."""
    required = {
        "id", "name", "source", "target", "server", "tool", "condition",
        "branches", "collection", "body", "workflow", "function",
    }  # fmt: skip
    given_always = {key: value for key, value in fields.items() if key in required}
    optional = {key: value for key, value in fields.items() if key not in required}
    return st.fixed_dictionaries(given_always, optional=optional).map(lambda all_: model(**all_))


variables = st.builds(
    lambda default, **fields: Variable(**fields, **default),
    name=names,
    type=st.sampled_from(["string", "number", "boolean", "object", "array", "any"]),
    default=st.just({}) | values.map(lambda value: {"default": value, "has_default": True}),
    required=st.booleans(),
    description=maybe_text,
)
_SERVER = {
    "description": maybe_text,
    "args": st.lists(plain_texts, max_size=4).map(tuple),
    "env": text_maps,
    "headers": text_maps,
    "cwd": st.none() | plain_texts,
    "timeout": durations,
    "connect_timeout": durations,
    "max_sessions": counts,
    "max_in_flight": st.none() | counts,
    "mode": st.sampled_from(["multiplex", "exclusive", "run"]),
    "prewarm": st.booleans(),
}
_server_ids = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
servers = st.builds(
    lambda server_id, home, credential, rest: Server(id=server_id, **home, **credential, **rest),
    _server_ids,
    st.fixed_dictionaries({"command": plain_texts.filter(bool)})
    | st.fixed_dictionaries(
        {"transport": st.sampled_from(["http", "sse"]), "url": plain_texts.filter(bool)}
    ),
    st.just({}) | st.just({"credential_ref": "keyring://a/b", "credential_env": "TOKEN"}),
    st.fixed_dictionaries({}, optional=_SERVER),
)
_classes = st.lists(texts, max_size=3).map(tuple)
retries = st.builds(
    lambda on, **fields: Retry(**fields, **on),
    on=st.just({}) | _classes.map(lambda words: {"on": words, "on_given": True}),
    max_attempts=counts,
    backoff=st.sampled_from(["exponential", "linear", "constant"]),
    initial_delay=durations,
    max_delay=durations,
    multiplier=st.floats(1, 100),
    jitter=st.booleans(),
    skip_on=_classes,
)
_COMMON = {"id": ids, "description": maybe_text}
_WORKING = {
    **_COMMON,
    "output": st.none() | names,
    "run_if": st.none() | filled,
    "timeout": maybe_duration,
    "retry": st.none() | st.just(Retry()) | retries,
    "cache": caches,
    "on_error": st.sampled_from(["fail", "continue"]) | values.map(lambda value: {"value": value}),
}
NODES = {
    "start": _built(StartNode, **_COMMON, output=st.none() | names),
    "end": _built(EndNode, **_COMMON, value=values),
    "mcp_tool": _built(
        ToolNode,
        **_WORKING,
        server=filled,
        tool=filled,
        parameters=maps,
        result=st.sampled_from(["auto", "raw", "text", "json", "structured"]),
    ),
    "transform": _built(
        TransformNode,
        **_WORKING,
        input=maybe_text,
        expression=values,
        kind=st.sampled_from(["auto", "expression", "template"]),
    ),
    "condition": _built(ConditionNode, **_WORKING, condition=filled),
    "parallel": _built(
        ParallelNode,
        **_WORKING,
        branches=st.lists(st.lists(texts, max_size=3).map(tuple), max_size=3).map(tuple),
        merge=st.sampled_from(["wait_all", "wait_any", "wait_first"]),
        max_parallel=st.none() | counts,
    ),
    "loop": _built(
        LoopNode,
        **_WORKING,
        collection=filled | st.lists(values, max_size=3),
        body=st.lists(texts, max_size=3).map(tuple),
        item=names,
        break_condition=st.none() | filled,
        parallel=st.booleans(),
        max_parallel=st.none() | counts,
    ),
    "workflow": _built(SubworkflowNode, **_WORKING, workflow=filled, inputs=maps),
    "function": _built(FunctionNode, **_WORKING, function=filled, arguments=maps),
    "passthrough": _built(
        PassthroughNode, **_COMMON, output=st.none() | names, run_if=st.none() | filled
    ),
}
"""A strategy for each type of node that this release reads."""
edges = _built(
    Edge,
    source=filled,
    target=filled,
    condition=st.none() | filled,
    label=maybe_text,
    on=st.sampled_from(["success", "error", "always"]),
)
workflows = _built(
    Workflow,
    name=filled,
    description=maybe_text,
    metadata=maps,
    variables=st.lists(variables, max_size=3).map(tuple),
    servers=st.lists(servers, max_size=2).map(tuple),
    nodes=st.lists(st.one_of(*NODES.values()), max_size=5).map(tuple),
    edges=st.lists(edges, max_size=4).map(tuple),
    timeout=maybe_duration,
    max_parallel=st.none() | counts,
    cache=caches,
)
