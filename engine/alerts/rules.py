"""The rules of alerts, and how they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, case, delete, insert, null, select, update

from engine import audit, guard, schema
from engine.alerts import sampling, selectors
from engine.alerts.measures import LIST, MEASURES, METRIC, Measure
from engine.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

FIRED, OVER = "FIRED", ""
LONGEST = timedelta(days=7)
WITHIN, LONGEST_WITHIN = timedelta(minutes=5), timedelta(hours=1)
LONGEST_QUERY = 2_000
TELLING = timedelta(minutes=2)
"""How long a node may take to tell channels, before another one does it."""
UNMEASURED = "It could not be measured:"
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

_r = schema.alert_rules.c
ALL = select(schema.alert_rules).order_by(_r.name)
BY_NAME = select(schema.alert_rules).where(_r.name == bindparam("name")).with_for_update()
BY_KEY = select(schema.alert_rules).where(_r.key == bindparam("key")).with_for_update(skip_locked=True)
DELETE = delete(schema.alert_rules).where(_r.key == bindparam("b_key"))
SWITCH = update(schema.alert_rules).where(_r.key == bindparam("b_key")).values(disabled=bindparam("b_disabled"))
CHECKED = (
    update(schema.alert_rules).where(_r.key == bindparam("b_key"))
    .values(value=bindparam("b_value"), checked_at=bindparam("b_now"), above_since=bindparam("b_above_since"),
            fired_at=bindparam("b_fired_at"),
            trouble=case((_r.trouble.startswith(UNMEASURED), null()), else_=_r.trouble))
)
TELL = (update(schema.alert_rules).where(_r.key == bindparam("b_key")).values(telling_until=bindparam("b_until")))
TOLD = (update(schema.alert_rules).where(_r.key == bindparam("b_key"))
        .values(told=bindparam("b_told"), trouble=bindparam("b_trouble"), telling_until=null()))
TROUBLE = update(schema.alert_rules).where(_r.key == bindparam("b_key")).values(trouble=bindparam("b_trouble"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """A rule: when `measure` is above `above` for `for_seconds`, `channels` are told. Between `quiet_from` and
    `quiet_to` (HH:MM in the engine's time zone) they are not; what began then is told afterwards if it still lasts, and
    what was over then, too. `query`: which metric, or which list."""

    key: int
    name: str
    measure: str
    process_id: str | None
    query: str | None
    within_seconds: int
    above: float
    for_seconds: int
    channels: tuple[str, ...]
    quiet_from: str | None
    quiet_to: str | None
    disabled: bool
    created_at: datetime
    created_by: str
    value: float | None
    checked_at: datetime | None
    above_since: datetime | None
    fired_at: datetime | None
    told: str
    telling_until: datetime | None
    trouble: str | None

    @property
    def what(self) -> Measure:
        """What it watches."""
        return MEASURES[self.measure]

    @property
    def link(self) -> str:
        """The page that shows what counts."""
        if self.query is not None:
            return self.query if self.measure == LIST else selectors.read(self.query).page
        return self.what.link(self.process_id)

    @property
    def words(self) -> str:
        """What it counts."""
        if self.measure == METRIC and self.query:
            return self.query
        return f"{self.what.words} of {self.process_id}" if self.process_id else self.what.words

    @property
    def within(self) -> timedelta:
        """The span in which a metric that only grows is looked at."""
        return timedelta(seconds=self.within_seconds)

    def is_quiet(self, moment: datetime) -> bool:
        """Whether nobody is to be told at a moment, given in the engine's time zone."""
        if self.quiet_from is None or self.quiet_to is None:
            return False
        begins, ends, now = time.fromisoformat(self.quiet_from), time.fromisoformat(self.quiet_to), moment.time()
        return begins <= now < ends if begins <= ends else now >= begins or now < ends


def of_row(row: RowMapping) -> AlertRule:
    """The rule of a row."""
    return AlertRule(**{**row, "channels": tuple(row["channels"])})


def all_of_them(engine: Engine) -> tuple[AlertRule, ...]:
    """Every rule, by name."""
    with engine.read() as connection:
        return tuple(of_row(row._mapping) for row in connection.execute(ALL))


def add(tx: Transaction, name: str, measure: str, *, above: float = 0, for_: timedelta = timedelta(),
        process_id: str | None = None, query: str | None = None, within: timedelta = WITHIN,
        channels: Sequence[str] = (), quiet: tuple[str, str] | None = None) -> AlertRule:
    """Make a rule; audited. `query` says which metric (`engine.alerts.selectors`), or which list: its address, which
    whoever asks has looked at.

    `channels` are names of secrets that hold addresses as Apprise writes them (`mailto://…`, `slack://…`,
    `json://…`). Raises InvalidInput, Conflict (there is one of that name).
    """
    named = name.strip()
    if not named or len(named) > 100:
        raise InvalidInput("Expected a name of 1 to 100 characters for the alert, but it has none or more.")
    known = MEASURES.get(measure)
    if known is None:
        raise InvalidInput(f"Expected something to measure, one of {', '.join(MEASURES)}, but it is {measure[:50]!r}.")
    if process_id and not known.of_process:
        raise InvalidInput(f"Expected no process, because {measure!r} is not of one process.")
    asked = _query(measure, query)
    if not timedelta(minutes=1) <= within <= LONGEST_WITHIN:
        raise InvalidInput("Expected a metric to be looked at within 1 to 60 minutes, but got something else.")
    if not 0 <= above < 1e12 or not timedelta() <= for_ <= LONGEST:
        raise InvalidInput("Expected a limit of 0 or more and a time of up to 7 days, but got something else.")
    if quiet is not None and not all(_CLOCK.fullmatch(moment) for moment in quiet):
        raise InvalidInput(f"Expected quiet hours such as 22:00 to 06:00, but they are {' to '.join(quiet)[:50]!r}.")
    if quiet is not None and quiet[0] == quiet[1]:
        raise InvalidInput(f"Expected quiet hours to begin and end at two times, but both are {quiet[0]}.")
    if tx.first(BY_NAME, {"name": named}) is not None:
        raise Conflict(f"Expected a new name, but there is an alert {named!r} already.")
    row: dict[str, Any] = {
        "key": tx.key(), "name": named, "measure": measure, "process_id": process_id or None, "query": asked,
        "within_seconds": int(within.total_seconds()), "above": float(above),
        "for_seconds": int(for_.total_seconds()), "channels": [channel for channel in channels if channel],
        "quiet_from": quiet[0] if quiet else None, "quiet_to": quiet[1] if quiet else None, "disabled": False,
        "created_at": tx.now, "created_by": tx.actor, "value": None, "checked_at": None, "above_since": None,
        "fired_at": None, "told": OVER, "telling_until": None, "trouble": None,
    }
    tx.connection.execute(insert(schema.alert_rules), row)
    made = AlertRule(**{**row, "channels": tuple(row["channels"])})
    audit.record(tx, "CREATE", "ALERT", made.key, details={"name": named}, after=_told(made))
    return made


def _told(rule: AlertRule) -> dict[str, Any]:
    """What the audit trail says of a rule."""
    return {"measure": rule.measure, "process": rule.process_id, "query": rule.query, "above": rule.above,
            "seconds": rule.for_seconds, "channels": [*rule.channels], "disabled": rule.disabled}


def _query(measure: str, query: str | None) -> str | None:
    asked = (query or "").strip()
    if measure not in (METRIC, LIST):
        if asked:
            raise InvalidInput(f"Expected a query for a metric or a list only, but {measure!r} is neither.")
        return None
    if measure == METRIC:
        selectors.read(asked)
    elif not asked.startswith("/") or len(asked) > LONGEST_QUERY:
        raise InvalidInput(f"Expected the address of a list such as /instances?state=incident, but it is "
                           f"{asked[:100]!r}.")
    return asked


def switch(tx: Transaction, name: str, *, disabled: bool, reason: str) -> None:
    """Stop watching, or watch again; audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "switch an alert off or on")
    found = _found(tx, name)
    tx.rows.write(SWITCH, {"b_key": found.key, "b_disabled": disabled})
    audit.record(tx, "DISABLE" if disabled else "ENABLE", "ALERT", found.key, reason=why, details={"name": name},
                 before={"disabled": found.disabled}, after={"disabled": disabled})


def remove(tx: Transaction, name: str, reason: str) -> None:
    """Take a rule away; audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "remove an alert")
    found = _found(tx, name)
    tx.rows.write(DELETE, {"b_key": found.key})
    tx.rows.write(sampling.DROP, {"b_rule": found.key})
    audit.record(tx, "DELETE", "ALERT", found.key, reason=why, details={"name": name}, before=_told(found))


def check(tx: Transaction, key: int, value: float) -> None:
    """Take down what a rule's measure is now. It fires when the value was above the limit for long enough, and is over
    as soon as it is not."""
    row = tx.first(BY_KEY, {"key": key})
    if row is None:
        return
    rule = of_row(row._mapping)
    above_since = (rule.above_since or tx.now) if value > rule.above and not rule.disabled else None
    lasts = above_since is not None and tx.now - above_since >= timedelta(seconds=rule.for_seconds)
    tx.rows.write(CHECKED, {
        "b_key": key, "b_value": value, "b_now": tx.now, "b_above_since": above_since,
        "b_fired_at": (rule.fired_at or tx.now) if lasts else None,
    })


def to_tell(tx: Transaction, key: int) -> AlertRule | None:
    """The rule, if its channels are to be told something now; it is this node's to do so for `TELLING`.

    `told` or `could_not` says how it went. Where a node died in between, another one tells it again.
    """
    row = tx.first(BY_KEY, {"key": key})
    if row is None:
        return None
    rule = of_row(row._mapping)
    if rule.told == wanted(rule) and rule.telling_until is None:
        return None
    if rule.telling_until is not None and rule.telling_until > tx.now:
        return None
    if rule.is_quiet(tx.now.astimezone(tx.engine.time_zone)):
        return None
    tx.rows.write(TELL, {"b_key": key, "b_until": tx.now + TELLING})
    return rule


def wanted(rule: AlertRule) -> str:
    """What its channels should have been told."""
    return FIRED if rule.fired_at else OVER


def told(tx: Transaction, key: int, what: str, trouble: str | None = None) -> None:
    """The channels of a rule were told; some of them not, if there was `trouble`."""
    tx.rows.write(TOLD, {"b_key": key, "b_told": what, "b_trouble": trouble and trouble[:2_000]})


def could_not_measure(tx: Transaction, key: int, why: str) -> None:
    """A rule could not be looked at."""
    tx.rows.write(TROUBLE, {"b_key": key, "b_trouble": f"{UNMEASURED} {why}"[:2_000]})


def _found(tx: Transaction, name: str) -> AlertRule:
    row = tx.first(BY_NAME, {"name": name})
    if row is None:
        raise NotFound(f"Expected an alert named {name!r}, but there is none.")
    return of_row(row._mapping)
