"""Runs the client scenarios of ``@modelcontextprotocol/conformance`` with our client.

``python run.py FOLDER``: the folder has ``node_modules`` with that package and ``node`` (22 or
newer). Prints a line for each scenario; exits with 1 when one fails that is not known to.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
NOT_SPOKEN = {
    "auth/2025-03-26-oauth-metadata-backcompat": "the official SDK refuses an issuer that is not "
    "where its metadata was found (RFC 8414)",
    "auth/basic-cimd": "GoFlow publishes no metadata document of itself as a client",
    "auth/client-credentials-jwt": "an extension: no person logs in",
    "auth/client-credentials-basic": "an extension: no person logs in",
    "auth/cross-app-access-complete-flow": "an extension: another application logs in",
}


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
        elif scenario in NOT_SPOKEN:
            print(f"no    {scenario}: {NOT_SPOKEN[scenario]}")
        else:
            failed.append(scenario)
            print(f"FAIL  {scenario}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    print(f"{passed} of {len(scenarios)} pass, {len(failed)} fail unexpectedly")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
