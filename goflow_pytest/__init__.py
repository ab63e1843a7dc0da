"""The pytest plugin: ``goflow_cassette``, a fixture that records servers once and plays them back.

A package of its own, so that a test run that does not use the fixture never imports GoFlow.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goflow.cassettes.testing import CassetteFixture

MODES = ("none", "once", "all")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option, and the settings of ``pytest.ini`` or ``pyproject.toml``."""
    group = parser.getgroup("goflow")
    group.addoption(
        "--goflow-record",
        choices=MODES,
        default=None,
        help="none: only play cassettes; once (default): record those that are not there; "
        "all: record every one again",
    )
    parser.addini("goflow_record", "The default of --goflow-record.", default="once")
    parser.addini("goflow_cassettes", "The folder of cassettes beside a test file.", "string",
                  default="cassettes")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line(
        "markers",
        "goflow_cassette(file=None, record=None, allow_unused=False): which cassette the fixture "
        "goflow_cassette plays, how it records, and whether recorded calls may be left out",
    )


@pytest.fixture
def goflow_cassette(request: pytest.FixtureRequest) -> Iterator[CassetteFixture]:
    """Servers for the workflows of a test: recorded the first time, played back from then on.

    ``goflow_cassette.run(workflow, inputs)`` runs one, ``goflow_cassette.engine()`` is an engine.
    The test fails when a call was not recorded, and when a recorded one was not made.
    """
    from goflow.cassettes.testing import CassetteFixture  # noqa: PLC0415 - not at pytest's start

    marker = request.node.get_closest_marker("goflow_cassette")
    options: dict[str, Any] = dict(marker.kwargs) if marker else {}
    if marker and marker.args:
        options["file"] = marker.args[0]
    unknown = options.keys() - {"file", "record", "allow_unused"}
    mode = options.get("record") or request.config.getoption("--goflow-record")
    mode = mode or request.config.getini("goflow_record")
    if unknown or mode not in MODES:
        raise pytest.UsageError(
            f"goflow_cassette has no option {sorted(unknown)[0]!r}" if unknown
            else f"goflow_record is {mode!r}: it is one of {', '.join(MODES)}"
        )  # fmt: skip
    folder = request.path.parent / str(request.config.getini("goflow_cassettes"))
    name = options.get("file") or f"{request.path.stem}/{_name(request.node.nodeid)}.yaml"
    cassette = CassetteFixture(folder / name, mode)
    yield cassette
    problem = cassette.finish(allow_unused=bool(options.get("allow_unused")))
    if problem:
        pytest.fail(problem, pytrace=False)


def _name(test: str) -> str:
    """A test's name, with those of its classes, as that of a file."""
    return re.sub(r"[^\w.-]+", "-", test.partition("::")[2].replace("::", ".")).strip("-")
