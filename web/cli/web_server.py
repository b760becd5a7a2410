"""The web server: waitress in threads of this process, and an orderly way to leave."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from waitress.server import create_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 96
"""Long polls hold a thread each while they wait; an idle thread costs some kilobytes of memory and no time."""


class Draining:
    """A WSGI application that can stop taking requests and wait for those it has."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Condition()
        self._running = 0
        self._draining = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            if self._draining:
                start_response(
                    "503 Service Unavailable",
                    [("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", "5")],
                )
                return [b"This server is shutting down."]
            self._running += 1
        # Long polls look at it, so that they do not hold up a server that wants to leave.
        environ["partitur.leaving"] = self._is_draining
        try:
            body = self._application(environ, start_response)
        except BaseException:
            self._leave()
            raise
        return _Body(body, self._leave)

    def drain(self, seconds: float) -> bool:
        """Refuse new requests with 503 and wait for the running ones.

        Returns:
            Whether they all ended in time.
        """
        deadline = time.monotonic() + seconds
        with self._lock:
            self._draining = True
            while self._running:
                left = deadline - time.monotonic()
                if left <= 0 or not self._lock.wait(left):
                    return not self._running
        return True

    def _is_draining(self) -> bool:
        return self._draining

    def _leave(self) -> None:
        with self._lock:
            self._running -= 1
            self._lock.notify_all()


class _Body:
    """A response body that tells when the server has let go of it."""

    def __init__(self, body: Iterable[bytes], closed: Callable[[], None]) -> None:
        self._body = body
        self._closed = closed

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Called by the server when the response is sent or its client has gone (PEP 3333)."""
        try:
            close = getattr(self._body, "close", None)
            if close:
                close()
        finally:
            self._closed()


class WebServer:
    """Listens from the moment it is made; serves in a thread of its own once started."""

    def __init__(self, application: WSGIApplication, host: str, port: int, threads: int = THREADS) -> None:
        """Bind the address.

        Raises:
            OSError: The address is taken, or not ours to bind.
        """
        self._draining = Draining(application)
        # One request of lookahead is what lets waitress notice that a client has gone while its long poll waits.
        self._server: Any = create_server(
            self._draining,
            host=host,
            port=port,
            threads=threads,
            ident=None,
            channel_request_lookahead=1,
            asyncore_use_poll=True,
            connection_limit=1000,
            max_request_body_size=64 * 1024 * 1024,
        )
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port that was bound (useful when 0 was asked for)."""
        return int(self._server.effective_port)

    def start(self) -> None:
        """Answer requests from now on."""
        self._thread.start()

    def drain(self, seconds: float) -> bool:
        """Stop taking requests, finish those that run; whether that worked in time."""
        return self._draining.drain(seconds)
