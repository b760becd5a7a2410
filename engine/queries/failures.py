"""What has failed, one row per outage: open incidents with the same fingerprint, over all processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, distinct, func, literal_column, select

from engine import schema
from engine.fingerprints import normalise
from engine.states import IncidentState

if TYPE_CHECKING:
    from engine.engine import Engine

LATELY = timedelta(hours=1)
"""What the rate is counted over."""
MOST_PLACES = 200

_n = schema.incidents.c
_j = schema.jobs.c
OPEN = _n.state == literal_column(f"'{IncidentState.ACTIVE}'")
"""Written out, as in the indexes of what is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Open incidents that are the same but for keys and numbers.

    `message` is one of their messages, `pattern` what all have in common. `incidents` and `instances` count those that
    are open; `first_seen` and `lately` (during the last hour) take resolved ones into account, too. `places` are
    (definition key, process id, element id), each place once.
    """

    fingerprint: str
    service: str | None
    type: str
    message: str
    incidents: int
    instances: int
    first_seen: datetime
    newest: datetime
    lately: int
    places: tuple[tuple[int, str, str], ...]

    @property
    def pattern(self) -> str:
        """The message without what differs from case to case."""
        return normalise(self.message)


def outage(engine: Engine, fingerprint: str) -> Outage | None:
    """What is open with a fingerprint; None if nothing is."""
    return next(iter(outages(engine, fingerprint=fingerprint)), None)


def words_of(engine: Engine, fingerprint: str) -> str | None:
    """What incidents with a fingerprint say, without what differs from case to case, open ones first; None if there is
    none."""
    alike = select(_n.message).where(_n.fingerprint == fingerprint).limit(1)
    with engine.read() as connection:
        message = connection.scalar(alike.where(OPEN)) or connection.scalar(alike)
    return None if message is None else normalise(message)


def outages(engine: Engine, *, limit: int = 20, fingerprint: str | None = None) -> tuple[Outage, ...]:
    """What has failed, what concerns most instances first; or only what has one fingerprint."""
    which = (OPEN,) if fingerprint is None else (OPEN, _n.fingerprint == fingerprint)
    affected = func.count(distinct(_n.instance_key))
    groups = (
        select(_n.fingerprint, affected.label("instances"), func.count().label("incidents"),
               func.max(_n.type).label("type"), func.max(_n.message).label("message"),
               func.max(_n.job_key).label("job_key"), func.max(_n.created_at).label("newest"))
        .where(*which).group_by(_n.fingerprint).order_by(affected.desc(), _n.fingerprint).limit(limit)
    ).subquery("open_groups")
    ever = schema.incidents.alias("ever")
    alike = ever.c.fingerprint == groups.c.fingerprint
    first_seen = select(func.min(ever.c.created_at)).where(alike).scalar_subquery()
    lately = select(func.count()).select_from(ever).where(
        alike, ever.c.created_at >= engine.clock() - LATELY).scalar_subquery()
    statement = (
        select(groups.c.fingerprint, groups.c.instances, groups.c.incidents, groups.c.type, groups.c.message,
               groups.c.newest, first_seen.label("first_seen"), lately.label("lately"), _j.type.label("service"))
        .outerjoin_from(groups, schema.jobs, _j.key == groups.c.job_key)
        .order_by(groups.c.instances.desc(), groups.c.fingerprint)
    )
    with engine.read() as connection:
        rows = connection.execute(statement).all()
        places = _places(connection, [row.fingerprint for row in rows])
    return tuple(Outage(**row._mapping, places=tuple(places[row.fingerprint])) for row in rows)


def _places(connection: Connection, fingerprints: Collection[str]) -> dict[str, list[tuple[int, str, str]]]:
    found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    statement = (
        select(_n.fingerprint, func.max(_n.definition_key), _n.process_id, _n.element_id)
        .where(OPEN, _n.fingerprint.in_(fingerprints)).group_by(_n.fingerprint, _n.process_id, _n.element_id)
        .order_by(_n.fingerprint, _n.process_id, _n.element_id).limit(MOST_PLACES)
    )
    for fingerprint, definition_key, process_id, element_id in connection.execute(statement):
        found[fingerprint][process_id, element_id] = definition_key
    return defaultdict(list, {
        fingerprint: [(key, *place) for place, key in places.items()] for fingerprint, places in found.items()
    })
