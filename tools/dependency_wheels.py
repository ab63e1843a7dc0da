"""Whether every target of the wheels gets all dependencies as wheels; asks the package index.

``python tools/dependency_wheels.py``, with uv beside the interpreter. Resolves the project for each
Python and platform that cibuildwheel builds for, with no source distribution allowed, and prints
what is missing. A Python without a GIL is asked for with pip, which alone can name its tag.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PLATFORMS = {  # uv's name: pip's tags
    "x86_64-manylinux_2_28": ("manylinux_2_28_x86_64", "manylinux2014_x86_64"),
    "aarch64-manylinux_2_28": ("manylinux_2_28_aarch64", "manylinux2014_aarch64"),
    "x86_64-unknown-linux-musl": ("musllinux_1_2_x86_64", "musllinux_1_1_x86_64"),
    "aarch64-unknown-linux-musl": ("musllinux_1_2_aarch64", "musllinux_1_1_aarch64"),
    "x86_64-apple-darwin": ("macosx_13_0_x86_64",),
    "aarch64-apple-darwin": ("macosx_13_0_arm64",),
    "x86_64-pc-windows-msvc": ("win_amd64",),
}
FREE_THREADED = ("3.14", "cp314t")
# The MCP SDK needs pywin32 on Windows, which has no wheel without a GIL.
KNOWN = {("cp314t", "x86_64-pc-windows-msvc"): "pywin32"}


def resolved(python: str, platform: str) -> tuple[list[str], str]:
    """The names that the project needs there, and what is wrong."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header"),
            *("--no-annotate", "--only-binary", ":all:", "--python-version", python),
            *("--python-platform", platform, str(PROJECT)),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = [line.partition("==")[0] for line in done.stdout.splitlines() if "==" in line]
    return names, done.stderr if done.returncode else ""


def without_a_gil(names: list[str], tags: tuple[str, ...]) -> str:
    """Which of these have no wheel for a Python without a GIL, in any release."""
    python, abi = FREE_THREADED
    with tempfile.TemporaryDirectory() as target:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"),
                *("--ignore-installed", "--target", target, "--only-binary", ":all:"),
                *("--python-version", python, "--implementation", "cp"),
                *("--abi", abi, "--abi", "none"),
                *(word for tag in tags for word in ("--platform", tag)),
                *names,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    return done.stderr if done.returncode else ""


def main() -> int:
    """Print a line for each target; the exit code is 1 when one lacks a wheel."""
    failed = 0
    for platform, tags in PLATFORMS.items():
        names: list[str] = []
        for python in PYTHONS:
            names, wrong = resolved(python, platform)
            failed += report(python, platform, wrong)
        abi = FREE_THREADED[1]
        known = KNOWN.get((abi, platform))
        wrong = without_a_gil([name for name in names if name != known], tags)
        failed += report(abi, platform, wrong, known)
    return min(failed, 1)


def report(python: str, platform: str, wrong: str, known: str | None = None) -> bool:
    """Print the outcome for one target; whether it is bad."""
    outcome = "MISSING" if wrong else f"all but {known}" if known else "ok"
    print(f"{python:7} {platform:28} {outcome}", flush=True)
    if wrong:
        print(wrong, file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
