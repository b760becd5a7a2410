"""The language that somebody chose to read; kept in a cookie, as the theme is, because it changes nothing else."""

from __future__ import annotations

from flask import make_response, redirect, request
from flask.typing import ResponseReturnValue

from engine.errors import InvalidInput
from web.auth.cookies import choose
from web.auth.login_form import own_address
from web.console.blueprint import bp
from web.languages import COOKIE, available

YEAR = 365 * 86400


@bp.post("/language")
def change_language() -> ResponseReturnValue:
    """Show the pages of this browser in another language from now on.

    Raises:
        InvalidInput: there is no translation into it.
    """
    code = request.form.get("language", "")
    if code not in available():
        raise InvalidInput(f"Expected one of {', '.join(available())}, but found {code[:20]!r}.")
    response = make_response(redirect(own_address(request.form.get("next", "")), 303))
    choose(response, COOKIE, code, YEAR)
    return response
