"""The page where people log in and out; what a session is, `web.auth.sessions` knows."""

from __future__ import annotations

import structlog
from flask import Blueprint, current_app, flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import Rejection
from web.auth import half, limits, openid_doors, sessions
from web.auth.access import Access, TooOften, Wrong
from web.auth.limits import TooMany
from web.auth.login_form import form, own_address, too_many
from web.console.security import check_csrf
from web.idempotency import not_remembered

logger = structlog.get_logger(__name__)

bp = Blueprint("login", __name__)
bp.before_request(check_csrf)


@bp.errorhandler(Rejection)
def _rejected(error: Rejection) -> ResponseReturnValue:
    return form(400, str(error))


@bp.get("/login")
def page() -> ResponseReturnValue:
    """The form; with nobody to log in, the home page."""
    if _access().is_open:
        return redirect(url_for("console.home"))
    return form(200)


@bp.post("/login")
@not_remembered
def enter() -> ResponseReturnValue:
    """Begin a session, or ask for the second factor."""
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    access = _access()
    address = request.remote_addr or ""
    try:
        access.limits.count(limits.LOGIN, address)
        identity = access.known(name, password, address)
        if not access.is_user(name):
            raise Wrong("Expected a person, but this is the name of a token.")
    except Wrong:
        logger.warning("a log-in was refused", name=name[:100], address=address)
        return form(401, _("Name and password do not belong together."), name)
    except (TooOften, TooMany) as error:
        logger.warning("a log-in was put off", name=name[:100], address=address)
        return too_many(error.seconds, name)
    if access.asks_for_factor(identity):
        half.begin(access, identity)
        return redirect(url_for("second_step.page", next=own_address(request.form.get("next", ""))), 303)
    sessions.begin(access, identity, access.stamp(identity.name))
    return redirect(own_address(request.form.get("next", "")), 303)


@bp.post("/logout")
@not_remembered
def leave() -> ResponseReturnValue:
    """End the session, here and where the person is logged in otherwise."""
    ended = sessions.end()
    g.is_over = ended is not None
    flash(_("You are logged out."), "completed")
    if ended and (elsewhere := openid_doors.log_out_address(ended)):
        # Not by a redirect: browsers do not let the answer to a form lead to another site (CSP, form-action).
        response = make_response(render_template("logged_out.html", address=elsewhere,
                                                 provider=openid_doors.shown_name()))
        response.headers["Refresh"] = f"0; url={elsewhere}"
        return response
    return redirect(url_for("login.page"), 303)


def _access() -> Access:
    found: Access = current_app.extensions["access"]
    return found
