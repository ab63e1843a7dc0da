"""What goes to standard output and what to standard error, whatever state these are in."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from goflow.errors import GoFlowError

__all__ = ["emit", "emit_json", "forget_output", "harmless", "open_streams", "say", "say_error"]

# What a server or file says must not steer the terminal: all control characters but line breaks
# and tabs.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """``text`` for a terminal, which it does not steer."""
    return _CONTROLS.sub("\ufffd", text)


def emit(text: str, *, styled: bool = False) -> None:
    """Print a result: to a terminal `harmless` unless it is ``styled``, elsewhere as it is.

    A reader that went away (``| head``) is no failure of ours.
    """
    try:
        click.echo(harmless(text) if sys.stdout.isatty() and not styled else text)
    except BrokenPipeError:
        forget_output()


def emit_json(value: Any) -> None:
    """Print a JSON value, indented."""
    import msgspec  # noqa: PLC0415 - not every verb needs it

    emit(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def say(text: str) -> None:
    """Tell a person something, on standard error."""
    click.echo(harmless(text), err=True)


def say_error(error: GoFlowError) -> None:
    """An error for people: message and hint."""
    say(f"error: {error.message}")
    if error.hint:
        say(f"hint: {error.hint}")


def forget_output() -> None:
    """Let what is still to be written, now or at exit, go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def open_streams() -> None:
    """Give a process that was started with closed standard streams ones that go nowhere.

    Otherwise the next pipe to a server would become standard output.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
