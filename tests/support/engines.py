"""Engines for tests that run in virtual time, or thousands of times."""

import goflow
from goflow.engine.inputs import bind
from goflow.engine.prepare import prepare


def bare_engine(**options):
    """An engine that keeps nothing on disk: no thread of it runs beside the loop."""
    return goflow.Engine(**options, history=False)


async def run_told(engine, text, hear):
    """Run a workflow and have ``hear`` called at once with every event, in the loop itself."""
    plan = prepare(text)
    head = engine._head(plan, {}, engine._asked)
    return await engine._run(plan, bind(plan.workflow, {}), head, tell=hear)
