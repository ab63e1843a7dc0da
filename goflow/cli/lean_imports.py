"""What libraries load at their import and a command does not need, put off until it is used.

Most of a command's time to the first tool call are imports, and a part of these is never used: TLS
by asyncio, patterns that nobody matches. Each entry below says what it costs (milliseconds, Python
3.11). Only the ``goflow`` command does this, first of all: how a program imports its libraries is
not for a library to decide.
"""

from __future__ import annotations

import builtins
import re
import sys
from _thread import RLock
from importlib.machinery import PathFinder, SourceFileLoader
from types import ModuleType

TYPE_CHECKING = False  # typing's would do; nothing is loaded yet
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any

__all__ = ["install"]

LAZY = {
    "inspect",  # 4.9, by click and asyncio
    "ssl",  # 4.8, by asyncio
    "asyncio.sslproto",  # the same
    "msgspec.inspect",  # 0.8
    "textwrap",  # 0.6, by msgspec's schemas
    "traceback",  # 0.5, by asyncio and logging
    "tokenize",  # 0.7, by linecache, for tracebacks
    "ipaddress",  # 0.8, by urllib
}
"""Modules that are executed when something of them is first asked for."""

PATTERNS = {
    "yaml.reader",  # 3.1: libyaml reads in its place
    "yaml.constructor",  # 0.4
    "yaml.resolver",  # 0.9
    "platform",  # 0.8, by uuid
    "logging",  # 0.7
    "gettext",  # 0.5
    "platformdirs.unix",  # 0.5
    "string",  # 0.3
    "locale",  # 0.3
    "click._compat",  # 0.1
    "goflow.cli.output",  # 0.1
    "goflow.workflow.load_servers",  # 0.3
    "goflow.servers.sensitive",  # 0.3
    "goflow.engine.servers",  # 0.1
}
"""Modules whose regular expressions are compiled at their first use."""

FALLBACKS = {"msgspec._utils": "typing_extensions"}  # 1.7
"""Modules that do without another one; here since 3.11, where ``typing`` has what is asked for."""


def install() -> None:
    """Look after imports from now on. Idempotent."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


class _Finder:
    """Finds what is listed above as usual, and gives it another loader."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in LAZY and name not in PATTERNS and name not in FALLBACKS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader:
            return spec  # from an archive, or frozen
        if name in LAZY:
            spec.loader = _LazyLoader(spec.loader.name, spec.loader.path)
        else:
            spec.loader = _LeanLoader(spec.loader.name, spec.loader.path)
        return spec


class _LazyLoader(SourceFileLoader):
    """Makes modules that are executed when they are asked for what they do not have yet.

    ``importlib.util.LazyLoader`` executes them as soon as a second module imports them.
    """

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "inspect":
            vars(module)["cleandoc"] = _cleandoc
        module.__class__ = _LazyModule


def _cleandoc(doc: str) -> str:
    """``inspect.cleandoc``, which click asks for one line at a time until somebody needs help."""
    if "\n" not in doc:
        return doc.expandtabs().lstrip()
    module = sys.modules["inspect"]
    if vars(module)["cleandoc"] is _cleandoc:
        del vars(module)["cleandoc"]  # so that asking for it executes the module
    return module.cleandoc(doc)  # type: ignore[no-any-return]


class _LazyModule(ModuleType):
    """Executes itself when it is asked for what it does not have; other threads wait meanwhile."""

    def __getattribute__(self, name: str) -> Any:
        find = super().__getattribute__
        if name in _OF_IMPORTS:
            return find(name)
        with _lock:
            have = find("__dict__")
            # This thread may execute it already, and one that waited for it has any other module.
            if name not in have and "_executing" not in have and type(self) is _LazyModule:
                have["_executing"] = True
                try:
                    SourceFileLoader.exec_module(self.__loader__, self)  # type: ignore[arg-type]
                    self.__class__ = ModuleType  # type: ignore[assignment]
                finally:
                    del have["_executing"]
            return find(name)


_lock = RLock()
_OF_IMPORTS = {"__class__", "__dict__", "__loader__", "__name__", "__path__", "__spec__"}
"""What the import system asks modules for, while it holds locks of its own."""


class _LeanLoader(SourceFileLoader):
    """Executes a module whose own ``import`` statements it answers, and nobody else's."""

    def exec_module(self, module: ModuleType) -> None:
        mine = {**vars(builtins), "__import__": _import_for(module.__name__)}
        vars(module)["__builtins__"] = mine
        super().exec_module(module)


def _import_for(importer: str) -> Callable[..., Any]:
    absent = FALLBACKS.get(importer) if sys.version_info >= (3, 11) else None

    def lean_import(name: str, *rest: Any, **named: Any) -> Any:
        if name == absent:
            raise ImportError(f"{importer} does without {name}", name=name)
        found = builtins.__import__(name, *rest, **named)
        return _LAZY_RE if found is re and importer in PATTERNS else found

    return lean_import


class _LazyPattern:
    """A regular expression that is compiled when anything is asked of it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._arguments = arguments, named

    def __getattr__(self, name: str) -> Any:
        arguments, named = self._arguments
        value = getattr(re.compile(*arguments, **named), name)
        setattr(self, name, value)  # which is found at once from here on
        return value


class _LazyRe:
    """The module ``re`` with another ``compile``."""

    compile = _LazyPattern

    def __getattr__(self, name: str) -> Any:
        found = getattr(re, name)
        if name not in _TAKE_PATTERNS:
            return found

        def call(pattern: Any, *arguments: Any, **named: Any) -> Any:
            if isinstance(pattern, _LazyPattern):
                return getattr(pattern, name)(*arguments, **named)
            return found(pattern, *arguments, **named)

        return call


_TAKE_PATTERNS = {
    "findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn",
}  # fmt: skip
_LAZY_RE = _LazyRe()
