"""Messages and who waits for them: what is kept, what reached nobody, what is waited for, and why they did not meet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, func, literal, or_, select

from bpmn.model import EventKind
from engine import masking, schema
from engine.errors import NotFound
from engine.queries.paging import Page, count, page

if TYPE_CHECKING:
    from engine.engine import Engine

_m, _g = schema.messages.c, schema.stray_messages.c
_s, _i = schema.subscriptions.c, schema.instances.c

MESSAGE = _s.kind == EventKind.MESSAGE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A message. `correlated_to` are the processes that had it; `kept` if it still waits until `expires_at`, else it
    reached nobody; `delivered_to` is the instance that somebody gave it to by hand."""

    key: int
    name: str
    correlation_key: str | None
    message_id: str | None
    tenant_id: str
    variables: Any
    published_at: datetime
    expires_at: datetime
    correlated_to: list[str]
    delivered_to: int | None
    delivered_at: datetime | None
    kept: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", masking.shown(self.variables))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """Somebody who waits for a message; without `instance_key` a start event, which starts an instance."""

    key: int
    name: str
    correlation_key: str | None
    tenant_id: str
    instance_key: int | None
    business_id: str | None
    suspended_at: datetime | None
    definition_key: int
    process_id: str
    element_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many there are of each; more than `engine.queries.paging.COUNTED` means that there are more."""

    kept: int
    stray: int
    waiting: int


_COMMON = ("key", "name", "correlation_key", "message_id", "tenant_id", "variables", "published_at", "expires_at")
KEPT = select(*(_m[name] for name in _COMMON), _m.correlated_to)
STRAYS = select(*(_g[name] for name in _COMMON), _g.delivered_to, _g.delivered_at)
WAITING = (
    select(_s.key, _s.name, _s.correlation_key, _s.tenant_id, _s.instance_key, _i.business_id, _i.suspended_at,
           _s.definition_key, _s.process_id, _s.element_id, _s.created_at)
    .outerjoin_from(schema.subscriptions, schema.instances, _i.key == _s.instance_key).where(MESSAGE)
)


def kept(engine: Engine, *, name: str | None = None, correlation_key: str | None = None, limit: int = 50,
         offset: int = 0) -> Page[MessageRow]:
    """Messages that are kept for those who come later, the newest first."""
    statement = KEPT.where(_m.expires_at > engine.clock()).order_by(_m.published_at.desc(), _m.key.desc())
    return _messages(engine, _narrowed(statement, _m, name, correlation_key), limit, offset, _kept)


def strays(engine: Engine, *, name: str | None = None, correlation_key: str | None = None, limit: int = 50,
           offset: int = 0) -> Page[MessageRow]:
    """Messages that reached nobody, the newest first."""
    statement = STRAYS.order_by(_g.published_at.desc(), _g.key.desc())
    return _messages(engine, _narrowed(statement, _g, name, correlation_key), limit, offset, _stray)


def waiting(engine: Engine, *, name: str | None = None, correlation_key: str | None = None,
            process_id: str | None = None, limit: int = 50, offset: int = 0) -> Page[WaitingRow]:
    """Who waits for a message, the newest first."""
    statement = _narrowed(WAITING.order_by(_s.key.desc()), _s, name, correlation_key)
    if process_id:
        statement = statement.where(_s.process_id == process_id)
    with engine.read() as connection:
        return page(connection, statement, WaitingRow, limit, offset)


def message(engine: Engine, key: int) -> MessageRow:
    """One message that is kept, or that reached nobody; raises NotFound."""
    with engine.read() as connection:
        found = connection.execute(STRAYS.where(_g.key == key)).first()
        if found is not None:
            return _stray(found)
        found = connection.execute(KEPT.where(_m.key == key)).first()
    if found is None:
        raise NotFound(f"Expected to find a message with key {key}, but there is none: it reached somebody, or it was "
                       f"kept long enough.")
    return _kept(found)


def instance_of(engine: Engine, subscription_key: int) -> int:
    """The instance that waits with a subscription. Raises NotFound."""
    with engine.read() as connection:
        key = connection.scalar(select(_s.instance_key).where(_s.key == subscription_key))
    if key is None:
        raise NotFound(f"Expected an instance that waits with subscription {subscription_key}, but there is none: it "
                       f"may have got its message meanwhile.")
    return int(key)


def counts(engine: Engine) -> Counts:
    """How many messages and how many who wait there are."""
    with engine.read() as connection:
        return Counts(
            kept=count(connection, select(literal(1)).select_from(schema.messages)
                       .where(_m.expires_at > engine.clock())),
            stray=count(connection, select(literal(1)).select_from(schema.stray_messages)
                        .where(_g.delivered_to.is_(None))),
            waiting=count(connection, select(literal(1)).select_from(schema.subscriptions).where(MESSAGE)),
        )


def names(engine: Engine, limit: int = 1_000) -> tuple[str, ...]:
    """The names of messages that somebody waits for."""
    with engine.read() as connection:
        return tuple(connection.scalars(select(_s.name).where(MESSAGE).distinct().order_by(_s.name).limit(limit)))


def candidates(engine: Engine, name: str, names: tuple[str, ...], keys: tuple[str, ...],
               limit: int) -> tuple[WaitingRow, ...]:
    """Who might be meant by a message: who waits with one of `keys` under its name or a like one (`names`), and the
    newest of those who wait under these names at all; then the processes that such a message starts."""
    named = WAITING.where(_s.name.in_((name, *names)))
    alike, starts = named.where(_s.instance_key.is_not(None)), named.where(_s.instance_key.is_(None))
    exact = alike.where(_s.correlation_key.in_(keys)) if keys else alike.where(_s.correlation_key.is_(None))
    with engine.read() as connection:
        rows = {row.key: row for statement in (exact, alike, starts)
                for row in connection.execute(statement.order_by(_s.key.desc()).limit(limit))}
    return tuple(WaitingRow(**row._mapping) for row in rows.values())


def _narrowed(statement: Select[Any], columns: Any, name: str | None, correlation_key: str | None) -> Select[Any]:
    if name:
        statement = statement.where(columns.name == name)
    if correlation_key:
        statement = statement.where(or_(
            columns.correlation_key == correlation_key,
            # Whoever looks for a key does not see the blank that is the trouble with it.
            and_(columns.correlation_key.is_not(None),
                 func.lower(func.trim(columns.correlation_key)) == correlation_key.strip().lower()),
        ))
    return statement


def _messages(engine: Engine, statement: Select[Any], limit: int, offset: int, make: Any) -> Page[MessageRow]:
    with engine.read() as connection:
        found = page(connection, statement, dict, limit, offset)
    return Page(tuple(make(row) for row in found.items), found.total, found.more)


def _kept(row: Any) -> MessageRow:
    return MessageRow(**_plain(row), delivered_to=None, delivered_at=None, kept=True)


def _stray(row: Any) -> MessageRow:
    return MessageRow(**_plain(row), correlated_to=[], kept=False)


def _plain(row: Any) -> dict[str, Any]:
    return dict(row if isinstance(row, dict) else row._mapping)
