"""Random loops and parallel nodes beside an oracle, in virtual time."""

import asyncio
import json
from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from reference.chains import Chains, Failed, Names
from support import virtual
from support.deep import rounds
from support.engines import bare_engine, run_told
from support.random_chains import documents

from goflow.engine import events


async def work(x, took, fails):
    await asyncio.sleep(took / 1024)  # exactly, so that the loop adds up what the oracle does
    if fails:
        raise ValueError("as drawn")
    return x + 1


def members_take_turns(document, seen):
    """In one iteration or branch, members start in their listed order, one after the other."""
    chain_of = {}
    for node in document["nodes"]:
        for number, members in enumerate(node.get("branches", [node.get("body", [])])):
            for place, member in enumerate(members):
                chain_of[member] = (node["id"], number, place)
    started = defaultdict(lambda: -1)
    going = {}
    for event in seen:
        if not isinstance(event, (events.NodeStarted, events.NodeFinished)):
            continue
        if event.node in chain_of:
            *chain, place = chain_of[event.node]
            key = (*chain, event.path)
            if isinstance(event, events.NodeStarted):
                assert key not in going, f"{event.node} started beside {going[key]}"
                assert place > started[key]
                started[key] = place
                going[key] = event.node
            elif going.get(key) == event.node:
                del going[key]
    assert going == {}, "a member started and never ended"


@settings(
    max_examples=rounds(6_000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(documents())
def test_chains_are_what_the_rules_say(drawn):
    document, row, names = drawn
    seen = []

    async def main():
        async with bare_engine(functions={"work": work}) as engine:
            return await run_told(engine, json.dumps(document), seen.append)

    result = virtual.run(main())
    oracle = Chains(document)
    variables = Names({one["name"]: one.get("default") for one in document["variables"]})
    blame = None
    try:
        oracle.chain(row, variables, 0)
    except Failed as failure:
        blame = failure
    assert result.status == ("failed" if blame else "completed")
    assert result.result == (None if blame else [variables[name] for name in names])
    if blame and "max_parallel" not in document:
        assert result.error["node"] == blame.node
    members_take_turns(document, seen)
    for node_id in row:
        assert (result.node(node_id).status == "failed") == (node_id in oracle.failed)
