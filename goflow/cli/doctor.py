"""``goflow doctor``: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import click

from goflow.cli.output import emit, emit_json, say

__all__ = ["command"]

_MARKS = {"ok": "✓", "note": "-", "problem": "✗"}


@click.command("doctor")
@click.option("--servers", is_flag=True, help="Connect to the servers you know, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(servers: bool, as_json: bool) -> int:
    """Look for what is wrong: versions, files, servers, keyring, room; and say what to do.

    \b
    Examples:
      goflow doctor
      goflow doctor --servers
      goflow doctor --json

    Nothing is changed. JSON is {ok, checks: [{name, status, detail, hint}]}; a status is ok, note
    or problem. Exit code 1 when there is a problem.
    """
    from goflow.cli.checks import check_all  # noqa: PLC0415 - looks at everything

    checks = check_all(servers=servers)
    ok = all(check.status != "problem" for check in checks)
    if as_json:
        emit_json({"ok": ok, "checks": [check._asdict() for check in checks]})
        return 0 if ok else 1
    width = max(len(check.name) for check in checks)
    for check in checks:
        emit(f"{_MARKS[check.status]} {check.name:{width}}  {check.detail}")
        if check.hint:
            emit(f"  {'':{width}}  → {check.hint}")
    problems = sum(check.status == "problem" for check in checks)
    say(f"{problems} problem{'s' * (problems != 1)}" if problems else "everything is fine")
    return 0 if ok else 1
