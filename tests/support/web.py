"""Servers behind HTTP for tests."""

import contextlib
import subprocess
import sys

from support.servers import SCRIPTS

from goflow.servers.config import ServerConfig


class WebServer:
    """A server that is a child process, and the config of it."""

    def __init__(self, script, *args, isolated=False):
        flags = ["-S", "-E"] if isolated else []
        command = [sys.executable, *flags, str(SCRIPTS / f"{script}.py"), *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def config(self, transport="http", *, path=None, **options):
        """The config; a kind of `sdk_web` is as good as a transport."""
        url = self.url if path is None else self.url.rpartition("/")[0] + path
        transport = "sse" if transport == "sse" else "http"
        return ServerConfig(id="test", transport=transport, url=url, **options)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def web_server(script, *args, **options):
    server = WebServer(script, *args, **options)
    try:
        yield server
    finally:
        server.stop()
