"""``goflow completion``: what a shell needs to complete goflow's words."""

from __future__ import annotations

import click

from goflow.cli.output import emit, say

__all__ = ["command"]

_WHERE = {
    "bash": 'eval "$(goflow completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(goflow completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "goflow completion fish > ~/.config/fish/completions/goflow.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_WHERE)))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print the script that makes SHELL complete verbs, options, files, runs, nodes and servers.

    \b
    Examples:
      goflow completion bash
      eval "$(goflow completion bash)"
      goflow completion fish > ~/.config/fish/completions/goflow.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    kind = get_completion_class(shell)
    assert kind is not None
    root = context.find_root().command
    emit(kind(root, {}, "goflow", "_GOFLOW_COMPLETE").source())
    import sys  # noqa: PLC0415

    if sys.stdout.isatty():
        say(f"# to have it always: {_WHERE[shell]}")
    return 0
