"""A log-in that waits for the second factor: `engine.half_log_ins`, and the cookie of its browser."""

from __future__ import annotations

import secrets as random
from typing import TYPE_CHECKING

from flask import current_app, session

from engine import half_log_ins as store
from engine import second_factors
from engine.engine import Engine
from engine.half_log_ins import HalfLogIn
from engine.transaction import Transaction
from web.auth import secrets, sessions

if TYPE_CHECKING:
    from web.auth.access import Access
    from web.auth.identity import Identity

HALF = "half"
"""What it is called in the cookie."""


def begin(access: Access, identity: Identity) -> None:
    """The password of somebody was right; what this browser had before ends. Raises KeyProblem."""
    sessions.end()
    has_factor = second_factors.is_there(_engine(), identity.name)
    shown = random.token_urlsafe(32)
    _engine().acting_as(identity.name).execute(
        _begin, secrets.digest_of(shown), identity.name, access.stamp(identity.name), has_factor)
    session[HALF] = shown


def current(access: Access) -> HalfLogIn | None:
    """Who has shown a password in this browser a moment ago; None too if they have another one since, or are gone."""
    shown = session.get(HALF)
    found = store.find(_engine(), secrets.digest_of(shown)) if isinstance(shown, str) and shown else None
    if found is None or not access.is_user(found.name) or access.still(found.name, found.stamp) is None:
        return None
    return found


def _begin(tx: Transaction, digest: str, name: str, stamp: str, has_factor: bool) -> None:
    # Who has none sets one up now, which takes longer.
    store.begin(tx, digest, name, stamp, store.LASTS if has_factor else second_factors.SETTING_UP)
    if not has_factor:
        second_factors.begin(tx, digest, name)


def _engine() -> Engine:
    found: Engine = current_app.extensions["engine"]
    return found
