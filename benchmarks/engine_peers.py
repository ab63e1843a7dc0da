"""Graphs of no-op nodes in the peers of the engine: each gives a call that runs one once.

``after[i]`` are the nodes that node ``i`` comes after, ``last`` those that nothing comes after;
``loop`` is an event loop for those who need one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def asyncio_tasks(after, last, loop):
    """The floor: a task a node, which awaits the tasks before it."""

    async def node(before):
        for task in before:
            await task

    async def main():
        tasks = []
        for sources in after:
            tasks.append(asyncio.create_task(node([tasks[i] for i in sources])))
        for i in last:
            await tasks[i]

    return lambda: loop.run_until_complete(main())


def hamilton(after, last, loop):
    pytest.importorskip("hamilton")
    from types import ModuleType

    from hamilton import base, driver

    module = ModuleType("nodes_of_the_benchmark")
    lines = []
    for at, sources in enumerate([*after, last]):
        name = f"n{at}" if at < len(after) else "end"
        parameters = ", ".join(f"n{i}: int" for i in sources)
        lines.append(f"def {name}({parameters}) -> int:\n    return 0\n")
    sys.modules[module.__name__] = module  # where it looks for the home of a function
    exec("\n".join(lines), module.__dict__)
    adapter = base.DefaultAdapter()
    made = driver.Builder().with_modules(module).with_adapters(adapter).build()
    return lambda: made.execute(["end"])


def dask(after, last, loop, get=None):
    pytest.importorskip("dask")
    from dask._task_spec import convert_legacy_graph
    from dask.local import get_sync

    def nothing(*values):
        return 0

    graph = {f"n{at}": (nothing, *(f"n{i}" for i in sources)) for at, sources in enumerate(after)}
    graph["end"] = (nothing, *(f"n{i}" for i in last))
    graph = convert_legacy_graph(graph)
    get = get or get_sync
    return lambda: get(graph, "end")


def dask_threads(after, last, loop):
    pytest.importorskip("dask")
    from dask.threaded import get

    return dask(after, last, loop, get)


def langgraph(after, last, loop):
    pytest.importorskip("langgraph")
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(dict)
    for at, sources in enumerate(after):
        graph.add_node(f"n{at}", lambda state: None)
        if sources:
            graph.add_edge([f"n{i}" for i in set(sources)], f"n{at}")
        else:
            graph.add_edge(START, f"n{at}")
    for i in last:
        graph.add_edge(f"n{i}", END)
    compiled = graph.compile()
    return lambda: compiled.invoke({}, {"recursion_limit": len(after) + 10})


def pydantic_graph(after, last, loop):
    pytest.importorskip("pydantic_graph")
    from pydantic_graph import GraphBuilder, StepContext, reduce_null

    if any(len(sources) > 1 for sources in after):
        raise NotImplementedError("a join of two steps is a node more")

    builder = GraphBuilder(output_type=type(None))

    async def nothing(context: StepContext[None, None, Any]) -> None:
        return None

    steps = [builder.step(node_id=f"n{at}")(nothing) for at in range(len(after))]
    firsts = [step for step, sources in zip(steps, after, strict=True) if not sources]
    edges = [builder.edge_from(builder.start_node).to(*firsts)]
    for at, sources in enumerate(after):
        edges += [builder.edge_from(steps[i]).to(steps[at]) for i in sources]
    ends = [steps[i] for i in last]
    if len(ends) > 1:
        join = builder.join(reduce_null, initial=None)
        edges += [builder.edge_from(*ends).to(join), builder.edge_from(join).to(builder.end_node)]
    else:
        edges.append(builder.edge_from(ends[0]).to(builder.end_node))
    builder.add(*edges)
    graph = builder.build()
    return lambda: loop.run_until_complete(graph.run())


def prefect(after):
    """Microseconds of wall time a node, of one run: most of it is not this process's."""
    pytest.importorskip("prefect")
    program = Path(__file__).parent / "prefect_graph.py"
    done = subprocess.run(
        [sys.executable, str(program)],
        input=json.dumps(after),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


PEERS = {
    "asyncio tasks": asyncio_tasks,
    "hamilton": hamilton,
    "dask (sync)": dask,
    "dask (threads)": dask_threads,
    "langgraph": langgraph,
    "pydantic-graph": pydantic_graph,
}
