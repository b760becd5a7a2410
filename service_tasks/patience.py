"""How long the checks of one diagram look around before they give up: a file is somebody else's data.

Some checks follow ways through a diagram, for each place where a service is called; a diagram can be drawn so that
there are more ways than anybody has time for. Checks spend looks; when none is left, the rest is not checked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAX_LOOKS = 3_000_000
"""A large diagram (300 elements, 100 of them services) needs 200,000."""


class OutOfPatience(Exception):
    """The checks of this diagram would take too long."""


class _Current(threading.local):
    left: int | None = None


_current = _Current()


@contextmanager
def patience(looks: int = MAX_LOOKS) -> Iterator[None]:
    """Bound everything that is looked at inside. Outside of it there is no bound."""
    before, _current.left = _current.left, looks
    try:
        yield
    finally:
        _current.left = before


def look(times: int = 1) -> None:
    """Take looks from what is left. Raises OutOfPatience."""
    if _current.left is None:
        return
    _current.left -= times
    if _current.left < 0:
        raise OutOfPatience
