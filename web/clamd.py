"""The virus scanner: ClamAV's daemon `clamd`, which looks at files that it is sent.

Source: clamd(8), commands INSTREAM and VERSION.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.errors import Unavailable

PORT = 3310
PIECE = 256 * 1024
"""Bytes that are sent at once."""
PATIENCE = 60.0
"""Seconds that one file may take."""
LONGEST_ANSWER = 4_096
TEST_FILE = b"".join((b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"))
"""What every scanner is to find, and harms nobody (EICAR); in two parts, lest one finds it here."""
_ANSWER = re.compile(r"stream: (?:(?P<clean>OK)|(?P<found>.+) FOUND)")


class ScannerError(ValueError):
    """The address of a scanner is none."""


class ScannerAway(Unavailable):
    """The scanner cannot be asked, or does not answer as it should; so nothing is taken."""

    retry_after = 10

    def __init__(self, why: str) -> None:
        Exception.__init__(self, f"Expected the virus scanner to look at what was sent, but {why}. Nothing was taken; "
                                 "try again in a moment.")
        self.why, self.in_doubt = why, False


@dataclass(frozen=True, slots=True)
class Scanner:
    """A clamd, at `path` (a socket of this machine) or at `host` and `port`."""

    host: str = ""
    port: int = PORT
    path: str = ""

    @classmethod
    def of(cls, address: str) -> Scanner | None:
        """Read `clamd://host:3310` or `clamd:///path/of/the.socket`; None if it is empty. Raises ScannerError."""
        if not address:
            return None
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port or PORT
        except ValueError:
            parts, host, port = urlsplit(""), "", PORT
        if parts.scheme != "clamd" or bool(host) is bool(parts.path.strip("/")) or parts.query or parts.username:
            raise ScannerError("Expected PARTITUR_SCANNER to be the address of a clamd, such as clamd://localhost:3310 "
                               f"or clamd:///run/clamav/clamd.ctl, but found {address!r}.")
        return cls(host=host, port=port) if host else cls(path=parts.path)

    @property
    def shown(self) -> str:
        """Its address."""
        return f"clamd://{self.path or f'{self.host}:{self.port}'}"

    def look(self, content: bytes) -> str | None:
        """What is in a file, in the scanner's words; None if it found nothing. Raises ScannerAway."""
        said = self._ask(b"INSTREAM", content)
        answer = _ANSWER.fullmatch(said)
        if answer is None:
            # Too large for it, or it has trouble of its own: what it did not look at counts as bad.
            raise ScannerAway(f"it says {said[:200]!r}")
        return answer["found"]

    def version(self) -> str:
        """What it says it is. Raises ScannerAway."""
        return self._ask(b"VERSION")

    def _ask(self, command: bytes, content: bytes | None = None) -> str:
        until = time.monotonic() + PATIENCE
        try:
            with self._connected() as connection:
                # Where it has heard enough it says why.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    _send(connection, until, b"z" + command + b"\0", *_stream(content))
                return _answer(connection, until)
        except OSError as error:
            raise ScannerAway(f"it does not answer at {self.shown}: {error}") from error

    def _connected(self) -> socket.socket:
        if not self.path:
            return socket.create_connection((self.host, self.port), timeout=min(PATIENCE, 5.0))
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self.path)
        except OSError:
            connection.close()
            raise
        return connection


def _stream(content: bytes | None) -> Iterable[bytes]:
    """A file as clamd wants it: pieces with their lengths before them, and one of no length at the end."""
    if content is None:
        return
    for start in range(0, len(content), PIECE):
        piece = content[start:start + PIECE]
        yield len(piece).to_bytes(4, "big") + piece
    yield bytes(4)


def _send(connection: socket.socket, until: float, *parts: bytes) -> None:
    for part in parts:
        connection.settimeout(_left(until))
        connection.sendall(part)


def _answer(connection: socket.socket, until: float) -> str:
    said = b""
    while not said.endswith(b"\0") and len(said) < LONGEST_ANSWER:
        connection.settimeout(_left(until))
        piece = connection.recv(LONGEST_ANSWER)
        if not piece:
            break
        said += piece
    return said.rstrip(b"\0\n").decode(errors="replace")


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return left
