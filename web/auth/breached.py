"""Looks a password up in a list of breached ones that lies on this machine, so that nobody else is asked.

The list has SHA-1 hashes in hexadecimal, a line each, in their order, perhaps with a colon and a number behind them, as
those who collect breaches give it away. It may have tens of gigabytes: some thirty lines of it are read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

LONGEST_LINE = 200


class Unusable(Exception):
    """The list cannot be read, or is none."""


def is_listed(password: str, path: Path) -> bool:
    """Whether a list has a password. Raises Unusable."""
    wanted = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper().encode()
    try:
        with path.open("rb") as file:
            first, last = 0, file.seek(0, 2)
            while first < last:
                middle = (first + last) // 2
                line = _line_from(file, middle)
                if line and len(line) != len(wanted):
                    raise Unusable(f"Expected {path} to list SHA-1 hashes, but it has other lines.")
                if line and line < wanted:
                    first = middle + 1
                else:
                    last = middle
            return _line_from(file, first) == wanted
    except OSError as error:
        raise Unusable(f"Expected to read the list of breached passwords {path}, but: {error.strerror}.") from error


def _line_from(file: BinaryIO, place: int) -> bytes:
    """The hash of the first line that begins at a place or behind it; empty at the end."""
    file.seek(max(0, place - 1))
    if place:
        file.readline(LONGEST_LINE)
    return file.readline(LONGEST_LINE).split(b":")[0].strip().upper()
