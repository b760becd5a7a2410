"""Who acts, and that a form was sent from our own page."""

from __future__ import annotations

import hmac
import secrets

from flask import request, session

from engine.errors import InvalidInput, Rejection
from web.auth.identity import current, name_or

NOBODY = "operator"


class StaleForm(Rejection):
    """A form without the token of this session: from another site, or from a page older than the session."""


def csrf_token() -> str:
    """The token that every form of this session carries."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    return str(session["csrf"])


def check_csrf() -> None:
    """Refuse a request that changes something and does not come from a form of this session.

    Raises:
        StaleForm: the token is missing or another one.
        InvalidInput: a field has the character NUL, which no database can keep.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    given = request.form.get("csrf_token", "")
    if not hmac.compare_digest(given.encode(), str(session.get("csrf", "")).encode()) or not given:
        raise StaleForm("Expected a form of this session, but it is too old or comes from elsewhere. "
                        "Load the page again and repeat.")
    for name, value in request.form.items(multi=True):
        if "\0" in name or "\0" in value:
            raise InvalidInput(f"Expected {name[:40]!r} to be a text without the character NUL, but it contains it.")


def actor() -> str:
    """The name under which this session acts; the audit trail carries it."""
    return name_or(str(session.get("actor") or NOBODY))


def groups() -> tuple[str, ...]:
    """The groups of whoever acts: those that a log-in gives, else those that he said he is in."""
    identity = current()
    return identity.groups if identity else tuple(session.get("groups", ()))
