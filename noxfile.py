"""The project's verbs, ``nox --list``; plain ``nox`` is CI's run.

Each session builds a fresh environment. The tests run against the installed wheel, never the tree.
"""

import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["lint", "typing", "docs", "tests"]
nox.options.error_on_missing_interpreters = False

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
SIDE_BY_SIDE = ("-n", "auto", "--dist", "worksteal")  # a process for each core; `-- -n 0` for one
NODE_SERVERS = Path("examples/public")
CONFORMANCE = ("@modelcontextprotocol/conformance@0.1.16", "node@22")


def dependencies(session, *groups):
    session.install(*nox.project.dependency_groups(PYPROJECT, *groups))


def install_wheel(session):
    """Build the wheel as a user's pip would, and install it."""
    folder = session.create_tmp()
    session.install("--upgrade", "pip")
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ".")
    wheel = max(Path(folder).glob("goflow_mcp-*.whl"), key=os.path.getmtime)
    session.install("--force-reinstall", str(wheel))


def node_servers(session):
    """The npm servers; without npm the tests that need them skip, and in CI they fail."""
    if shutil.which("npm"):
        session.run(
            "npm", "ci", "--silent", "--no-fund", "--no-audit", "--prefix", str(NODE_SERVERS),
            external=True,
        )  # fmt: skip


def pytest(session, *args, **env):
    # Safe path: neither `python -c` nor `-m` in a subprocess finds the source tree.
    session.run("pytest", *args, *session.posargs, env={"PYTHONSAFEPATH": "1", **env})


@nox.session
def tests(session):
    """The tests, against the installed wheel and real servers."""
    install_wheel(session)
    dependencies(session, "test", "bench")
    node_servers(session)
    pytest(session, *SIDE_BY_SIDE, GOFLOW_TEST_INSTALLED="1")


@nox.session(python=PYTHONS, name="matrix")
def matrix(session):
    """The tests on every Python that is present."""
    install_wheel(session)
    dependencies(session, "test", "bench")
    node_servers(session)
    pytest(session, *SIDE_BY_SIDE, GOFLOW_TEST_INSTALLED="1")


@nox.session
def deep(session):
    """The long campaigns in full: many generated cases, many runs, many interruptions."""
    install_wheel(session)
    dependencies(session, "test", "bench")
    node_servers(session)
    arguments = ("-m", "deep", "--timeout=3600", *SIDE_BY_SIDE)
    pytest(session, *arguments, GOFLOW_TEST_INSTALLED="1", GOFLOW_TEST_DEEP="1")


@nox.session
def conformance(session):
    """The client scenarios of the protocol's own conformance suite; npm brings it Node 22."""
    install_wheel(session)
    dependencies(session, "test")
    folder = Path(session.create_tmp()) / "suite"
    session.run(
        "npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder),
        *CONFORMANCE, external=True,
    )  # fmt: skip
    runner = str(Path("tests/conformance/run.py").resolve())
    session.run("python", runner, str(folder.resolve()), env={"PYTHONSAFEPATH": "1"})


@nox.session
def lint(session):
    """Style of Python and Cython."""
    dependencies(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("cython-lint", "goflow/_core")


@nox.session
def typing(session):
    """Types of the package, and the core's stubs against what was compiled."""
    install_wheel(session)
    dependencies(session, "typing")
    session.run("mypy")
    # The tree would shadow the compiled modules.
    modules = sorted(f"goflow._core.{path.stem}" for path in Path("goflow/_core").glob("*.pyx"))
    allowlist = Path("tests/typing/stubtest-allowlist.txt").resolve()
    session.chdir(session.create_tmp())
    session.run("python", "-m", "mypy.stubtest", "--allowlist", str(allowlist), *modules)


@nox.session
def docs(session):
    """The documentation into ``build/docs``; a warning is an error. What it shows is tested too."""
    install_wheel(session)
    dependencies(session, "docs")
    session.env["PYTHONSAFEPATH"] = "1"
    session.run("sphinx-build", "-E", "-q", "-W", "--keep-going", "docs", "build/docs")


@nox.session
def bench(session):
    """The benchmarks with their peers; arguments after ``--`` go to ``goflow-bench run``."""
    install_wheel(session)
    dependencies(session, "bench", "servers", "peers")
    node_servers(session)
    session.run("goflow-bench", "run", *(session.posargs or ["--peers"]))


@nox.session
def wheel(session):
    """Build the wheel and the sdist into ``dist``, and list what is inside."""
    session.install("build")
    session.run("python", "-m", "build", "--outdir", "dist")
    newest = max(Path("dist").glob("*.whl"), key=os.path.getmtime)
    session.run("python", "-m", "zipfile", "-l", str(newest))


if __name__ == "__main__":
    sys.exit("run it with: nox")
