"""Who is logged in: one row for each browser, which every node looks at, so that a session ends everywhere at once.

A session ends by log-out, by an operator, by idleness, by age, with the password or with the user. What a browser shows
is random and kept as a hash only, so that whoever reads the database can take over nobody's session.
Source: OWASP ASVS 5.0, chapter V7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, select, update

from engine import audit, schema
from engine.columns import storable_text
from engine.database import Upsert
from engine.errors import NotFound
from engine.keyring import KeyProblem

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

LONGEST_TEXT = 300
"""Characters kept of what a browser calls itself."""
RECENTLY = timedelta(minutes=5)
"""How long somebody who has shown who it is may end sessions and change what guards the account."""

_s = schema.sessions.c
_u = schema.last_uses.c
_f = schema.second_factors.c
_SHOWN = (_s.key, _s.name, _s.issuer, _s.created_at, _s.seen_at, _s.expires_at, _s.address, _s.agent)
FIND = select(*_SHOWN, _s.digest, _s.stamp, _s.groups, _s.subject, _s.id_token, _s.with_factor, _s.confirmed_at,
              exists().where(_f.name == _s.name).label("has_factor")).where(_s.digest == bindparam("digest"))
ALL = select(*_SHOWN).order_by(_s.seen_at.desc(), _s.key.desc())
SEEN = update(schema.sessions).where(_s.key == bindparam("b_key"), _s.seen_at < bindparam("b_now")).values(
    seen_at=bindparam("b_now"))
USED = Upsert(schema.last_uses, ["name"], ["used_at", "address"])
USES = select(_u.name, _u.used_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """What may be shown of a session."""

    key: int
    name: str
    issuer: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(SessionRow):
    """A session, for whoever checks it."""

    digest: str
    stamp: str
    groups: list[str]
    subject: str | None
    id_token: str | None
    with_factor: bool
    """Whether the second factor was shown at the log-in."""
    confirmed_at: datetime | None
    """When the person showed again who it is."""
    has_factor: bool
    """Whether there is a local user of this name who has a second factor now."""

    def is_recent(self, now: datetime) -> bool:
        """Whether the person has shown who it is a moment ago.

        A provider may have let somebody in without a question, so its log-ins count only if it was told to ask.
        """
        shown_at = self.confirmed_at or (self.created_at if self.issuer is None else None)
        return shown_at is not None and now - shown_at < RECENTLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Somebody who has just shown who they are; see `engine.schema.sessions`."""

    digest: str
    name: str
    stamp: str
    address: str
    agent: str
    groups: Sequence[str] = ()
    issuer: str | None = None
    subject: str | None = None
    provider_session: str | None = None
    id_token: str | None = None
    with_factor: bool = False
    is_confirmed: bool = False


def begin(tx: Transaction, login: Login, lasts: timedelta, before: str = "") -> int:
    """Begin a session that lasts at most so long; the one that this browser had `before` ends. Audited.

    Returns its key. The token of a provider is encrypted here.
    """
    if before:
        tx.connection.execute(delete(schema.sessions).where(_s.digest == before))
    key = tx.key()
    id_token = _encrypted(tx, login)
    tx.rows.insert(schema.sessions, {
        "key": key, "digest": login.digest, "name": login.name, "stamp": login.stamp, "groups": list(login.groups),
        "issuer": login.issuer, "subject": login.subject, "provider_session": login.provider_session,
        "id_token": id_token, "created_at": tx.now, "seen_at": tx.now, "expires_at": tx.now + lasts,
        "address": storable_text(login.address)[:LONGEST_TEXT], "agent": storable_text(login.agent)[:LONGEST_TEXT],
        "with_factor": login.with_factor, "confirmed_at": tx.now if login.is_confirmed else None,
    })
    used(tx, login.name, login.address)
    audit.record(tx, "LOG_IN", "SESSION", key, details={
        "name": login.name, "address": login.address, **({"issuer": login.issuer} if login.issuer else {})},
        after={"ends_at": (tx.now + lasts).isoformat()})
    return key


def find(engine: Engine, digest: str, idle: timedelta) -> Session | None:
    """The session of a browser, unless it is over: too old, or not used for so long."""
    with engine.read() as connection:
        row = connection.execute(FIND, {"digest": digest}).first()
    now = engine.clock()
    if row is None or now >= row.expires_at or now - row.seen_at >= idle:
        return None
    return Session(**row._mapping)


def seen(tx: Transaction, key: int) -> None:
    """Its browser has just asked for something."""
    tx.rows.write(SEEN, {"b_key": key, "b_now": tx.now})


def used(tx: Transaction, name: str, address: str) -> None:
    """A user or a token has just come in."""
    tx.rows.write(USED, {"name": name, "used_at": tx.now, "address": storable_text(address)[:LONGEST_TEXT]})


def last_uses(engine: Engine) -> dict[str, datetime]:
    """When each user and token came in last."""
    with engine.read() as connection:
        return {row.name: row.used_at for row in connection.execute(USES)}


def present(engine: Engine, idle: timedelta, name: str | None = None) -> tuple[SessionRow, ...]:
    """The sessions that are not over, those used last first; only of one person, if `name` is given."""
    now = engine.clock()
    wanted = ALL.where(_s.expires_at > now, _s.seen_at > now - idle)
    if name is not None:
        wanted = wanted.where(_s.name == name)
    with engine.read() as connection:
        return tuple(SessionRow(**row._mapping) for row in connection.execute(wanted))


def confirm(tx: Transaction, key: int) -> None:
    """The person of a session has shown again who it is. Audited. Raises NotFound."""
    row = tx.connection.execute(update(schema.sessions).where(_s.key == key).values(confirmed_at=tx.now).returning(
        _s.name)).first()
    if row is None:
        raise _none(key)
    audit.record(tx, "CONFIRM", "SESSION", key, details={"name": row.name})


def log_out(tx: Transaction, digest: str) -> None:
    """End the session of a browser, if it has one. Audited."""
    _end(tx, _s.digest == digest, "LOG_OUT")


def end(tx: Transaction, key: int, name: str | None = None) -> None:
    """End one session; only of one person, if `name` is given. Audited. Raises NotFound."""
    condition = _s.key == key if name is None else (_s.key == key) & (_s.name == name)
    if not _end(tx, condition, "END"):
        raise _none(key)


def end_all(tx: Transaction, name: str | None = None, but: str = "") -> int:
    """End all sessions, or those of one person, except the one of digest `but`; returns how many. Audited."""
    condition = _s.digest != but
    return _end(tx, condition if name is None else condition & (_s.name == name), "END")


def password_changed(tx: Transaction, name: str) -> None:
    """Somebody has another password from now on: all sessions with the one before end. Audited."""
    # Nothing of either password is told, so that nothing can be guessed from it.
    audit.record(tx, "CHANGE", "PASSWORD", tx.key(), details={"name": name})
    end_all(tx, name)


def end_of_provider(tx: Transaction, issuer: str, subject: str | None, provider_session: str | None) -> int:
    """End what a provider says is over: one of its sessions, or all of a person; returns how many. Audited."""
    of_issuer = _s.issuer == issuer
    if provider_session is not None:
        of_issuer &= _s.provider_session == provider_session
    if subject is not None:
        of_issuer &= _s.subject == subject
    return _end(tx, of_issuer, "END") if subject is not None or provider_session is not None else 0


def forget(tx: Transaction) -> int:
    """Delete the sessions that are too old; returns how many. Those that are idle grow old, too."""
    return tx.connection.execute(delete(schema.sessions).where(_s.expires_at <= tx.now)).rowcount


def id_token(engine: Engine, session: Session) -> str | None:
    """The token that the provider gave for a session, if it gave one and we still have the key."""
    if session.id_token is None:
        return None
    try:
        return engine.keyring.decrypt(session.digest, session.id_token)
    except KeyProblem:
        return None


def _none(key: int) -> NotFound:
    return NotFound(f"Expected a session with key {key}, but there is none: it may have ended meanwhile.")


def _encrypted(tx: Transaction, login: Login) -> str | None:
    if login.id_token is None:
        return None
    try:
        return tx.engine.keyring.encrypt(login.digest, login.id_token)
    except KeyProblem:
        # Without it the provider asks once more at the log-out; nobody need be kept out for that.
        return None


def _end(tx: Transaction, condition: ColumnElement[bool], operation: str) -> int:
    found: Sequence[Any] = tx.connection.execute(
        delete(schema.sessions).where(condition).returning(_s.key, _s.name)).fetchall()
    for row in found:
        audit.record(tx, operation, "SESSION", row.key, details={"name": row.name}, before={"state": "ACTIVE"},
                     after={"state": "ENDED"})
    return len(found)
