"""One cassette of one test: recorded or played, as its mode and its file say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goflow.cassettes.cassette import Cassette
from goflow.cassettes.record import Recorder
from goflow.cassettes.replay import Player
from goflow.errors import BadCall, CassetteMismatch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goflow.engine.engine import Engine
    from goflow.engine.record import RunResult
    from goflow.workflow.model import Workflow

__all__ = ["CassetteFixture"]


class CassetteFixture:
    """What the fixture ``goflow_cassette`` gives.

    ``mode`` is ``none`` (play), ``once`` (record when ``file`` is not there) or ``all`` (record).
    ``recording`` says which it is. Runs are not kept in the user's history. Raises ``BadCall`` for
    a file that is missing in mode ``none``, or is no cassette.
    """

    def __init__(self, file: Path, mode: str) -> None:
        self.file = file
        self.recording = mode == "all" or (mode == "once" and not file.exists())
        if not self.recording and not file.exists():
            raise BadCall(
                f"there is no cassette {file}, and recording is off",
                hint="pytest --goflow-record=once records it",
            )
        self._told = False
        self.session: Recorder | Player = (
            Recorder() if self.recording else Player(Cassette.read(file))
        )

    def run(
        self,
        workflow: Workflow | str | Path,
        inputs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> RunResult:
        """As ``goflow.run``, with the servers in the cassette.

        Raises ``CassetteMismatch`` for a call that was not recorded, also when the workflow handled
        that.
        """
        from goflow.engine.sync import run  # noqa: PLC0415 - loads asyncio

        result = run(workflow, inputs, **{"history": False, **options}, cassette=self.session)
        self._note(result)
        if isinstance(self.session, Player) and self.session.mismatches:
            self._told = True
            error = self.session.mismatches[0]
            raise CassetteMismatch(f"{error.message}: {error.hint}", server=error.server)
        return result

    def engine(self, **options: Any) -> Engine:
        """An engine whose servers are in the cassette: ``async with goflow_cassette.engine()``."""
        from goflow.engine.engine import Engine  # noqa: PLC0415

        return Engine(**{"history": False, **options}, cassette=self.session)

    def finish(self, *, allow_unused: bool = False) -> str | None:
        """Save what was recorded; or what is wrong with what was played."""
        if isinstance(self.session, Recorder):
            self.session.save(self.file)
            return None
        if self._told:
            return None
        found = [error.message for error in self.session.mismatches]
        if not found and not allow_unused:
            found = [f"{call} was recorded and not called" for call in self.session.unused()]
        if not found:
            return None
        return "\n".join([f"{self.file} does not fit:", *found])

    def _note(self, result: RunResult) -> None:
        """Say in the cassette what was recorded."""
        cassette = self.session.cassette
        if self.recording and not cassette.workflow:
            cassette.workflow = result.workflow
