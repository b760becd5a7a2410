"""Whether the client of this request is still there. A poll that outlives its client must take nothing for it."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

from flask import request


class Connection:
    """The connection of the present request; may be asked from the request's thread only."""

    def __init__(self) -> None:
        environ = request.environ
        disconnected: Callable[[], bool] | None = environ.get("waitress.client_disconnected")
        self._disconnected = disconnected
        # gunicorn and werkzeug hand over the socket itself.
        self._socket: socket.socket | None = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        self._leaving: Callable[[], bool] | None = environ.get("partitur.leaving")

    @property
    def is_over(self) -> bool:
        """The client has gone, or the server wants to leave."""
        return self.is_dead or (self._leaving is not None and self._leaving())

    @property
    def is_dead(self) -> bool:
        """The client has gone. Without a way to know it is taken to be there."""
        if self._disconnected is not None:
            return self._disconnected()
        return self._socket is not None and _at_its_end(self._socket)


def _at_its_end(connection: socket.socket) -> bool:
    """A socket that is readable and gives nothing was closed by the other side."""
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        return True
