"""Runs the client scenarios of ``@modelcontextprotocol/conformance`` with our client.

``python run.py FOLDER``: the folder has ``node_modules`` with that package and ``node`` (22 or
newer). Prints a line for each scenario; exits with 1 when one fails that is not in
``expected_failures.json``, where the reasons are, or one of those passes.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
EXPECTED_FAILURES = json.loads((HERE / "expected_failures.json").read_text())


def main(folder):
    modules = folder / "node_modules"
    node = str(modules / "node" / "bin" / "node")
    suite = [node, str(modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js")]
    listed = subprocess.run(
        [*suite, "list", "--client"], capture_output=True, text=True, check=True
    )
    scenarios = [line.split()[1] for line in listed.stdout.splitlines() if line.startswith("  - ")]
    client = f"{sys.executable} {HERE / 'client.py'}"
    passed, failed = 0, []
    for scenario in scenarios:
        with tempfile.TemporaryDirectory() as home:
            environment = {
                **os.environ,
                "GOFLOW_HOME": home,
                "GOFLOW_TEST_KEYRING": str(Path(home) / "keyring.json"),
                "PYTHON_KEYRING_BACKEND": "support.keyring_file.FileKeyring",
                "PYTHONPATH": str(HERE.parent),
                "NO_PROXY": "localhost,127.0.0.1",
                "no_proxy": "localhost,127.0.0.1",
            }
            done = subprocess.run(
                [*suite, "client", "--command", client, "--scenario", scenario],
                capture_output=True, text=True, check=False, env=environment, timeout=120, cwd=home,
            )  # fmt: skip
        if done.returncode == 0:
            passed += 1
            print(f"pass  {scenario}")
            if scenario in EXPECTED_FAILURES:
                failed.append(scenario)
                print("      which was expected to fail: take it out of expected_failures.json")
        elif scenario in EXPECTED_FAILURES:
            print(f"no    {scenario}: {EXPECTED_FAILURES[scenario]}")
        else:
            failed.append(scenario)
            print(f"FAIL  {scenario}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    print(f"{passed} of {len(scenarios)} pass, {len(failed)} fail unexpectedly")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
