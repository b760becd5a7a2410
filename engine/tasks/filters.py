"""Filters for the list of tasks that people keep: a name, and what the tasks are like that it shows.

Criteria are kept as the texts that somebody typed or chose, because some mean something else for everybody and on
every day: *mine*, *due today*.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, func, or_, select, update

from engine import audit, schema, values
from engine.columns import from_json
from engine.errors import Conflict, InvalidInput, NotFound
from engine.queries.instances import ANY
from engine.queries.tasks import TaskCriteria
from engine.wording import LARGEST

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

_f = schema.task_filters.c

CRITERIA = ("whose", "process", "tenant", "element", "q", "assignee", "group", "due", "due_from", "due_to", "follow_up",
            "follow_up_from", "follow_up_to", "priority_from", "priority_to", "variable", "value")
WHOSE = {"mine": "mine", "groups": "offered to me or my groups", "unassigned": "nobody's"}
DUE = {"overdue": "overdue", "today": "due today or overdue", "week": "due within a week", "none": "without a due date"}
FOLLOW_UP = {"reached": "reached", "ahead": "still ahead"}
MOST = 50
"""Filters of one person."""
LONGEST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """One kept filter."""

    key: int
    owner: str
    name: str
    shared: bool
    criteria: Mapping[str, str]


def save(tx: Transaction, name: str, criteria: Mapping[str, str], *, shared: bool = False,
         key: int | None = None) -> int:
    """Keep a filter of whoever acts, or change one (`key`); audited. Returns its key.

    Raises InvalidInput, NotFound (the filter is not his), Conflict (he has one of that name, or too many).
    """
    label = values.name(" ".join(name.split()), "the name of a filter", longest=80)
    if label is None:
        raise InvalidInput("Expected a name for the filter, but it is empty.")
    kept = {each: text for each, text in criteria.items() if text}
    read(kept, tx.actor, (), tx.now)
    if not kept:
        raise InvalidInput("Expected a filter to narrow the list by something, but it lets every task through.")
    others = [row for row in tx.select(select(_f.key, _f.name).where(_f.owner == tx.actor)) if row.key != key]
    if any(row.name == label for row in others):
        raise Conflict(f"Expected a name that none of your filters has, but one is called {label!r}.")
    content = {"name": label, "criteria": kept, "shared": shared, "changed_at": tx.now}
    if key is None:
        if len(others) >= MOST:
            raise Conflict(f"Expected at most {MOST} filters of one person, but there are as many already.")
        before, key = None, tx.key()
        tx.rows.insert(schema.task_filters, {"key": key, "owner": tx.actor, "created_at": tx.now, **content})
    else:
        before = _own(tx, key)
        tx.connection.execute(update(schema.task_filters).where(_f.key == key).values(**content))
    audit.record(tx, "SAVE", "TASK_FILTER", key, details={"name": label}, before=before,
                 after={"name": label, "criteria": kept, "shared": shared})
    return key


def remove(tx: Transaction, key: int) -> None:
    """Forget a filter of whoever acts; audited. Raises NotFound."""
    before = _own(tx, key)
    tx.connection.execute(delete(schema.task_filters).where(_f.key == key))
    audit.record(tx, "DELETE", "TASK_FILTER", key, details={"name": before["name"]}, before=before)


def _own(tx: Transaction, key: int) -> dict[str, Any]:
    found = tx.first(select(_f.name, _f.criteria, _f.shared).where(_f.key == key, _f.owner == tx.actor))
    if found is None:
        raise NotFound(f"Expected to find a filter of {tx.actor} with key {key}, but there is none.")
    return dict(found._mapping)


def visible_to(engine: Engine, person: str) -> list[TaskFilter]:
    """The filters that somebody kept, and those that others share, his own first."""
    statement = select(_f.key, _f.owner, _f.name, _f.shared, _f.criteria).where(
        or_(_f.owner == person, _f.shared)).order_by(_f.owner != person, func.lower(_f.name), _f.key)
    with engine.read() as connection:
        return [TaskFilter(**row._mapping) for row in connection.execute(statement)]


def read(criteria: Mapping[str, str], person: str, groups: Collection[str], now: datetime,
         zone: tzinfo = UTC) -> TaskCriteria:
    """What criteria mean for a person at a time; absent and empty ones do not matter.

    Raises InvalidInput: a criterion is unknown, or none of its words, no number or no date.
    """
    unknown = criteria.keys() - set(CRITERIA)
    if unknown:
        raise InvalidInput(f"Expected to filter tasks by {', '.join(CRITERIA)}, but found {sorted(unknown)[0]!r}.")
    text = {name: values.name(given.strip(), f"'{name}'", longest=LONGEST) for name, given in criteria.items()}
    whose = _word(text, "whose", WHOSE)
    due, follow_up = _word(text, "due", DUE), _word(text, "follow_up", FOLLOW_UP)
    tomorrow = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    until = {"overdue": now, "today": tomorrow, "week": tomorrow + timedelta(days=6)}.get(due or "")
    return TaskCriteria(
        process_id=text.get("process"), tenant_id=text.get("tenant"), element_id=text.get("element"),
        text=text.get("q"),
        assignee=person if whose == "mine" else text.get("assignee"), unassigned=whose == "unassigned",
        offered_to=(person, tuple(groups)) if whose == "groups" else None, candidate_group=text.get("group"),
        due_from=_moment(text, "due_from", zone), due_until=until or _moment(text, "due_to", zone),
        without_due=due == "none",
        follow_up_from=now if follow_up == "ahead" else _moment(text, "follow_up_from", zone),
        follow_up_until=now if follow_up == "reached" else _moment(text, "follow_up_to", zone),
        priority_from=_number(text, "priority_from"), priority_until=_number(text, "priority_to"),
        variable_name=text.get("variable"), variable_value=_value(text.get("value")),
    )


def _word(text: Mapping[str, str | None], name: str, words: Mapping[str, str]) -> str | None:
    found = text.get(name)
    if found is not None and found not in words:
        raise InvalidInput(f"Expected '{name}' to be one of {', '.join(words)}, but found {found!r}.")
    return found


def _number(text: Mapping[str, str | None], name: str) -> int | None:
    found = text.get(name)
    if found is None:
        return None
    if not found.removeprefix("-").isascii() or not found.removeprefix("-").isdigit() or abs(int(found)) > LARGEST:
        raise InvalidInput(f"Expected '{name}' to be a whole number, but found {found!r}.")
    return int(found)


def _moment(text: Mapping[str, str | None], name: str, zone: tzinfo) -> datetime | None:
    found = text.get(name)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"Expected '{name}' to be a date or a time such as 2026-11-24T09:30, "
                           f"but found {found!r}.") from None


def _value(text: str | None) -> Any:
    if text is None:
        return ANY
    try:
        return from_json(text)
    except (msgspec.DecodeError, RecursionError):
        # Few people write quotes around a text.
        return text
