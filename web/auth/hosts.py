"""Names and addresses of this machine: where it listens, and what it is asked for."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

LOCAL_NAMES = frozenset({"localhost"})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") in LOCAL_NAMES


def is_of_this_machine(asked: str, names: Collection[str]) -> bool:
    """Whether a Host header can only come from somebody who meant this server.

    A page of another site that lets its own name lead to our address (DNS rebinding) asks for that name, so names
    have to be known; addresses are fine.
    """
    try:
        host = (urlsplit(f"//{asked}").hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return host in LOCAL_NAMES or host.endswith(".localhost") or host in names
