"""What a run takes from kept results instead of doing it, and what it keeps for others.

A node is looked up when its request is ready, before its server is connected and without a task. A
key needs what the server says of the tool: what it was last seen to say, checked again once it is
connected. Where nobody has seen it yet the node connects first, and is looked up then.
"""

from __future__ import annotations

from time import monotonic, time
from typing import TYPE_CHECKING, Any

import msgspec

from goflow.engine import events
from goflow.engine.nodes import Answer
from goflow.engine.record import CacheUse
from goflow.errors import GoFlowError, NotJson, copied
from goflow.results.key import tool_family, tool_schema
from goflow.results.policy import decide, within
from goflow.results.results import Hit
from goflow.workflow.model import SubworkflowNode, ToolNode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from goflow.engine.nodes.tool import ToolWork
    from goflow.engine.plan import Plan, Step
    from goflow.engine.record import NodeRecord
    from goflow.results.key import ResultKey
    from goflow.results.policy import Asked, Decision
    from goflow.results.results import Results
    from goflow.servers.config import ServerConfig
    from goflow.servers.connections import RunConnections
    from goflow.servers.redaction import Redactor
    from goflow.workflow.model import Workflow

__all__ = ["Lookup", "Reuse", "servers_to_warm"]


class Lookup:
    """What became of looking one node up.

    ``outcome`` is ``hit``, ``miss``, ``shared`` (an equal call was in flight and answered both) or
    ``none`` (there was nothing to look for: ``reason`` says why). ``kept`` is whether the node's
    own result was kept, or why not. ``reads`` unless kept results are not to be taken.
    """

    __slots__ = ("age", "at", "expired", "kept", "key", "outcome", "reads", "reason")

    def __init__(self, outcome: str, reason: str | None = None, key: ResultKey | None = None):
        self.at = time()
        self.outcome = outcome
        self.reason = reason
        self.key = key
        self.age: float | None = None
        self.expired: float | None = None
        self.kept: bool | str = False
        self.reads = False

    def told(self) -> dict[str, Any]:
        """What the history keeps of it. Linear in the arguments, so not for an event loop."""
        told: dict[str, Any] = {"outcome": self.outcome, "at": self.at}
        if self.key is not None:
            told["key"] = self.key.digest.hex()
        for name in ("reason", "age", "expired", "kept"):
            value = getattr(self, name)
            if value is not None and value is not False:
                told[name] = value
        if self.key is not None and self.outcome != "hit":
            told["family"] = self.key.family.hex()
            told["parts"] = self.key.summary()
        return told


_UNKNOWN = "nobody knows yet what the server says of the tool"


class Reuse:
    """One run's use of the kept results, those of the workflows that it runs included."""

    def __init__(
        self,
        results: Results,
        asked: Asked,
        run_id: str,
        redactor: Redactor,
        connections: RunConnections,
    ) -> None:
        self.results = results
        self.asked = asked
        self._run_id = run_id
        self._redactor = redactor
        self._connections = connections
        self._hits = self._misses = self._stored = 0
        self._saved = 0.0
        self._silent: set[ServerConfig] = set()  # they were asked for their tools in vain

    @property
    def use(self) -> CacheUse:
        """What it came to so far."""
        return CacheUse(
            hits=self._hits, misses=self._misses, stored=self._stored, saved=self._saved
        )

    # -- before the work -----------------------------------------------------------------------

    def look(
        self,
        record: NodeRecord,
        step: Step,
        request: Any,
        workflow: Workflow,
        emit: Callable[..., None],
        path: tuple[int, ...] = (),
        *,
        learned: bool = False,
    ) -> Answer | None:
        """A kept answer to the request of a node, if there is one; ``record.lookup`` says more.

        ``learned`` when the server was asked already what it says of the tool.
        """
        record.lookup = None
        schema, read_only = self._seen(step)
        unknown = schema is None
        decision = self._decide(step, workflow, True if unknown else read_only)
        if not decision.writes:
            return None
        if unknown:
            reason = "the server does not say what the tool is" if learned else _UNKNOWN
            record.lookup = Lookup("none", reason)
            return None
        try:
            key = self._key(step, request, decision, workflow, schema or "")
        except NotJson as error:
            record.lookup = Lookup("none", f"its arguments are no JSON values: {error.message}")
            return None
        if self._redactor.secrets and self._holds_secret(key):
            record.lookup = Lookup("none", "its arguments contain a secret")
            return None
        lookup = record.lookup = Lookup("miss", decision.reason, key)
        lookup.reads = decision.reads
        if decision.reads:
            found = self.results.lookup(key)
            if isinstance(found, Hit):
                lookup.outcome, lookup.age = "hit", found.age
                self._taken(record, found.saved)
                emit(events.CacheLookup, record.id, "hit", found.saved, None, path)
                return Answer(found.value, found.raw)
            lookup.expired = found.expired
        self._misses += 1
        emit(events.CacheLookup, record.id, "miss", None, lookup.reason, path)
        return None

    def _taken(self, record: NodeRecord, saved: float) -> None:
        record.cached, record.saved = True, saved
        self._hits += 1
        self._saved += saved

    def _seen(self, step: Step) -> tuple[str | None, bool]:
        """What the server was last seen to say of a tool; no schema when nobody has seen it."""
        if not isinstance(step.node, ToolNode):
            return "", False
        identity = self.results.identity(step.work.server)
        seen = self.results.seen_tool(identity, step.node.tool)
        return (None, False) if seen is None else (seen.schema, seen.read_only)

    def _decide(self, step: Step, workflow: Workflow, read_only: bool) -> Decision:
        return decide(
            step.node,
            workflow=workflow.cache,
            engine=self.asked.policy,
            mode=self.asked.mode,
            read_only=read_only,
        )

    def _key(
        self, step: Step, request: Any, decision: Decision, workflow: Workflow, schema: str
    ) -> ResultKey:
        policy = decision.policy
        scope = within(policy, workflow=workflow.name, run=self._run_id)
        key: ResultKey = step.work.key(request, policy, scope, self.results, schema)
        return key

    def _holds_secret(self, key: ResultKey) -> bool:
        data = msgspec.json.encode([key.parts.get(name) for name in ("arguments", "texts")])
        return self._redactor.data(data) != data

    # -- around the work -----------------------------------------------------------------------

    async def attempt(
        self,
        record: NodeRecord,
        step: Step,
        request: Any,
        workflow: Workflow,
        work: Callable[[float | None], Awaitable[Answer]],
        emit: Callable[..., None],
        path: tuple[int, ...],
    ) -> Answer:
        """One attempt of a node that was looked up in vain; its answer is kept.

        ``work`` does it, within the seconds it is given. Of equal attempts in flight one works.
        """
        timeout = step.node.timeout
        lookup = record.lookup
        assert lookup is not None
        if lookup.reason is _UNKNOWN:
            began = monotonic()
            await self._learn(step.work, timeout)
            answer = self.look(record, step, request, workflow, emit, path, learned=True)
            if answer is not None:
                return answer
            lookup = record.lookup
            if timeout is not None:
                timeout = max(0.001, timeout - (monotonic() - began))
        if lookup is None or lookup.key is None:
            return await work(timeout)
        key = lookup.key
        mine = False

        async def leading() -> tuple[Any, dict[str, Any] | None]:
            nonlocal mine
            if lookup.reads:  # an equal one may have ended since the look-up
                found = self.results.lookup_again(key)
                if isinstance(found, Hit):
                    return found.value, found.raw
            mine = True
            began = monotonic()
            answer = await work(timeout)
            took = monotonic() - began
            if took < getattr(step.work, "keep_from", 0.0):
                lookup.kept = f"it took {took * 1e6:.0f} µs: computing it again is quicker"
            else:
                await self._keep(record, step, request, workflow, answer, took)
            kept = lookup.kept is True
            reason = None if kept else str(lookup.kept)
            emit(
                events.CacheLookup,
                record.id,
                "stored" if kept else "not_stored",
                None,
                reason,
                path,
            )
            return answer.value, answer.raw

        began = monotonic()
        try:
            value, raw, _ = await self.results.once(key, leading, apart=step.node.timeout)
        except GoFlowError as error:
            if mine:
                raise
            own = copied(error)
            own.node_id = None  # the one that worked may have written its name into it
            raise own from error.__cause__
        if not mine:
            lookup.outcome = "shared"
            self._misses -= 1
            self._taken(record, monotonic() - began)
            emit(events.CacheLookup, record.id, "shared", record.saved, None, path)
        return Answer(value, raw)

    async def _learn(self, work: ToolWork, timeout: float | None) -> str | None:
        """See what the server says of a tool now; its schema, None if it does not list it."""
        config = work.server
        tools = self._connections.known_tools(config)
        if not tools:
            if config in self._silent:
                return None
            tools = await self._connections.list_tools(config, timeout)
            if not tools:
                self._silent.add(config)
        described = tools.get(work.tool)
        if described is None:
            return None
        schema = tool_schema(described)
        identity = self.results.identity(config)
        seen = self.results.seen_tool(identity, work.tool)
        if seen is None or seen.schema != schema:
            self.results.saw_tools(identity, tools.values())
        return schema

    async def _keep(
        self,
        record: NodeRecord,
        step: Step,
        request: Any,
        workflow: Workflow,
        answer: Answer,
        took: float,
    ) -> None:
        """Keep an answer, under what the server says of the tool by now."""
        lookup = record.lookup
        assert lookup is not None
        schema: str | None = ""
        if isinstance(step.node, ToolNode):
            try:
                schema = await self._learn(step.work, step.node.timeout)
            except GoFlowError:
                schema = None
        if schema is None:
            lookup.kept = "the server does not say what the tool is"
            return
        decision = self._decide(step, workflow, self._seen(step)[1])
        if not decision.writes:
            lookup.kept = str(decision.reason)
            return
        key = lookup.key = self._key(step, request, decision, workflow, schema)
        reason = self.results.keep(
            key,
            answer.value,
            answer.raw,
            policy=decision.policy,
            duration=took,
            origin=f"{workflow.name}/{record.id}",
            redactors=(self._redactor,),
        )
        lookup.kept = reason or True
        self._stored += reason is None


def servers_to_warm(plan: Plan, results: Results | None, asked: Asked) -> tuple[ServerConfig, ...]:
    """The servers that are worth connecting before anything is looked up, in the plan's order.

    Not those all of whose nodes may be found in the cache: they are connected when one is not.
    """
    if results is None:
        return plan.servers
    needed = _needed(plan, results, asked)
    return tuple(server for server in plan.servers if server in needed)


def _needed(plan: Plan, results: Results, asked: Asked) -> set[ServerConfig]:
    needed: set[ServerConfig] = set()
    for step in plan.steps:
        if isinstance(step.node, SubworkflowNode):
            needed |= _needed(plan.workflows[step.node.workflow], results, asked)
        elif isinstance(step.node, ToolNode):
            server = step.work.server
            if server not in needed and not _may_hit(step, plan.workflow, results, asked):
                needed.add(server)
    return needed


def _may_hit(step: Step, workflow: Workflow, results: Results, asked: Asked) -> bool:
    node = step.node
    assert isinstance(node, ToolNode)
    if not step.cacheable:
        return False
    seen = results.seen_tool(results.identity(step.work.server), node.tool)
    if seen is None:
        return False
    decision = decide(
        node,
        workflow=workflow.cache,
        engine=asked.policy,
        mode=asked.mode,
        read_only=seen.read_only,
    )
    return (
        decision.reads
        and decision.policy.scope != "run"
        and results.may_have(tool_family(node.tool))
    )
