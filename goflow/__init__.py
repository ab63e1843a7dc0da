"""GoFlow: deterministic workflows over MCP servers.

The public names are imported when they are first used, so that ``import goflow`` costs next to
nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this for typing's, which costs 2 ms to import
if TYPE_CHECKING:
    from typing import Any

    from goflow import errors as errors
    from goflow._core.graph import Graph as Graph
    from goflow.engine.engine import Engine as Engine
    from goflow.engine.record import NodeRecord as NodeRecord
    from goflow.engine.record import RunResult as RunResult
    from goflow.engine.sync import run as run
    from goflow.results.cache import Cache as Cache
    from goflow.results.cache import CacheStats as CacheStats
    from goflow.servers.handlers import Handlers as Handlers
    from goflow.servers.pool import ConnectionPool as ConnectionPool
    from goflow.workflow.builder import Builder as _Builder
    from goflow.workflow.diagnostics import Finding as Finding
    from goflow.workflow.diagnostics import Report as Report
    from goflow.workflow.load import load as load
    from goflow.workflow.model import Workflow as Workflow
    from goflow.workflow.template import Template as Template
    from goflow.workflow.template import load_template as load_template
    from goflow.workflow.validate import validate as validate

    def workflow(name: str, **top: Any) -> _Builder:  # the package, which can be called
        """A builder of the workflow ``name``; ``top`` are further keys of a file."""
        ...


__version__ = "0.1.0"

_HOMES = {
    "Cache": "goflow.results.cache",
    "CacheStats": "goflow.results.cache",
    "ConnectionPool": "goflow.servers.pool",
    "Engine": "goflow.engine.engine",
    "Finding": "goflow.workflow.diagnostics",
    "Graph": "goflow._core.graph",
    "Handlers": "goflow.servers.handlers",
    "NodeRecord": "goflow.engine.record",
    "Report": "goflow.workflow.diagnostics",
    "RunResult": "goflow.engine.record",
    "Template": "goflow.workflow.template",
    "Workflow": "goflow.workflow.model",
    "load": "goflow.workflow.load",
    "load_template": "goflow.workflow.template",
    "run": "goflow.engine.sync",
    "validate": "goflow.workflow.validate",
}

__all__ = [
    "Cache",
    "CacheStats",
    "ConnectionPool",
    "Engine",
    "Finding",
    "Graph",
    "Handlers",
    "NodeRecord",
    "Report",
    "RunResult",
    "Template",
    "Workflow",
    "__version__",
    "errors",
    "load",
    "load_template",
    "run",
    "validate",
    "workflow",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module  # noqa: PLC0415

    if name in ("errors", "workflow"):
        return import_module(f"goflow.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'goflow' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
