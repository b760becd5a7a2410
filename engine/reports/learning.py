"""Sums up what instances tell once they have ended, a slice at a time, in the background.

Each ended instance counts once, in the hour and the day in which it ended; each start in its own. How far that went is
kept in the transaction that keeps the sums, so that a crash neither loses nor repeats a slice, and any number of nodes
may do it. What happened within the last minute is left for later: transactions that began then may still be under way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select

from bpmn.model import ElementType
from engine import schema
from engine.database import Upsert
from engine.reports import stays
from engine.reports.parts import Interval, Part, shares
from engine.states import ElementState, InstanceState

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

BATCH = 500
"""Ended instances of one slice."""
STARTS = 5_000
"""Started instances of one slice."""
MOST_ROWS = 100_000
"""Element instances, and jobs, of one slice: one that loops for ever must not fill the memory."""
SETTLED = timedelta(minutes=1)
FIRST_REACH = timedelta(days=90)
"""What ended longer ago when a database is first looked at is not summed up."""
HOURS_KEPT = timedelta(days=35)
DAYS_KEPT = timedelta(days=800)

HOUR, DAY = "HOUR", "DAY"
STARTED, ENDED = "STARTED", "ENDED"
WHOLE = ""
"""In the place of an element: the instances themselves."""
WAITS = frozenset({ElementType.USER_TASK, ElementType.RECEIVE_TASK, ElementType.INTERMEDIATE_CATCH_EVENT,
                   ElementType.EVENT_BASED_GATEWAY, ElementType.MANUAL_TASK})
KEY = ("definition_key", "element_id", "grain", "at")
SUMS = ("started", "completed", "terminated", "total_ms", "failures", "retries", "undone", "engine_ms", "service_ms",
        "queue_ms", "waiting_ms")

_i, _e, _j, _n = schema.instances.c, schema.element_instances.c, schema.jobs.c, schema.incidents.c
_f, _p = schema.report_figures.c, schema.report_progress.c

KEEP = Upsert(schema.report_figures, KEY, (*SUMS, "longest_ms", "stays"))
MOVE_ON = Upsert(schema.report_progress, ("name",), ("at", "key"))
PLACE = select(_p.at, _p.key).where(_p.name == bindparam("name"))

Where = tuple[int, str, str, datetime]


@dataclass(slots=True)
class Figure:
    """What is summed up in one row."""

    sums: Counter[str] = field(default_factory=Counter)
    stays: Counter[int] = field(default_factory=Counter)
    longest_ms: int = 0

    def passed(self, state: str, took: timedelta) -> None:
        """Something ended so, after that time."""
        if state != InstanceState.COMPLETED.value:
            self.sums["terminated"] += 1
            return
        milliseconds = max(0, took // stays.MILLISECOND)
        self.sums["completed"] += 1
        self.sums["total_ms"] += milliseconds
        self.stays[stays.class_of(milliseconds)] += 1
        self.longest_ms = max(self.longest_ms, milliseconds)


Figures = defaultdict[Where, Figure]


@dataclass(frozen=True, slots=True)
class Place:
    """How far the sums go."""

    at: datetime
    key: int


def learn(engine: Engine) -> int:
    """Sum up the next slice; returns how many instances that was, 0 if nothing is left to do."""
    return _slice(engine, ENDED, _ended) + _slice(engine, STARTED, _started)


def up_to(engine: Engine) -> datetime | None:
    """Up to when everything that ended is summed up; None if nothing ever was."""
    with engine.read() as connection:
        row = connection.execute(PLACE, {"name": ENDED}).first()
    return None if row is None else row.at


def _slice(engine: Engine, name: str, look: Any) -> int:
    until = engine.clock() - SETTLED
    with engine.read() as connection:
        row = connection.execute(PLACE, {"name": name}).first()
        before = Place(row.at, row.key) if row is not None else None
        since = before or Place(until - FIRST_REACH, 0)
        figures: Figures = defaultdict(Figure)
        rows: Sequence[Any] = look(connection, since, until, figures)
    after = Place(rows[-1].at, rows[-1].key) if len(rows) == _size(name) else Place(until, 0)
    if not rows and before is not None and after.at - before.at < SETTLED:
        return 0
    engine.execute(_keep, name, before, after, figures)
    return len(rows)


def _size(name: str) -> int:
    return BATCH if name == ENDED else STARTS


def _keep(tx: Transaction, name: str, before: Place | None, after: Place, figures: Figures) -> None:
    if not tx.engine.database.try_serialize(tx.connection, "reports"):
        return
    row = tx.connection.execute(PLACE, {"name": name}).first()
    if (Place(row.at, row.key) if row is not None else None) != before:
        # Another node was quicker.
        return
    if figures:
        _add_what_is_there(tx.connection, figures)
        tx.engine.database.execute(tx.connection, KEEP, [
            {**dict(zip(KEY, where, strict=True)), **{each: figure.sums[each] for each in SUMS},
             "longest_ms": figure.longest_ms, "stays": {str(number): count for number, count in figure.stays.items()}}
            for where, figure in figures.items()
        ])
    tx.engine.database.execute(tx.connection, MOVE_ON, [{"name": name, "at": after.at, "key": after.key}])
    for grain, kept in ((HOUR, HOURS_KEPT), (DAY, DAYS_KEPT)):
        tx.connection.execute(delete(schema.report_figures).where(_f.grain == grain, _f.at < tx.now - kept))


def _add_what_is_there(connection: Connection, figures: Figures) -> None:
    statement = select(schema.report_figures).where(
        _f.definition_key.in_({where[0] for where in figures}), _f.at.in_({where[3] for where in figures}))
    for row in connection.execute(statement):
        figure = figures.get((row.definition_key, row.element_id, row.grain, row.at))
        if figure is not None:
            figure.sums.update({name: getattr(row, name) for name in SUMS})
            figure.stays.update(stays.added([row.stays]))
            figure.longest_ms = max(figure.longest_ms, row.longest_ms)


def _after(column: Any, key: Any, since: Place, until: datetime) -> Any:
    return and_(column >= since.at, column < until, or_(column > since.at, key > since.key))


def _started(connection: Connection, since: Place, until: datetime, figures: Figures) -> Sequence[Any]:
    rows = connection.execute(
        select(_i.key, _i.definition_key, _i.started_at.label("at")).where(_after(_i.started_at, _i.key, since, until))
        .order_by(_i.started_at, _i.key).limit(STARTS)).all()
    for row in rows:
        for figure in _of_both_grains(figures, row.definition_key, WHOLE, row.at):
            figure.sums["started"] += 1
    return rows


def _ended(connection: Connection, since: Place, until: datetime, figures: Figures) -> Sequence[Any]:
    rows = connection.execute(
        select(_i.key, _i.definition_key, _i.state, _i.started_at, _i.ended_at.label("at"))
        .where(_after(_i.ended_at, _i.key, since, until)).order_by(_i.ended_at, _i.key).limit(BATCH)).all()
    if not rows:
        return rows
    keys = [row.key for row in rows]
    intervals: dict[int, list[Interval]] = defaultdict(list)
    undoing: set[int] = set()
    of = {row.key: row for row in rows}
    for visit in connection.execute(
            select(_e.instance_key, _e.element_id, _e.type, _e.state, _e.started_at, _e.ended_at)
            .where(_e.instance_key.in_(keys), _e.ended_at.is_not(None)).limit(MOST_ROWS)):
        owner = of[visit.instance_key]
        if visit.state != ElementState.ACTIVE.value:
            _of_day(figures, owner, visit.element_id).passed(visit.state, visit.ended_at - visit.started_at)
        if visit.type in WAITS or visit.type == ElementType.CALL_ACTIVITY:
            part = Part.CALLED if visit.type == ElementType.CALL_ACTIVITY else Part.WAITING
            intervals[owner.key].append((visit.started_at, visit.ended_at, part))
    for job in connection.execute(
            select(_j.instance_key, _j.element_id, _j.attempt, _j.compensated_by, _j.created_at, _j.sent_at,
                   func.coalesce(_j.settled_at, _j.ended_at).label("ended_at"))
            .where(_j.instance_key.in_(keys)).limit(MOST_ROWS)):
        owner = of[job.instance_key]
        again = max(0, job.attempt - 1)
        for figure in (_of_day(figures, owner, job.element_id), *_wholes(figures, owner)):
            figure.sums["retries"] += again
        if job.compensated_by is not None:
            undoing.add(owner.key)
            _of_day(figures, owner, job.element_id).sums["undone"] += 1
        over = job.ended_at or owner.at
        intervals[owner.key].append((job.created_at, job.sent_at or over, Part.QUEUE))
        if job.sent_at is not None:
            intervals[owner.key].append((job.sent_at, over, Part.SERVICE))
    for incident in connection.execute(select(_n.instance_key, _n.element_id).where(_n.instance_key.in_(keys))):
        owner = of[incident.instance_key]
        for figure in (_of_day(figures, owner, incident.element_id), *_wholes(figures, owner)):
            figure.sums["failures"] += 1
    for row in rows:
        spent = shares(row.started_at, row.at, intervals[row.key])
        for figure in _wholes(figures, row):
            figure.passed(row.state, row.at - row.started_at)
            figure.sums["undone"] += row.key in undoing
            for part, name in ((Part.ENGINE, "engine_ms"), (Part.SERVICE, "service_ms"), (Part.QUEUE, "queue_ms"),
                               (Part.WAITING, "waiting_ms")):
                figure.sums[name] += spent[part] // stays.MILLISECOND
    return rows


def _of_day(figures: Figures, owner: Any, element_id: str) -> Figure:
    return figures[owner.definition_key, element_id, DAY, day_of(owner.at)]


def _wholes(figures: Figures, owner: Any) -> Iterable[Figure]:
    return _of_both_grains(figures, owner.definition_key, WHOLE, owner.at)


def _of_both_grains(figures: Figures, definition_key: int, element_id: str, at: datetime) -> tuple[Figure, Figure]:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return figures[definition_key, element_id, HOUR, hour], figures[definition_key, element_id, DAY, day_of(at)]


def day_of(at: datetime) -> datetime:
    """The beginning of a day, in UTC."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
