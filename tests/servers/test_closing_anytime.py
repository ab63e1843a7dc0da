"""Closing while everything is under way, at any moment: nothing hangs and nothing is left."""

import asyncio
import os
import random
import signal
from contextlib import suppress

import pytest
from support.deep import rounds
from support.servers import children, faulty, minimal, text_of

from goflow.errors import GoFlowError
from goflow.servers.connections import Connections

CONFIGS = [
    minimal(server_id="shared", max_in_flight=2, max_sessions=2),
    minimal(server_id="alone", mode="exclusive", max_sessions=2),
    minimal(server_id="bound", mode="run", max_sessions=2),
    faulty("exit at once", server_id="broken"),
]


@pytest.mark.deep
def test_connections_closed_at_any_moment_leave_nothing_and_end_every_call(run):
    """Calls, cancelled callers, killed servers, runs that end, drained pools: then the end."""
    rng = random.Random(rounds(1000))
    before = children()

    async def once():
        connections = Connections()
        ends = []

        async def use(number):
            own = connections.for_run()
            try:
                for config in rng.sample(CONFIGS, k=3):
                    try:
                        lease, left = await own.acquire(config)
                    except GoFlowError as error:
                        ends.append(error)
                        continue
                    try:
                        text = f"{number} {config.id}"
                        answer = await lease.connection.call_tool(
                            "echo", {"text": text}, timeout=left
                        )
                        assert text_of(answer) == text
                    except GoFlowError as error:
                        ends.append(error)
                    finally:
                        own.release(lease)
            finally:
                own.end()

        async def disturb():
            for _ in range(rng.randrange(6)):
                for _ in range(rng.randrange(40)):
                    await asyncio.sleep(0)
                kind = rng.randrange(4)
                if kind == 0:
                    rng.choice(tasks).cancel()
                elif kind == 1 and connections.sessions():
                    with suppress(ProcessLookupError):  # it has died already
                        os.kill(rng.choice(connections.sessions()).pid, signal.SIGKILL)
                elif kind == 2:
                    connections.pool(rng.choice(CONFIGS))._core.drain()
                elif connections.sessions():
                    await rng.choice(connections.sessions()).close()

        tasks = [asyncio.create_task(use(number)) for number in range(8)]
        await disturb()
        if rng.random() < 0.5:
            await asyncio.gather(*tasks, return_exceptions=True)
        await connections.close()
        # Who still waited was told; who asks now gets an error at once.
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        wrong = [one for one in outcomes if one and not isinstance(one, asyncio.CancelledError)]
        assert wrong == []
        await connections.close()

    async def main():
        for _ in range(rounds(300)):
            await asyncio.wait_for(once(), 60)
        assert children() == before

    run(main())
