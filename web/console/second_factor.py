"""The page on which people set up, replace and remove their second factor, and make new recovery codes."""

from __future__ import annotations

from flask import current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import second_factors
from engine.errors import InvalidInput
from engine.keyring import KeyProblem
from web.auth import limits, recovery
from web.auth import second_factor as proof
from web.auth import sessions as of_browser
from web.auth.access import Access, TooOften, Wrong
from web.auth.identity import Identity, current
from web.auth.limits import TooMany
from web.auth.second_step import shown_once, wrong
from web.console.blueprint import acting, bp, engine
from web.console.sessions import has_password
from web.idempotency import not_remembered


@bp.get("/second-factor")
def second_factor() -> ResponseReturnValue:
    """Whether one has a second factor, and all that can be done about it."""
    return _page()


@bp.post("/second-factor/setup")
@not_remembered
def set_up_second_factor() -> ResponseReturnValue:
    """Draw the secret of a new one, after the password, and the code of the one before."""
    access, identity = _whose()
    try:
        show_again(access, identity)
        acting().execute(second_factors.begin, of_browser.digest(), identity.name)
    except (InvalidInput, KeyProblem) as error:
        return _page(str(error))
    return redirect(url_for("console.second_factor"), 303)


@bp.post("/second-factor/activation")
@not_remembered
def activate_second_factor() -> ResponseReturnValue:
    """Let the new one count, if its code is right, and show the recovery codes."""
    access, identity = _whose()
    try:
        access.limits.count(limits.LOGIN, request.remote_addr or "")
        codes = proof.activate(access, of_browser.digest(), identity.name, request.form.get("code", ""))
    except Wrong:
        return _page(wrong())
    except (TooOften, TooMany, KeyProblem) as error:
        return _page(str(error))
    of_browser.begin(access, identity, access.stamp(identity.name), with_factor=True)
    return shown_once(codes, url_for("console.second_factor"))


@bp.post("/second-factor/codes")
@not_remembered
def renew_recovery_codes() -> ResponseReturnValue:
    """Make new recovery codes, which are shown once."""
    access, identity = _whose()
    try:
        show_again(access, identity)
        if second_factors.of(engine(), identity.name) is None:
            raise InvalidInput(_("Expected somebody with a second factor."))
    except (InvalidInput, KeyProblem) as error:
        return _page(str(error))
    return shown_once(proof.renew(identity.name), url_for("console.second_factor"))


@bp.post("/second-factor/removal")
@not_remembered
def remove_second_factor() -> ResponseReturnValue:
    """Come in by the password alone from now on."""
    access, identity = _whose()
    try:
        if access.demands_factor(identity):
            raise InvalidInput(_("Expected an account that may do without, but here a second factor is demanded."))
        show_again(access, identity)
    except (InvalidInput, KeyProblem) as error:
        return _page(str(error))
    acting().execute(second_factors.remove, identity.name)
    of_browser.begin(access, identity, access.stamp(identity.name))
    flash(_("The second factor is removed, and you are logged out everywhere else."), "terminated")
    return redirect(url_for("console.second_factor"), 303)


def show_again(access: Access, identity: Identity) -> None:
    """Look at the password in the form, and at the code where there is a second factor.

    Raises InvalidInput, KeyProblem.
    """
    form = request.form
    try:
        access.limits.count(limits.LOGIN, request.remote_addr or "")
        access.known(identity.name, form.get("current", ""), request.remote_addr or "")
    except Wrong as error:
        raise InvalidInput(_("The present password is not right.")) from error
    except (TooOften, TooMany) as error:
        raise InvalidInput(str(error)) from error
    if not second_factors.is_there(engine(), identity.name):
        return
    try:
        proof.check(access, identity.name, form.get("code", ""))
    except Wrong as error:
        raise InvalidInput(wrong()) from error
    except TooOften as error:
        raise InvalidInput(str(error)) from error


def _whose() -> tuple[Access, Identity]:
    identity = current()
    if identity is None or not has_password():
        raise InvalidInput(_("Expected somebody with a password of this server."))
    return _access(), identity


def _page(problem: str = "") -> ResponseReturnValue:
    identity, own = current(), has_password()
    factor = second_factors.of(engine(), identity.name) if own and identity else None
    try:
        secret = second_factors.begun(engine(), of_browser.digest(), identity.name) if own and identity else None
    except KeyProblem as error:
        secret, problem = None, problem or str(error)
    response = make_response(render_template(
        "second_factor.html", section="", problem=problem, has_password=own, factor=factor,
        demanded=bool(own and identity and _access().demands_factor(identity)), low=recovery.LOW,
        secret=proof.spaced(secret) if secret else "",
        qr_code=proof.qr_code(secret, identity.name) if secret and identity else ""), 422 if problem else 200)
    return response


def _access() -> Access:
    found: Access = current_app.extensions["access"]
    return found
