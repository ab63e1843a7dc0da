"""What a run would do, as far as that can be known without doing anything.

Nodes are walked in topological order. What only computes is computed if all that it reads is
known; a tool's call is looked up among the kept results, and one that is found makes its value
known too. Where something is not known, what depends on it may or may not run.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from goflow._core.graph import Graph
from goflow.engine.record import NodeRecord
from goflow.engine.scope import RunView, Scope
from goflow.errors import GoFlowError
from goflow.expressions import syntax
from goflow.expressions.compile import RAW, Expression
from goflow.expressions.facts import facts_of
from goflow.expressions.functions import FUNCTIONS
from goflow.workflow.fields import Findings
from goflow.workflow.model import LoopNode, SubworkflowNode, ToolNode
from goflow.workflow.reads import node_reads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from goflow.engine.plan import Branch, Plan, Step
    from goflow.engine.reuse import Reuse

__all__ = ["Forecast", "Outlook", "forecast"]

# Of an edge: certainly taken, certainly not, or nobody knows.
_TAKEN, _DEAD, _OPEN = "taken", "dead", "open"


class Outlook(msgspec.Struct):
    """What is to be expected of a node.

    ``verdict`` is run, compute, cached or skip; ``certain`` is false when it depends on what is not
    known yet. ``saved`` are the seconds that a cached result took once.
    """

    id: str
    type: str
    verdict: str
    certain: bool = True
    level: int | None = None
    owner: str | None = None
    saved: float | None = None
    reason: str | None = None
    items: int | None = None


class Forecast(msgspec.Struct):
    """``nodes`` as a run comes to them, ``levels`` and ``servers`` (those that it needs) of ids."""

    nodes: list[Outlook]
    levels: list[list[str]]
    servers: list[str]


def forecast(plan: Plan, variables: Mapping[str, Any], reuse: Reuse | None = None) -> Forecast:
    """What a run of ``plan`` with these variables would do; starts nothing and keeps nothing.

    ``reuse`` looks results up; without it none is. Linear in nodes and edges, and what the
    expressions cost that can be evaluated.
    """
    return _Walk(plan, variables, reuse).done()


class _Walk:
    """One walk over a plan: what is known so far, and the state of each edge."""

    def __init__(self, plan: Plan, variables: Mapping[str, Any], reuse: Reuse | None) -> None:
        self._plan = plan
        self._reuse = reuse
        nodes = plan.workflow.nodes
        self._records = [NodeRecord(id=node.id, type=node.type) for node in nodes]
        view = RunView("", plan.workflow.name, time.time())
        declared = {variable.name: variables[variable.name] for variable in plan.workflow.variables}
        env: dict[str, Any] = {**variables, "inputs": declared, "run": view, RAW: {}}
        self._scope = Scope(env, dict(enumerate(self._records)), plan.index)
        self._unknown: set[str] = {"run"}
        self._unknown_nodes: set[str] = set()
        self._raced = frozenset(self._races())
        self._arriving: list[list[str]] = [[] for _ in nodes]
        self._found: dict[str, Outlook] = {}

    def _races(self) -> Iterator[str]:
        """The names that a node or an edge uses while a node may be writing one of them."""
        plan = self._plan
        for finding in plan.report.findings:
            match = re.match(r"(nodes|edges)\[(\d+)\]", finding.path)
            if finding.code != "GF306" or match is None:
                continue
            trees: list[syntax.Expr] = []
            if match[1] == "nodes":
                node = plan.workflow.nodes[int(match[2])]
                yield node.output or ""
                trees += (read.tree for read in node_reads(node, (), Findings(None)))
            else:
                yield ""
                condition = plan.workflow.edges[int(match[2])].condition
                trees.append(Expression.of(condition or "", plan.strict).tree)
            for tree in trees:
                yield from (name for name, _ in facts_of(tree).names)

    def done(self) -> Forecast:
        """Walk over everything."""
        workflow, plan = self._plan.workflow, self._plan
        top = [node.id for i, node in enumerate(workflow.nodes) if i not in plan.members]
        graph = Graph(top, [(edge.source, edge.target) for edge in workflow.edges])
        levels = [list(level) for level in graph.levels()]
        for number, level in enumerate(levels):
            for node_id in level:
                self._visit(plan.index[node_id])
                self._found[node_id].level = number
        nodes = [
            one
            for level in levels
            for node_id in level
            for one in (self._found[node_id], *self._members(node_id))
        ]
        used = dict.fromkeys(self._servers(nodes))
        return Forecast(nodes, levels, list(used))

    def _visit(self, index: int) -> None:
        step, arriving = self._plan.steps[index], self._arriving[index]
        if index != self._plan.start and _TAKEN not in arriving and _OPEN not in arriving:
            self._skip(index, "no path to it would be taken", _DEAD)
            return
        certain = index == self._plan.start or _TAKEN in arriving
        self._enter(index, step, certain)

    def _enter(self, index: int, step: Step, certain: bool) -> None:
        known = self._knows(step)
        works = certain
        if step.run_if is not None and not self._knows_trees([step.run_if.tree]):
            known = works = False
        elif step.run_if is not None:
            try:
                goes = bool(step.run_if.evaluate(self._scope.env))
            except GoFlowError:
                goes = True
            if not goes:
                self._skip(index, "its 'if' is false", _TAKEN if certain else _OPEN)
                return
        outlook = self._found[step.node.id] = Outlook(
            step.node.id, step.node.type, "run" if step.now is None else "compute", works
        )
        value, raw = None, None
        if known and step.now is not None:
            try:
                value = step.now(self._scope.env)
            except GoFlowError as error:
                outlook.reason, known = f"it would fail: {error.message}", False
        elif step.now is None:
            known = known and self._expect(index, step, outlook)
            value, raw = self._records[index].output, self._scope.raw(index)
        self._keep(index, step, value, raw, known=known and works)
        for branch in step.branches:
            self._arriving[branch.target].append(self._edge(step, branch, certain, known, value))

    def _expect(self, index: int, step: Step, outlook: Outlook) -> bool:
        """What a node would do that waits for something; whether its value is known then."""
        try:
            request = step.work.prepare(self._scope.env)
        except GoFlowError as error:
            outlook.reason = f"it would fail: {error.message}"
            return False
        if isinstance(step.node, LoopNode):
            outlook.items = len(request)
        if self._reuse is None or not step.cacheable:
            return False
        record = self._records[index]
        answer = self._reuse.look(record, step, request, self._plan.workflow, _nobody)
        lookup = record.lookup
        if answer is None:
            outlook.reason = None if lookup is None else lookup.reason
            return False
        outlook.verdict, outlook.saved = "cached", record.saved
        record.output = answer.value
        self._scope.store(index, None, answer.value, answer.raw)
        return True

    def _keep(
        self, index: int, step: Step, value: Any, raw: dict[str, Any] | None, *, known: bool
    ) -> None:
        """Note what is known of a node's value, and what is not known any more."""
        name = step.node.output
        if known:
            self._records[index].status = "completed"
            self._scope.store(index, name, value, raw)
            self._unknown.discard(name or "")
            return
        self._unknown_nodes.add(step.node.id)
        if name is not None:
            self._unknown.add(name)
        for member in step.within:
            self._unknown_nodes.add(member)
            written = self._plan.steps[self._plan.index[member]].node.output
            if written is not None:
                self._unknown.add(written)

    def _skip(self, index: int, reason: str, edges: str) -> None:
        node, record = self._plan.steps[index].node, self._records[index]
        record.status = "skipped"
        branches = self._plan.steps[index].branches
        # The condition of an edge may fail, and its node with it.
        asks = edges == _TAKEN and any(isinstance(branch.when, Expression) for branch in branches)
        certain = edges != _OPEN and not asks
        self._found[node.id] = Outlook(node.id, node.type, "skip", certain, reason=reason)
        for branch in branches:
            state = _DEAD if branch.on == "error" or branch.when is True else edges
            if isinstance(branch.when, Expression) and state == _TAKEN:
                state = _OPEN
            self._arriving[branch.target].append(state)

    def _edge(self, step: Step, branch: Branch, certain: bool, known: bool, value: Any) -> str:
        """Whether an edge of a node that may run would be taken."""
        may = _TAKEN if certain else _OPEN
        if branch.on == "error":
            return _DEAD if known else _OPEN
        if branch.when is None:
            # A failure that nothing else handles ends the run: what follows is not in question.
            return _OPEN if step.handles_errors and not known and branch.on == "success" else may
        if isinstance(branch.when, bool):
            return _OPEN if not known else may if branch.when is bool(value) else _DEAD
        if not self._knows_trees([branch.when.tree]):
            return _OPEN
        try:
            return may if branch.when.evaluate(self._scope.env) else _DEAD
        except GoFlowError:
            return _OPEN

    def _knows(self, step: Step) -> bool:
        return self._knows_trees(read.tree for read in node_reads(step.node, (), Findings(None)))

    def _knows_trees(self, trees: Iterable[syntax.Expr]) -> bool:
        """Whether all is known that expressions read; those that tell the time never are."""
        for tree in trees:
            facts = facts_of(tree)
            read = {name for name, _ in facts.names}
            read_nodes = {name for name, _ in facts.nodes}
            if read & (self._unknown | self._raced) or read_nodes & self._unknown_nodes:
                return False
            if (self._raced and read_nodes) or _tells_time(tree):
                return False
        return True

    def _members(self, node_id: str) -> list[Outlook]:
        """The members of an owner: they do what it does, nobody knows with what."""
        owner = self._found[node_id]
        found = []
        for member in self._plan.steps[self._plan.index[node_id]].within:
            step = self._plan.steps[self._plan.index[member]]
            certain = owner.certain and step.run_if is None and owner.items != 0
            verdict = "run" if step.now is None else "compute"
            if owner.verdict == "skip" or owner.items == 0:
                verdict, certain = "skip", owner.certain
            found.append(Outlook(member, step.node.type, verdict, certain, owner=node_id))
        return found

    def _servers(self, nodes: Iterable[Outlook]) -> Iterable[str]:
        """The servers that would be connected: those that at least one call may need."""
        for one in nodes:
            step = self._plan.steps[self._plan.index[one.id]]
            if one.verdict == "run" and isinstance(step.node, ToolNode):
                yield step.node.server
            elif one.verdict == "run" and isinstance(step.node, SubworkflowNode):
                inner = self._plan.workflows[step.node.workflow]
                yield from (server.id for server in inner.servers)


def _tells_time(tree: syntax.Expr) -> bool:
    """Whether an expression calls what gives another value each time."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, syntax.Call) and not FUNCTIONS[node.function].pure:
            return True
        stack.extend(syntax.children(node))
    return False


def _nobody(*_: Any) -> None:
    """Nobody listens to what is only foreseen."""
