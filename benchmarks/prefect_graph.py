"""Run a graph of no-op tasks in Prefect once; print microseconds of wall time a node.

A program of its own: Prefect starts a server beside it, and reads its settings when it is imported.
The graph comes as JSON on standard input: what each node comes after.
"""

import json
import os
import sys
import tempfile
import time

with tempfile.TemporaryDirectory() as home:
    os.environ |= {"PREFECT_HOME": home, "PREFECT_LOGGING_LEVEL": "CRITICAL", "DO_NOT_TRACK": "1"}
    from prefect import flow, task

    @task
    def nothing():
        return None

    @flow
    def graph(after):
        futures = []
        for sources in after:
            futures.append(nothing.submit(wait_for=[futures[i] for i in sources]))
        for future in futures:
            future.wait()

    after = json.load(sys.stdin)
    graph(after[:1])  # starts the server
    began = time.perf_counter()
    graph(after)
    print((time.perf_counter() - began) * 1e6 / len(after))
