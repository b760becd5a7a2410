"""Where one is logged in, and an end to it; whoever administers sees and ends the sessions of all."""

from __future__ import annotations

import re

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from engine import sessions as store
from engine.errors import InvalidInput
from web.auth import limits, secrets
from web.auth import sessions as of_browser
from web.auth.access import Access, TooOften, Wrong
from web.auth.accessfile import AccessFileError
from web.auth.breached import Unusable
from web.auth.identity import current
from web.auth.limits import TooMany
from web.auth.roles import Permission
from web.console.blueprint import acting, bp, done, engine
from web.idempotency import not_remembered

BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"),
            ("Chrome", "Chrome"), ("Version", "Safari"))
"""What a browser has in its User-Agent that others do not have, in this order."""
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
           ("CrOS", "ChromeOS"), ("Linux", "Linux"))


@bp.get("/sessions")
def sessions() -> ResponseReturnValue:
    """Who is logged in: oneself, or everybody."""
    access = _access()
    mine = of_browser.of_request()
    return render_template("sessions.html", section="", everybody=_whose() is None, policy=access.policy,
                           sessions=store.present(engine(), access.policy.idle, _whose()) if current() else (),
                           this=mine.key if mine else None, has_password=has_password(), shortest=secrets.SHORTEST)


@bp.post("/sessions/<key:key>/end")
@not_remembered
def end_session(key: int) -> ResponseReturnValue:
    """End one session; another one than this only for somebody who has shown a moment ago who it is."""
    mine = of_browser.of_request()
    if (mine is None or mine.key != key) and (asked := asked_again()) is not None:
        return asked
    acting().execute(store.end, key, _whose())
    if mine and mine.key == key:
        return redirect(url_for("login.page"), 303)
    return done(_("The session is over."), url_for("console.sessions"), "terminated")


@bp.post("/sessions/end")
@not_remembered
def end_other_sessions() -> ResponseReturnValue:
    """End all sessions of whoever asks, but for this one."""
    if (asked := asked_again()) is not None:
        return asked
    identity = current()
    count = acting().execute(store.end_all, identity.name, of_browser.digest()) if identity else 0
    return done(ngettext("%(num)s session is over.", "%(num)s sessions are over.", count), url_for("console.sessions"),
                "terminated")


@bp.post("/sessions/password")
@not_remembered
def change_password() -> ResponseReturnValue:
    """Give whoever asks another password; the sessions with the one before end, but for this one."""
    access, identity, form = _access(), current(), request.form
    mine = of_browser.of_request()
    if identity is None or mine is None or not has_password():
        raise InvalidInput(_("Expected somebody with a password of this server."))
    # The present password is asked for in any case.
    if mine.has_factor and (asked := asked_again()) is not None:
        return asked
    new = form.get("new", "")
    try:
        access.limits.count(limits.LOGIN, request.remote_addr or "")
        access.known(identity.name, form.get("current", ""), request.remote_addr or "")
        before = access.file.read().users[identity.name].password
        kept = secrets.hash_of(secrets.checked_password(new, identity.name, access.breached))
        if not access.file.set_password(identity.name, kept, before):
            raise InvalidInput(_("The present password is not right."))
    except Wrong as wrong:
        raise InvalidInput(_("The present password is not right.")) from wrong
    except (TooOften, TooMany, secrets.Easy, Unusable, AccessFileError) as error:
        raise InvalidInput(str(error)) from error
    acting().execute(store.password_changed, identity.name)
    of_browser.begin(access, identity, access.stamp(identity.name), with_factor=mine.with_factor)
    return done(_("Your password is changed, and you are logged out everywhere else."), url_for("console.sessions"))


@bp.app_template_filter("browser")
def browser(agent: str) -> str:
    """What people call a browser, such as "Firefox 140 · Linux"; what is none is shown as it calls itself."""
    name = next((f"{word} {found[1]}" for mark, word in BROWSERS if (found := re.search(rf"{mark}/(\d+)", agent))), "")
    system = next((word for mark, word in SYSTEMS if mark in agent), "")
    return " · ".join(filter(None, (name, system))) if name else agent[:60]


def has_password() -> bool:
    """Whether whoever asks logged in with a password of this server."""
    mine = of_browser.of_request()
    return mine is not None and mine.issuer is None


def asked_again() -> ResponseReturnValue | None:
    """What leads to the page on which somebody shows who it is; None if that was a moment ago.

    Who has no session shows it with every request. Source: OWASP ASVS 5.0, 7.5.1 and 7.5.2.
    """
    mine = of_browser.of_request()
    if mine is None or mine.is_recent(engine().clock()):
        return None
    return done(_("Show first that it is you."), url_for("console.confirmation", next=url_for("console.sessions")),
                "stalled")


def _access() -> Access:
    found: Access = current_app.extensions["access"]
    return found


def _whose() -> str | None:
    """Whose sessions may be seen and ended; None: everybody's."""
    identity = current()
    return None if identity is None or identity.may_everywhere(Permission.ADMINISTER) else identity.name
