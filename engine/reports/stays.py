"""How many stays took how long, in so few numbers that days of them can be added up.

Each stay falls into one of the classes whose bounds grow by the fourth root of two, so that a share of them (the
median, say) is known to 10 % of its value, whether they took milliseconds or months.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

PER_DOUBLING = 4
MILLISECOND = timedelta(milliseconds=1)


def class_of(milliseconds: int) -> int:
    """The class of a stay."""
    return 0 if milliseconds < 1 else 1 + int(math.log2(milliseconds) * PER_DOUBLING)


def middle_of(number: int) -> float:
    """What a stay of a class took, about: the middle of its bounds, in milliseconds."""
    return 0.0 if number == 0 else 2 ** ((number - 0.5) / PER_DOUBLING)


def added(kept: Iterable[Mapping[str, int]]) -> Counter[int]:
    """The stays of several figures together, as they were kept."""
    total: Counter[int] = Counter()
    for each in kept:
        for number, count in each.items():
            total[int(number)] += count
    return total


def share(stays: Mapping[int, int], part: float) -> timedelta | None:
    """What this part of the stays (0.5: half of them) took at most, about; None of none."""
    rank = math.ceil(part * sum(stays.values()))
    for number in sorted(stays):
        rank -= stays[number]
        if rank <= 0:
            return middle_of(number) * MILLISECOND
    return None
