"""OpenTelemetry's collector, as far as tests need one: it takes what comes to one address by OTLP over HTTP."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Collector:
    """Takes requests of a kind, as a real one does. `answer` is the status that it answers with."""

    path: str
    request: type

    def __init__(self):
        self.services, self.answer = set(), 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if outer.answer == 200 and self.path == outer.path:
                    outer.take(outer.request.FromString(body))
                self.send_response(outer.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hear(self, resources):
        """Note which services told something."""
        for resource in resources:
            self.services |= {each.value.string_value for each in resource.resource.attributes
                              if each.key == "service.name"}
