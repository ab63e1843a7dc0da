"""``goflow fmt``: workflow files in their canonical spelling."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path

import click

from goflow.cli.output import emit, say, say_error
from goflow.errors import BadCall, GoFlowError

__all__ = ["command"]


@click.command("fmt")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
def command(files: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Write each FILE in the canonical spelling; "-" is standard input to standard output.

    \b
    Examples:
      goflow fmt report.yaml
      goflow fmt flows/*.yaml --check
      goflow fmt report.yaml --diff
      goflow fmt - < report.yaml

    Other names of keys become the canonical ones, keys are put in order, and quotes and lines are
    the same everywhere. Comments, unknown keys and everything else that was written stay. A file
    whose meaning would change is left as it is. Exit code 1 with --check when a file would change,
    and when one cannot be formatted.
    """
    changed: list[Path] = []
    failed = False
    for file in files:
        try:
            if _format(file, write=not (check or diff), diff=diff):
                changed.append(file)
        except GoFlowError as error:
            say_error(error)
            failed = True
            if isinstance(error, BadCall) and len(files) == 1 and not file.exists():
                return 2
    if str(files[0]) != "-" or check:
        verb = "would change" if check or diff else "changed"
        for file in changed:
            say(f"{file}: {verb}")
        same = len(files) - len(changed)
        say(f"{len(changed)} of {len(files)} files {verb}" + (", the rest is fine" * bool(same)))
    return 1 if failed or (check and changed) else 0


def _format(file: Path, *, write: bool, diff: bool) -> bool:
    """Whether the file's text is another after formatting."""
    from goflow.workflow.format import canonical_text  # noqa: PLC0415

    piped = str(file) == "-"
    before = sys.stdin.buffer.read().decode("utf-8-sig") if piped else _read(file)
    after = canonical_text(before, None if piped else str(file))
    if piped and write:
        click.echo(after, nl=False)
        return False
    if diff and after != before:
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), str(file), f"{file} (formatted)", lineterm=""
        )
        emit("\n".join(lines))
    if write and after != before:
        _replace(file, after)
    return after != before


def _read(file: Path) -> str:
    from goflow.workflow.document import Document, Unreadable  # noqa: PLC0415
    from goflow.workflow.load import invalid  # noqa: PLC0415

    try:
        return Document.read(file).text
    except Unreadable as error:
        raise invalid(error.report) from None


def _replace(file: Path, text: str) -> None:
    """Write the file whole or not at all, through links, with the mode it has."""
    target = file.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        mode = target.stat().st_mode & 0o7777
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        with open(os.open(temporary, flags, 0o600), "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BadCall(f"cannot write {file}: {error.strerror or error}") from None
