"""A workflow file in its canonical spelling, with everything that its author wrote.

Aliases become the canonical names, keys come in the order of the format, and quotes, lines and
blank lines are those of ``Workflow.to_yaml``. Comments stay with what they belong to. Unlike
``to_yaml`` it leaves out nothing: keys that say the default, or that mean nothing, are kept.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goflow.errors import BadCall
from goflow.workflow.comments import has_aliases, read_comments, with_comments
from goflow.workflow.diagnostics import Report
from goflow.workflow.document import Document, Unreadable
from goflow.workflow.fields import Findings
from goflow.workflow.load import build, invalid, is_template
from goflow.workflow.yaml_text import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goflow.workflow.comments import Comment
    from goflow.workflow.diagnostics import Path

__all__ = ["canonical_text", "render"]

_ORDERS = """
workflow version name description metadata variables servers nodes edges timeout max_parallel cache
template name version label description metadata parameters workflow_spec
parameters name type required default description validation
variables name type default required description
servers id name description transport command args env cwd url headers credential_ref credential_env
  timeout connect_timeout max_sessions max_in_flight mode prewarm
nodes id type label description return server tool parameters result input expression kind condition
  branches merge collection item body break_condition parallel max_parallel workflow inputs function
  arguments output if timeout retry cache on_error
parallel id type label description branches merge max_parallel output
edges from to condition label on
retry max_attempts backoff initial_delay max_delay multiplier jitter on skip_on
cache ttl version ignore scope mode max_bytes
"""
ORDER = {
    words[0]: words[1:]
    for words in map(str.split, _ORDERS.replace("\n  ", " ").split("\n"))
    if words
}
"""The keys of each kind of map in the order of the format."""
_SPEC = "workflow_spec"
_LISTS = frozenset({"variables", "servers", "nodes", "edges", "parameters"})
_WORDS = {("merge", "race"): "wait_first", ("transport", "streamable-http"): "http"}
"""Other spellings of values."""
_CONDITIONS = frozenset({"if", "condition", "break_condition"})


def canonical_text(text: str, file: str | None = None) -> str:
    """``text`` of a workflow or template file in the canonical spelling; JSON stays JSON.

    Applying it again changes nothing. Raises ``WorkflowInvalid`` for what is no YAML or no map,
    and ``BadCall`` where the result would not mean the same.
    """
    try:
        document = Document(text, file)
    except Unreadable as error:
        raise invalid(error.report) from None
    if not isinstance(document.tree, dict):
        findings = Findings(document)
        findings.add("GF104", "a workflow file must be a map of keys", ())
        raise invalid(Report(findings.found, file=file, text=text))
    meaning = _meaning(document)
    spelling = _Spelling(document)
    tree = spelling.tree()
    if text.lstrip().startswith("{") and _is_json(text):
        result = json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
    else:
        if has_aliases(text):
            raise BadCall(
                f"{file or 'the text'} uses YAML aliases ('*name'), which would be written out",
                hint="write what they stand for, or leave the file as it is",
            )
        comments = [spelling.moved(comment) for comment in read_comments(text)]
        result = render(tree, comments)
        if sorted(_words(read_comments(result))) != sorted(_words(comments)):
            raise _differs(file, "a comment would be lost")
    if _meaning(Document(result)) != meaning:
        raise _differs(file, "it would mean something else")
    return result


def render(tree: dict[str, Any], comments: Iterable[Comment]) -> str:
    """The text of ``tree``, with comments at their paths in it."""
    comments = list(comments)
    blocks: set[int] = set()
    for comment in comments:
        # A comment inside an element keeps it from being one line.
        on_the_way = _down(tree, comment.path[:-1])
        blocks.update(id(value) for value in on_the_way if isinstance(value, (dict, list)))
    return with_comments(write(tree, blocks=frozenset(blocks)), comments)


def _down(value: Any, path: Path) -> Iterator[Any]:
    """What stands on the way to ``path``, as far as that is there."""
    for part in path:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return
        yield value


def _meaning(document: Document) -> Any:
    """What must stay as it is: the model, and which mistakes it has."""
    tree = document.tree
    if is_template(tree):
        return {key: value for key, value in tree.items() if key != _SPEC} | {
            _SPEC: _meaning(_spec(document))
        }
    findings = Findings(document)
    model = build(document, findings)
    return model, sorted(finding.code for finding in findings.found)


def _spec(document: Document) -> Document:
    """The workflow of a template, as a document of its own."""
    spec = Document("{}")
    spec.tree = document.tree[_SPEC]
    return spec


def _differs(file: str | None, why: str) -> BadCall:
    return BadCall(
        f"{file or 'the text'} is left as it is: {why}",
        hint="please report this as a bug, with the file",
    )


def _words(comments: Iterable[Comment]) -> list[str]:
    return [comment.text for comment in comments if comment.text]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


class _Spelling:
    """The canonical names and order of one document's keys."""

    def __init__(self, document: Document) -> None:
        self._tree = document.tree
        self._base: Path = ()
        source = document
        if is_template(document.tree):
            self._base = (_SPEC,)
            source = _spec(document)
        if not source.spelled and isinstance(source.tree, dict):
            build(source, Findings(source))
        self._names = {
            (*self._base, *path[:-1], key): path[-1] for path, key in source.spelled.items()
        }

    def tree(self) -> dict[str, Any]:
        """The values under canonical keys, in canonical order."""
        kind = "template" if self._base else "workflow"
        spelled: dict[str, Any] = self._map(self._tree, (), kind)
        return spelled

    def moved(self, comment: Comment) -> Comment:
        """A comment with its path under canonical keys."""
        path = comment.path
        named = tuple(self._names.get(path[: i + 1], part) for i, part in enumerate(path))
        return comment._replace(path=named)

    def _map(self, value: Any, path: Path, kind: str | None) -> Any:
        if not isinstance(value, dict):
            return value
        named = {}
        for key, item in value.items():
            name = self._names.get((*path, key), key)
            named[name] = self._value(item, (*path, key), str(name), kind)
        order = ORDER.get(kind or "")
        if kind == "nodes" and value.get("type") == "parallel":
            order = [*ORDER["parallel"], *ORDER["nodes"]]
        if order is None:
            return named
        known = {key: named[key] for key in order if key in named}
        return known | named

    def _value(self, value: Any, path: Path, name: str, kind: str | None) -> Any:
        if kind in ("workflow", "template"):
            if name in _LISTS and isinstance(value, list):
                return [self._map(item, (*path, i), name) for i, item in enumerate(value)]
            if name == _SPEC:
                return self._map(value, path, "workflow")
            if name == "version" and kind == "workflow" and value != "1.0" and _is_version(value):
                return "1.0"
        if name in ("retry", "cache") and kind in ("nodes", "workflow"):
            return self._map(value, path, name)
        if kind in ("nodes", "edges") and name in _CONDITIONS and isinstance(value, bool):
            return str(value).lower()
        if kind in ("nodes", "servers") and isinstance(value, str):
            return _WORDS.get((name, value), value)
        return value


def _is_version(value: Any) -> bool:
    """Whether a format's version is another way to write the one there is."""
    return not isinstance(value, bool) and str(value) in ("1", "1.0", "v1", "v1.0", "1.0.0")
