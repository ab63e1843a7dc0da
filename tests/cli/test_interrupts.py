"""Signals to a run's command, as its event loop hears them."""

import asyncio
import signal
import sys

import pytest

from goflow.cli.interrupts import interrupts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def heard(*, before=(), meanwhile=()):
    """How many interrupts are told of when the process gets these signals, then SIGTERM."""
    told = []

    async def main(tell):
        over = asyncio.Event()
        tell(lambda: (told.append(None), over.set()))
        for number in (*meanwhile, signal.SIGTERM):
            signal.raise_signal(number)
        await over.wait()

    with interrupts() as tell:
        for number in before:
            signal.raise_signal(number)
        asyncio.run(main(tell))
    return len(told)


@pytest.fixture
def hang_up_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def test_what_comes_before_the_loop_and_at_once_is_heard():
    assert heard(before=[signal.SIGINT], meanwhile=[signal.SIGHUP]) == 3


def test_a_hang_up_that_is_ignored_interrupts_nothing(hang_up_ignored):
    """As ``nohup`` has it."""
    assert heard(before=[signal.SIGHUP], meanwhile=[signal.SIGHUP]) == 1
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
