"""What a cache policy means: who may be cached, and what is kept."""

import pytest

from goflow.results.policy import MAX_BYTES, decide, refusal, within
from goflow.servers.redaction import Redactor
from goflow.workflow.model import (
    CachePolicy,
    ConditionNode,
    EndNode,
    FunctionNode,
    LoopNode,
    ToolNode,
    TransformNode,
)

ON = CachePolicy()
OFF = CachePolicy(mode="off")


def tool(cache=None):
    return ToolNode(id="a", server="s", tool="t", cache=cache)


@pytest.mark.parametrize(
    ("node", "options", "expected"),
    [
        # Off unless asked.
        (tool(), {}, "not opted in"),
        (tool(), {"read_only": True}, "not opted in; the server marks it read-only"),
        (tool(OFF), {"workflow": ON, "read_only": True}, "its policy says off"),
        # A node asks for itself, whatever the server says.
        (tool(ON), {}, True),
        (tool(ON), {"read_only": False}, True),
        # A workflow or an engine asks for its read-only tools.
        (tool(), {"workflow": ON, "read_only": True}, True),
        (tool(), {"engine": ON, "read_only": True}, True),
        (tool(), {"workflow": ON, "read_only": False}, "covers only tools that are marked"),
        (tool(), {"workflow": ON}, "nobody knows yet"),
        (tool(), {"workflow": OFF, "engine": ON, "read_only": True}, "not opted in"),
        # The run's mode.
        (tool(ON), {"mode": "off"}, "the run was started with the cache off"),
        # Other nodes.
        (FunctionNode(id="a", function="f", cache=ON), {}, True),
        (FunctionNode(id="a", function="f"), {"workflow": ON, "read_only": True}, "not opted in"),
        (TransformNode(id="a", expression="1", cache=ON), {}, True),
        (TransformNode(id="a", expression="now()", cache=ON), {"pure": False}, "reads the time"),
        (TransformNode(id="a", expression="1"), {"workflow": ON}, "not opted in"),
        (ConditionNode(id="a", condition="x", cache=ON), {}, "condition nodes are never"),
        (LoopNode(id="a", collection="x", body=("b",), cache=ON), {}, "loop nodes"),
        (EndNode(id="a"), {}, "end nodes are never cached"),
    ],
)  # fmt: skip
def test_who_may_be_cached(node, options, expected):
    decision = decide(node, **options)
    if expected is True:
        assert decision.reads
        assert decision.writes
        assert decision.reason is None
    else:
        assert not decision.reads
        assert not decision.writes
        assert expected in decision.reason


def test_refreshing_keeps_and_does_not_look():
    for decision in (
        decide(tool(ON), mode="refresh"),
        decide(tool(CachePolicy(mode="refresh"))),
    ):
        assert not decision.reads
        assert decision.writes
        assert "refreshed" in decision.reason


def test_the_nearest_policy_counts():
    own, of_workflow, of_engine = CachePolicy(ttl=1), CachePolicy(ttl=2), CachePolicy(ttl=3)
    both = {"workflow": of_workflow, "engine": of_engine, "read_only": True}
    assert decide(tool(own), **both).policy is own
    assert decide(tool(), **both).policy is of_workflow
    assert decide(tool(), engine=of_engine, read_only=True).policy is of_engine


def test_scopes_narrow_the_key():
    def scoped(scope):
        return within(CachePolicy(scope=scope), workflow="w", run="r")

    assert scoped("shared") is None
    assert scoped("workflow") == "workflow w"
    assert scoped("run") == "run r"


def test_what_is_never_kept():
    assert refusal(b"x", None, ON, ()) is None
    assert refusal(b"x", {"isError": False}, ON, ()) is None
    assert "failures" in refusal(b"x", {"isError": True}, ON, ())
    assert "another round" in refusal(b"x", {"resultType": "input_required"}, ON, ())
    assert "at most 3 are kept" in refusal(b"xxxx", None, CachePolicy(max_bytes=3), ())
    assert refusal(b"xxx", None, CachePolicy(max_bytes=3), ()) is None
    assert "at most" in refusal(b"x" * (MAX_BYTES + 1), None, ON, ())
    redactors = (Redactor(()), Redactor(("hunter2", 'quote"d')))
    assert "secret" in refusal(b'["my hunter2"]', None, ON, redactors)
    assert "secret" in refusal(b'["quote\\"d"]', None, ON, redactors)
    assert refusal(b'["nothing"]', None, ON, redactors) is None
