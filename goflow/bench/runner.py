"""Running the benchmarks: each category in a process of its own, results merged as they come.

pytest runs in an empty folder, so that a checkout's sources are never found before the installed
package. Each process has its own seed for the hashes of strings, the same in every run: what
differs between processes is seen, and two runs differ in nothing else.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goflow.bench import results
from goflow.errors import BadCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goflow.bench.checkout import Checkout

__all__ = ["Options", "Outcome", "names", "run", "select"]


# A category may have nothing to run, where all of it compares with peers.
_WARNINGS = ("-W", "ignore:Not saving anything")


@dataclass(frozen=True)
class Options:
    """How to measure."""

    quick: bool = False
    peers: bool = False
    mem: bool = False
    profile: bool = False
    processes: int = 1

    def arguments(self) -> list[str]:
        """As pytest takes them."""
        chosen = [f"--{name}" for name in ("quick", "peers", "mem") if getattr(self, name)]
        if self.profile:
            chosen += ["--benchmark-cprofile=tottime", "--benchmark-cprofile-top=12"]
        return chosen


@dataclass(frozen=True)
class Outcome:
    """What one category brought: pytest-benchmark's content, or what pytest said when it failed."""

    category: str
    content: dict[str, Any] | None
    said: str
    failed: bool


def select(checkout: Checkout, names: Sequence[str]) -> dict[str, list[str]]:
    """Category → what to give pytest, for names of categories and of benchmarks.

    Without names everything. A name may leave out its parameters: ``pool_prewarm`` is all of them.
    A benchmark that is named runs, whether it compares with peers or not. Raises ``BadCall`` for a
    name that nothing goes by.
    """
    categories = checkout.categories()
    if not names:
        return {category: [str(file)] for category, file in categories.items()}
    chosen: dict[str, list[str]] = {}
    known: dict[str, list[tuple[str, str]]] | None = None
    for name in names:
        if name in categories:
            chosen.setdefault(name, []).append(str(categories[name]))
            continue
        known = known if known is not None else _collected(checkout)
        if name not in known:
            near = difflib.get_close_matches(name, [*categories, *known], 3)
            raise BadCall(
                f"there is no benchmark or category called {name!r}",
                hint=f"did you mean {', '.join(near)}?"
                if near
                else "`goflow-bench list` names them",
            )
        for category, test in known[name]:
            tests = chosen.setdefault(category, [])
            tests += [each for each in ("--peers", test) if each not in tests]
    return chosen


def names(checkout: Checkout) -> dict[str, list[str]]:
    """Category → its benchmarks, those with peers too."""
    found: dict[str, list[str]] = {}
    for name, places in _collected(checkout).items():
        for category, test in places:
            if test.endswith(f"::test_{name}"):
                found.setdefault(category, []).append(name)
    return found


def _collected(checkout: Checkout) -> dict[str, list[tuple[str, str]]]:
    """Name → (category, pytest's name) of every benchmark, with and without its parameters."""
    files = [str(file) for file in checkout.categories().values()]
    done = _pytest(checkout, [*files, "--collect-only", "-q", "--peers"], seed=0)
    if done.returncode:
        raise BadCall(f"the benchmarks cannot be collected:\n{done.stdout.strip()}")
    found: dict[str, list[tuple[str, str]]] = {}
    for line in done.stdout.splitlines():
        file, separator, test = line.strip().partition("::")
        if not separator:
            continue
        category = Path(file).stem.removeprefix("bench_")
        whole = str(checkout.root / file) + "::" + test
        name = test.removeprefix("test_")
        found.setdefault(name, []).append((category, whole))
        if (base := name.partition("[")[0]) != name:
            found.setdefault(base, []).append((category, whole))
    return found


def run(
    checkout: Checkout,
    chosen: dict[str, list[str]],
    options: Options,
    save: Path | None = None,
    resume: bool = False,
) -> Iterator[Outcome]:
    """Measure one category after the other; ``save`` holds at any time what is done.

    With ``resume``, a category that ``save`` holds already is not measured again.
    """
    content: dict[str, Any] | None = None
    done: set[str] = set()
    if options.quick:  # a process each would take longer than the measuring
        chosen = {" ".join(chosen): [test for tests in chosen.values() for test in tests]}
    if resume and save is not None and save.exists():
        results.read(save)
        held: dict[str, Any] = json.loads(save.read_text(encoding="utf-8"))
        content, done = held, set(held.get("categories_done", ()))
    for category, tests in chosen.items():
        if category in done:
            continue
        for seed in range(options.processes):
            outcome = _measure(checkout, category, tests, options, seed)
            if outcome.content is not None:
                content = _merged(content, outcome.content)
            yield outcome
            if outcome.failed:
                break
        else:
            done.add(category)
            if save is not None and content is not None:
                _write(save, {**content, "categories_done": sorted(done)})


def _measure(
    checkout: Checkout, category: str, tests: Sequence[str], options: Options, seed: int
) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        found = [f"--benchmark-json={file}", *options.arguments()]
        if not options.profile:
            found.append("--benchmark-quiet")
        done = _pytest(
            checkout, [*tests, "-q", "--no-header", "--tb=short", *_WARNINGS, *found], seed
        )
        written = file.is_file() and file.stat().st_size
        content = json.loads(file.read_text(encoding="utf-8")) if written else None
    # 5: nothing to run, where all of a category compares with peers.
    return Outcome(category, content, done.stdout + done.stderr, done.returncode not in (0, 5))


def _pytest(
    checkout: Checkout, arguments: Sequence[str], seed: int
) -> subprocess.CompletedProcess[str]:
    if importlib.util.find_spec("pytest_benchmark") is None:
        raise BadCall(
            "the benchmarks need pytest and pytest-benchmark",
            hint="pip install --group bench, in the checkout",
        )
    settings = [f"--rootdir={checkout.root}", f"--config-file={checkout.root / 'pyproject.toml'}"]
    # Asked by a pytest whose tests run side by side, ours is still one that runs alone.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_XDIST_")}
    with tempfile.TemporaryDirectory() as empty:
        return subprocess.run(
            [sys.executable, "-m", "pytest", *settings, "-p", "no:cacheprovider", *arguments],
            cwd=empty,
            env={**inherited, "PYTHONHASHSEED": str(seed + 1)},
            capture_output=True,
            text=True,
            check=False,
        )


def _merged(content: dict[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
    if content is None:
        return more
    return {
        **content,
        "datetime": more["datetime"],
        "benchmarks": content["benchmarks"] + more["benchmarks"],
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole, or not at all."""
    for each in content["benchmarks"]:
        if "figures" in each["extra_info"]:  # the samples are there
            each["stats"].pop("data", None)
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise BadCall(f"cannot write {path}: {error.strerror or error}") from None
