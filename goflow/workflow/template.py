"""Template files: a workflow with ``{{parameters}}`` in its text, and what these may be.

Parameters are part of the workflow's text, like what its author writes; data of a run belongs in
its variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from goflow.errors import BadCall, InputError
from goflow.expressions.budget import Budget
from goflow.expressions.functions import nearest
from goflow.expressions.regex import PatternError, compile_pattern, found
from goflow.expressions.values import EvalError, kind, not_json
from goflow.expressions.written import text
from goflow.workflow.diagnostics import Path, Report
from goflow.workflow.document import Document, Unreadable
from goflow.workflow.fields import MISSING, Fields, Findings
from goflow.workflow.load import build, invalid, is_template, open_document
from goflow.workflow.model import VARIABLE_TYPES, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path as FilePath

__all__ = ["Parameter", "Template", "load_template", "read_template"]

PLACEHOLDER = re.compile(r"(?<!\\)\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
"""``{{name}}``; after a backslash it is literal text."""
_SPEC = "workflow_spec"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """What ``{{name}}`` may stand for; bounds are inclusive, None where there is none."""

    name: str
    type: str = "any"
    required: bool = False
    default: Any = None
    has_default: bool = False
    description: str | None = None
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None

    def problem(self, value: Any) -> str | None:
        """Why ``value`` is none for it, or None when it is."""
        unfit = not_json(value)
        if unfit:
            return f"is no JSON value: {unfit}"
        if self.type not in ("any", kind(value)):
            return f"must be of type {self.type}, not {kind(value)}"
        if kind(value) == "number":
            if self.min is not None and value < self.min:
                return f"must be at least {self.min:g}"
            if self.max is not None and value > self.max:
                return f"must be at most {self.max:g}"
        if isinstance(value, (str, list)):
            if self.min_length is not None and len(value) < self.min_length:
                return f"must have a length of at least {self.min_length}"
            if self.max_length is not None and len(value) > self.max_length:
                return f"must have a length of at most {self.max_length}"
        if isinstance(value, str) and self.pattern is not None:
            try:
                fits = found(self.pattern, value, Budget())
            except PatternError:
                return None  # that is a finding of its own
            except EvalError:
                return "is too long to be matched"
            if not fits:
                return f"must match {self.pattern!r}"
        return None


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A template file; ``spec`` is its workflow as plain values, placeholders and all."""

    name: str
    version: str | None = None
    description: str | None = None
    parameters: tuple[Parameter, ...] = ()
    spec: dict[str, Any] = {}
    document: Document | None = None

    def workflow(self, **parameters: Any) -> Workflow:
        """The workflow with these parameters.

        Raises ``InputError`` for a parameter that is missing, unknown or does not fit, and
        ``WorkflowInvalid`` when an element of the workflow cannot be read.
        """
        findings = Findings(None)
        workflow = self.fill(parameters, findings)
        report = Report(findings.found)
        if workflow is None or not report.valid:
            raise invalid(report)
        return workflow

    def fill(self, parameters: Mapping[str, Any], findings: Findings) -> Workflow | None:
        """``workflow``, its mistakes added to ``findings``, which then has its document."""
        values = self._values(parameters)
        tree = dict(self.spec)
        nodes, edges = tree.get("nodes"), tree.get("edges")
        kept: dict[str, list[int]] = {}
        if isinstance(nodes, list) and isinstance(edges, list):
            dropped = {node.get("id") for node in nodes if _is_dropped(node, values)}
            kept["nodes"] = [i for i, node in enumerate(nodes) if not _is_dropped(node, values)]
            kept["edges"] = [i for i, edge in enumerate(edges) if not _touches(edge, dropped)]
            tree["nodes"] = [_unconditional(nodes[i], values) for i in kept["nodes"]]
            tree["edges"] = [edges[i] for i in kept["edges"]]
        document = _FilledDocument(self.document, _filled(tree, values), kept)
        findings.document = document
        return build(document, findings)

    def _values(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in parameters:
            if name not in known:
                raise InputError(
                    f"the template has no parameter {name!r}",
                    variable=name,
                    hint=nearest(name, known) or f"its parameters are {', '.join(known)}",
                )
        values = {}
        for name, parameter in known.items():
            if name not in parameters:
                if parameter.required and not parameter.has_default:
                    raise InputError(
                        f"the parameter {name!r} is required",
                        variable=name,
                        hint=f"give it with --param {name}=…",
                    )
                values[name] = parameter.default
                continue
            problem = parameter.problem(parameters[name])
            if problem:
                raise InputError(f"the parameter {name!r} {problem}", variable=name)
            values[name] = parameters[name]
        return values

    def __repr__(self) -> str:
        return f"<Template {self.name!r} of {', '.join(p.name for p in self.parameters)}>"


def load_template(source: str | FilePath) -> Template:
    """The template in a file, or in a text.

    Raises ``BadCall`` when there is no such file or it is no template, and ``WorkflowInvalid`` when
    it has mistakes.
    """
    try:
        document = open_document(source)
    except Unreadable as error:
        raise invalid(error.report) from None
    if not is_template(document.tree):
        raise BadCall(
            f"{document.file or 'the text'} is no template: it has no '{_SPEC}'",
            hint="--var gives a workflow's variables; goflow.load reads it",
        )
    findings = Findings(document)
    template = read_template(document, findings)
    report = Report(findings.found, file=document.file, text=document.text)
    if not report.valid:
        raise invalid(report)
    return template


def read_template(document: Document, findings: Findings) -> Template:
    """The template of a document, its mistakes added to ``findings``."""
    fields = Fields(document.tree, (), findings, "a template")
    version, _ = fields.take("version")
    template = Template(
        name=fields.text("name", required=True, default=""),
        version=None if version is MISSING else str(version),
        description=fields.text("description"),
        parameters=fields.each(_parameter, "parameters"),
        spec=fields.typed("object", _SPEC, required=True, default={}),
        document=document,
    )
    fields.take("label", "metadata")
    fields.finish()
    _check_names(template, findings)
    return template


def _parameter(data: Any, path: Path, findings: Findings) -> Parameter:
    fields = Fields(data, path, findings, "a parameter")
    default, place = fields.take("default", "default_value")
    rules, rules_path = fields.take("validation")
    bounds = Fields({} if rules in (MISSING, None) else rules, rules_path, findings, "'validation'")
    parameter = Parameter(
        name=fields.variable("name", required=True, default=""),
        type=fields.one_of(VARIABLE_TYPES, "type", default="any"),
        required=fields.flag("required"),
        default=None if default is MISSING else default,
        has_default=default is not MISSING,
        description=fields.text("description"),
        min=bounds.typed("number", "min"),
        max=bounds.typed("number", "max"),
        pattern=bounds.text("pattern"),
        min_length=bounds.number("min_length", whole=True),
        max_length=bounds.number("max_length", whole=True),
    )
    fields.finish()
    bounds.finish()
    _check_rules(parameter, rules_path, findings)
    problem = parameter.problem(parameter.default) if parameter.default is not None else None
    if problem:
        findings.add("GF501", f"the default of {parameter.name!r} {problem}", place)
    return parameter


def _check_rules(parameter: Parameter, path: Path, findings: Findings) -> None:
    for least, most, keys in (
        (parameter.min, parameter.max, ("min", "max")),
        (parameter.min_length, parameter.max_length, ("min_length", "max_length")),
    ):
        if least is not None and most is not None and least > most:
            findings.add(
                "GF106", f"{keys[0]!r} is more than {keys[1]!r}: nothing fits", (*path, keys[0])
            )
    if parameter.pattern is not None:
        try:
            compile_pattern(parameter.pattern)
        except PatternError as error:
            findings.add("GF301", str(error), (*path, "pattern"))


def _check_names(template: Template, findings: Findings) -> None:
    """Placeholders name parameters, and parameters are named by placeholders."""
    known: dict[str, int] = {}
    for i, parameter in enumerate(template.parameters):
        if parameter.name and known.setdefault(parameter.name, i) != i:
            findings.add("GF110", f"{parameter.name!r} is used twice", ("parameters", i, "name"))
    used = set()
    for name, path in _placeholders(template.spec, (_SPEC,)):
        used.add(name)
        if name not in known:
            findings.add(
                "GF302",
                f"there is no parameter {name!r}",
                path,
                hint=nearest(name, known) or "write \\{{ for a literal {{",
                word=(name, 0),
            )
    for name, i in known.items():
        if name not in used:
            findings.add(
                "GF502",
                f"the parameter {name!r} is never used",
                ("parameters", i, "name"),
                severity="warning",
            )


def _placeholders(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if isinstance(value, str):
        yield from ((match[1], path) for match in PLACEHOLDER.finditer(value))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from ((match[1], (*path, key)) for match in PLACEHOLDER.finditer(key))
            yield from _placeholders(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _placeholders(item, (*path, i))


# -- filling in --------------------------------------------------------------------------------


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """``value`` with its placeholders filled in; one that is a whole text keeps its type."""
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        return (
            values[whole[1]] if whole else _text(value, lambda name: text(values[name], Budget()))
        )
    if isinstance(value, dict):
        return {
            _text(key, lambda name: text(values[name], Budget())): _filled(item, values)
            for key, item in value.items()
        }
    return [_filled(item, values) for item in value] if isinstance(value, list) else value


def _text(source: str, value_of: Callable[[str], str]) -> str:
    filled = PLACEHOLDER.sub(lambda match: value_of(match[1]), source)
    return filled.replace("\\{{", "{{")


def _flag(node: Any, values: Mapping[str, Any]) -> tuple[str, bool] | None:
    """The key and value of a node's condition that is exactly a boolean placeholder."""
    if not isinstance(node, dict) or node.get("type") == "condition":
        return None
    for key in ("if", "condition"):
        whole = PLACEHOLDER.fullmatch(str(node.get(key, "")))
        if whole and isinstance(values[whole[1]], bool):
            return key, values[whole[1]]
    return None


def _is_dropped(node: Any, values: Mapping[str, Any]) -> bool:
    flag = _flag(node, values)
    return flag is not None and not flag[1]


def _unconditional(node: Any, values: Mapping[str, Any]) -> Any:
    """A node that is kept has no condition any more."""
    flag = _flag(node, values)
    return node if flag is None else {key: node[key] for key in node if key != flag[0]}


def _touches(edge: Any, dropped: set[Any]) -> bool:
    return isinstance(edge, dict) and not dropped.isdisjoint((edge.get("from"), edge.get("to")))


class _FilledDocument(Document):
    """The values of a filled template, placed in the template's text."""

    __slots__ = ("_kept", "_template")

    filled = True

    def __init__(self, template: Document | None, tree: Any, kept: dict[str, list[int]]) -> None:
        self._template = template
        self._kept = kept
        self._root = None
        self.notes = ()
        self.spelled = {}
        self.tree = tree
        self.file = template.file if template else None
        self.text = template.text if template else ""

    def _marks(self, path: Path, key: bool) -> tuple[tuple[int, int], int, int] | None:
        return None if self._template is None else self._template._marks(self._source(path), key)

    def _source(self, path: Path) -> Path:
        """Where in the template's file the element at ``path`` of the workflow stands."""
        kept = self._kept.get(str(path[0])) if path else None
        if kept is not None and len(path) > 1 and isinstance(path[1], int):
            path = (path[0], kept[path[1]], *path[2:])
        return (_SPEC, *path)
