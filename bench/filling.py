"""A database full of instances: a few real ones, multiplied by `INSERT … SELECT` with their keys shifted.

The copies are complete for whoever reads: instance, history, variables, jobs, user tasks, subscriptions, timers,
incidents and audit trail. They never move again: their tokens name the keys of the original. All kinds are spread over
the same time, so that lists find them in between each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.schema import CreateIndex, DropIndex

from bench import waiting
from bench.databases import new_url
from engine import definitions, instances, schema, tenants
from engine.engine import Engine
from engine.keys import NAME
from engine.tasks import user_tasks
from engine.work import activation, jobs

COPIED = (
    schema.instances, schema.element_instances, schema.variables, schema.jobs, schema.user_tasks,
    schema.task_candidates, schema.subscriptions, schema.timers, schema.incidents, schema.audit,
)
KEYS = {"key", "instance_key", "element_instance_key", "scope_key", "root_key", "parent_key",
        "parent_element_instance_key", "incident_key", "job_key", "task_key", "entity_key"}
TIMES = {"started_at", "ended_at", "at", "created_at", "changed_at", "sent_at", "settled_at"}
UNIQUE_TEXTS = {"business_id", "correlation_key", "correlation_id", "idempotency_key"}
NORTH = "north"
"""The other tenant."""
STRIDE = 64
"""Keys of one copy; no original has more rows."""


@dataclass(frozen=True, slots=True)
class Original:
    """A real instance, and the keys of its rows."""

    first: int
    last: int


def fill(name: str, finished: int, live: int) -> str:
    """Make a database with so many instances that ended and that wait; returns its address.

    Each waiting one has a user task, a job, a message subscription and two timers; one in a hundred more has an
    incident, one a job that is tried again, one rests, and two are of another tenant. One in five that ended had a user
    task and a job; some were of an older version, of another tenant, called by another one, or canceled and tagged.
    """
    url = new_url(name)
    engine = Engine(url)
    plan = _plan(engine, finished, live)
    shift = 1_000_000
    with engine.database.write() as connection:
        _indexes(connection, DropIndex)
        for original, count in plan:
            apart = finished * 1_000_000 // max(count, 1)
            for table in COPIED:
                connection.execute(text(_copy(engine, table)), {
                    "count": count, "first": original.first, "last": original.last, "shift": shift, "apart": apart,
                })
            shift += count * STRIDE
        connection.execute(schema.sequence.update().where(schema.sequence.c.name == NAME)
                           .values(next=shift + 1_000_000))
        _indexes(connection, CreateIndex)
    _settle(engine)
    engine.close()
    return url


def _plan(engine: Engine, finished: int, live: int) -> list[tuple[Original, int]]:
    """The originals, and how many copies are made of each."""
    done = waiting.between("bench_done", "Done", '<bpmn:task id="Done" name="Done"/>')
    engine.execute(tenants.add, NORTH)
    _deploy(engine, done, _long(), waiting.everything("bench_waiting"), waiting.failing("bench_failing"))
    _deploy(engine, done, waiting.everything("bench_waiting"), tenant_id=NORTH)
    plan = [
        (_start(engine, "bench_done"), finished // 10),
        # The first, while there is no other job that it could take.
        (_start(engine, "bench_waiting", partial(_fail, engine)), live // 100),
        (_start(engine, "bench_done", tenant_id=NORTH, tags=["north"]), finished // 20),
        (_start(engine, "bench_waiting", partial(_to, engine, instances.cancel), tags=["late", "south"]),
         finished // 50),
        (_finish_long(engine), finished // 5),
        (_start(engine, "bench_waiting", partial(_to, engine, instances.suspend)), live // 100),
        (_start(engine, "bench_waiting", tenant_id=NORTH), live // 50),
        (_start(engine, "bench_failing"), live // 100),
    ]
    _deploy(engine, done.replace(b'name="Done"', b'name="All done"'), waiting.between(
        "bench_calling", "Do", waiting.call("Do", "bench_done")))
    plan.append((_start(engine, "bench_calling"), finished // 100))
    ended, at_work = (_copied(engine, plan, over) for over in (True, False))
    return [*plan, (_start(engine, "bench_done"), finished - ended), (_start(engine, "bench_waiting"), live - at_work)]


def _copied(engine: Engine, plan: Sequence[tuple[Original, int]], over: bool) -> int:
    """How many instances the copies are that have ended, or that have not."""
    each = text("SELECT count(*) FROM instances WHERE key BETWEEN :first AND :last"
                f" AND ended_at IS {'NOT ' if over else ''}NULL")
    with engine.read() as connection:
        return sum(count * connection.execute(each, {"first": original.first, "last": original.last}).scalar_one()
                   for original, count in plan)


def _deploy(engine: Engine, *drawn: bytes, tenant_id: str = schema.DEFAULT_TENANT) -> None:
    for content in drawn:
        engine.execute(definitions.deploy, [definitions.Resource(name="bench.bpmn", content=content)],
                       tenant_id=tenant_id)


def _long() -> bytes:
    return waiting.drawn(
        "bench_long", waiting.START + waiting.USER_TASK + waiting.job("bench-long") + waiting.END,
        [("Start", "Approve"), ("Approve", "Call"), ("Call", "End")],
    )


def _start(engine: Engine, process_id: str, go_on: Callable[[int], None] = lambda key: None, **more: Any) -> Original:
    first = next(engine.keys)
    started = engine.execute(instances.start, process_id, business_id="B", variables={"orderId": "O", "amount": 100},
                             **more)
    go_on(started.key)
    return Original(first, next(engine.keys))


def _finish_long(engine: Engine) -> Original:
    def finish(key: int) -> None:
        with engine.read() as connection:
            task = connection.scalar(text("SELECT key FROM user_tasks WHERE instance_key = :key"), {"key": key})
        engine.execute(user_tasks.complete, task, {"approved": True})
        [job] = engine.execute(activation.activate, ["bench-long"], "bench")
        engine.execute(jobs.complete, job.key, {}, lock_token=job.lock_token)

    return _start(engine, "bench_long", finish)


def _fail(engine: Engine, key: int) -> None:
    [job] = engine.execute(activation.activate, ["bench-idle"], "bench")
    engine.execute(jobs.fail, job.key, "Expected an answer, but none came.", retries=2, lock_token=job.lock_token)


def _to(engine: Engine, do: Callable[..., None], key: int) -> None:
    engine.execute(do, key, reason="no longer wanted")


def _copy(engine: Engine, table: Table) -> str:
    names = [column.name for column in table.c]
    values = ", ".join(_value(engine, table, name) for name in names)
    key = "task_key" if "key" not in table.c else "key"
    series = "(WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :count)" \
             " SELECT n FROM counted) AS counted" if engine.database.is_sqlite else "generate_series(1, :count) AS n"
    return (f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM {table.name} AS t CROSS JOIN {series}"
            f" WHERE :count > 0 AND t.{key} BETWEEN :first AND :last")


def _value(engine: Engine, table: Table, name: str) -> str:
    sqlite, column = engine.database.is_sqlite, f"t.{name}"
    if name in KEYS:
        return f"{column} - :first + :shift + n * {STRIDE}"
    if name in TIMES:
        return f"{column} - n * :apart" if sqlite else f"{column} - n * (:apart * interval '1 microsecond')"
    if name in UNIQUE_TEXTS:
        return f"{column} || '-' || n"
    if table is schema.variables and name in ("value", "lookup"):
        as_json = "" if sqlite or name == "lookup" else "::jsonb"
        return (f"""CASE WHEN t.name = 'orderId' THEN ('"O-' || n || '"'){as_json}"""
                f" WHEN t.name = 'amount' AND n % 2 = 1 THEN CAST(n % 1000 AS TEXT){as_json} ELSE {column} END")
    return column


def _indexes(connection: Connection, do: Callable[[Any], Any]) -> None:
    # Built over the whole afterwards, which takes a third of the time.
    for table in COPIED:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(do(index))


def _settle(engine: Engine) -> None:
    """What a database that grew over months has behind it: statistics, and a log that is written back."""
    statements: Sequence[str] = ("PRAGMA wal_checkpoint(TRUNCATE)",) if engine.database.is_sqlite \
        else ("VACUUM ANALYZE", "CHECKPOINT")
    raw = engine.database.engine.raw_connection()
    try:
        connection: Any = raw.driver_connection
        if not engine.database.is_sqlite:
            connection.autocommit = True
        for statement in statements:
            connection.execute(statement)
        if not engine.database.is_sqlite:
            connection.autocommit = False
    finally:
        raw.close()
