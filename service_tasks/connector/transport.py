"""Makes one request: to a checked address, within a time, and without reading more than is wanted."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import httpcore
import httpx

from service_tasks.connector.reach import Reach
from service_tasks.connector.target import Target
from service_tasks.errors import GiveUp, InDoubt, NotSent, UnknownOutcome

NOT_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)
MAX_REQUEST_BYTES = 10_000_000
MAX_RESPONSE_BYTES = 1_000_000

for _name in ("httpcore.http11", "httpcore.connection"):
    # On the level of debugging it writes down the headers of answers, which may hold what services echo.
    logging.getLogger(_name).setLevel(logging.INFO)

Resolve = Callable[[str, int], Iterable[str]]


class Forbidden(GiveUp):
    """The target is not one that the connector may call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent. `connect_within` and `answer_within` are seconds."""

    method: str
    target: Target
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connect_within: float
    answer_within: float


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, as bytes; header names as the service wrote them."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


class Transport:
    """Makes requests to hosts within `reach`.

    `resolve` gives the addresses of a host; `context` is what TLS certificates are checked with (default: the usual
    authorities; SSL_CERT_FILE names others).
    """

    def __init__(self, reach: Reach, *, resolve: Resolve = addresses_of, context: ssl.SSLContext | None = None) -> None:
        self._reach = reach
        self._resolve = resolve
        self._context = context

    def check(self, host: str, port: int, encrypted: bool) -> None:
        """Look whether another library may connect to a host: every address of it must be within reach.

        Raises Forbidden; NotSent if it has no address.
        """
        if (plain := self._reach.check_encryption(host, encrypted)) is not None:
            raise Forbidden(f"Expected an encrypted connection to {host}:{port}, but {plain}.")
        try:
            found = list(self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise NotSent(f"Expected to reach {host}:{port}, but its address was not found: {error}.") from None
        fault = next(filter(None, (self._reach.forbids(host, port, ip_address(each)) for each in found)), None)
        if fault is not None:
            raise Forbidden(f"Expected a host that may be called, but {host}:{port} is none: {fault}. "
                            "PARTITUR_HTTP_ALLOW says which may be called.")

    def send(self, request: Request) -> Response:
        """Make a request; redirects are not followed, and no proxy is used.

        Raises Forbidden, NotSent (no connection), UnknownOutcome (no answer in time, or a broken one), InDoubt (an
        answer that is too large or compressed).
        """
        target = request.target
        if (plain := self._reach.check_encryption(target.host, target.scheme == "https")) is not None:
            raise Forbidden(f"Expected an encrypted connection to {target.host}:{target.port}, but {plain}.")
        backend = PinnedBackend(self._reach, self._resolve, request)
        origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
        context = (self._context or _authorities()) if target.scheme == "https" else None
        connection = httpcore.HTTPConnection(origin, ssl_context=context, network_backend=backend)
        try:
            return _exchange(connection, origin, request)
        except NOT_SENT as error:
            raise NotSent(f"Expected to reach {target.shown}, but there was no connection: {error}.") from None
        except httpcore.TimeoutException:
            raise UnknownOutcome(
                f"Expected {request.method} {target.shown} to answer within {request.answer_within:g} s, "
                f"but it did not."
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise UnknownOutcome(f"Expected {request.method} {target.shown} to answer, but: {error}.") from None
        finally:
            connection.close()


def _exchange(connection: httpcore.HTTPConnection, origin: httpcore.Origin, request: Request) -> Response:
    target = request.target
    headers = [("Host", target.netloc), ("Connection", "close"), ("Accept-Encoding", "identity"), *request.headers]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(request.body))))
    wire = httpcore.Request(
        request.method, httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port,
                                     target=target.path.encode("ascii")),
        headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in headers], content=request.body,
        extensions={"timeout": {"connect": request.connect_within, "read": request.answer_within,
                                "write": request.answer_within, "pool": request.connect_within}},
    )
    response = connection.handle_request(wire)
    try:
        found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers]
        encoding = next((value for name, value in found if name.lower() == "content-encoding"), "identity")
        if encoding.strip().lower() not in ("", "identity"):
            raise InDoubt(f"Expected an answer without compression from {target.shown}, but it is {encoding!r}.")
        reason: Any = response.extensions.get("reason_phrase", b"")
        return Response(response.status, reason.decode("latin-1"), tuple(found), _read(response, target))
    finally:
        response.close()


def _read(response: httpcore.Response, target: Target) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_stream():
        size += len(part)
        if size > MAX_RESPONSE_BYTES:
            raise InDoubt(
                f"Expected an answer of at most {MAX_RESPONSE_BYTES} bytes from {target.shown}, but it is longer."
            )
        parts.append(part)
    return b"".join(parts)


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to an address that was checked, and to no other that a name may have a moment later (DNS rebinding).

    The certificate is still checked against the name: httpcore takes that from the URL.
    """

    def __init__(self, reach: Reach, resolve: Resolve, request: Request) -> None:
        self._reach = reach
        self._resolve = resolve
        self._request = request
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[Any] | None = None) -> httpcore.NetworkStream:
        """Connect to the first address of the host that may be called and answers. Raises Forbidden."""
        connect_until = time.monotonic() + self._request.connect_within
        failure: Exception | None = None
        for address in self._allowed(host, port):
            left = connect_until - time.monotonic()
            if left <= 0:
                break
            try:
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return PatientStream(stream, connect_until, self._request.answer_within)
        raise failure or httpcore.ConnectTimeout("the time to connect is over")

    def _allowed(self, host: str, port: int) -> list[str]:
        try:
            found = list(self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"its address was not found: {error}") from None
        faults = {address: self._reach.forbids(host, port, ip_address(address)) for address in found}
        allowed = [address for address in found if faults[address] is None]
        if found and not allowed:
            raise Forbidden(
                f"Expected a target that the HTTP connector may call, but {host}:{port} is none: "
                f"{faults[found[0]]}. PARTITUR_HTTP_ALLOW says which may be called."
            )
        return allowed


class PatientStream(httpcore.NetworkStream):
    """A connection whose reads and writes all together have one time limit: a service that drips its answer, byte by
    byte, meets each single limit and would hold the worker for ever."""

    def __init__(self, stream: httpcore.NetworkStream, connect_until: float, answer_within: float) -> None:
        self._stream = stream
        self._connect_until = connect_until
        self._answer_within = answer_within
        self._until: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within what is left of the time."""
        return self._stream.read(max_bytes, self._left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within what is left of the time."""
        self._stream.write(buffer, self._left(httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:
        """Shake hands, within the time to connect."""
        left = self._connect_until - time.monotonic()
        if left <= 0:
            raise httpcore.ConnectTimeout("the time to connect is over")
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return PatientStream(stream, self._connect_until, self._answer_within)

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self._stream.get_extra_info(info)

    def _left(self, late: type[Exception]) -> float:
        now = time.monotonic()
        if self._until is None:  # the first byte is about to be written
            self._until = now + self._answer_within
        if self._until <= now:
            raise late("the time to answer is over")
        return self._until - now


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context()
