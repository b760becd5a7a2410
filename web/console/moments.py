"""The page of an instance at a past moment: which one the address means, and the way to those beside it.

`at` is the number of a step (the 17th element that was entered), or a time in ISO 8601.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flask import request

from engine.errors import InvalidInput
from engine.queries import past
from engine.queries.past import Moment
from engine.states import IncidentState, InstanceState, JobState, UserTaskState
from web.console.blueprint import engine
from web.console.numbers import LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepper:
    """What leads through the history: `total` steps, and the one that is shown (None: now)."""

    total: int
    number: int | None

    @property
    def previous(self) -> int | None:
        """The step before; from now, the last one."""
        step = self.total if self.number is None else self.number - 1
        return step if step >= 1 else None

    @property
    def next(self) -> int | None:
        """The step after; None from the last one, after which comes now."""
        return self.number + 1 if self.number is not None and self.number < self.total else None


def chosen(key: int) -> Moment | None:
    """The moment that the address asks for; None for now.

    Raises:
        InvalidInput: `at` is neither a number nor a time.
    """
    text = request.args.get("at", "").strip()
    if not text:
        return None
    if text.isdecimal() and len(text) < 19:
        return past.moment(engine(), key, number=min(int(text), LARGEST))
    try:
        # A plus in an address is a blank, unless it was written as %2B.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise InvalidInput(f"Expected 'at' to be the number of a step or a time such as 2026-01-31T12:00:00Z, but "
                           f"found {text[:40]!r}.") from None
    return past.moment(engine(), key, at=at if at.tzinfo else at.replace(tzinfo=UTC))


OPEN_AGAIN = {
    "incidents": ("resolved_at", IncidentState.ACTIVE), "jobs": ("ended_at", JobState.CREATED),
    "tasks": ("ended_at", UserTaskState.CREATED), "called": ("ended_at", InstanceState.ACTIVE),
}
"""Tables whose rows end: which column says when, and the state of those that had not."""


def as_it_was(part: str, rows: Sequence[Any], moment: Moment | None) -> list[Any]:
    """Rows of a table, those that ended later as they were before that."""
    if moment is None or part not in OPEN_AGAIN:
        return list(rows)
    column, state = OPEN_AGAIN[part]

    def back(row: Any) -> Any:
        ended = getattr(row, column)
        return replace(row, **{column: None, "state": state}) if ended is not None and ended > moment.at else row

    return [back(row) for row in rows]
