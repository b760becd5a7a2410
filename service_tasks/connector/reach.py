"""Which hosts the connector may call. A diagram is somebody else's data: it must not reach what is inside our network
(server-side request forgery, OWASP Top 10 2021 A10) unless whoever runs the server said so.

What counts is the address that is connected to, not the name: a name is resolved once, every address of it is
checked here, and the connection goes to a checked address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PUBLIC = "public"
"""The entry that stands for every public address."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")
INTERNAL = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
"""Private networks (RFC 1918, RFC 4193), which a host that is allowed by its name may be in."""
METADATA = tuple(map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192",
                                             "168.63.129.16")))
"""Where clouds keep the credentials of a machine; the last, which looks like a public address, tells what is installed
on one in Azure."""

SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "3fff::/20",
                                            "5f00::/16")))
"""What the registries keep for other ends than hosts, and some versions of Python take for public.

Source: IANA, IPv4 and IPv6 Special-Purpose Address Registries."""
ISATAP = (0x00005EFE, 0x02005EFE)
"""How the lower half of an address begins that has an IPv4 address at its end (RFC 5214)."""

_LABELS = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")


class ReachError(ValueError):
    """An entry of the list of allowed hosts is none."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry: a network, or a host name (`below`: every name below it), perhaps with a port."""

    network: Network | None = None
    host: str = ""
    below: bool = False
    port: int | None = None

    def names(self, host: str) -> bool:
        if not self.host:
            return False
        return host.endswith("." + self.host) if self.below else host == self.host

    def holds(self, address: Address) -> bool:
        return self.network is not None and address.version == self.network.version and address in self.network


@dataclass(frozen=True, slots=True)
class Reach:
    """The hosts that may be called. `public`: every host with a public address may; `encrypted`: none but this machine
    without TLS."""

    public: bool = True
    entries: tuple[_Entry, ...] = ()
    encrypted: bool = False

    @classmethod
    def of(cls, text: str) -> Reach:
        """Read a list such as `public, billing.internal:8443, *.example.com, 10.1.0.0/16`; empty is `public`.

        A host name allows the name with public and private addresses; loopback, link-local and metadata addresses
        only their own entry (an address, a network, `localhost`) allows. Raises ReachError.
        """
        words = [word for word in re.split(r"[\s,]+", text) if word]
        if not words:
            return cls()
        return cls(PUBLIC in words, tuple(_entry(word) for word in words if word != PUBLIC))

    def forbids(self, host: str, port: int, address: Address) -> str | None:
        """Why this address of this host must not be called; None if it may be.

        `host` is a name in lower case without a dot at its end, or the address itself.
        """
        entries = [entry for entry in self.entries if entry.port in (None, port)]
        faces = list(_faces(address))
        if all(any(entry.holds(face) for entry in entries) for face in faces):
            return None
        fault = next(filter(None, map(_fault, faces)), None)
        named = any(entry.names(host) for entry in entries)
        if fault is None:
            return None if self.public or named else "PARTITUR_HTTP_ALLOW does not name it"
        if named and all(_is_internal(face) or (host == "localhost" and face.is_loopback) for face in faces):
            return None
        return fault

    def check_encryption(self, host: str, encrypted: bool) -> str | None:
        """Why nothing may be sent to a host without encryption; None if it may, or is encrypted."""
        if encrypted or not self.encrypted or is_this_machine(host):
            return None
        return "it has no TLS, and PARTITUR_PLAIN_CONNECTIONS refuses that"

    def may_name(self, host: str, port: int) -> bool:
        """Whether a host name may be allowed at all; what its addresses are is not known yet."""
        return self.public or any(
            entry.network is not None or entry.names(host) for entry in self.entries if entry.port in (None, port)
        )


def is_this_machine(host: str) -> bool:
    """Whether what is sent to a host never leaves this machine."""
    name = host.strip("[]").lower().rstrip(".")
    address = literal(name)
    if address is not None:
        return all(face.is_loopback for face in _faces(address))
    return name == "localhost" or name.endswith(".localhost")


def literal(host: str) -> Address | None:
    """The address that a host is written as, in any of the forms that systems understand (`0x7f.1`, `2130706433`,
    `127.1`, `::ffff:7f00:1`); None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    parts = host.split(".")
    if len(parts) > 4 or not all(re.fullmatch(r"0[xX][0-9a-fA-F]*|[0-9]+", part) for part in parts):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *heads, last = numbers
    if any(number > 255 for number in heads) or last >= 256 ** (5 - len(parts)):
        return None
    return ipaddress.IPv4Address(sum(number << (24 - 8 * place) for place, number in enumerate(heads)) + last)


def _number(part: str) -> int:
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    return int(part, 8) if part.startswith("0") else int(part)


def _faces(address: Address) -> Iterator[Address]:
    """An address, and the IPv4 addresses that are hidden in it and that a gateway may take it to."""
    if isinstance(address, IPv4Address):
        yield address
        return
    hidden = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64 or (int(address) >> 32 == 0 and int(address) > 1):  # the latter: IPv4-compatible, RFC 4291
        hidden.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
        hidden.append(IPv4Address(int(address) & 0xFFFFFFFF))
    found = [each for each in hidden if each is not None]
    if address.ipv4_mapped is None:
        yield address
    yield from found


def _fault(address: Address) -> str | None:
    """Why nobody should get at an address from outside; None if it is a public one."""
    if address in METADATA:
        return f"{address} is where a cloud keeps its machines' credentials"
    kinds = (
        ("a loopback address", address.is_loopback), ("a link-local address", address.is_link_local),
        ("a multicast address", address.is_multicast), ("no address of a host", address.is_unspecified),
        ("a private address", address.is_private or any(address in each for each in _same(address))),
        ("a reserved address", address.is_reserved or getattr(address, "is_site_local", False)),
        ("no public address", not address.is_global or any(
            address in each for each in SPECIAL if each.version == address.version)),
    )
    kind = next((word for word, applies in kinds if applies), None)
    return kind and f"{address} is {kind}"


def _is_internal(address: Address) -> bool:
    return address not in METADATA and (_fault(address) is None or any(address in each for each in _same(address)))


def _same(address: Address) -> list[Network]:
    return [network for network in INTERNAL if network.version == address.version]


def _entry(word: str) -> _Entry:
    host, port = _without_port(word)
    try:
        return _Entry(network=ipaddress.ip_network(host.strip("[]")), port=port)
    except ValueError:
        pass
    below = host.startswith("*.")
    name = (host[2:] if below else host).lower().rstrip(".")
    if literal(name) is not None or not _LABELS.fullmatch(name):
        raise ReachError(
            f"Expected PARTITUR_HTTP_ALLOW to list hosts, '*.' and a host, host:port, addresses, networks or "
            f"{PUBLIC!r}, but found {word!r}."
        )
    return _Entry(host=name, below=below, port=port)


def _without_port(word: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+):(\d{1,5})", word)
    if match is None:
        return word, None
    port = int(match[2])
    if not 0 < port < 65_536:
        raise ReachError(f"Expected PARTITUR_HTTP_ALLOW to have ports from 1 to 65535, but found {word!r}.")
    return match[1], port
