"""``goflow run --watch``: again whenever one of the files changes that a run is made of."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from goflow.cli.output import say
from goflow.servers.registry import PROJECT_FILE, project_file, registry_file
from goflow.shown import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goflow.engine.plan import Plan

__all__ = ["Watched", "files_of", "server_files", "watch"]

INTERVAL = 0.2
"""Seconds between looks at the files; a few `stat` calls each."""

INTERRUPTED = 130

Seen = dict[Path, tuple[int, int, int] | None]


class Watched:
    """Files as they were when they were last looked at; not being there is a state too."""

    def __init__(self, files: Iterable[Path]) -> None:
        self.seen: Seen = {file: _state(file) for file in files}

    def add(self, files: Iterable[Path]) -> None:
        """Watch more files, from how they are now."""
        for file in files:
            self.seen.setdefault(file, _state(file))

    def changed(self) -> list[Path]:
        """The files that are another than before; from now on they count as seen."""
        found = []
        for file, before in self.seen.items():
            now = _state(file)
            if now != before:
                self.seen[file] = now
                found.append(file)
        return found

    def wait(self) -> list[Path]:
        """Wait until something changes, and until it is the same twice: editors write in steps."""
        while not (found := self.changed()):
            time.sleep(INTERVAL)
        time.sleep(INTERVAL)
        return [*found, *(file for file in self.changed() if file not in found)]


def watch(first: Iterable[Path], once: Callable[[Callable[[Plan], None]], int]) -> int:
    """Do it once, and again after each change, until it is interrupted; the exit code then.

    ``once`` gives an exit code, and tells the function that it is given of the plan that it made.
    What changes while it goes on counts: it is done again at once.
    """
    watched = Watched(first)
    while True:
        code = once(lambda plan: watched.add(files_of(plan)))
        if code == INTERRUPTED:
            return code
        there = sum(state is not None for state in watched.seen.values())
        say(f"watching {counted(there, 'file')}; Ctrl-C ends it")
        try:
            changed = watched.wait()
        except KeyboardInterrupt:
            return INTERRUPTED
        say(f"\n{', '.join(sorted({file.name for file in changed}))} changed")


def server_files(file: Path) -> list[Path]:
    """Where servers may be defined that a workflow names and does not define, there or not yet."""
    folder = file.parent
    return [registry_file(), project_file(folder) or folder.absolute() / PROJECT_FILE]


def files_of(plan: Plan) -> set[Path]:
    """The file of a plan's workflow and those of the workflows that it runs."""
    document = plan.workflow.document
    found = {Path(document.file)} if document is not None and document.file else set()
    return found.union(*(files_of(inner) for inner in plan.workflows.values()))


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
