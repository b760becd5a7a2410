"""The web server: waitress in threads of this process, long polls without threads, and an orderly way to leave."""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestEntityTooLarge

from web import doors, parking
from web.cli.tls import Certificate, Front
from web.parking import Lot, Parked, Place

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# More requests than threads is what a queue is for, and a line about each of them helps nobody.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

THREADS = 16
"""Requests worked on at once. Long polls hold no thread while they wait."""
POLLS = 4_000
"""Long polls that may wait at once: each keeps a connection, its request, and some kilobytes of memory."""
CONNECTIONS = 1_000
"""Open connections beside those of long polls."""
LARGEST_BODY = 64 * 1024 * 1024
"""What is read of a request before it is refused. The application takes half of it, and less where it says so."""


class Draining:
    """A WSGI application that can stop taking requests and wait for those it has."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Condition()
        self._running = 0
        self._draining = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        place = environ.get(parking.ENVIRON)
        with self._lock:
            # What has waited here is to be answered, not sent away.
            if self._draining and not (place and place.has_waited):
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

    def refuse(self) -> None:
        """Send new requests away with 503."""
        with self._lock:
            self._draining = True

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


class Task(WSGITask):
    """A request that may leave its thread and come back."""

    def get_environment(self) -> dict[str, Any]:
        """The WSGI environment, with the place of the request among those that wait."""
        environ: dict[str, Any] = super().get_environment()
        request: Any = self.request
        environ[parking.ENVIRON] = request.place
        return environ


class TooLargeTask(Task):
    """A request whose body was not read to its end: the application refuses it, in the words of the door it came to."""

    def execute(self) -> None:
        """Let the application answer, and close the connection: the rest of the body may still be on its way."""
        self.set_close_on_finish()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        """The WSGI environment, with a mark that the application looks for before anything else."""
        return {**super().get_environment(), doors.TOO_LARGE: True}


def _refusal(channel: Any, request: Any) -> ErrorTask | TooLargeTask:
    too_large = isinstance(request.error, RequestEntityTooLarge)
    return TooLargeTask(channel, request) if too_large else ErrorTask(channel, request)


class Channel(HTTPChannel):
    """A connection whose request may wait without a thread."""

    task_class = Task
    error_task_class: Any = staticmethod(_refusal)

    def __init__(self, lot: Lot, *arguments: Any, **more: Any) -> None:
        self._lot = lot
        self._parked: Place | None = None
        super().__init__(*arguments, **more)

    def service(self) -> None:
        """Run the request, in a thread of the server; if it wants to wait, keep it to be run again."""
        # The server knows requests and tasks by what they do; its type stubs know them by their classes.
        request: Any = self.requests[0]
        if not hasattr(request, "place"):
            run_again: Any = self.server.add_task
            request.place = Place(self._lot, functools.partial(run_again, self), lambda: self.connected)
        place: Place = request.place
        try:
            super().service()
        except Parked:
            # The next run reads the body from its beginning.
            request.get_body_stream().seek(0)
            self._parked = place
            self._lot.park(place)
        else:
            self._lot.forget(place)

    def handle_close(self) -> None:
        """The client has gone, or is done: nobody is to wait for it."""
        super().handle_close()
        if self._parked:
            self._lot.gone(self._parked)


class WebServer:
    """Listens from the moment it is made; serves in a thread of its own once started."""

    def __init__(self, application: WSGIApplication, host: str, port: int, threads: int = THREADS,
                 polls: int = POLLS, proxies: int = 0, certificate: Certificate | None = None) -> None:
        """Bind the address. `polls` is how many long polls may wait at once; `proxies`, how many of ours stand before
        us, whose word counts for where a request comes from (X-Forwarded-For, -Proto, -Host); with a `certificate`
        connections have TLS.

        Raises:
            OSError: The address is taken, or not ours to bind.
        """
        self._draining = Draining(application)
        self.lot = Lot(polls)
        # With TLS each connection has three: its own, and the pair behind it.
        _allow_files((polls + CONNECTIONS) * (3 if certificate else 1) + 200)
        self._front = Front(certificate, host, port, self._take, polls + CONNECTIONS) if certificate else None
        # One request of lookahead is what lets waitress notice that a client has gone while its long poll waits.
        self._server: Any = create_server(
            self._draining,
            **(_handed() if certificate else {"host": host, "port": port}),
            threads=threads,
            ident=None,
            channel_request_lookahead=1,
            asyncore_use_poll=True,
            connection_limit=polls + CONNECTIONS,
            backlog=1024,
            max_request_body_size=LARGEST_BODY,
            **(_behind(proxies) if proxies else {}),
        )
        # A host with several addresses has a server for each, in one map.
        for each in (self._server, *getattr(self._server, "map", {}).values()):
            if isinstance(each, BaseWSGIServer):
                make: Any = functools.partial(Channel, self.lot)
                each.channel_class = make
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port that was bound (useful when 0 was asked for)."""
        return self._front.port if self._front else int(self._server.effective_port)

    def start(self) -> None:
        """Answer requests from now on."""
        self._thread.start()

    def _take(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        """Serve a connection that the front took."""
        server = self._server
        server.trigger.pull_trigger(
            lambda: server.channel_class(server, connection, peer, server.adj, map=server._map))

    def drain(self, seconds: float) -> bool:
        """Stop taking requests, answer those that wait, finish those that run; whether that worked in time."""
        deadline = time.monotonic() + seconds
        self._draining.refuse()
        answered = self.lot.leave(seconds)
        return self._draining.drain(max(0.0, deadline - time.monotonic())) and answered


def _handed() -> dict[str, Any]:
    """How the server is made that listens nowhere, because it is handed its connections."""
    idle = socket.socket()
    idle.bind(("127.0.0.1", 0))
    return {"sockets": [idle], "_start": False, "url_scheme": "https"}


def _behind(proxies: int) -> dict[str, Any]:
    return {"trusted_proxy": "*", "trusted_proxy_count": proxies,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}}


def _allow_files(number: int) -> None:
    """Let this process have as many connections: the usual limit is 1,024 files."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has none
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
