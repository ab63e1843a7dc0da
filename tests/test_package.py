"""Promises of the package as a whole: imports, names, and what runs leave behind."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.servers import SCRIPTS, children, open_descriptors
from support.workflows import lab_server, tool, workflow

import goflow


def loaded_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    # In a folder without the source tree, which would be found first.
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SCRIPTS
    )
    return set(done.stdout.split())


def test_importing_goflow_imports_nothing_heavy():
    modules = loaded_after("import goflow")
    heavy = {"mcp", "numpy", "rich", "asyncio", "yaml", "msgspec", "click", "platformdirs"}
    assert modules & heavy == set()


def test_loading_validating_and_planning_import_neither_asyncio_nor_numpy():
    text = workflow([tool("a", "x")], ["start a", "a end"])
    modules = loaded_after(f"from goflow.engine.prepare import prepare; prepare({text!r})")
    heavy = {"mcp", "numpy", "rich", "asyncio", "platformdirs", "jsonpath", "pydantic_core"}
    assert modules & heavy == set()


def test_a_run_over_stdio_never_imports_the_sdk():
    text = workflow([tool("a", "say", text="x")], ["start a", "a end"])
    modules = loaded_after(f"import goflow; goflow.run({text!r})")
    assert "goflow.servers.stdio" in modules
    assert modules & {"mcp", "numpy", "rich", "pydantic", "anyio"} == set()


def test_every_public_name_is_there():
    for name in goflow.__all__:
        assert getattr(goflow, name) is not None
    assert set(goflow.__all__) <= set(dir(goflow))
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        goflow.nope  # noqa: B018


def test_the_package_has_its_types_and_no_sources_of_the_core():
    package = Path(goflow.__file__).parent
    assert (package / "py.typed").is_file()
    assert (package / "_core" / "graph.pyi").is_file()
    if os.environ.get("GOFLOW_TEST_INSTALLED"):
        assert package != Path(__file__).parents[1] / "goflow", "the source tree is tested"
        assert not list(package.rglob("*.c"))
        assert not list(package.rglob("*.pyx"))


def test_a_hundred_runs_leave_no_process_and_no_descriptor():
    text = workflow(
        [tool("a", "say", text="x"), tool("b", "say", server="other", text="y")],
        ["start a", "start b", "a end", "b end"],
        servers=[lab_server(), lab_server("other")],
    )
    assert goflow.run(text).completed
    gc.collect()
    processes, descriptors = children(), open_descriptors()
    for _ in range(100):
        assert goflow.run(text).completed
    gc.collect()
    assert children() == processes
    assert open_descriptors().keys() == descriptors.keys()
