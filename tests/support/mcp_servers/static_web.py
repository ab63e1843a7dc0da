"""The files of a folder over HTTP: ``python -S -E static_web.py FOLDER``; prints its URL."""

import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


handler = functools.partial(Handler, directory=sys.argv[1])
server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
