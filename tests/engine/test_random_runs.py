"""Random workflows beside an oracle that follows the rules as they are written.

Function nodes wait until the test lets them end, in an order that it draws: at each moment all that
may be in flight is in flight, or the run would stand still.
"""

import asyncio
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference.run import Oracle
from support import virtual
from support.deep import rounds
from support.engines import bare_engine, run_told
from support.random_runs import documents

import goflow
from goflow.engine import events


class Conductor:
    """Lets the calls of a run end in the order of their ``ranks``, once nothing more can begin."""

    def __init__(self, document, outcomes, ranks, together):
        self.oracle = Oracle(document, self.result, document.get("max_parallel", 64))
        self.outcomes, self.ranks, self.together = outcomes, ranks, together
        self.waiting = {}
        self.attempts = dict.fromkeys(outcomes, 0)
        self.problems = []
        self.ended = set()

    def result(self, node, x):
        """What all attempts of a call come to."""
        fails = not any(self.outcomes[node]) or x is None
        return ValueError() if fails else x + 1

    async def work(self, node, x):
        at = self.attempts[node]
        self.attempts[node] += 1
        self.waiting[node] = asyncio.get_running_loop().create_future()
        self.conduct()
        try:
            await self.waiting[node]
        finally:
            del self.waiting[node]
        if not self.outcomes[node][at]:
            raise ValueError("as drawn")
        return x + 1

    def hear(self, event):
        try:
            if isinstance(event, events.NodeStarted):
                self.oracle.started(event.node)
            elif isinstance(event, events.NodeFinished) and event.node not in self.ended:
                self.ended.add(event.node)
                self.oracle.finished(event.node, event.status)
        except Exception as problem:  # it would end the run
            self.problems.append(problem)
        self.conduct()

    def conduct(self):
        oracle = self.oracle
        running = oracle.running()
        still = self.waiting.keys() == running and not oracle.blame
        if still and (len(running) == oracle.limit or not oracle.ready()):
            order = sorted(running, key=lambda node: (self.ranks[int(node[1:])], node))
            for node in order if self.together else order[:1]:
                if not self.waiting[node].done():
                    self.waiting[node].set_result(None)


@settings(
    max_examples=rounds(6_000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(documents(), st.permutations(range(9)), st.booleans())
def test_a_run_is_what_the_rules_say(run, ranks, together):
    document, outcomes = run
    conductor = Conductor(document, outcomes, ranks, together)

    async def main():
        async with bare_engine(functions={"work": conductor.work}) as engine:
            return await run_told(engine, json.dumps(document), conductor.hear)

    try:
        result = virtual.run(main())
    finally:
        if conductor.problems:
            raise conductor.problems[0]
    oracle = conductor.oracle
    assert {record.id: record.status for record in result.nodes} == oracle.end()
    assert result.status == ("failed" if oracle.blame else "completed")
    assert (result.error or {}).get("node") == oracle.blame
    assert result.variables == oracle.variables
    for record in result.nodes:
        assert record.output == oracle.records[record.id].output
        if record.id in outcomes and record.status != "cancelled":
            assert record.attempts == conductor.attempts[record.id]
    ids = [node["id"] for node in document["nodes"]]
    pairs = [(edge["from"], edge["to"]) for edge in document["edges"]]
    reached = [i for i in goflow.Graph(ids, pairs).order()
               if i.startswith("e") and oracle.records[i].status == "completed"]  # fmt: skip
    last = oracle.records[reached[-1]].output if reached and not oracle.blame else None
    assert result.result == last
