"""One outage, one row: failures that are the same but for keys, numbers and times share a fingerprint.

It is made of the service that was called, the kind of error, and the message without what differs from case to case.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

LENGTH = 16
"""Hexadecimal digits: at a million different failures, two share one with a chance of one in forty million."""
LONGEST = 2000
"""The beginning of a message tells failures apart; what follows is often a dump that never repeats."""
VARYING = "#"

_WORD = re.compile(r"\w[\w.:@/%+~-]*")
_STATUS = re.compile(r"(?:\bHTTP(?:/\d(?:\.\d)?)?|\bstatus(?: code)?|\bcode)[ :=]{1,3}$", re.IGNORECASE)


def normalise(message: str) -> str:
    """A message without what differs from case to case: each word with a digit in it becomes `#`.

    A status of HTTP stays ("HTTP 503", "status 404"): those are different failures.
    """
    text = " ".join(message[:LONGEST].split())

    def shown(match: re.Match[str]) -> str:
        word = match[0]
        if not any(letter.isdigit() for letter in word):
            return word
        bare = word.rstrip(".:/-")
        if len(bare) == 3 and bare.isascii() and bare.isdigit() and _STATUS.search(text[:match.start()][-24:]):
            return word
        if _is_protocol(bare):
            return word
        return VARYING + word[len(bare):]

    return _WORD.sub(shown, text)


def _is_protocol(word: str) -> bool:
    return word.upper() in ("HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/3")


def of(service: str | None, error_class: str, message: str) -> str:
    """The fingerprint of a failure. `service` is the job type that was called, None if none was."""
    parts = msgspec.json.encode([service, error_class, normalise(message)])
    return hashlib.sha256(parts).hexdigest()[:LENGTH]
