"""The engine on a SQLite file, beside what a bare commit costs on the same disk."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bench import models
from bench.figures import Figure
from bench.models import Flavour
from bench.timing import best_batch
from engine import definitions, instances
from engine.engine import Engine
from engine.tasks import user_tasks

GROUP = "Persisted on SQLite, one process (wall clock, best of several batches; FULL and NORMAL are `synchronous`)"
INSTANCES = 200
COMMITS = 200


def measure(folder: Path | None = None) -> Iterator[Figure]:
    """All figures of the engine; the database is made in `folder` (else in the temporary directory)."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        for synchronous in ("FULL", "NORMAL"):
            yield measure_floor(place, synchronous)
        for synchronous in ("FULL", "NORMAL"):
            with fresh_engine(place, synchronous) as engine:
                yield measure_script_order(engine, synchronous)
        with fresh_engine(place, "FULL") as engine:
            yield from measure_user_tasks(engine)


@contextmanager
def fresh_engine(place: Path, synchronous: str) -> Iterator[Engine]:
    """An engine on a database of its own."""
    engine = Engine(f"sqlite:///{place / f'{time.monotonic_ns()}.db'}", synchronous=synchronous)
    try:
        yield engine
    finally:
        engine.close()


def measure_floor(place: Path, synchronous: str) -> Figure:
    """A transaction of one INSERT, with nothing of ours."""
    connection = sqlite3.connect(place / f"floor-{synchronous}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE floor (key INTEGER PRIMARY KEY, text TEXT)")

    def commit(count: int) -> None:
        for _ in range(count):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO floor (text) VALUES (?)", ("x" * 500,))
            connection.execute("COMMIT")

    batch = best_batch(commit, COMMITS)
    connection.close()
    return Figure(
        group=GROUP,
        name=f"bare commit of one row ({synchronous})",
        unit="ms",
        partitur=batch.wall * 1e3,
        note=f"the floor: {1 / batch.wall:,.0f} a second",
    )


def deploy(engine: Engine, content: bytes) -> None:
    """Deploy one diagram."""
    engine.execute(definitions.deploy, [definitions.Resource(name="bench.bpmn", content=content)])


def measure_script_order(engine: Engine, synchronous: str) -> Figure:
    """Start to end in one transaction, with history."""
    deploy(engine, models.order(Flavour.CAMUNDA_8))

    def start(count: int) -> None:
        for _ in range(count):
            engine.execute(instances.start, "bench_order", variables=models.ORDER_VARIABLES)

    start(50)
    statements = statements_of(engine, lambda: start(1))
    batch = best_batch(start, INSTANCES)
    return Figure(
        group=GROUP,
        name=f"script-only order of 8 steps, start to end ({synchronous})",
        unit="instances/s",
        partitur=1 / batch.wall,
        target="≥ 600",
        note=f"{batch.wall * 1e3:.2f} ms each, {batch.cpu * 1e3:.2f} ms CPU; {len(statements)} statements, 1 commit",
    )


def measure_user_tasks(engine: Engine) -> Iterator[Figure]:
    """Starting up to a user task, and completing it."""
    deploy(engine, models.approval(Flavour.CAMUNDA_8))

    def start(count: int) -> None:
        for _ in range(count):
            engine.execute(instances.start, "bench_approval", variables=models.ORDER_VARIABLES)

    batch = best_batch(start, INSTANCES)
    yield Figure(
        group=GROUP,
        name="start up to a user task",
        unit="ms",
        partitur=batch.wall * 1e3,
        note=f"{batch.cpu * 1e3:.2f} ms CPU",
    )
    tasks = iter(open_user_tasks(engine))

    def complete(count: int) -> None:
        for _ in range(count):
            engine.execute(user_tasks.complete, next(tasks), {"approved": True})

    statements = statements_of(engine, lambda: complete(1))
    batch = best_batch(complete, INSTANCES, batches=4)
    yield Figure(
        group=GROUP,
        name="complete a user task, up to the end",
        unit="ms",
        partitur=batch.wall * 1e3,
        note=f"{batch.cpu * 1e3:.2f} ms CPU; {len(statements)} statements, 1 commit",
    )
    yield Figure(group=GROUP, name="statements in that transaction", unit="", partitur=len(statements), target="≤ 10")


def open_user_tasks(engine: Engine) -> list[int]:
    """The keys of all open user tasks."""
    with engine.read() as connection:
        rows = connection.exec_driver_sql("SELECT key FROM user_tasks WHERE ended_at IS NULL ORDER BY key")
        return [row[0] for row in rows]


def statements_of(engine: Engine, run: Any) -> list[str]:
    """The SQL statements that `run` sends, without the transaction's own BEGIN and COMMIT."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.upper().startswith(("BEGIN", "COMMIT", "PRAGMA")):
            seen.append(statement)

    event.listen(engine.database.engine, "before_cursor_execute", note)
    try:
        run()
    finally:
        event.remove(engine.database.engine, "before_cursor_execute", note)
    return seen
