"""What the benchmarks share: the options, the fixture ``measure``, the machine, the tables."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

import pytest
from measure import FULL, QUICK, Measure

from goflow.bench import tables
from goflow.bench.results import Benchmark

PEERS = [
    "cachebox",
    "cachetools",
    "lru-dict",
    "theine",
    "moka-py",
    "diskcache",
    "orjson",
    "sqlalchemy",
    "psycopg",
    "psycopg-pool",
    "rustworkx",
    "igraph",
    "networkx",
    "sf-hamilton",
    "dask",
    "langgraph",
    "pydantic-graph",
    "prefect",
    "mcp",
    "fastmcp",
]
OWN = ("goflow-mcp", "Cython", "numpy", "msgspec", "pytest-benchmark", "memray")


def pytest_addoption(parser):
    group = parser.getgroup("goflow-bench")
    group.addoption("--quick", action="store_true", help="few and short samples, small sizes")
    group.addoption("--peers", action="store_true", help="run the comparisons with peers too")
    group.addoption("--mem", action="store_true", help="bytes and blocks an operation as well")


def pytest_configure(config):
    config.found = []
    if config.getoption("--mem") and importlib.util.find_spec("memray") is None:
        raise pytest.UsageError("--mem needs memray: pip install --group bench")


def pytest_collection_modifyitems(config, items):
    for item in items:
        item.add_marker(pytest.mark.timeout(600))
    if not config.getoption("--peers"):
        peers = [item for item in items if item.get_closest_marker("peers")]
        items[:] = [item for item in items if item not in peers]
        config.hook.pytest_deselected(items=peers)


@pytest.fixture
def measure(request, benchmark):
    options = request.config
    made = Measure(
        benchmark,
        QUICK if options.getoption("--quick") else FULL,
        options.getoption("--mem"),
    )
    yield made
    if "figures" in benchmark.extra_info:
        options.found.append(
            Benchmark.of(request.node.name, request.node.path.stem, made.benchmark.extra_info)
        )


@pytest.fixture
def quick(request):
    return request.config.getoption("--quick")


def pytest_terminal_summary(terminalreporter, config):
    if config.found:
        terminalreporter.write_line("")
        terminalreporter.write_line(tables.text(config.found))


def cpu_model():
    """The processor's name, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions(names):
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_generate_machine_info(config):
    """No names of hosts, users or folders: results are for showing."""
    return {
        "cpu": {"brand_raw": cpu_model(), "count": os.cpu_count()},
        "system": platform.system(),
        "machine": platform.machine(),
        "python_implementation": platform.python_implementation(),
        "python_version": platform.python_version(),
        "python_compiler": platform.python_compiler(),
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "versions": versions(OWN),
        "peers": versions(PEERS),
    }
