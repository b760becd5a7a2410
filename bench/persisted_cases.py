"""Every case on both databases, beside the same rows from the bare driver and SpiffWorkflow's JSON round trips."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench import databases
from bench.cases import CASES, Case, TurnedClock, deploy
from bench.figures import Figure
from bench.floor import recording, replay
from engine.engine import Engine

GROUP = "Cases (wall clock; SQLite: synchronous = FULL; PostgreSQL: its defaults, fsync and synchronous_commit on)"
ROUNDS = 3
MOST_TIMES_FLOOR = 2.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What one round took for each, in seconds, and what it sent for all of its things."""

    wall: float
    cpu: float
    floor: float
    statements: float
    commits: float


def measure() -> Iterator[Figure]:
    """One figure for each case and database."""
    for case in CASES:
        for name in databases.NAMES:
            yield _measured(case, name)


def _measured(case: Case, name: str) -> Figure:
    url = databases.new_url(name)
    engine = Engine(url, clock=TurnedClock())
    try:
        deploy(engine, case)
        with case.serving(engine):
            case.run(engine, case.prepare(engine, min(20, case.count)))
        rounds = [_round(case, name, url, engine) for _ in range(ROUNDS)]
    finally:
        engine.close()
        databases.drop(url)
    best, floor = min(rounds, key=lambda each: each.wall), min(each.floor for each in rounds)
    return Figure(
        group=GROUP, name=f"{case.name} ({name})", unit="ms", partitur=best.wall * 1e3, stock=case.stock() * 1e3,
        floor=floor * 1e3, target=f"≤ {MOST_TIMES_FLOOR:g} × floor",
        note=f"{1 / best.wall:,.0f}/s, {best.cpu * 1e3:.2f} ms CPU; {best.statements:.1f} statements, "
             f"{best.commits:.2f} commits",
    )


def _round(case: Case, name: str, url: str, engine: Engine) -> Taken:
    """Run a batch; then run another one, and send what that one sent to a copy of the database as it was before.

    Nothing is noted of the first, because noting takes time that is not the engine's.
    """
    things = case.prepare(engine, case.count)
    with case.serving(engine):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        case.run(engine, things)
        wall, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    things = case.prepare(engine, case.count)
    engine.database.close()
    copy = databases.new_url(name, like=url)
    try:
        with engine.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        with case.serving(engine), recording(engine) as noted:
            case.run(engine, things)
        floor = replay(copy, noted)
    finally:
        databases.drop(copy)
    count = len(things)
    return Taken(wall / count, cpu / count, floor / count, noted.statements / count, len(noted.transactions) / count)
