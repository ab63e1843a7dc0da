"""Files of results for the tests of ``goflow-bench``, and the command itself."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "goflow-bench"
MACHINE = {
    "cpu": {"brand_raw": "Some Processor", "count": 2},
    "system": "Linux",
    "machine": "x86_64",
    "python_version": "3.12.0",
    "versions": {"goflow-mcp": "1.0"},
    "peers": {"cachebox": "6.0"},
}


def bench(*arguments, cwd=ROOT, **env):
    """Run ``goflow-bench``."""
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def around(value, count=25, spread=0.01, seed=1):
    """Samples about a value, always the same."""
    pick = random.Random(seed)
    return [value * (1 + spread * pick.uniform(-1, 1)) for _ in range(count)]


def entry(name, samples, unit="ns", category="cache", peers=None, **extra):
    """One benchmark of one process."""
    figures = {"goflow": {"samples": samples, "unit": unit, "discarded": 1}}
    for peer, values in (peers or {}).items():
        figures[peer] = {"samples": values, "unit": unit, "discarded": 0}
    return {
        "name": f"test_{name}",
        "fullname": f"benchmarks/bench_{category}.py::test_{name}",
        "stats": {},
        "extra_info": {"figures": figures, "ours": "goflow", "operations": 1000, **extra},
    }


def saved(path, *entries):
    """A file of results with these."""
    content = {
        "machine_info": MACHINE,
        "datetime": "2026-11-25T10:00:00+00:00",
        "benchmarks": list(entries),
        "categories_done": sorted({"cache"}),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path
