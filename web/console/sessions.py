"""Where one is logged in, and an end to it; whoever administers sees and ends the sessions of all."""

from __future__ import annotations

from flask import current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from engine import sessions as store
from web.auth import sessions as of_browser
from web.auth.access import Access
from web.auth.identity import current
from web.auth.roles import Permission
from web.console.blueprint import acting, bp, done, engine


@bp.get("/sessions")
def sessions() -> ResponseReturnValue:
    """Who is logged in: oneself, or everybody."""
    access: Access = current_app.extensions["access"]
    mine = of_browser.of_request()
    return render_template("sessions.html", section="", everybody=_whose() is None, policy=access.policy,
                           sessions=store.present(engine(), access.policy.idle, _whose()) if current() else (),
                           this=mine.key if mine else None)


@bp.post("/sessions/<key:key>/end")
def end_session(key: int) -> ResponseReturnValue:
    """End one session."""
    mine = of_browser.of_request()
    acting().execute(store.end, key, _whose())
    if mine and mine.key == key:
        return redirect(url_for("login.page"), 303)
    return done(_("The session is over."), url_for("console.sessions"), "terminated")


@bp.post("/sessions/end")
def end_other_sessions() -> ResponseReturnValue:
    """End all sessions of whoever asks, but for this one."""
    identity = current()
    count = acting().execute(store.end_all, identity.name, of_browser.digest()) if identity else 0
    return done(ngettext("%(num)s session is over.", "%(num)s sessions are over.", count), url_for("console.sessions"),
                "terminated")


def _whose() -> str | None:
    """Whose sessions may be seen and ended; None: everybody's."""
    identity = current()
    return None if identity is None or identity.may_everywhere(Permission.ADMINISTER) else identity.name
