"""Whether anything gets slower when a hundred thousand instances wait and a million have ended.

Each case runs in turns on a small and on a full database of the same kind, so that whatever else the machine does
falls on both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from bench import databases, world
from bench.cases import CASES, Case, TurnedClock, deploy
from bench.figures import Figure
from engine.engine import Engine

GROUP = (f"Scale: {world.LIVE:,} live and {world.FINISHED:,} finished instances beside {world.FEW} of each"
         " (wall clock, median of turns)")
TURNS = 7
DUE_AT_ONCE = 5_000
SHARE = 4
"""A turn is so much shorter than a batch."""


def measure() -> Iterator[Figure]:
    """One figure for each case and database."""
    for name in databases.NAMES:
        few, many = (Engine(url, clock=TurnedClock()) for url in (world.small(name), world.full(name)))
        try:
            for case in CASES:
                yield _compared(case, name, few, many)
            yield _timers(name, many)
        finally:
            few.close()
            many.close()


def _compared(case: Case, name: str, few: Engine, many: Engine) -> Figure:
    for engine in (few, many):
        deploy(engine, case)
        _turn(case, engine)
    taken = [(_turn(case, few), _turn(case, many)) for _ in range(TURNS)]
    small, full = (statistics.median(times) for times in zip(*taken, strict=True))
    ratio = statistics.median(slow / quick for quick, slow in taken)
    return Figure(
        group=GROUP, name=f"{case.name} ({name})", unit="times few", partitur=ratio, target="≤ 1.2",
        note=f"{full * 1e3:.2f} ms beside {small * 1e3:.2f} ms each",
    )


def _turn(case: Case, engine: Engine) -> float:
    things = case.prepare(engine, max(case.count // SHARE, 1))
    with case.serving(engine):
        begin = time.perf_counter()
        case.run(engine, things)
        return (time.perf_counter() - begin) / len(things)


def _timers(name: str, many: Engine) -> Figure:
    """How late the last of many timers is that fall due at once, in one process."""
    [case] = [case for case in CASES if case.name.startswith("timer")]
    things = case.prepare(many, DUE_AT_ONCE)
    begin = time.perf_counter()
    case.run(many, things)
    return Figure(
        group=GROUP, name=f"{DUE_AT_ONCE:,} timers due in one second, {2 * world.LIVE:,} waiting ({name})", unit="s",
        partitur=time.perf_counter() - begin, note="until the last one has fired and its instance has ended",
    )
