"""Servers for tests, and what a test asserts about the traces they leave."""

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path

from goflow.servers.config import ServerConfig

PROC = Path("/proc")
SCRIPTS = Path(__file__).parent / "mcp_servers"


def script_server(script, *args, server_id="test", **options):
    """The config of a server that is a script of ``mcp_servers``, started without site."""
    arguments = ("-S", "-E", str(SCRIPTS / f"{script}.py"), *args)
    return ServerConfig(id=server_id, command=sys.executable, args=arguments, **options)


def minimal(**options):
    return script_server("minimal", **options)


def faulty(fault="none", *args, **options):
    return script_server("faulty", fault, *args, **options)


def text_of(result):
    """The text of a tool result's only block."""
    (block,) = result["content"]
    return block["text"]


def open_descriptors():
    """What this process's file descriptors point to; nothing where there is no /proc."""
    found = {}
    for name in os.listdir("/proc/self/fd") if PROC.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return found


def process_exists(pid):
    """Whether there is such a process, a zombie that is not ours to reap not counted."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def group_exists(pgid):
    try:
        os.killpg(pgid, 0)
    except ProcessLookupError:
        return False
    return True


def children():
    """The pids of our child processes, zombies too; none where there is no /proc."""
    found = set()
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(entry.name))
    return found


def wait_until(condition, seconds=5.0):
    """Poll until the condition holds; whether it did in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


async def eventually(condition, seconds=5.0):
    """`wait_until`, for a running loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True
