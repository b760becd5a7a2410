"""Where a request goes: a URL, read more strictly than the libraries do, so that no two readers of it differ."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, urlsplit

from service_tasks.connector.reach import Reach, literal
from service_tasks.errors import GiveUp

PORTS = {"http": 80, "https": 443}
LONGEST_URL = 8_192
UNRESERVED = "!$&'()*+,;=:@/?-._~"
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class BadUrl(GiveUp):
    """A URL that the connector does not call."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was taken apart: `host` in lower case without a dot at its end, an address without brackets; `path`
    with the query, as it goes into the request."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """Host and port as a URL and the `Host` header have them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL without its query, for messages."""
        return f"{self.scheme}://{self.netloc}{self.path.partition('?')[0]}"


def read_target(url: str, query: Iterable[tuple[str, str]] = (), *, as_it_is: bool = False) -> Target:
    """Take a URL apart, with more query parameters. Raises BadUrl.

    What a URL cannot hold is percent-encoded, unless the URL is to be taken `as_it_is`.
    """
    text = url.strip()
    if len(text) > LONGEST_URL:
        raise BadUrl(f"Expected a URL of at most {LONGEST_URL} characters, but it has {len(text)}.")
    if re.search(r"[\x00-\x1f\x7f\\]", text):
        raise BadUrl("Expected a URL of plain characters, but it has a control character or a backslash.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadUrl("Expected a URL, but its host or port cannot be read.") from None
    if parts.scheme not in PORTS or not parts.netloc:
        raise BadUrl("Expected a URL that begins with http:// or https:// and a host, but it does not.")
    if "@" in parts.netloc:
        raise BadUrl("Expected a URL without a user name in it, but there is an '@' before its path. "
                     "Use the authentication fields.")
    if port == 0:
        raise BadUrl("Expected a URL with a port from 1 to 65535, but it is 0.")
    path = _path(parts.path or "/", parts.query, query, as_it_is)
    return Target(parts.scheme, _host(parts.netloc, parts.hostname or ""), port or PORTS[parts.scheme], path)


def _host(netloc: str, host: str) -> str:
    if netloc.startswith("["):
        address = None if "%" in host else literal(host)
        if address is None or not re.fullmatch(r"\[[^\]]*\](:\d*)?", netloc):
            raise BadUrl("Expected an IPv6 address in the brackets of the URL, but there is something else.")
        return str(address)
    try:
        name = host.rstrip(".") if host.isascii() else host.encode("idna").decode().rstrip(".")
    except UnicodeError:
        name = ""
    if host.endswith("..") or not _HOST.fullmatch(name) or ".." in name or len(name) > 253:
        raise BadUrl("Expected a host name in the URL, but it has characters or a form that no host has.")
    address = literal(name)
    if address is None and re.fullmatch(r"[0-9]+|0x[0-9a-f]*", name.rsplit(".", 1)[-1]):
        raise BadUrl("Expected a host name or an address in the URL, but it is a number that is neither.")
    return name if address is None else str(address)


def _path(path: str, given: str, more: Iterable[tuple[str, str]], as_it_is: bool) -> str:
    if as_it_is:
        for part in (path, given):
            if _LONE_PERCENT.search(part) or quote(part, safe=UNRESERVED + "%") != part:
                raise BadUrl("Expected a URL that is encoded already (skipEncoding), but it is not.")
    else:
        path, given = encoded(path), encoded(given)
    added = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in more)
    whole = "&".join(filter(None, (given, added)))
    return f"{path}?{whole}" if whole else path


def encoded(part: str) -> str:
    """A part of a URL with what no URL can hold percent-encoded; what is encoded already stays."""
    return quote(_LONE_PERCENT.sub("%25", part), safe=UNRESERVED + "%")


def refused_literally(target: Target, reach: Reach) -> str | None:
    """Why a target can never be called, as far as the URL alone tells; None if it may be."""
    address = literal(target.host)
    if address is not None:
        return reach.forbids(target.host, target.port, address)
    if not reach.may_name(target.host, target.port):
        return "PARTITUR_HTTP_ALLOW does not name it"
    if target.host == "localhost" or target.host.endswith(".localhost"):
        # Names of this machine, whatever anybody's resolver says (RFC 6761 §6.3).
        loopback = [literal("127.0.0.1"), literal("::1")]
        faults = [reach.forbids(target.host, target.port, each) for each in loopback if each]
        return next(filter(None, faults)) if all(faults) else None
    return None
