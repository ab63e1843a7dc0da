"""A workflow written in Python, with functions of its own: one invoice for each customer who owes.

Run it from the checkout's folder: ``python examples/python/invoices.py``.
"""

import asyncio
from pathlib import Path

import goflow
from goflow.engine.events import NodeFinished

DATA = Path(__file__).parents[1] / "data"


def with_tax(net: float) -> float:
    """The price to pay; a plain function runs in a thread."""
    return round(net * 1.19, 2)


async def next_number(customer: str) -> str:
    """A coroutine is awaited."""
    await asyncio.sleep(0)
    return f"2026-{sum(map(ord, customer)) % 1000:03}"


def invoices() -> goflow.Workflow:
    """The workflow: what a node reads decides what it comes after."""
    with goflow.workflow("invoices", description="One invoice for each open order") as wf:
        files = wf.server("files", command="goflow-toolbox", args=["--root", str(DATA)])
        table = files.read_csv(path="orders.csv", numbers=True)
        due = wf.transform(table, "filter(input.rows, .status == 'open')", id="due")
        with wf.loop(due, item="order", parallel=True) as order:
            gross = wf.function("with_tax", net=order["price"])
            number = wf.function("next_number", customer=order["customer"])
            wf.transform(f"template:{number}: {order['customer']} owes {gross}", output="line")
        wf.end(order.result["iterations"].apply("map", "line"))
    return wf.build()


async def main() -> None:
    """Run it, and tell of each step as it ends."""
    functions = {"with_tax": with_tax, "next_number": next_number}
    async with goflow.Engine(functions=functions) as engine:
        workflow = invoices()
        async for event in engine.stream(workflow):
            if isinstance(event, NodeFinished) and not event.path:
                print(f"{event.node}: {event.status}")
        result = await engine.run(workflow)
    print(*result.result, sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
