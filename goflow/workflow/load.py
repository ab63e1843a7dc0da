"""From a document to the model: every key, alias and default of the format's structure.

What needs the whole workflow (edges, names, servers) is ``check``'s; here each element is read on
its own, so that one mistake never hides another.
"""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import Any, ClassVar

from goflow.errors import WorkflowInvalid
from goflow.expressions.functions import nearest
from goflow.workflow.diagnostics import Path, Report
from goflow.workflow.document import Document, Unreadable
from goflow.workflow.fields import MISSING, Fields, Findings
from goflow.workflow.model import (
    ERROR_CLASSES,
    ConditionNode,
    Edge,
    EndNode,
    Node,
    PassthroughNode,
    Retry,
    Server,
    StartNode,
    ToolNode,
    TransformNode,
    Variable,
    Workflow,
)

__all__ = ["build", "invalid", "load", "open_document"]

RESERVED = frozenset(
    [
        "nodes",
        "run",
        "inputs",
        "input",
        "env",
        "secret",
        "true",
        "false",
        "null",
        "nil",
        "and",
        "or",
        "not",
        "in",
    ]
)
VARIABLE_TYPES = ("string", "number", "boolean", "object", "array", "any")
LATER_TYPES = ("parallel", "loop", "workflow", "function")
NAME = r"[A-Za-z_][A-Za-z0-9_]*"


def load(source: str | FilePath) -> Workflow:
    """The workflow in a file, or in a text (which has a line break or begins with a brace).

    Raises ``BadCall`` when there is no such file and ``WorkflowInvalid`` when an element of it
    cannot be read; what the elements mean together is for ``validate``.
    """
    try:
        document = open_document(source)
    except Unreadable as error:
        raise invalid(Report([error.finding], file=_file(source), text=error.text)) from None
    findings = Findings(document)
    workflow = build(document, findings)
    report = Report(findings.found, file=document.file, text=document.text)
    if workflow is None or not report.valid:
        raise invalid(report)
    return workflow


def open_document(source: str | FilePath) -> Document:
    """The document in a file or text; raises ``BadCall`` or ``Unreadable``."""
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return Document(source)
    return Document.read(FilePath(source))


def _file(source: str | FilePath) -> str | None:
    return None if isinstance(source, str) and "\n" in source else str(source)


def invalid(report: Report) -> WorkflowInvalid:
    """The error of a report with errors; its text shows every finding."""
    count = len(report.errors)
    summary = f"{report.file or 'the workflow'} has {count} error{'s' * (count != 1)}"
    return WorkflowInvalid(
        f"{summary}:\n{report.render()}",
        report=report,
    )


def build(document: Document, findings: Findings) -> Workflow | None:
    """The model of a document, its mistakes added to ``findings``.

    None when the document is no map. Elements with a mistake stay in the model as far as they could
    be read, so that list positions in it are those of the file.
    """
    if not isinstance(document.tree, dict):
        findings.add("GF104", "a workflow file must be a map of keys", ())
        return None
    return _Builder(findings).workflow(document)


class _Builder:
    """One method a kind of element; all share the findings."""

    __slots__ = ("_findings",)

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def workflow(self, document: Document) -> Workflow:
        fields = Fields(document.tree, (), self._findings, "a workflow")
        self._version(fields)
        workflow = Workflow(
            name=fields.text("name", required=True, default=""),
            description=fields.text("description"),
            metadata=fields.typed("object", "metadata", default={}),
            variables=fields.each(self.variable, "variables"),
            servers=fields.each(self.server, "servers"),
            nodes=fields.each(self.node, "nodes", required=True),
            edges=fields.each(self.edge, "edges", required=True),
            timeout=fields.duration("timeout"),
            max_parallel=fields.number("max_parallel", least=1, whole=True),
            cache=self._cache(fields),
            document=document,
        )
        fields.take("label")
        fields.finish()
        return workflow

    def _version(self, fields: Fields) -> None:
        value, path = fields.take("version")
        if value is MISSING:
            self._findings.add("GF103", "'version' is required here", (), hint='version: "1.0"')
            return
        text = str(value).removeprefix("v")
        if isinstance(value, bool) or text.partition(".")[0] != "1":
            self._findings.add(
                "GF107",
                f"the format's version {value!r} is not supported",
                path,
                hint='this release reads version "1.0"',
            )

    def variable(self, data: Any, path: Path) -> Variable | None:
        fields = Fields(data, path, self._findings, "a variable")
        name = fields.word(NAME, "name", required=True, hint="letters, digits and underscores")
        if name in RESERVED:
            self._findings.add("GF106", f"{name!r} is a reserved word", (*path, "name"))
        default, _ = fields.take("default", "default_value")
        variable = Variable(
            name=name or "",
            type=fields.one_of(VARIABLE_TYPES, "type", default="any"),
            default=None if default is MISSING else default,
            has_default=default is not MISSING,
            required=fields.flag("required"),
            description=fields.text("description"),
        )
        fields.take("label")
        fields.finish()
        return variable

    def server(self, data: Any, path: Path) -> Server:
        fields = Fields(data, path, self._findings, "a server")
        transport = fields.one_of(
            ("stdio", "http", "sse"),
            "transport",
            default="stdio",
            aliases={"streamable-http": "http"},
        )
        args = fields.each(self._argument, "args")
        server = Server(
            id=fields.word(
                r"[A-Za-z0-9_-]+", "id", required=True, hint="letters, digits, '_' and '-'"
            )
            or "",
            name=fields.text("name"),
            description=fields.text("description"),
            transport=transport,
            command=fields.text("command", required=transport == "stdio"),
            args=args,
            env=fields.texts("env"),
            cwd=fields.text("cwd"),
            url=fields.text("url", required=transport != "stdio"),
            headers=fields.texts("headers"),
            credential_ref=fields.text("credential_ref"),
            credential_env=fields.text("credential_env"),
            timeout=fields.duration("timeout", default=30.0),
            connect_timeout=fields.duration("connect_timeout", default=30.0),
            max_sessions=fields.number("max_sessions", default=1, least=1, whole=True),
            max_in_flight=fields.number("max_in_flight", least=1, whole=True),
            mode=fields.one_of(("multiplex", "exclusive", "run"), "mode", default="multiplex"),
            prewarm=fields.flag("prewarm"),
        )
        fields.take("label")
        fields.finish()
        self._server_texts(server, path)
        for key, given, usual in (
            ("max_sessions", server.max_sessions, 1),
            ("mode", server.mode == "run", False),
            ("prewarm", server.prewarm, False),
        ):
            if given != usual:
                self._findings.add(
                    "GF109",
                    f"{key!r} has no effect in this release: a server has one session",
                    (*path, key),
                    severity="warning",
                )
        if server.credential_ref is not None:
            self._not_yet("credential_ref", "credentials", path)
        return server

    def _server_texts(self, server: Server, path: Path) -> None:
        """Where ``${env.NAME}`` may stand, and that nothing else does."""
        filled: list[tuple[Path, str]] = [
            *((("args", i), text) for i, text in enumerate(server.args)),
            *((("env", name), text) for name, text in server.env.items()),
            *((("headers", name), text) for name, text in server.headers.items()),
            (("url",), server.url or ""),
        ]
        for key, text in filled:
            for inside in re.findall(r"(?<!\$)\$\{([^}]*)", text):
                if re.fullmatch(r"\s*env\.[A-Za-z_][A-Za-z0-9_]*\s*", inside):
                    continue
                if inside.strip().startswith("secret."):
                    self._not_yet(str(key[0]), "secrets", path)
                    continue
                self._findings.add(
                    "GF302",
                    f"'${{{inside}}}' means nothing in a server's definition",
                    (*path, *key),
                    hint="only ${env.NAME} is filled in here; $${ is a literal ${",
                )
        for name, value in (("command", server.command), ("cwd", server.cwd)):
            if value and "${" in value:
                self._findings.add(
                    "GF302",
                    f"nothing is filled in in {name!r}",
                    (*path, name),
                    hint="${env.NAME} works in args, env, url and headers",
                )

    def _argument(self, value: Any, path: Path) -> str | None:
        if isinstance(value, str):
            return value
        self._findings.add("GF104", "an argument must be a string", path, hint="put it in quotes")
        return None

    # -- nodes ---------------------------------------------------------------------------------

    def node(self, data: Any, path: Path) -> Node:
        fields = Fields(data, path, self._findings, "a node")
        kind = fields.text("type", required=True)
        read = self._READERS.get(kind)
        common: dict[str, Any] = {
            "id": fields.word(
                r"[A-Za-z0-9_.-]+", "id", required=True, hint="letters, digits, '_', '.' and '-'"
            )
            or "",
            "description": fields.text("description"),
        }
        fields.take("label")
        if read is None:
            if kind is not None:
                self._unknown_type(kind, path)
            return PassthroughNode(**common)
        node: Node = read(self, fields, common)
        fields.finish()
        return node

    def _unknown_type(self, kind: str, path: Path) -> None:
        if kind in LATER_TYPES:
            self._not_yet("type", f"{kind!r} nodes", path)
            return
        known = ", ".join(self._READERS)
        self._findings.add(
            "GF108",
            f"there is no node type {kind!r}",
            (*path, "type"),
            hint=nearest(kind, self._READERS) or f"the types are {known}",
        )

    def _output(self, fields: Fields) -> str | None:
        output = fields.word(
            NAME,
            "output",
            "output_variable",
            "output_var",
            hint="a variable's name: letters, digits and underscores",
        )
        if output in RESERVED:
            _, path = fields.take("output", "output_variable", "output_var")
            self._findings.add("GF106", f"{output!r} is a reserved word", path)
        return output

    def _working(self, fields: Fields, common: dict[str, Any]) -> dict[str, Any]:
        """What every node that does work may say."""
        return common | {
            "timeout": fields.duration("timeout"),
            "retry": self._retry(fields),
            "cache": self._cache(fields),
            "on_error": self._on_error(fields),
        }

    def _start(self, fields: Fields, common: dict[str, Any]) -> Node:
        return StartNode(**common)

    def _end(self, fields: Fields, common: dict[str, Any]) -> Node:
        value, _ = fields.take("return", "return_value", "output")
        return EndNode(**common, value=None if value is MISSING else value)

    def _tool(self, fields: Fields, common: dict[str, Any]) -> Node:
        return ToolNode(
            **self._working(fields, common),
            output=self._output(fields),
            run_if=fields.condition("if", "condition"),
            server=fields.text("server", "server_id", required=True, default=""),
            tool=fields.text("tool", "tool_name", required=True, default=""),
            parameters=fields.typed("object", "parameters", "arguments", "input", default={}),
            result=fields.one_of(
                ("auto", "raw", "text", "json", "structured"), "result", default="auto"
            ),
        )

    def _transform(self, fields: Fields, common: dict[str, Any]) -> Node:
        expression, _ = fields.take("expression", "template")
        if expression is MISSING:
            self._findings.add("GF103", "'expression' is required here", fields.path)
            expression = None
        kind = fields.one_of(
            ("auto", "expression", "template", "jsonpath", "jq"), "kind", default="auto"
        )
        return TransformNode(
            **self._working(fields, common),
            output=self._output(fields),
            run_if=fields.condition("if", "condition"),
            input=fields.text("input"),
            expression=expression,
            kind=kind,
        )

    def _condition(self, fields: Fields, common: dict[str, Any]) -> Node:
        return ConditionNode(
            **self._working(fields, common),
            output=self._output(fields),
            run_if=fields.condition("if"),
            condition=fields.condition("condition", "expression", required=True) or "false",
        )

    def _passthrough(self, fields: Fields, common: dict[str, Any]) -> Node:
        return PassthroughNode(**common, run_if=fields.condition("if", "condition"))

    _READERS: ClassVar[dict[Any, Any]] = {
        "start": _start,
        "end": _end,
        "mcp_tool": _tool,
        "transform": _transform,
        "condition": _condition,
        "passthrough": _passthrough,
    }

    # -- parts of nodes ------------------------------------------------------------------------

    def _retry(self, fields: Fields) -> Retry | None:
        data, path = fields.take("retry")
        if data is MISSING or data is None:
            return None
        retry = Fields(data, path, self._findings, "'retry'")
        default = Retry()
        words = self._error_words(retry, "on", "retryable_errors")
        given = "on" in retry or "retryable_errors" in retry
        result = Retry(
            max_attempts=retry.number("max_attempts", default=1, least=1, whole=True),
            backoff=retry.one_of(
                ("exponential", "linear", "constant"), "backoff", default="exponential"
            ),
            initial_delay=retry.duration("initial_delay", default=default.initial_delay),
            max_delay=retry.duration("max_delay", default=default.max_delay),
            multiplier=float(
                retry.number("multiplier", "backoff_multiplier", default=2.0, least=1)
            ),
            jitter=retry.flag("jitter", default=True),
            on=words if given else default.on,
            on_given=given,
            skip_on=self._error_words(retry, "skip_on", "non_retryable_errors"),
        )
        retry.finish()
        return result

    def _error_words(self, retry: Fields, *names: str) -> tuple[str, ...]:
        words: tuple[str, ...] = retry.each(self._argument, *names)
        for word in words:
            if word not in ERROR_CLASSES and (hint := nearest(word, ERROR_CLASSES)):
                _, path = retry.take(*names)
                self._findings.add(
                    "GF106",
                    f"{word!r} is no class of errors: it matches errors whose message holds it",
                    path,
                    hint=hint,
                    severity="warning",
                )
        return words

    def _cache(self, fields: Fields) -> bool | dict[str, Any] | None:
        value = fields.typed(("boolean", "object"), "cache")
        if value:
            self._findings.add(
                "GF109",
                "results are not cached by this release: every node runs each time",
                (*fields.path, "cache"),
                severity="info",
            )
        return value  # type: ignore[no-any-return]

    def _on_error(self, fields: Fields) -> str | dict[str, Any]:
        value, path = fields.take("on_error")
        if value is MISSING or value is None:
            return "fail"
        if value in ("fail", "continue"):
            return str(value)
        if isinstance(value, dict) and value.keys() == {"value"}:
            return value
        self._findings.add(
            "GF106",
            f"{value!r} is not an on_error",
            path,
            hint="it is fail, continue, or a map with the one key 'value'",
        )
        return "fail"

    def edge(self, data: Any, path: Path) -> Edge:
        fields = Fields(data, path, self._findings, "an edge")
        edge = Edge(
            source=fields.text("from", required=True, default=""),
            target=fields.text("to", required=True, default=""),
            condition=fields.condition("condition", "when"),
            label=fields.text("label"),
            on=fields.one_of(("success", "error", "always"), "on", default="success"),
        )
        fields.take("description")
        fields.finish()
        return edge

    def _not_yet(self, key: str, what: str, path: Path) -> None:
        self._findings.add("GF109", f"{what} are not supported by this release", (*path, key))
