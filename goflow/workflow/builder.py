"""``goflow.workflow(…)``: a workflow written in Python, as the model that a file makes.

What a node reads decides what it comes after; Python's ``with`` shows which nodes belong to a
branch or a loop. To write a workflow is not to run it: the code runs once, the model many times.
"""

from __future__ import annotations

import keyword
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from goflow.errors import BadCall, ExpressionError
from goflow.expressions.facts import facts_of
from goflow.expressions.text import Template
from goflow.workflow.builder_flow import Block, Edge, Unit, connect
from goflow.workflow.builder_values import Value, plain, source_of
from goflow.workflow.diagnostics import Report
from goflow.workflow.document import Document
from goflow.workflow.fields import Findings
from goflow.workflow.load import build, invalid
from goflow.workflow.model import RESERVED, Workflow
from goflow.workflow.reads import node_reads
from goflow.workflow.validate import check_loaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["Builder", "Node", "ServerHandle"]

_TYPES: dict[Any, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    None: "any",
}


class Node(Value):
    """A node, and its value: the variable that receives it."""

    def __init__(self, builder: Builder, unit: Unit, output: str) -> None:
        super().__init__(output)
        self._builder = builder
        self._unit = unit

    @property
    def id(self) -> str:
        """The id that the workflow knows it by."""
        return str(self._unit.tree["id"])

    @property
    def record(self) -> Value:
        """Its ``output``, ``status``, ``error``, ``attempts`` and ``duration``, by ``[…]``."""
        return Value(f"nodes[{source_of(self.id)}]")

    def after(self, *others: Node) -> Node:
        """Come after others although it reads nothing of them."""
        for other in others:
            self._builder.own(other)
            self._unit.before.append(other._unit)
        return self

    def options(self, **options: Any) -> Node:
        """Set ``retry``, ``timeout``, ``on_error``, ``cache``, ``description`` or ``if_``."""
        self._unit.tree.update(_settings(options))
        return self


class ServerHandle:
    """A server of the workflow; its tools are its methods, their arguments by name."""

    def __init__(self, builder: Builder, server: str) -> None:
        self._builder = builder
        self._server = server

    def call(self, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> Node:
        """A call of any tool; ``options`` are those of ``Node.options``, ``id`` and ``output``."""
        tree = {"server": self._server, "tool": tool, "parameters": plain(arguments or {})}
        return self._builder.add("mcp_tool", tree, options, name=tool)

    def __getattr__(self, tool: str) -> Any:
        if tool.startswith("__"):
            raise AttributeError(tool)

        def call(**arguments: Any) -> Node:
            return self.call(tool, arguments)

        return call

    def __repr__(self) -> str:
        return f"<server {self._server!r} of {self._builder!r}>"


class Builder:
    """One workflow while it is written; ``build`` gives the model.

    ``top`` are further keys of the file, such as ``description`` and ``timeout``.
    """

    def __init__(self, name: str, **top: Any) -> None:
        self._top = {"version": "1.0", "name": name, **plain(top)}
        self._variables: list[dict[str, Any]] = []
        self._servers: list[dict[str, Any]] = []
        self._whole = self._block = Block()
        self._units: dict[str, Unit] = {}
        self._start = Unit({"id": "start", "type": "start"}, self._whole)
        self._outputs: dict[str, Unit] = {}
        self._automatic: set[str] = set()
        self._drawn: list[Edge] = []
        self._built: Workflow | None = None

    def __enter__(self) -> Builder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.build()

    # -- declarations --------------------------------------------------------------------------

    def variable(
        self, name: str, type: Any = None, *, description: str | None = None, **default: Any
    ) -> Value:
        """A variable; ``type`` is Python's or the file's.

        Required unless ``default=`` or ``required=False`` is given.
        """
        self._open()
        if name in self._outputs:
            raise BadCall(
                f"{name!r} already is the output of {self._outputs[name].tree['id']!r}",
                hint="declare variables before nodes",
            )
        unknown = sorted(default.keys() - {"default", "required"})
        if unknown:
            raise BadCall(f"a variable has no {unknown[0]!r}")
        tree = {"name": name, "type": _TYPES.get(type, type)}
        tree |= {"default": plain(default["default"])} if "default" in default else {}
        if default.get("required", "default" not in default):
            tree["required"] = True
        if description is not None:
            tree["description"] = description
        self._variables.append(tree)
        return Value(name)

    def server(self, id: str, **definition: Any) -> ServerHandle:
        """A server, its definition by the keys of a file: ``command``, ``args``, ``url``…"""
        self._open()
        self._servers.append({"id": id, **definition})
        return ServerHandle(self, id)

    def expression(self, source: str) -> Value:
        """An expression as its text."""
        return Value(source if re.fullmatch(r"\w+", source, re.ASCII) else f"({source})")

    # -- nodes ---------------------------------------------------------------------------------

    def transform(self, *what: Any, **options: Any) -> Node:
        """``transform(expression)`` or ``transform(input, expression)``."""
        if len(what) not in (1, 2):
            raise BadCall("a transform takes an expression, or an input and an expression")
        *given, expression = what
        tree = {"input": source_of(given[0])} if given else {}
        tree["expression"] = (
            expression.source if isinstance(expression, Value) else plain(expression)
        )
        kind = options.pop("kind", None)
        return self.add("transform", tree | ({"kind": kind} if kind else {}), options)

    def function(self, name: str, /, **arguments: Any) -> Node:
        """A call of a function that the host program registers."""
        return self.add("function", {"function": name, "arguments": plain(arguments)}, {}, name)

    def workflow(self, name: str, /, **inputs: Any) -> Node:
        """A run of another workflow, a path or a name, with its inputs."""
        tree = {"workflow": name, "inputs": plain(inputs)}
        return self.add("workflow", tree, {}, re.sub(r"\.\w+$", "", name.rpartition("/")[2]))

    def end(self, value: Any = None, **options: Any) -> None:
        """The end of the workflow, or of a branch, with its result; ties what is loose."""
        if any(unit.ends for unit in self._block.units):
            raise BadCall("there is an end here already", hint="what ends a workflow is its last")
        tree = {} if value is None else {"return": plain(value)}
        self.add("end", tree, options)

    def edge(self, source: Node, target: Node, *, when: Any = None, on: str = "success") -> None:
        """Draw an edge: ``on`` success, error or always; ``when`` is a condition."""
        self.own(source)
        self.own(target)
        more = {} if on == "success" else {"on": on}
        more |= {} if when is None else {"condition": source_of(when)}
        self._drawn.append(Edge(source.id, target.id, more))
        target._unit.linked = True

    # -- blocks --------------------------------------------------------------------------------

    @contextmanager
    def when(self, condition: Any, **options: Any) -> Iterator[When]:
        """Nodes that only run when ``condition`` holds; ``otherwise()`` of it has the others."""
        if self._block.chain:
            raise BadCall(
                "members run in their order: nothing branches among them",
                hint="give members .options(if_=…)",
            )
        node = self.add("condition", {"condition": source_of(condition)}, options)
        unit = node._unit
        unit.branches = {"true": Block(unit), "false": Block(unit)}
        when = When(self, unit)
        with self._inside(unit.branches["true"]):
            yield when

    @contextmanager
    def loop(self, collection: Any, item: str = "item", **options: Any) -> Iterator[Item]:
        """Members that run for each item; gives the item. ``break_condition``, ``parallel``…"""
        own = ("break_condition", "parallel", "max_parallel")
        tree: dict[str, Any] = {
            "collection": plain(collection)
            if isinstance(collection, (list, tuple))
            else source_of(collection),
            "item": item,
            "body": [],
        }
        for key in own:
            if key in options:
                value = options.pop(key)
                tree[key] = source_of(value) if key == "break_condition" else value
        node = self.add("loop", tree, options)
        block = node._unit.chain()
        with self._inside(block):
            yield Item(node, item)
        tree["body"] = [unit.tree["id"] for unit in block.units]

    @contextmanager
    def parallel(self, **options: Any) -> Iterator[Parallel]:
        """Branches that run at once, each ``with parallel.branch():``; ``merge``…"""
        tree: dict[str, Any] = {"branches": []}
        tree |= {key: options.pop(key) for key in ("merge", "max_parallel") if key in options}
        node = self.add("parallel", tree, options)
        parallel = Parallel(self, node)
        none = node._unit.chain()
        with self._inside(none):
            yield parallel
        if none.units:
            raise BadCall(
                f"{none.units[0].tree['id']!r} is in no branch of {node.id!r}",
                hint="with parallel.branch(): holds the nodes of one",
            )

    # -- what it makes -------------------------------------------------------------------------

    def build(self) -> Workflow:
        """The model, the same as that of a file which says the same.

        Raises ``WorkflowInvalid`` for what the format does not allow; ``validate`` says more.
        """
        if self._built is None:
            if not any(unit.ends for unit in self._whole.units):
                self._block = self._whole
                self.end()
            findings = Findings(None)
            workflow = build(_Written(self._tree()), findings)
            report = Report(findings.found)
            if workflow is None or not report.valid:
                raise invalid(report)
            self._built = workflow
        return self._built

    def validate(self) -> Report:
        """Every finding of the workflow, by the places they would have in a file."""
        return check_loaded(self.build())

    def _tree(self) -> dict[str, Any]:
        units = list(self._units.values())
        read: set[str] = set()
        for unit in units:
            for name in self._needs(unit):
                read.add(name)
                writer = self._outputs.get(name)
                if writer is not None and writer is not unit:
                    unit.before.append(writer)
        for name in self._automatic - read:
            if not self._outputs[name].block.chain:  # what owns a chain shows its outputs
                self._outputs[name].tree.pop("output", None)
        edges, forks = connect(self._whole, "start", self._drawn)
        joins = [
            {"id": unit.leave, "type": "passthrough"}
            for unit in units
            if unit.branches and any(edge["to"] == unit.leave for edge in edges)
        ]
        return {
            **self._top,
            "variables": self._variables,
            "servers": self._servers,
            "nodes": [self._start.tree, *(unit.tree for unit in units), *forks, *joins],
            "edges": edges,
        }

    def _needs(self, unit: Unit) -> Iterator[str]:
        """The names that a node reads; the nodes whose records it reads come before it too."""
        findings = Findings(None)
        alone = {**self._top, "nodes": [unit.tree], "edges": []}
        workflow = build(_Written(alone), findings)
        if workflow is None:
            return
        edges = [edge for edge in self._drawn if edge.source == unit.tree["id"]]
        for read in node_reads(workflow.nodes[0], (), findings):
            facts = facts_of(read.tree)
            yield from (name for name, _ in facts.names)
            for node_id, _ in facts.nodes:
                other = self._units.get(node_id)
                if other is not None and other is not unit:
                    unit.before.append(other)
        for edge in edges:
            if "condition" in edge.more:
                try:
                    trees = Template(f"${{{edge.more['condition']}}}").trees()
                except ExpressionError:
                    continue
                yield from (name for tree in trees for name, _ in facts_of(tree).names)

    # -- bookkeeping ---------------------------------------------------------------------------

    def add(
        self, type_: str, tree: dict[str, Any], options: dict[str, Any], name: str = ""
    ) -> Node:
        """A node of any type, by the keys of a file; its id is made of ``name``."""
        self._open()
        options = dict(options)
        node_id = options.pop("id", None) or self._free_id(name or type_)
        if node_id in self._units or node_id == "start":
            raise BadCall(f"there is a node {node_id!r} already")
        unit = Unit({"id": node_id, "type": type_, **tree}, self._block)
        output = options.pop("output", None)
        if type_ not in ("end", "passthrough"):
            if output is None:
                output = self._free_output(node_id)
                self._automatic.add(output)
            unit.tree["output"] = output
            self._outputs.setdefault(output, unit)
        if type_ == "condition":
            unit.leave = self._free_id(f"{node_id}_join")
        unit.tree |= _settings(options)
        self._units[node_id] = unit
        self._block.units.append(unit)
        # The very map that a block fills in later.
        tree_of_unit, unit.tree = unit.tree, tree
        tree.update(tree_of_unit)
        return Node(self, unit, output or node_id)

    def own(self, node: Any) -> None:
        """Raise ``BadCall`` unless ``node`` is one of this workflow."""
        if not isinstance(node, Node) or node._builder is not self:
            raise BadCall(f"{node!r} is no node of the workflow {self._top['name']!r}")

    def _open(self) -> None:
        if self._built is not None:
            raise BadCall(
                f"the workflow {self._top['name']!r} is built: nothing can be added",
                hint="it is built when its 'with' block ends",
            )

    @contextmanager
    def _inside(self, block: Block) -> Iterator[None]:
        outer, self._block = self._block, block
        try:
            yield
        finally:
            self._block = outer

    def _free_id(self, name: str) -> str:
        taken = {"start", *self._units, *(unit.leave for unit in self._units.values())}
        return _free(re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "node", taken)

    def _free_output(self, node_id: str) -> str:
        name = re.sub(r"\W", "_", node_id, flags=re.ASCII)
        name = f"_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
        declared = {variable["name"] for variable in self._variables}
        return _free(name, {*RESERVED, *declared, *self._outputs})

    def __repr__(self) -> str:
        return f"<Builder of {self._top['name']!r}, {len(self._units)} nodes>"


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """Options of a node by the keys of a file."""
    return {
        "if" if key == "if_" else key: source_of(value)
        if key == "if_" and isinstance(value, Value)
        else plain(value)
        for key, value in options.items()
    }


def _free(name: str, taken: set[str]) -> str:
    """``name``, or with the first number from 2 that makes it new."""
    count = 1
    candidate = name
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate


class When:
    """A condition; ``with when.otherwise():`` holds what runs when it does not hold."""

    def __init__(self, builder: Builder, unit: Unit) -> None:
        self._builder = builder
        self._unit = unit

    @contextmanager
    def otherwise(self) -> Iterator[None]:
        """The nodes of the other branch."""
        with self._builder._inside(self._unit.branches["false"]):
            yield


class Item(Value):
    """The item of a loop; ``index`` is its place from 0, ``result`` the loop's own value."""

    def __init__(self, node: Node, item: str) -> None:
        super().__init__(item)
        self.index = Value(f"{item}_index")
        self.result = node


class Parallel:
    """A parallel node; ``result`` is its value."""

    def __init__(self, builder: Builder, node: Node) -> None:
        self._builder = builder
        self.result = node

    @contextmanager
    def branch(self) -> Iterator[None]:
        """The nodes of one branch, in their order."""
        unit = self.result._unit
        block = unit.chain()
        with self._builder._inside(block):
            yield
        unit.tree["branches"].append([member.tree["id"] for member in block.units])


class _Written(Document):
    """The plain values of a workflow that no text holds."""

    __slots__ = ()

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree = tree
        self.text = ""
        self.file = None
        self.notes = ()
        self.spelled = {}
        self._root = "unknown"
