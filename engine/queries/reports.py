"""Figures of ended instances, as `engine.reports.learning` summed them up: by definition, by element, over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, or_, select

from bpmn.model import ElementType, Process
from engine import schema
from engine.queries import definitions as known
from engine.reports import stays
from engine.reports.learning import DAY, HOUR, SUMS, WHOLE, day_of
from engine.reports.parts import Part

if TYPE_CHECKING:
    from engine.engine import Engine

_f = schema.report_figures.c
_d = schema.definitions.c

HOURLY = timedelta(days=3)
"""Up to here, time goes by hours."""
TOP = 20
"""Rows of a list of the most."""
PARTS = {Part.SERVICE: "service_ms", Part.QUEUE: "queue_ms", Part.WAITING: "waiting_ms", Part.ENGINE: "engine_ms"}
COUNTED = ("retries", "failures", "undone")
"""What there is a list of the most of."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """What was summed up of a process, or of an element of it. `undone`: calls that were undone, or of a process the
    instances that undid something."""

    process_id: str
    element_id: str = WHOLE
    name: str = ""
    type: str = ""
    started: int = 0
    completed: int = 0
    terminated: int = 0
    total: timedelta = timedelta()
    longest: timedelta = timedelta()
    failures: int = 0
    retries: int = 0
    undone: int = 0
    spent: dict[Part, timedelta] = field(default_factory=dict)
    stays: Counter[int] = field(default_factory=Counter)

    @property
    def ended(self) -> int:
        """All that ended, in whichever way."""
        return self.completed + self.terminated

    @property
    def mean(self) -> timedelta | None:
        """How long those took that were completed, on average."""
        return self.total / self.completed if self.completed else None

    @property
    def median(self) -> timedelta | None:
        """What half of them took at most, to 10 %."""
        return self._at_most(0.5)

    @property
    def p95(self) -> timedelta | None:
        """What 95 of 100 took at most, to 10 %."""
        return self._at_most(0.95)

    def _at_most(self, part: float) -> timedelta | None:
        found = stays.share(self.stays, part)
        # A class is as wide as it is; nothing took longer than the longest.
        return None if found is None else min(found, self.longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What happened in one hour or day."""

    at: datetime
    started: int = 0
    completed: int = 0
    terminated: int = 0


def by_process(engine: Engine, since: datetime, until: datetime, process_id: str | None = None) -> list[Figures]:
    """Each process of which anything started or ended, all versions together, those with most instances first."""
    return sorted(_summed(engine, since, until, process_id, [_f.element_id == WHOLE]),
                  key=lambda each: (-each.ended - each.started, each.process_id))


def by_element(engine: Engine, since: datetime, until: datetime, process_id: str) -> list[Figures]:
    """Each element of a process that was passed, all versions together, those first that took longest together."""
    found = _summed(engine, since, until, process_id, [_f.element_id != WHOLE])
    return sorted(found, key=lambda each: (-each.total, each.element_id))


def user_tasks(engine: Engine, since: datetime, until: datetime, process_id: str | None = None) -> list[Figures]:
    """The user tasks of every process, those first that took longest together."""
    wanted = {(key, each.id) for key, process in models(engine, since, until, process_id).items()
              for each in process.elements.values() if each.type is ElementType.USER_TASK}
    found = _summed(engine, since, until, process_id, [
        _f.definition_key.in_({key for key, _element in wanted}), _f.element_id.in_({each for _key, each in wanted})])
    return sorted((each for each in found if each.type == ElementType.USER_TASK),
                  key=lambda each: (-each.total, each.process_id, each.element_id))[:TOP]


def most(engine: Engine, since: datetime, until: datetime, process_id: str | None = None) -> dict[str, list[Figures]]:
    """The elements with most `retries`, `failures` and `undone` calls, by that word. They have no durations."""
    sums = [func.sum(_f[name]).label(name) for name in (*COUNTED, "completed", "terminated")]
    statement = (
        select(_d.process_id, _f.element_id, func.max(_f.definition_key).label("definition_key"), *sums)
        .join(schema.definitions, _d.key == _f.definition_key)
        .where(*_within(since, until, DAY), _f.element_id != WHOLE, *_of_process(process_id))
        .group_by(_d.process_id, _f.element_id).having(or_(*(each > 0 for each in sums[:len(COUNTED)]))))
    with engine.read() as connection:
        rows = connection.execute(statement).all()
    found = {}
    for name in COUNTED:
        top = sorted((row for row in rows if getattr(row, name)),
                     key=lambda row: (-getattr(row, name), row.process_id, row.element_id))[:TOP]
        found[name] = [_counted(engine, row) for row in top]
    return found


def _counted(engine: Engine, row: Any) -> Figures:
    element = known.process(engine, row.definition_key).elements.get(row.element_id)
    counts: dict[str, Any] = {name: int(getattr(row, name)) for name in COUNTED}
    return Figures(
        process_id=row.process_id, element_id=row.element_id,
        name=(element.name if element else None) or row.element_id, type=element.type if element else "",
        completed=int(row.completed), terminated=int(row.terminated), **counts)


def over_time(engine: Engine, since: datetime, until: datetime, process_id: str | None = None) -> list[Point]:
    """How many started and ended in each hour or day of a period, those with none, too."""
    grain = HOUR if until - since <= HOURLY else DAY
    step = timedelta(hours=1) if grain == HOUR else timedelta(days=1)
    statement = (
        select(_f.at, *(func.sum(_f[name]) for name in ("started", "completed", "terminated")))
        .join(schema.definitions, _d.key == _f.definition_key)
        .where(*_within(since, until, grain), _f.element_id == WHOLE, *_of_process(process_id)).group_by(_f.at))
    with engine.read() as connection:
        found = {row[0]: Point(at=row[0], started=row[1], completed=row[2], terminated=row[3])
                 for row in connection.execute(statement)}
    first = day_of(since) if grain == DAY else since.replace(minute=0, second=0, microsecond=0)
    times = [first + step * number for number in range(int((until - first) / step) + 1)]
    return [found.get(at) or Point(at=at) for at in times if at < until]


def visits(engine: Engine, since: datetime, until: datetime) -> dict[tuple[str, str], int]:
    """How often each element was passed, by its process and its id."""
    statement = (
        select(_d.process_id, _f.element_id, func.sum(_f.completed + _f.terminated))
        .join(schema.definitions, _d.key == _f.definition_key)
        .where(*_within(since, until, DAY), _f.element_id != WHOLE).group_by(_d.process_id, _f.element_id))
    with engine.read() as connection:
        return {(row[0], row[1]): int(row[2]) for row in connection.execute(statement)}


def busiest_hour(engine: Engine, since: datetime, until: datetime) -> int | None:
    """How many instances ended in the hour in which most did; None if none did, or if its hours are no longer kept."""
    total = func.sum(_f.completed + _f.terminated)
    statement = select(total).where(*_within(since, until, HOUR), _f.element_id == WHOLE).group_by(_f.at)
    with engine.read() as connection:
        found = connection.scalars(statement.order_by(total.desc()).limit(1)).first()
    return None if not found else int(found)


def _within(since: datetime, until: datetime, grain: str) -> tuple[ColumnElement[bool], ...]:
    first = day_of(since) if grain == DAY else since.replace(minute=0, second=0, microsecond=0)
    return _f.grain == grain, _f.at >= first, _f.at < until


def _of_process(process_id: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if process_id is None else (_d.process_id == process_id,)


def _summed(engine: Engine, since: datetime, until: datetime, process_id: str | None,
            conditions: Collection[ColumnElement[bool]]) -> list[Figures]:
    wanted = (*_within(since, until, DAY), *conditions, *_of_process(process_id))
    sums = [func.sum(_f[name]).label(name) for name in SUMS]
    newest, longest = func.max(_f.definition_key).label("definition_key"), func.max(_f.longest_ms).label("longest_ms")
    by = (_d.process_id, _f.element_id)
    with engine.read() as connection:
        rows = connection.execute(select(*by, newest, longest, *sums).join(
            schema.definitions, _d.key == _f.definition_key).where(*wanted).group_by(*by)).all()
        classes: dict[tuple[str, str], dict[str, int]] = {(row.process_id, row.element_id): {} for row in rows}
        # There may be many of them, and the databases cannot add them up.
        for process, element, kept in connection.execute(select(*by, _f.stays).join(
                schema.definitions, _d.key == _f.definition_key).where(*wanted, _f.completed > 0)):
            into = classes.setdefault((process, element), {})
            for number, count in kept.items():
                into[number] = into.get(number, 0) + count
    return [_figures(engine, row, classes[row.process_id, row.element_id]) for row in rows]


def _figures(engine: Engine, row: Any, classes: Mapping[str, int]) -> Figures:
    process = known.process(engine, row.definition_key)
    element = process.elements.get(row.element_id)
    counts: dict[str, Any] = {
        name: int(getattr(row, name)) for name in ("started", "completed", "terminated", *COUNTED)}
    name = element.name if element is not None else process.name if row.element_id == WHOLE else None
    return Figures(
        process_id=row.process_id, element_id=row.element_id, name=name or row.element_id or row.process_id,
        type=element.type if element is not None else "", total=int(row.total_ms) * stays.MILLISECOND,
        longest=int(row.longest_ms) * stays.MILLISECOND, stays=stays.added([classes]),
        spent={part: int(getattr(row, name)) * stays.MILLISECOND for part, name in PARTS.items()}, **counts)


def models(engine: Engine, since: datetime, until: datetime, process_id: str | None) -> Mapping[int, Process]:
    """The models of the definitions of which anything started or ended in a period, by their keys."""
    statement = (select(_f.definition_key).distinct().join(schema.definitions, _d.key == _f.definition_key)
                 .where(*_within(since, until, DAY), _f.element_id == WHOLE, *_of_process(process_id)))
    with engine.read() as connection:
        keys = connection.scalars(statement).all()
    return {key: known.process(engine, key) for key in keys}
