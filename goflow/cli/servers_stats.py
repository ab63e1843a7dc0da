"""``goflow servers stats``: what servers were used for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from goflow.cli.output import emit, emit_json, say
from goflow.cli.servers_show import unknown

if TYPE_CHECKING:
    from goflow.servers.usage import ServerUsage

__all__ = ["stats_command"]


@click.command("stats")
@click.argument("server_ids", metavar="[ID…]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats_command(server_ids: tuple[str, ...], as_json: bool) -> int:
    """Show what runs used each server ID for (all of them without one), the most used lately first.

    \b
    Examples:
      goflow servers stats
      goflow servers stats time --json

    Reuse is the part of the uses that needed no new session; saved is the time of connecting that
    no call waited for. Counts are of all runs on this machine; a server that is not used for a year
    is forgotten. JSON is a list of {id, uses, connects, failures, reuse, connect_seconds,
    waited_seconds, saved_seconds, since, last_used}.
    """
    from goflow.servers.usage import ServerUsage, UsageFile  # noqa: PLC0415

    kept = UsageFile().servers()
    ids = list(server_ids) or sorted(kept, key=lambda server: -kept[server].lately)
    if ids and not set(ids) <= kept.keys():
        _check_known(ids, set(kept))
    rows = [_row(server, kept.get(server, ServerUsage())) for server in ids]
    if as_json:
        emit_json(rows)
        return 0
    if not rows:
        say("no run has used a server yet")
        return 0
    _emit_table(rows)
    return 0


def _check_known(ids: list[str], used: set[str]) -> None:
    """Raise ``BadCall`` for a server that was neither used nor is known."""
    from goflow.servers.registry import Known  # noqa: PLC0415

    known = used | set(Known().servers())
    for server in ids:
        if server not in known:
            raise unknown(server, known)


def _row(server_id: str, kept: ServerUsage) -> dict[str, Any]:
    from goflow.engine.record import timestamp  # noqa: PLC0415

    usage = kept.usage
    return {
        "id": server_id,
        "uses": usage.uses,
        "connects": usage.connects,
        "failures": usage.failures,
        "reuse": round(usage.reuse, 4),
        "connect_seconds": round(usage.connect_time, 6),
        "waited_seconds": round(usage.connect_waited, 6),
        "saved_seconds": round(usage.connect_saved, 6),
        "since": timestamp(kept.since or None),
        "last_used": timestamp(kept.last or None),
    }


def _emit_table(rows: list[dict[str, Any]]) -> None:
    head = ("server", "uses", "reuse", "connects", "each", "saved", "failures", "last used")
    lines: list[tuple[str, ...]] = [head]
    for row in rows:
        each = row["connect_seconds"] / row["connects"] if row["connects"] else 0.0
        saved = row["saved_seconds"] / row["connect_seconds"] if row["connect_seconds"] else 0.0
        lines.append(
            (
                row["id"],
                str(row["uses"]),
                f"{row['reuse']:.1%}",
                str(row["connects"]),
                f"{each * 1000:.0f} ms",
                f"{saved:.0%}",
                str(row["failures"]),
                row["last_used"] or "never",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        first, *rest = (
            f"{cell:{width}}" if column in (0, len(head) - 1) else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        emit("  ".join((first, *rest)).rstrip())
