"""Where the time goes and what is near its bounds: when to move a step to an event, or to split the orchestrator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from bpmn.model import Element, Process
from engine import schema
from engine.queries import reports, standing
from engine.queries.reports import Figures
from engine.reports.parts import Part

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.queries.standing import Standing

_s = schema.subscriptions.c
TOP = 10


class Bound(StrEnum):
    """What is measured against a bound."""

    ENGINE_SHARE = "engine share"  # the engine's own part of the time in which anything was done
    QUEUE_SHARE = "queue share"  # of the time of calls, how much they waited for somebody to make them
    QUEUE_LAG = "queue lag"  # seconds by which the oldest entry of the queue, or the oldest timer, is late
    RATE = "rate"  # instances that ended per second, in the busiest hour
    CONCENTRATION = "concentration"  # the part of all visits that one process has
    HOT_KEY = "hot key"  # instances that wait for one message with one correlation key
    CHATTY = "chatty"  # steps in a row that call one service
    LOCKS = "locks"  # transactions that wait for a lock of another one
    LONG_TRANSACTIONS = "long transactions"  # open for longer than a minute


LIMITS: Mapping[Bound, float] = {
    Bound.ENGINE_SHARE: 0.2, Bound.QUEUE_SHARE: 0.5, Bound.QUEUE_LAG: 5.0, Bound.RATE: 150.0,
    Bound.CONCENTRATION: 0.6, Bound.HOT_KEY: 100.0, Bound.CHATTY: 2.0, Bound.LOCKS: 3.0, Bound.LONG_TRANSACTIONS: 0.0,
}
"""More than this is too much. The rate is about a third of what docs/DECISIONS.md measured on one machine."""
ENOUGH = 100
"""Instances that must have ended before their shares say anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measure. `value` is None where it cannot be known, or where too little happened to say so."""

    bound: Bound
    value: float | None
    limit: float

    @property
    def exceeded(self) -> bool:
        """Whether it is time to act."""
        return self.value is not None and self.value > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class HotKey:
    """Instances that wait for one message, all with the same correlation key."""

    name: str
    correlation_key: str | None
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Steps of a process that follow each other and call one service; `visits`: of the first, in the period."""

    process_id: str
    process_name: str | None
    service: str
    elements: tuple[str, ...]
    visits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotspots:
    """Everything together. `spent` is the time of all ended instances by what they were at."""

    spent: Mapping[Part, timedelta]
    ended: int
    processes: Sequence[Figures]
    visits: Mapping[str, int]
    keys: Sequence[HotKey]
    chats: Sequence[Chat]
    measured: Sequence[Measured]
    standing: Standing

    @property
    def total(self) -> timedelta:
        """The time of all ended instances."""
        return sum(self.spent.values(), timedelta())


def look(engine: Engine, since: datetime, until: datetime) -> Hotspots:
    """Measure everything, over a period where it needs one."""
    processes = reports.by_process(engine, since, until)
    spent = {part: sum((each.spent.get(part, timedelta()) for each in processes), timedelta())
             for part in (Part.SERVICE, Part.QUEUE, Part.WAITING, Part.ENGINE)}
    ended = sum(each.ended for each in processes)
    visits = reports.visits(engine, since, until)
    keys = _hot_keys(engine)
    chats = _chats(engine, since, until, visits)
    now = standing.standing(engine)
    by_process: dict[str, int] = defaultdict(int)
    for (process_id, _element), count in visits.items():
        by_process[process_id] += count
    values = {
        Bound.ENGINE_SHARE: _share(spent[Part.ENGINE], spent[Part.SERVICE] + spent[Part.QUEUE], ended),
        Bound.QUEUE_SHARE: _share(spent[Part.QUEUE], spent[Part.SERVICE], ended),
        Bound.QUEUE_LAG: max(now.timer_lag, now.queue_lag or timedelta()).total_seconds(),
        Bound.RATE: _rate(engine, since, until),
        Bound.CONCENTRATION: max(by_process.values()) / sum(by_process.values())
        if len(by_process) > 1 and ended >= ENOUGH else None,
        Bound.HOT_KEY: float(max((each.waiting for each in keys), default=0)),
        Bound.CHATTY: float(max((len(each.elements) for each in chats), default=0)),
        Bound.LOCKS: _locked(engine),
        Bound.LONG_TRANSACTIONS: None if engine.database.is_sqlite else float(len(now.long_transactions)),
    }
    return Hotspots(
        spent=spent, ended=ended, processes=processes[:TOP], visits=by_process, keys=keys, chats=chats, standing=now,
        measured=tuple(Measured(bound=bound, value=values[bound], limit=LIMITS[bound]) for bound in Bound),
    )


def _share(part: timedelta, rest: timedelta, ended: int) -> float | None:
    return part / (part + rest) if ended >= ENOUGH and part + rest else None


def _rate(engine: Engine, since: datetime, until: datetime) -> float | None:
    busiest = reports.busiest_hour(engine, since, until)
    return None if busiest is None else busiest / 3600


def _hot_keys(engine: Engine) -> tuple[HotKey, ...]:
    """By the index of names and keys alone, which has one short entry for each that waits."""
    count = func.count()
    statement = (
        select(_s.name, _s.correlation_key, count.label("waiting"))
        .where(_s.kind == "MESSAGE", _s.correlation_key.is_not(None)).group_by(_s.name, _s.correlation_key)
        .having(count > 1).order_by(count.desc(), _s.name, _s.correlation_key).limit(TOP))
    with engine.read() as connection:
        return tuple(HotKey(**row._mapping) for row in connection.execute(statement))


def _locked(engine: Engine) -> float | None:
    with engine.read() as connection:
        return engine.database.waiting_for_locks(connection)


def _chats(engine: Engine, since: datetime, until: datetime, visits: Mapping[tuple[str, str], int]) -> tuple[Chat, ...]:
    newest: dict[str, Process] = {}
    for _key, process in sorted(reports.models(engine, since, until, None).items()):
        newest[process.id] = process
    found = [
        Chat(process_id=process.id, process_name=process.name, service=service, elements=run,
             visits=visits.get((process.id, run[0]), 0))
        for process in newest.values() for service, run in runs(process)
    ]
    return tuple(sorted(found, key=lambda each: (-len(each.elements), -each.visits, each.process_id))[:TOP])


def runs(process: Process) -> list[tuple[str, tuple[str, ...]]]:
    """The steps of a process that follow each other by one flow and call one service: at least two in a row."""
    after: dict[str, str] = {}
    for element in process.elements.values():
        following = [process.elements.get(process.flows[flow].target) for flow in element.outgoing
                     if flow in process.flows]
        if len(following) == 1 and following[0] is not None:
            service = _service(element)
            if service is not None and service == _service(following[0]) and following[0].id != element.id:
                after[element.id] = following[0].id
    found = []
    for first in after.keys() - set(after.values()):
        run = [first]
        while run[-1] in after and after[run[-1]] not in run:
            run.append(after[run[-1]])
        found.append((_service(process.elements[first]) or "", tuple(run)))
    return sorted(found, key=lambda each: (-len(each[1]), each))


def _service(element: Element) -> str | None:
    if element.job is None or not element.job.type.is_static:
        return None
    return str(element.job.type.evaluate({}))
