"""Ctrl-C at any moment of a run, its start-up included: the right exit code, and nothing left."""

import os
import random
import re
import signal
import subprocess
import time

import pytest
from support.deep import rounds
from support.servers import wait_until
from support.workflows import script, tool, workflow


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_an_interrupt_at_any_moment_ends_cleanly(goflow_command, write, mark, marked_processes):
    text = workflow(
        [tool("ask", "echo", text="hi")],
        ["start ask", "ask end"],
        servers=[script("faulty", "hang in call", mark)],
    )
    file = str(write(text))
    moments = random.Random(7)
    for _ in range(rounds(400)):
        child = subprocess.Popen(
            [*goflow_command, "run", "--quiet", file],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        # Any moment will do: the outcome must not depend on which it is.
        time.sleep(moments.uniform(0, 0.3))
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=60)
        # While the interpreter itself is starting it ends in its own way; no frame is ours then.
        if "Traceback" not in err or re.search(r'goflow/__main__\.py", line \d+, in main', err):
            assert child.returncode in (130, -signal.SIGINT), (out, err)
            assert "Traceback" not in err, err
        assert wait_until(lambda: not marked_processes()), "a server is left"
