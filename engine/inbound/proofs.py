"""How the sender of a webhook shows that it knows the secret.

Sources: Standard Webhooks 1.0; RFC 6750 (Bearer); GitHub docs, "Validating webhook deliveries" (X-Hub-Signature-256).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

TOLERANCE = timedelta(minutes=5)
"""How old, or how far ahead, a signed time may be: what was signed long ago may be a replay."""


class Proof(StrEnum):
    """What a sender shows."""

    SIGNATURE = "signature"
    """`webhook-signature` of Standard Webhooks, which is what our own webhooks send."""
    HMAC = "hmac"
    """HMAC-SHA256 of the body, hexadecimal or base64, in a header (`X-Hub-Signature-256`)."""
    TOKEN = "token"
    """The secret itself, as a Bearer token or in a header."""
    NONE = "none"
    """Brokers only: who may write to a queue is the broker's business."""


HEADERS = {Proof.HMAC: "x-hub-signature-256", Proof.TOKEN: "authorization"}
"""Where it is if nothing else is said."""
HIDDEN = frozenset({"authorization", "proxy-authorization", "cookie", "webhook-signature"})
"""Headers that are neither shown to expressions nor kept."""


def is_shown(proof: Proof, header: str | None, secret: str, headers: Mapping[str, str], body: bytes,
             now: datetime) -> bool:
    """Whether a request shows that its sender knows `secret`. Header names are in lower case."""
    return CHECKS[proof](header or HEADERS.get(proof, ""), secret, headers, body, now)


def key_of(secret: str) -> bytes:
    """The key of a signature: what is in base64 behind `whsec_`, else the secret's own bytes."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            pass
    return secret.encode()


def _signature(header: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    id, at, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not id or not at.isdecimal() or len(at) > 12 or abs(now.timestamp() - int(at)) > TOLERANCE.total_seconds():
        return False
    wanted = hmac.new(key_of(secret), b".".join([id.encode(), at.encode(), body]), hashlib.sha256).digest()
    return any(_same(part.partition(",")[2], wanted) for part in given.split() if part.startswith("v1,"))


def _hmac(header: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    given = headers.get(header, "").strip().removeprefix("sha256=")
    wanted = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return hmac.compare_digest(given.lower().encode(), wanted.hex().encode()) or _same(given, wanted)


def _token(header: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    given = headers.get(header, "").strip()
    scheme, _, rest = given.partition(" ")
    if scheme.lower() == "bearer":
        given = rest.strip()
    return bool(given) and hmac.compare_digest(given.encode(), secret.encode())


def _same(given: str, wanted: bytes) -> bool:
    try:
        return hmac.compare_digest(base64.b64decode(given, validate=True), wanted)
    except (ValueError, binascii.Error):
        return False


CHECKS: Mapping[Proof, Callable[[str, str, Mapping[str, str], bytes, datetime], bool]] = {
    Proof.SIGNATURE: _signature, Proof.HMAC: _hmac, Proof.TOKEN: _token, Proof.NONE: lambda *_: False,
}
