"""Passwords and tokens as hashes. A wrong one takes as long as a right one, whether its owner exists or not."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw

from web.auth.breached import is_listed

SHORTEST = 8
LONGEST = 1_000
EASY = 2
"""The least score of zxcvbn, of 0 to 4: below, whoever tries common words, names and rows of keys gets there soon."""
TOKEN_PREFIX = "ptt_"
"""Tells people, and programs that look for secrets in places where they should not be, what it is."""
REMEMBERED = 300.0
"""Seconds in which a password that was right needs not be hashed again: workers send theirs with every request."""
MOST_REMEMBERED = 1_000

# OWASP's least for argon2id; several at once must not take the memory of a small machine.
_PASSES, _MEMORY, _LANES = 2, 19 * 1024, 1
_hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY, parallelism=_LANES)
_at_once = threading.BoundedSemaphore(4)
_of_nobody = _hasher.hash(secrets.token_urlsafe(16))


class Easy(Exception):
    """A password that is no password; a sentence says why."""


def checked_password(password: str, name: str, breached: Path | None = None) -> str:
    """A new password of somebody; `breached` is a list of those that others know. Raises Easy, breached.Unusable.

    Whatever is long and hard to guess will do: no rules about digits and signs (NIST SP 800-63B §3.1.1.2).
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Easy(f"Expected a password of {SHORTEST} to {LONGEST} characters, but it has {len(password)}.")
    from zxcvbn import zxcvbn  # its lists of words take a while, and few need them

    # What is behind these characters makes it harder only; zxcvbn gets slow with long ones.
    if zxcvbn(password[:72], user_inputs=[name, "partitur"])["score"] < EASY:
        raise Easy("Expected a password that is hard to guess, but this one is among those that are tried first. Some "
                   "words that do not belong together will do.")
    if breached is not None and is_listed(password, breached):
        raise Easy("Expected a password that nobody else knows, but this one is in the list of breached ones.")
    return password


def hash_of(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether a password is the one whose hash is kept; None is the hash of somebody who does not exist."""
    with _at_once:
        try:
            return _hasher.verify(kept or _of_nobody, password.encode("utf-8", "surrogatepass")) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def new_token() -> str:
    """A token: 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def slow_digest(text: str, salt: str) -> str:
    """What is kept of something that people type in and that is looked for among others of the same salt."""
    with _at_once:
        return hash_secret_raw(text.encode("utf-8", "surrogatepass"), salt.encode(), time_cost=_PASSES,
                               memory_cost=_MEMORY, parallelism=_LANES, hash_len=32, type=Type.ID).hex()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


class Remembered:
    """Passwords that were right a moment ago, as keyed hashes which nobody can turn back."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def knows(self, name: str, password: str, kept: str) -> bool:
        """Whether this password was right for this hash."""
        with self._lock:
            return self._until.get(self._digest(name, password, kept), 0.0) > time.monotonic()

    def add(self, name: str, password: str, kept: str) -> None:
        """It is right."""
        with self._lock:
            self._until[self._digest(name, password, kept)] = time.monotonic() + REMEMBERED
            while len(self._until) > MOST_REMEMBERED:
                self._until.popitem(last=False)

    def _digest(self, *parts: str) -> bytes:
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, "sha256")
