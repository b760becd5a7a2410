"""The second step of a log-in: the code of the app, or a first second factor where one is demanded."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from engine import half_log_ins as store
from engine import second_factors
from engine.engine import Engine
from engine.errors import Rejection
from engine.half_log_ins import HalfLogIn
from web.auth import half, limits, recovery, second_factor, sessions
from web.auth.access import Access, TooOften, Wrong
from web.auth.limits import TooMany
from web.auth.login_form import own_address
from web.console.security import check_csrf
from web.idempotency import not_remembered

logger = structlog.get_logger(__name__)

bp = Blueprint("second_step", __name__)
bp.before_request(check_csrf)


@bp.errorhandler(Rejection)
def _rejected(error: Rejection) -> ResponseReturnValue:
    begun = half.current(_access())
    return _form(begun, 400, str(error)) if begun else _again()


@bp.get("/login/second-factor")
def page() -> ResponseReturnValue:
    """Ask for the code, or show the secret of a new second factor."""
    begun = half.current(_access())
    return _form(begun, 200) if begun else redirect(url_for("login.page", next=_next()), 303)


@bp.post("/login/second-factor")
@not_remembered
def enter() -> ResponseReturnValue:
    """Begin a session under a new id, if the code is right."""
    access = _access()
    begun = half.current(access)
    if begun is None:
        return _again()
    address = request.remote_addr or ""
    codes: tuple[str, ...] = ()
    try:
        access.limits.count(limits.LOGIN, address)
        given = request.form.get("code", "")
        if second_factors.is_there(_engine(), begun.name):
            second_factor.check(access, begun.name, given)
        else:
            codes = second_factor.activate(access, begun.digest, begun.name, given)
    except Wrong:
        logger.warning("a second factor was refused", name=begun.name, address=address)
        _engine().execute(store.wrong, begun.digest)
        left = half.current(access)
        return _form(left, 401, wrong()) if left else _again(_("Too many wrong codes. Log in again."))
    except (TooOften, TooMany) as error:
        logger.warning("a second factor was put off", name=begun.name, address=address)
        response = _form(begun, 429, _("Too many tries. Try again in %(seconds)s seconds.", seconds=error.seconds))
        response.headers["Retry-After"] = str(error.seconds)
        return response
    identity = access.still(begun.name, begun.stamp)
    if not _engine().execute(store.end, begun.digest) or identity is None:
        return _again()
    sessions.begin(access, identity, begun.stamp, with_factor=True)
    if codes:
        return shown_once(codes, _next())
    tell_if_low(identity.name)
    return redirect(_next(), 303)


def wrong() -> str:
    """The sentence about a code that does not count."""
    return _("The code is not right, or was used already. Your app shows another one every 30 seconds.")


def shown_once(codes: tuple[str, ...], further: str) -> Response:
    """The page with new recovery codes, which nobody sees again."""
    response = make_response(render_template("recovery_codes.html", codes=codes, further=further))
    response.headers["Cache-Control"] = "no-store"
    return response


def tell_if_low(name: str) -> None:
    """Say on the next page that few recovery codes are left."""
    found = second_factors.of(_engine(), name)
    if found is not None and found.codes_left <= recovery.LOW:
        flash(ngettext("You have %(num)s recovery code left. Make new ones on the page Second factor.",
                       "You have %(num)s recovery codes left. Make new ones on the page Second factor.",
                       found.codes_left), "stalled")


def _form(begun: HalfLogIn, status: int, problem: str = "") -> Response:
    has_factor = second_factors.is_there(_engine(), begun.name)
    secret = None if has_factor else second_factors.begun(_engine(), begun.digest, begun.name)
    if not has_factor and secret is None:
        return make_response(_again())
    response = make_response(render_template(
        "second_step.html", problem=problem, next=_next(), secret=second_factor.spaced(secret) if secret else "",
        qr_code=second_factor.qr_code(secret, begun.name) if secret else ""), status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _again(why: str = "") -> ResponseReturnValue:
    flash(why or _("This log-in began elsewhere or too long ago. Try again."), "stalled")
    return redirect(url_for("login.page", next=_next()), 303)


def _next() -> str:
    return own_address(request.form.get("next") or request.args.get("next") or "")


def _access() -> Access:
    found: Access = current_app.extensions["access"]
    return found


def _engine() -> Engine:
    found: Engine = current_app.extensions["engine"]
    return found
