"""The shipped examples run again with one input edited: how many of their nodes need no work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from measure import OURS

EXAMPLES = Path(__file__).parents[1] / "examples"
EDITS = {
    "exchange-rates": "amount=50",
    "first-answer": "file=more-prices.json",
    "folder-report": "text1=edited",
    "log-errors": "level=warning",
    "order-summary": "orders=more-orders.csv",
    "regions": "orders=more-orders.csv",
    "settings-change": "replicas=4",
    "sort-notes": "open=1",
    "ticket-routing": "patience=10",
}


def test_node_hit_rate(measure, tmp_path):
    """Percent of the nodes that were looked up and found, of all examples that use only our server.

    Read-only tools are cached, as with ``--cache use``; nodes that write run again.
    """
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("node_modules", "public"))
    prices = (folder / "data" / "prices.json").read_text()
    (folder / "data" / "more-prices.json").write_text(prices + "\n")
    orders = (folder / "data" / "orders.csv").read_text()
    (folder / "data" / "more-orders.csv").write_text(orders + orders.splitlines()[-1] + "\n")
    environment = {**os.environ, "GOFLOW_HOME": str(tmp_path / "home")}
    command = [str(Path(sys.executable).parent / "goflow"), "run", "--quiet", "--json"]

    def run(name, *options):
        done = subprocess.run(
            [*command, "--cache", "use", str(folder / f"{name}.yaml"), *options],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stderr}"
        return json.loads(done.stdout)["cache"]

    def work():
        found = {}
        for name, edit in EDITS.items():
            run(name)
            found[name] = run(name, "--var", edit)
        hits = sum(use["hits"] for use in found.values())
        misses = sum(use["misses"] for use in found.values())
        measure.note(hits=hits, misses=misses)
        return {OURS: [100 * hits / (hits + misses)]}

    measure.record(work, unit="%")
