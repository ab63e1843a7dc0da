"""A group of verbs; a verb's module is imported when it is called."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

__all__ = ["Verbs"]


class Verbs(click.Group):
    """``verbs`` gives each verb's module beside this one, and what it does in a line.

    The module has it as ``command``, or under the verb's name when it has several.
    """

    def __init__(self, *, verbs: dict[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(**options)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the verbs."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name."""
        if cmd_name not in self._verbs:
            return None
        module = import_module(f"goflow.cli.{self._verbs[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command", None) or module.command
        if "_GOFLOW_COMPLETE" in os.environ:
            from goflow.cli.completers import add_completers  # noqa: PLC0415 - a shell asks

            add_completers(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs for ``--help``, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, what) for name, (_, what) in self._verbs.items()])
