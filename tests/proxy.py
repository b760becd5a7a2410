"""A TCP proxy in front of a PostgreSQL server, so that tests can take the network away."""

from __future__ import annotations

import contextlib
import socket
import threading

from sqlalchemy.engine import make_url


class Proxy:
    """Passes connections on to the server of a database's address; `url` leads through it.

    While `is_down`, connections are refused. `swallow` names a message of the client after which its connection is
    cut before the answer gets back: sent, but nobody knows what came of it. `away` is how many seconds the server is
    away, there and back.
    """

    def __init__(self, url: str) -> None:
        target = make_url(url)
        if "host" in target.query:
            self._target: str | tuple[str, int] = f"{target.query['host']}/.s.PGSQL.{target.port or 5432}"
        else:
            self._target = (target.host or "127.0.0.1", target.port or 5432)
        self._listening = socket.create_server(("127.0.0.1", 0))
        query = {name: value for name, value in target.query.items() if name != "host"}
        self.url = target.set(
            host="127.0.0.1", port=self._listening.getsockname()[1], query=query
        ).render_as_string(hide_password=False)
        self.is_down = False
        self.refusals = threading.Semaphore(0)
        self.swallow: bytes | None = None
        self.away = 0.0
        self._deaf: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def down(self) -> None:
        """Cut every connection and refuse new ones."""
        self.is_down = True
        self.cut()

    def up(self) -> None:
        """Let connections through again."""
        self.is_down = False

    def cut(self) -> None:
        """Cut every connection; new ones are let through."""
        for each in list(self._open):
            _close(each)

    def close(self) -> None:
        """End."""
        self._listening.close()
        self.down()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.is_down:
                    self.refusals.release()
                    _close(client)
                    continue
                if isinstance(self._target, str):
                    server = socket.socket(socket.AF_UNIX)
                    server.connect(self._target)
                else:
                    server = socket.create_connection(self._target)
                self._open |= {client, server}
                threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                cuts = from_client and self.swallow is not None and self.swallow in data
                if cuts:
                    # The server does what it was sent; the client is cut off when the answer comes, and never has it.
                    self.swallow = None
                    self._deaf.add(source)
                if sink in self._deaf:
                    break
                if self.away:
                    threading.Event().wait(self.away / 2)
                sink.sendall(data)
        for each in (source, sink):
            _close(each)
            self._open.discard(each)


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
