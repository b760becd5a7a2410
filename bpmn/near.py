"""Names that are nearly right: what somebody who misspelt one probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

SIMILAR = 0.85
"""From this likeness on (0 to 1, `difflib`), an unknown name is taken for a misspelt one."""


def near_misses(name: str, known: Iterable[str]) -> list[str]:
    """Which of the known names `name` is probably a misspelling of, best first."""
    by_words = {plain(other): other for other in known}
    return [by_words[match] for match in get_close_matches(plain(name), list(by_words), n=3, cutoff=SIMILAR)]


def plain(name: str) -> str:
    """A name as lower-case words joined by hyphens: reserveInventory, Reserve_Inventory and reserve.inventory are the
    same word, written by different people."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9]+", "-", words.lower())


def hint(near: Iterable[str]) -> str:
    """A question that offers the names, to be put behind a sentence; empty if there are none."""
    offered = " or ".join(map(repr, near))
    return f" Did you mean {offered}?" if offered else ""
