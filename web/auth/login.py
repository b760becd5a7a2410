"""The page where people log in. The session is a signed cookie; it ends with the password, with the day, or here."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from engine.errors import Rejection
from web.auth.access import Access, TooOften, Wrong
from web.console.security import check_csrf

LONGEST_SESSION = 12 * 3_600
"""Seconds after which one logs in again."""

bp = Blueprint("login", __name__)
bp.before_request(check_csrf)


@bp.errorhandler(Rejection)
def _rejected(error: Rejection) -> ResponseReturnValue:
    return _form(400, str(error))


@bp.get("/login")
def page() -> ResponseReturnValue:
    """The form; with nobody to log in, the home page."""
    if _access().is_open:
        return redirect(url_for("console.home"))
    return _form(200)


@bp.post("/login")
def enter() -> ResponseReturnValue:
    """Begin a session."""
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    access = _access()
    try:
        identity = access.by_password(name, password, request.remote_addr or "")
    except Wrong:
        return _form(401, "Name and password do not belong together.", name)
    except TooOften as error:
        return _form(429, f"Too many wrong tries. Try again in {error.seconds} seconds.", name)
    # Nothing of the session before may live on: somebody else may have begun it.
    session.clear()
    session.update(user=identity.name, stamp=access.stamp(identity.name), since=int(time.time()))
    return redirect(own_address(request.form.get("next", "")), 303)


@bp.post("/logout")
def leave() -> ResponseReturnValue:
    """End the session."""
    session.clear()
    flash("You are logged out.", "completed")
    return redirect(url_for("login.page"), 303)


def is_over() -> bool:
    """Whether the session is older than one may be."""
    since = session.get("since")
    return not isinstance(since, int) or not 0 <= time.time() - since < LONGEST_SESSION


def _access() -> Access:
    found: Access = current_app.extensions["access"]
    return found


def _form(status: int, problem: str = "", name: str = "") -> ResponseReturnValue:
    wanted = request.form.get("next") or request.args.get("next") or ""
    return make_response(render_template("login.html", problem=problem, name=name, next=own_address(wanted)), status)


def own_address(wanted: str) -> str:
    """Where to go afterwards: on this server, whatever a link to the form says."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return url_for("console.home")
    odd = any(character in wanted for character in "\\\r\n\t\0") or parts.scheme or parts.netloc
    return wanted if wanted.startswith("/") and not wanted.startswith("//") and not odd else url_for("console.home")
