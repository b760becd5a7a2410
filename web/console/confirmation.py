"""The page on which somebody who is logged in shows again who it is, before what guards an account is changed."""

from __future__ import annotations

from flask import current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import second_factors
from engine import sessions as store
from engine.errors import InvalidInput
from web.auth import sessions as of_browser
from web.auth.access import Access
from web.auth.identity import current
from web.auth.login_form import own_address
from web.console.blueprint import acting, bp, done, engine
from web.console.second_factor import show_again
from web.console.sessions import has_password
from web.idempotency import not_remembered


@bp.get("/sessions/confirmation")
def confirmation() -> ResponseReturnValue:
    """Ask for the password and the code, or lead to the provider."""
    return _page()


@bp.post("/sessions/confirmation")
@not_remembered
def confirm_session() -> ResponseReturnValue:
    """Look at what was shown."""
    identity, mine = current(), of_browser.of_request()
    if identity is None or mine is None or not has_password():
        raise InvalidInput(_("Expected somebody with a password of this server."))
    try:
        show_again(_access(), identity)
    except InvalidInput as error:
        return _page(str(error))
    acting().execute(store.confirm, mine.key)
    return done(_("It is you. Now do it again."), own_address(request.form.get("next", "")))


def _page(problem: str = "") -> ResponseReturnValue:
    identity, own, access = current(), has_password(), _access()
    return render_template(
        "confirmation.html", section="", problem=problem, has_password=own,
        has_factor=bool(own and identity and second_factors.is_there(engine(), identity.name)),
        provider=access.provider.registration.shown if access.provider and of_browser.of_request() else "",
        next=own_address(request.form.get("next") or request.args.get("next") or url_for("console.sessions")),
    ), 422 if problem else 200


def _access() -> Access:
    found: Access = current_app.extensions["access"]
    return found
