"""A workflow compiled for running: integer node indices, edges as tuples, work bound to nodes.

A plan is immutable, shared by any number of runs, and made without asyncio.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from goflow.engine.loop_values import shown
from goflow.engine.nodes import Context, compile_node
from goflow.engine.servers import configured
from goflow.expressions.compile import Expression
from goflow.expressions.text import fill
from goflow.servers.redaction import Redactor
from goflow.workflow.diagnostics import Report
from goflow.workflow.model import (
    CachePolicy,
    ConditionNode,
    Edge,
    EndNode,
    FunctionNode,
    Node,
    StartNode,
    SubworkflowNode,
    ToolNode,
    Workflow,
)
from goflow.workflow.structure import Structure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from goflow.expressions.compile import Env
    from goflow.results.policy import Asked
    from goflow.servers.config import ServerConfig

__all__ = ["Branch", "Plan", "Step"]


class Branch(msgspec.Struct, frozen=True):
    """One edge as its source sees it.

    ``on`` is success, error or always; ``when`` is True or False for a branch of a condition,
    an expression elsewhere, None for always taken.
    """

    target: int
    on: str
    when: bool | Expression | None


class Step(msgspec.Struct, frozen=True):
    """One node ready to run.

    ``now`` is the work of a node that only computes; for the others it is None, and ``work`` is a
    ``LaterWork``, or with ``owns`` an ``OwnerWork``. ``plain`` when every edge is taken on success,
    without a condition. ``waits`` when it takes a place among those in flight. ``within`` are the
    members below it. ``cacheable`` unless no policy can make its result one that is kept.
    """

    node: Node
    now: Callable[[Env], Any] | None
    work: Any
    run_if: Expression | None
    branches: tuple[Branch, ...]
    plain: bool
    owns: bool
    waits: bool
    within: tuple[str, ...]
    handles_errors: bool
    on_error_value: Any
    cacheable: bool


class Plan:
    """Steps by index; ``servers`` in the order of their first use, ``ends`` in topological order.

    ``members`` are the indices of nodes that others run, ``functions`` the names of those that the
    host program must have registered, ``workflows`` the plans of the workflows that it runs.
    ``redactor`` hides the secrets of its servers. ``report`` is what the validator found,
    ``warnings`` its warnings as text.

    With ``offline`` its servers are not there: nothing that they need is looked up.

    Raises ``ExpressionError`` for a workflow that was not validated, ``BadCall`` when the
    environment lacks what a server's definition asks for. Linear in nodes and edges.
    """

    def __init__(
        self,
        workflow: Workflow,
        *,
        strict: bool = False,
        report: Report | None = None,
        workflows: dict[str, Plan] | None = None,
        offline: bool = False,
    ) -> None:
        self.report = report or Report([])
        self.warnings = tuple(
            f"{finding.message} ({finding.path})" for finding in self.report.only("warning")
        )
        self.workflow = workflow
        self.index = {node.id: i for i, node in enumerate(workflow.nodes)}
        nodes = workflow.nodes
        structure = Structure(workflow)
        order = _order(structure, self.index)
        self.members = frozenset(self.index[member] for member in structure.owner)
        self.workflows = _workflows(workflow, strict, offline) if workflows is None else workflows
        configs = configured(workflow, offline=offline)
        self.servers = self._servers_of(order, configs)
        self.redactor = Redactor(secret for server in self.servers for secret in server.credentials)
        self.functions: frozenset[str] = frozenset(
            [node.function for node in nodes if isinstance(node, FunctionNode)]
        ).union(*(plan.functions for plan in self.workflows.values()))
        leaving: dict[int, list[Branch]] = defaultdict(list)
        self.indegree = [0] * len(nodes)
        for edge in workflow.edges:
            source, target = self.index[edge.source], self.index[edge.target]
            leaving[source].append(Branch(target, edge.on, _when(edge, nodes[source], strict)))
            self.indegree[target] += 1
        self.successors = [tuple(b.target for b in leaving[i]) for i in range(len(nodes))]
        context = Context(
            configs, self.index, shown(structure), self.workflows, strict, workflow.cache
        )
        self.steps = [
            _step(node, tuple(leaving[i]), context, structure) for i, node in enumerate(nodes)
        ]
        self.strict = strict
        self.start = next(i for i, node in enumerate(nodes) if isinstance(node, StartNode))
        self.ends = [i for i in order if isinstance(nodes[i], EndNode)]

    def _servers_of(
        self, order: list[int], configs: Mapping[str, ServerConfig]
    ) -> tuple[ServerConfig, ...]:
        """The servers of the nodes in ``order``, and of the workflows that they run."""
        used: dict[ServerConfig, None] = {}
        for i in order:
            node = self.workflow.nodes[i]
            if isinstance(node, ToolNode):
                used[configs[node.server]] = None
            elif isinstance(node, SubworkflowNode):
                used |= dict.fromkeys(self.workflows[node.workflow].servers)
        return tuple(used)

    @cached_property
    def definition(self) -> str:
        """The workflow, and those that it runs, as the history keeps it."""
        from goflow.engine.definition import to_text  # noqa: PLC0415 - it makes plans itself

        return to_text(self)

    @cached_property
    def types(self) -> dict[str, str]:
        """The type of each node, by id."""
        return {node.id: node.type for node in self.workflow.nodes}

    def may_reuse(self, asks: Asked) -> bool:
        """Whether a run that asks so for kept results may look for any, or keep some."""
        return asks.mode != "off" and (self.caches or asks.policy is not None)

    @cached_property
    def caches(self) -> bool:
        """Whether a node, or a workflow for its nodes, asks for the cache."""
        own = self.workflow.cache
        return (
            (own is not None and own.mode != "off")
            or any(step.cacheable and step.node.cache is not None for step in self.steps)
            or any(plan.caches for plan in self.workflows.values())
        )

    @cached_property
    def without_policy(self) -> tuple[tuple[str, Any], ...]:
        """The tool nodes that have no cache policy of their own: their ids and work."""
        return tuple(
            (step.node.id, step.work)
            for step in self.steps
            if step.node.cache is None and isinstance(step.node, ToolNode)
        )

    def inside(self, nodes: Iterable[str]) -> set[str]:
        """``nodes``, all that follow them, and the members of both."""
        found = {node for node in nodes if self.index[node] not in self.members}
        waiting = list(found)
        while waiting:
            for target in self.successors[self.index[waiting.pop()]]:
                name = self.steps[target].node.id
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        for name in tuple(found):
            found.update(self.steps[self.index[name]].within)
        return found

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        return f"<Plan of {self.workflow.name!r}: {len(self)} nodes, {len(self.servers)} servers>"


def _order(structure: Structure, index: Mapping[str, int]) -> list[int]:
    """The nodes that the start reaches in topological order, members after their owners."""
    graph = structure.graph
    start = next(node.id for node in structure.top if isinstance(node, StartNode))
    reached = graph.reachable(start)
    return [
        index[node.id]
        for node_id in graph.order()
        if node_id in reached
        for node in structure.within(structure.nodes[node_id])
    ]


def _workflows(workflow: Workflow, strict: bool, offline: bool) -> dict[str, Plan]:
    """The plans of the workflows that ``workflow`` runs, each made once."""
    names = [node.workflow for node in workflow.nodes if isinstance(node, SubworkflowNode)]
    if not names:
        return {}
    from goflow.engine.prepare import prepare  # noqa: PLC0415 - it makes plans itself
    from goflow.workflow.subworkflows import find_workflow  # noqa: PLC0415

    folder = workflow.document.folder if workflow.document else None
    return {
        name: prepare(find_workflow(name, folder), strict=strict, offline=offline)
        for name in set(names)
    }


def _when(edge: Edge, source: Node, strict: bool) -> bool | Expression | None:
    if edge.condition is None:
        return None
    if isinstance(source, ConditionNode) and edge.on == "success":
        return edge.condition == "true"
    return Expression.of(edge.condition, strict)


def _step(node: Node, branches: tuple[Branch, ...], context: Context, structure: Structure) -> Step:
    work = compile_node(node, context)
    owns = hasattr(work, "run")
    value = node.on_error["value"] if isinstance(node.on_error, dict) else None
    return Step(
        node=node,
        now=getattr(work, "now", None),
        work=work,
        run_if=None if node.run_if is None else Expression.of(node.run_if, context.strict),
        branches=branches,
        plain=all(branch.on == "success" and branch.when is None for branch in branches),
        owns=owns,
        waits=getattr(work, "waits", True),
        within=tuple(member.id for member in structure.within(node))[1:] if owns else (),
        handles_errors=any(branch.on != "success" for branch in branches),
        on_error_value=fill(value, strict=context.strict)[0],
        cacheable=hasattr(work, "key") and _may_be_kept(node, context.policy),
    )


def _may_be_kept(node: Node, workflow: CachePolicy | None) -> bool:
    policy = node.cache
    if policy is None and isinstance(node, ToolNode):
        policy = workflow or CachePolicy()  # the engine may have one
    return policy is not None and policy.mode != "off"
