"""Recovery codes: ten that each let somebody in once who has lost the second factor."""

from __future__ import annotations

import secrets as random

from engine.second_factors import RecoveryCodes
from web.auth import secrets

COUNT = 10
LOW = 3
"""How many may be left before it is said that they run low."""
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 signs that nobody takes for one another."""
PART = 5


def new() -> tuple[str, ...]:
    """New codes as people see them: ten signs, which are 50 random bits."""
    return tuple("-".join("".join(random.choice(ALPHABET) for _ in range(PART)) for _ in range(2))
                 for _ in range(COUNT))


def kept(codes: tuple[str, ...]) -> RecoveryCodes:
    """What is kept of them."""
    salt = random.token_hex(16)
    return RecoveryCodes(salt, tuple(digest(code, salt) for code in codes))


def digest(code: str, salt: str) -> str:
    """What is kept of one, however it is written: blanks, hyphens and capital letters do not count."""
    return secrets.slow_digest("".join(code.lower().replace("-", " ").split()), salt)
