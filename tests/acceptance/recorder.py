"""A service over HTTP that acts once per idempotency key, writes that down, and answers as badly as it is told to.

It runs in a process of its own: `recorder.py BOOK`, where each act is a line "key". What it answers next stands in the
file BOOK.next, one word per answer; with none left it answers well. Its port is the first line of its output.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BAD = {
    "text": (200, b"<html>Welcome</html>"), "broken": (200, b'{"number": '), "large": (200, b'"' + b"x" * 5000 + b'"'),
    "schema": (200, b'{"nummer": 1}'), "type": (200, b'{"number": [1]}'), "list": (200, b"[1]"), "empty": (200, b""),
    "error": (500, b"{}"), "nonsense": (502, b"<html>Bad gateway</html>"),
}
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    book: Path

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        how = self._act()
        if how in ("hang", "drop"):
            if how == "hang":
                threading.Event().wait(float(self.server.hang))  # type: ignore[attr-defined]
            else:
                self.connection.close()
                return
        status, content = BAD.get(how, (200, json.dumps({"number": 7}).encode()))
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            return    # nobody waits for it any more

    def _act(self) -> str:
        key = self.headers["Idempotency-Key"]
        with lock:
            done = self.book.read_text().split()
            with Path(f"{self.book}.asked").open("a") as asked:
                asked.write(key + "\n")
            if key not in done:
                with self.book.open("a") as book:
                    book.write(key + "\n")
            plan = Path(f"{self.book}.next")
            words = plan.read_text().split()
            plan.write_text(" ".join(words[1:]))
        return words[0] if words else "well"

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def main(book: str, hang: str) -> None:
    """Serve until it is killed."""
    Handler.book = Path(book)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.hang = hang  # type: ignore[attr-defined]
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
