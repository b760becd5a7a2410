"""Figures of ended instances, as `engine.reports.learning` summed them up: by definition, by element, over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, select

from bpmn.model import ElementType, Process
from engine import schema
from engine.queries import definitions as known
from engine.reports import stays
from engine.reports.learning import DAY, HOUR, WHOLE, day_of
from engine.reports.parts import Part

if TYPE_CHECKING:
    from engine.engine import Engine

_f = schema.report_figures.c
_d = schema.definitions.c

HOURLY = timedelta(days=3)
"""Up to here, time goes by hours."""
TOP = 20
"""Rows of a list of the most."""


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


def most(engine: Engine, of: str, since: datetime, until: datetime, process_id: str | None = None) -> list[Figures]:
    """The elements with most `retries`, `failures` or `undone` calls."""
    total = func.sum(_f[of])
    statement = (
        select(_d.process_id, _f.element_id).join(schema.definitions, _d.key == _f.definition_key)
        .where(*_within(since, until, DAY), _f.element_id != WHOLE, *_of_process(process_id))
        .group_by(_d.process_id, _f.element_id).having(total > 0).order_by(total.desc(), _f.element_id).limit(TOP))
    with engine.read() as connection:
        wanted = [tuple(row) for row in connection.execute(statement)]
    found = {(each.process_id, each.element_id): each for each in _summed(
        engine, since, until, process_id, [_f.element_id.in_({element for _process, element in wanted})])}
    return [found[each] for each in wanted if each in found]


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
            conditions: Collection[ColumnElement[bool]]) -> Iterable[Figures]:
    statement = (
        select(schema.report_figures, _d.process_id, _d.name.label("process_name"), _d.version)
        .join(schema.definitions, _d.key == _f.definition_key)
        .where(*_within(since, until, DAY), *conditions, *_of_process(process_id)).order_by(_d.version))
    found: dict[tuple[str, str], Figures] = {}
    drawn: dict[int, Process] = {}
    with engine.read() as connection:
        rows = connection.execute(statement).all()
    for row in rows:
        figure = found.setdefault((row.process_id, row.element_id),
                                  Figures(process_id=row.process_id, element_id=row.element_id))
        _add(figure, row)
        if row.element_id == WHOLE:
            figure.name = row.process_name or row.process_id
            continue
        if row.definition_key not in drawn:
            drawn[row.definition_key] = known.process(engine, row.definition_key)
        element = drawn[row.definition_key].elements.get(row.element_id)
        figure.name = (element.name if element else None) or row.element_id
        figure.type = element.type if element else figure.type
    return found.values()


def _add(figure: Figures, row: Any) -> None:
    figure.started += row.started
    figure.completed += row.completed
    figure.terminated += row.terminated
    figure.total += row.total_ms * stays.MILLISECOND
    figure.longest = max(figure.longest, row.longest_ms * stays.MILLISECOND)
    figure.failures += row.failures
    figure.retries += row.retries
    figure.undone += row.undone
    for part, milliseconds in ((Part.ENGINE, row.engine_ms), (Part.SERVICE, row.service_ms),
                               (Part.QUEUE, row.queue_ms), (Part.WAITING, row.waiting_ms)):
        figure.spent[part] = figure.spent.get(part, timedelta()) + milliseconds * stays.MILLISECOND
    figure.stays.update(stays.added([row.stays]))


def models(engine: Engine, since: datetime, until: datetime, process_id: str | None) -> Mapping[int, Process]:
    """The models of the definitions of which anything started or ended in a period, by their keys."""
    statement = (select(_f.definition_key).distinct().join(schema.definitions, _d.key == _f.definition_key)
                 .where(*_within(since, until, DAY), _f.element_id == WHOLE, *_of_process(process_id)))
    with engine.read() as connection:
        keys = connection.scalars(statement).all()
    return {key: known.process(engine, key) for key in keys}
