"""A workflow's plain values without secrets: placeholders in their place."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from goflow.errors import GoFlowError
from goflow.servers.sensitive import sensitive_values
from goflow.workflow.diagnostics import dotted
from goflow.workflow.model import RESERVED, LoopNode, SubworkflowNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goflow.sharing.scanner import Scanner
    from goflow.workflow.diagnostics import Path as Place
    from goflow.workflow.model import Workflow

__all__ = ["Placeholder", "Scrubbed", "SecretInCode", "scrub"]

_FILLABLE = ("env", "headers", "args", "url")
_VALUES = ("parameters", "inputs", "arguments", "return")
_PROSE = ("description", "metadata", "label")


class SecretInCode(GoFlowError):
    """Something that looks like a secret stands where no placeholder can."""

    code = "secret_in_code"


class Placeholder(NamedTuple):
    """``kind`` is secret (of a server) or input (a variable); ``looks_like`` says why."""

    kind: str
    name: str
    place: str
    looks_like: str


class Scrubbed(NamedTuple):
    """The values that can be shared, what stands in them for secrets, and what else to know."""

    tree: dict[str, Any]
    placeholders: list[Placeholder]
    notes: list[str]


def scrub(
    workflow: Workflow,
    tree: dict[str, Any],
    scanner: Scanner,
    known: Mapping[str, str],
    folder: Path | None,
) -> Scrubbed:
    """``tree``, the canonical values of ``workflow``, made fit to be shared.

    ``known`` are secrets by name; ``folder`` is that of the file. Raises ``SecretInCode``.
    """
    scrubbing = _Scrubbing(copy.deepcopy(tree), scanner, known, folder, _written(workflow))
    scrubbing.servers()
    scrubbing.variables()
    scrubbing.rest()
    for node in workflow.nodes:
        if isinstance(node, SubworkflowNode):
            scrubbing.notes.append(f"it runs the workflow {node.workflow!r}: share that one too")
    return Scrubbed(scrubbing.tree, scrubbing.placeholders, list(dict.fromkeys(scrubbing.notes)))


class _Scrubbing:
    """The work of one ``scrub``."""

    def __init__(
        self,
        tree: dict[str, Any],
        scanner: Scanner,
        known: Mapping[str, str],
        folder: Path | None,
        written: set[str],
    ) -> None:
        self.tree = tree
        self.placeholders: list[Placeholder] = []
        self.notes: list[str] = []
        self._scanner = scanner
        self._folder = folder
        self._written = written
        self._home = str(Path.home())
        # By value; one value has one name everywhere.
        self._names = {value: name for name, value in known.items() if value}
        self._inputs: dict[str, str] = {}

    # -- servers -------------------------------------------------------------------------------

    def servers(self) -> None:
        """``${secret.NAME}`` in what servers get; paths that do not name the user."""
        for i, server in enumerate(self.tree.get("servers", ())):
            named = [server.get("env", {}), server.get("headers", {})]
            by_name = {
                value
                for value in sensitive_values(named, server.get("args", ()), server.get("url", ""))
                if "${" not in value
            }
            for key in _FILLABLE:
                if key in server:
                    place: Place = ("servers", i, key)
                    server[key] = self._filled(server[key], place, str(server["id"]), by_name)
            if "cwd" in server:
                server["cwd"] = self._folder_of(server["cwd"])
            if "command" in server and server["command"].startswith(self._home + os.sep):
                server["command"] = "~" + server["command"][len(self._home) :]

    def _filled(self, value: Any, place: Place, server: str, by_name: set[str]) -> Any:
        if isinstance(value, dict):
            return {
                key: self._filled(item, (*place, key), server, by_name)
                for key, item in value.items()
            }
        if isinstance(value, list):
            before = ["", *(str(item) for item in value)]
            return [
                self._filled(item, (*place, before[i] if i else i), server, by_name)
                for i, item in enumerate(value)
            ]
        found = self._scanner.find(value)
        # "Bearer TOKEN" goes by a secret's name as a whole; its last word is the secret.
        for whole in sorted(by_name, key=len):
            if whole in value and not any(each in whole for each in found):
                found[whole] = "a value that goes by the name of a secret"
        for secret in sorted(found, key=len, reverse=True):
            if secret in value:
                name = self._name(secret, f"{server}_{_word(place[-1], place[-2])}")
                value = value.replace(secret, f"${{secret.{name}}}")
                shown = dotted(place[:3])
                self.placeholders.append(Placeholder("secret", name, shown, found[secret]))
        return value.replace(self._home + os.sep, "${env.HOME}" + os.sep)

    def _folder_of(self, cwd: str) -> str:
        if self._folder is not None and os.path.isabs(cwd):
            relative = os.path.relpath(cwd, self._folder)
            if not relative.startswith(".."):
                return relative
        return "~" + cwd[len(self._home) :] if cwd.startswith(self._home) else cwd

    # -- everything else -----------------------------------------------------------------------

    def variables(self) -> None:
        """A default that is a secret becomes an input that must be given."""
        for i, variable in enumerate(self.tree.get("variables", ())):
            default = variable.get("default")
            found = self._found(default)
            if found:
                del variable["default"]
                variable["required"] = True
                name: str = variable["name"]
                place = dotted(("variables", i, "default"))
                self.placeholders += (
                    Placeholder("input", name, place, why) for why in found.values()
                )
                if list(found) == [default] and name not in self._written:
                    self._inputs[default] = name

    def _found(self, value: Any) -> dict[str, str]:
        if isinstance(value, str):
            return self._scanner.find(value)
        items = value.values() if isinstance(value, dict) else value
        found: dict[str, str] = {}
        for item in items if isinstance(value, (dict, list)) else ():
            found |= self._found(item)
        return found

    def rest(self) -> None:
        """Values of nodes become inputs; prose is blacked out; code must hold no secret."""
        for key in [key for key in self.tree if key != "servers"]:
            self.tree[key] = self._clean(self.tree[key], (key,))

    def _clean(self, value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            for key in value:
                if self._scanner.find(key):
                    raise _in_code(place, "a key")
            return {key: self._clean(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._clean(item, (*place, i)) for i, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        for secret, why in self._scanner.find(value).items():
            if any(part in _PROSE for part in place):
                value = value.replace(secret, "***")
            elif place[0] == "nodes" and len(place) > 2 and place[2] in _VALUES:
                name = self._inputs.get(secret) or self._new_input(secret, place)
                value = value.replace(secret, f"${{{name}}}")
                self.placeholders.append(Placeholder("input", name, dotted(place), why))
            else:
                raise _in_code(place, why)
        if self._home + os.sep in value:
            self.notes.append(f"{dotted(place)} names a folder of yours: {self._home}{os.sep}…")
        return value

    def _new_input(self, secret: str, place: Place) -> str:
        variables = self.tree.setdefault("variables", [])
        taken = {*RESERVED, *self._written, *(variable["name"] for variable in variables)}
        name = base = _word(self._names.get(secret, place[-1]), "value")
        count = 2
        while name in taken:
            name, count = f"{base}_{count}", count + 1
        variables.append({"name": name, "type": "string", "required": True})
        self._inputs[secret] = name
        return name

    def _name(self, secret: str, wanted: str) -> str:
        if secret not in self._names:
            taken = set(self._names.values())
            name, count = wanted, 2
            while name in taken:
                name, count = f"{wanted}_{count}", count + 1
            self._names[secret] = name
        return re.sub(r"[^A-Za-z0-9_]", "_", self._names[secret])


def _written(workflow: Workflow) -> set[str]:
    """The variables that nodes write."""
    loops = [node.item for node in workflow.nodes if isinstance(node, LoopNode)]
    outputs = [node.output for node in workflow.nodes if node.output is not None]
    return {*outputs, *loops, *(f"{item}_index" for item in loops)}


def _word(part: Any, otherwise: Any) -> str:
    """A name out of a key or option: ``API_TOKEN`` and ``--api-token=…`` give ``api_token``."""
    text = str(part if isinstance(part, str) else otherwise).partition("=")[0]
    word = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()
    return word if re.match(r"[a-z]", word) else f"v_{word}"


def _in_code(place: Place, why: str) -> SecretInCode:
    return SecretInCode(
        f"{dotted(place)} holds what looks like {why}, and no placeholder can stand there",
        hint="put it into the env of a server, or into a variable",
    )
