"""Names in words, as people read them."""

from __future__ import annotations

import re


def title(name: str) -> str:
    """A service's or variable's name in words: "reserve-inventory" and "reserveInventory" are "Reserve inventory"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = re.sub(r"[-_.\s]+", " ", words).strip().lower()
    return words[:1].upper() + words[1:]
