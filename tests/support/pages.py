"""Runs a page of the documentation, top to bottom, in a folder of its own.

A block with a caption is a file. A ``console`` block is a transcript: lines after ``$`` are run,
the lines beneath are what they print, where ``...`` stands for any lines and times for any times.
Other ``python`` blocks are run; ``yaml`` and ``json`` blocks must be readable; ``sh`` and ``text``
blocks are only shown.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import yaml

__all__ = ["Block", "Mismatch", "blocks", "play"]

FENCE = re.compile(
    r"^(?P<ticks>`{3,}) *(?:\{code-block\} *)?(?P<language>\w+)\n"
    r"(?P<options>(?::\w[\w-]*:[^\n]*\n)*)(?P<text>.*?)^(?P=ticks)$",
    re.DOTALL | re.MULTILINE,
)
CAPTION = re.compile(r"^:caption: *(.+)$", re.MULTILINE)
VARYING = (
    (re.compile(r"\d+(\.\d+)? ?(µs|ms|s|min)\b"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"), "DATE"),
)


class Block(NamedTuple):
    """One block of code; ``line`` is where its text begins."""

    line: int
    language: str
    caption: str | None
    text: str


class Mismatch(AssertionError):
    """A transcript whose command printed something else."""


def blocks(page: str) -> list[Block]:
    """The blocks of code of a page."""
    found = []
    for match in FENCE.finditer(page):
        caption = CAPTION.search(match["options"])
        line = page.count("\n", 0, match.start("text")) + 1
        name = caption[1].strip() if caption else None
        found.append(Block(line, match["language"], name, match["text"].lstrip("\n")))
    return found


def play(page: Path, folder: Path) -> int:
    """Run the page in ``folder``; how many blocks were files, commands or code."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GOFLOW_HOME": str(folder / ".goflow"),
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    count = 0
    for block in blocks(page.read_text()):
        place = f"{page.name}:{block.line}"
        count += 1
        if block.caption is not None:
            path = folder / block.caption
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "console":
            _transcript(block, place, folder, environment)
        elif block.language == "python":
            done = _run([sys.executable, "-c", block.text], folder, environment)
            if done.returncode:
                raise Mismatch(f"{place}: {done.stdout}")
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        elif block.language == "json":
            json.loads(block.text)
        else:
            count -= 1
    return count


def _run(command, folder, environment) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _transcript(block: Block, place: str, folder: Path, environment) -> None:
    command, shown = "", []
    for line in [*block.text.splitlines(), "$ "]:
        if not line.startswith("$ "):
            shown.append(line)
            continue
        if command:
            done = _run(["bash", "-c", command], folder, environment)
            if not _matches(shown, done.stdout.splitlines()):
                want, got = "\n".join(shown), done.stdout.rstrip()
                raise Mismatch(f"{place}: $ {command}\n--- shown\n{want}\n--- printed\n{got}")
        command, shown = line[2:], []


def _matches(shown: list[str], printed: list[str]) -> bool:
    """Whether ``printed`` is ``shown``: a lone ``...`` is any lines, within a line any text."""
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in _plain(line).split("...")) + r"\n"
    text = "".join(f"{_plain(line)}\n" for line in printed)
    return re.fullmatch(pattern, text) is not None


def _plain(line: str) -> str:
    for pattern, word in VARYING:
        line = pattern.sub(word, line)
    return line.rstrip()
