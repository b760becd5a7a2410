"""The session of the browser that asks: begun at a log-in, looked up with every request, ended on all nodes at once.

The browser shows a random id in a signed cookie that scripts cannot read; the database has its hash
(`engine.sessions`). A session ends by itself when it is older than `Policy.lasts`, or when nobody did anything for
`Policy.idle`; a page that keeps itself current does nothing.
"""

from __future__ import annotations

import secrets as random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from flask import current_app, g, request, session

from engine import sessions as store
from engine.engine import Engine
from engine.errors import Unavailable
from web.auth import secrets

if TYPE_CHECKING:
    from web.auth.access import Access
    from web.auth.identity import Identity

logger = structlog.get_logger(__name__)

NOTED = timedelta(minutes=1)
"""How often it is written down that somebody is active."""
ID = "id"
"""What the id of the session is called in the cookie."""
KEEPS_CURRENT = "div#live"
"""What a page that keeps itself current says to htmx: see `web/assets/parts/live.js`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long people stay logged in."""

    lasts: timedelta = timedelta(hours=12)
    """Since the log-in."""
    idle: timedelta = timedelta(hours=2)
    """Since they did anything."""


def begin(access: Access, identity: Identity, stamp: str = "", **of_provider: Any) -> None:
    """Begin a session for somebody who has shown who they are; what this browser had before ends.

    Arguments: `stamp` of a local user; else what `engine.sessions.Login` keeps of a provider.
    """
    before = digest()
    # Nothing of the session before may live on: somebody else may have begun it.
    session.clear()
    shown = random.token_urlsafe(32)
    login = store.Login(digest=secrets.digest_of(shown), name=identity.name, stamp=stamp,
                        address=request.remote_addr or "", agent=request.headers.get("User-Agent", ""), **of_provider)
    _engine().acting_as(identity.name).execute(store.begin, login, access.policy.lasts, before)
    session[ID] = shown


def current(access: Access) -> Identity | None:
    """Who the browser is logged in as; None if it is not, or not any more."""
    shown = digest()
    row = store.find(_engine(), shown, access.policy.idle) if shown else None
    identity = access.of_session(row) if row else None
    if row and identity:
        g.session = row
        if not is_by_itself() and _engine().clock() - row.seen_at >= NOTED:
            _note(row.key)
    return identity


def of_request() -> store.Session | None:
    """The session of this request; None for programs and open servers."""
    found: store.Session | None = g.get("session")
    return found


def end() -> store.Session | None:
    """End the session of this browser; the one that it was, if it was one."""
    shown = digest()
    session.clear()
    if not shown:
        return None
    row = store.find(_engine(), shown, timedelta.max)
    if row:
        _engine().acting_as(row.name).execute(store.log_out, shown)
    return row


def digest() -> str:
    """What is kept of the id that the browser shows; empty if it shows none."""
    shown = session.get(ID)
    return secrets.digest_of(shown) if isinstance(shown, str) else ""


def is_by_itself() -> bool:
    """Whether a page asks that keeps itself current, and not a person."""
    return (request.method == "GET" and request.headers.get("HX-Target") == KEEPS_CURRENT
            and request.headers.get("HX-Source") in {KEEPS_CURRENT, "body"})


def _note(key: int) -> None:
    try:
        _engine().execute(store.seen, key)
    except Unavailable:
        logger.warning("it is not noted that somebody is active: the database is away")


def _engine() -> Engine:
    found: Engine = current_app.extensions["engine"]
    return found
