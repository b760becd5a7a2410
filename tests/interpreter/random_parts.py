"""The long runs of random processes, in parts that the workers of `make test-long` share.

Each part tries the same processes each time, as long as the same modules were imported before: Hypothesis also draws
what stands in them. `RANDOM_TIMES=10` tries ten times as many, `RANDOM_FROM=1`, or any other number, others. What fails
is told as `@reproduce_failure(…)`, which holds everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy, tuples

PARTS = range(8)
TIMES = int(os.environ.get("RANDOM_TIMES", "1"))
FIRST = int(os.environ.get("RANDOM_FROM", "0")) * len(PARTS)
SECONDS = 7_200 * TIMES
"""The longest that a part may take on a machine that has much else to do."""


def try_part(part: int, examples: int, run: Callable[..., None], *drawn: SearchStrategy[Any]) -> None:
    """Run something with what is drawn: with one part of so many examples."""
    @seed(FIRST + part)
    @settings(max_examples=examples * TIMES // len(PARTS), deadline=None, database=None, print_blob=True,
              suppress_health_check=list(HealthCheck))
    @given(tuples(*drawn))
    def try_one(example: tuple[Any, ...]) -> None:
        run(*example)

    try_one()
