"""Partitions: every instance, with all that it calls, belongs to one of 1,024. A node may serve some of them only."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import groupby

from sqlalchemy import ColumnElement, false, or_

from engine.errors import InvalidInput

PARTITIONS = 1024
GROUPS = 16
"""What is due is passed on to nodes by groups of neighbouring partitions."""
GROUP = PARTITIONS // GROUPS
GOLDEN = 0x9E3779B97F4A7C15

Partitions = frozenset[int]


def partition_of(root_key: int) -> int:
    """The partition of an instance: a small number that all instances of one tree share.

    Keys that follow each other are spread evenly (Knuth, The Art of Computer Programming, 6.4: multiplication by the
    golden ratio). It is stored with the instance, never computed again.
    """
    return (root_key * GOLDEN % 2**64) >> 54


def group_of(partition: int) -> int:
    """The group of a partition."""
    return partition // GROUP


def of_group(group: int) -> Partitions:
    """The partitions of a group."""
    return frozenset(range(group * GROUP, (group + 1) * GROUP))


def whole_groups(chosen: Partitions | None) -> list[int]:
    """The groups that are chosen with all their partitions; None chooses all."""
    return [group for group in range(GROUPS) if chosen is None or of_group(group) <= chosen]


def parse(text: str) -> Partitions:
    """Read `0-63,128`. Raises InvalidInput."""
    chosen: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,4})(?:\s*-\s*(\d{1,4}))?\s*", part, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < PARTITIONS:
            raise InvalidInput(
                f"Expected partitions such as 0-63,128, of those from 0 to {PARTITIONS - 1}, but found {part!r}."
            )
        chosen.update(range(first, last + 1))
    return frozenset(chosen)


def words(chosen: Collection[int] | None) -> str | None:
    """The text that `parse` reads; None for all."""
    if chosen is None:
        return None
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in _ranges(chosen))


def among(column: ColumnElement[int], chosen: Partitions | None) -> list[ColumnElement[bool]]:
    """The conditions on a `partition_key`: none if all are chosen."""
    if chosen is None or len(chosen) == PARTITIONS:
        return []
    return [or_(false(), *(column.between(first, last) for first, last in _ranges(chosen)))]


def _ranges(chosen: Collection[int]) -> list[tuple[int, int]]:
    found = []
    for _, run in groupby(enumerate(sorted(chosen)), lambda each: each[1] - each[0]):
        numbers = [number for _, number in run]
        found.append((numbers[0], numbers[-1]))
    return found
