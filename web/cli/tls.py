"""TLS of the server's own, where no proxy speaks it.

Connections are taken here, and what is in them is handed to the web server, which knows plain HTTP only, over a pair of
sockets that nothing outside this process can reach.

The certificate is read again when its files change, so that a renewed one needs no restart.
Source: OWASP ASVS 5.0, 12.1.1, 12.1.2; Mozilla, "Server Side TLS" 5.7, intermediate.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509

from web.cli.settings import Settings, SettingsError

logger = structlog.get_logger(__name__)

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: authenticated, and what was recorded stays secret when the key is lost. TLS 1.3 has no others."""
HANDSHAKE = 10.0
"""Seconds that a client has to begin."""
GOODBYE = 5.0
"""Seconds that one has to end."""
LOOK = 5.0
"""Seconds after which the files of the certificate are looked at again."""
PIECE = 64 * 1024

Accept = Callable[[socket.socket, tuple[str, int]], None]
"""Takes a connection without TLS, and who is at its other end."""


class CertificateError(SettingsError):
    """The certificate or its key cannot be used."""


@dataclass(slots=True)
class Certificate:
    """A certificate with those that lead to its authority, and its key: PEM files. Raises CertificateError."""

    certificate: Path
    key: Path
    context: ssl.SSLContext = field(init=False)
    """What connections are made with; those of later ones are made with a certificate that came meanwhile."""
    _read: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._read = self._changed_at()
        self.context = self._loaded(_context())

    def renew(self) -> bool:
        """Read the files again if they have changed; whether they had. What cannot be used is told, and not taken."""
        try:
            changed = self._changed_at()
            if changed == self._read:
                return False
            self._loaded(_context())        # first into one that nobody uses
            self._loaded(self.context)
        except CertificateError as error:
            logger.warning("the new certificate cannot be used, the old one stays", why=str(error))
            return False
        self._read = changed
        logger.warning("the certificate was read again", certificate=str(self.certificate))
        return True

    def ends(self) -> datetime:
        """Until when the certificate counts."""
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc

    def _changed_at(self) -> tuple[float, ...]:
        try:
            return tuple(path.stat().st_mtime for path in (self.certificate, self.key))
        except OSError as error:
            raise CertificateError(f"Expected to read {error.filename}, but: {error.strerror}.") from error

    def _loaded(self, context: ssl.SSLContext) -> ssl.SSLContext:
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise CertificateError(f"Expected {self.certificate} and {self.key} to be a certificate and its key in "
                                   f"PEM, without a password, but: {error}.") from error
        return context


def certificate_of(settings: Settings) -> Certificate | None:
    """The certificate that the settings name; None without one. Raises CertificateError."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate and key:
        return Certificate(certificate, key)
    if certificate or key:
        raise CertificateError("Expected PARTITUR_TLS_CERTIFICATE and PARTITUR_TLS_KEY together, but one of them is "
                               "missing.")
    return None


def _no_password() -> str:
    raise ValueError("it has a password")       # or OpenSSL would ask at the terminal


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    return context


class Front:
    """Takes connections with TLS, in a thread of its own, from the moment it is made.

    Arguments: where to listen; `accept` gets each connection; `most` are open at once. Raises OSError.
    """

    def __init__(self, certificate: Certificate, host: str, port: int, accept: Accept, most: int) -> None:
        self._certificate, self._accept, self._most = certificate, accept, most
        self._open = 0
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_unheard)
        self._loop.call_later(LOOK, self._look)
        threading.Thread(target=self._loop.run_forever, name="tls", daemon=True).start()
        try:
            self._server = asyncio.run_coroutine_threadsafe(self._listen(host, port), self._loop).result()
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self._server.sockets[0].getsockname()[1])

    async def _listen(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(
            self._carry, host, port, ssl=self._certificate.context, ssl_handshake_timeout=HANDSHAKE,
            ssl_shutdown_timeout=GOODBYE, backlog=1024, limit=PIECE)

    def _look(self) -> None:
        self._certificate.renew()
        self._loop.call_later(LOOK, self._look)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what one connection brings to the web server, and back, until either is done."""
        if self._open >= self._most:
            writer.transport.abort()
            return
        self._open += 1
        inner: asyncio.StreamWriter | None = None
        try:
            ours, theirs = socket.socketpair()
            peer = writer.get_extra_info("peername")
            answers, inner = await asyncio.open_connection(sock=ours, limit=PIECE)
            self._accept(theirs, (str(peer[0]), int(peer[1])))
            ways = [asyncio.ensure_future(_pump(reader, inner)), asyncio.ensure_future(_pump(answers, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._open -= 1
            for each in filter(None, (inner, writer)):
                each.close()        # what was written before still goes out
                with contextlib.suppress(OSError, asyncio.TimeoutError):
                    await each.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):      # the one or the other has gone
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()


def _unheard(_loop: asyncio.AbstractEventLoop, trouble: dict[str, object]) -> None:
    """What clients do wrong with TLS is told nobody, as the web server does with HTTP; the rest is ours."""
    error = trouble.get("exception")
    if not isinstance(error, OSError):
        logger.error("a connection with TLS failed", why=str(trouble.get("message")),
                     exc_info=error if isinstance(error, BaseException) else None)
