"""The audit trail as a file: JSON lines, from which the chain can be verified anywhere, or CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from engine import chain
from engine.chain import Break, Follower
from engine.errors import InvalidInput

FIELDS = ("position", "hash", *chain.FIELDS)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take a text for that begins so."""


def json_lines(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line of JSON for each entry. Keys are numbers, as they are in the hash."""
    for entry in entries:
        yield json.dumps({name: _plain(entry[name]) for name in FIELDS}, ensure_ascii=False) + "\n"


def comma_separated(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A heading, and a line for each entry."""
    yield _line(FIELDS)
    for entry in entries:
        yield _line([_cell(entry[name]) for name in FIELDS])


def verify(lines: Iterable[str], expected: tuple[int, str] | None = None) -> tuple[int, int, Break | None]:
    """Follow the chain in the lines of a file of all entries: how many are right, how many were too new to be sealed
    when it was exported, so that nothing is known of them, and the first that is wrong.

    Raises InvalidInput for a line that is no entry.
    """
    read = [_read(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    sealed = sorted((entry for entry in read if entry["position"] is not None), key=lambda entry: entry["position"])
    follower = Follower(expected)
    broken = follower.follow(sealed)
    if broken is None and expected is not None and expected[0] > follower.position:
        broken = Break(position=follower.position + 1, entry_key=None,
                       sentence=f"Expected {expected[0]} entries or more, but the file has {follower.position}.")
    return follower.position, len(read) - len(sealed), broken


def _read(number: int, line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not set(FIELDS) <= entry.keys() or not isinstance(entry["position"], int | None):
        raise InvalidInput(f"Expected an entry of the audit trail in line {number}, but it is something else: verify a "
                           f"file that was exported as JSON lines.")
    return entry


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, dict | list | bool):
        value = json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
