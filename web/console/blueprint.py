"""The blueprint that every page belongs to: its errors, its filters, what every template can use."""

from __future__ import annotations

import logging
import secrets
from typing import Any
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException, InternalServerError

from engine.clock import system_clock
from engine.engine import Engine
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound, Rejection, TooMany, Unavailable, WrongState
from engine.masking import holds_mask
from web import bundles, doors
from web.auth import cookies, identity
from web.clamd import ScannerAway
from web.console import formatting, words
from web.console.security import actor, check_csrf, csrf_token, groups

logger = logging.getLogger(__name__)

bp = Blueprint("console", __name__)
bp.before_request(check_csrf)

STATUS: dict[type[Rejection], int] = {
    NotFound: 404, NotAllowed: 403, WrongState: 409, Conflict: 409, TooMany: 422, InvalidInput: 422}
"""The HTTP status of each family of rejection; anything else is 400."""

bp.add_app_template_filter(formatting.iso, "iso")
bp.add_app_template_filter(formatting.up_to, "up_to")
bp.add_app_template_filter(formatting.number, "number")
bp.add_app_template_filter(formatting.absolute, "absolute")
bp.add_app_template_filter(formatting.whole_day, "whole_day")
bp.add_app_template_filter(formatting.duration, "duration")
bp.add_app_template_filter(formatting.seconds, "seconds")
bp.add_app_template_filter(formatting.json_markup, "json_markup")
bp.add_app_template_filter(formatting.to_json, "json_text")
bp.add_app_template_filter(formatting.short, "short")
bp.add_app_template_filter(holds_mask, "hides")
bp.add_app_template_filter(words.states_of, "states_of")
bp.add_app_template_filter(words.type_word, "type_word")
bp.add_app_template_filter(words.deed, "deed")


def engine() -> Engine:
    """The engine of this application."""
    found: Engine = current_app.extensions["engine"]
    return found


def acting() -> Engine:
    """The engine, its audit rows carrying the name of this session."""
    return identity.acting(engine(), actor())


def done(sentence: str, target: str, kind: str = "completed") -> ResponseReturnValue:
    """Go to `target` and show `sentence` there; works for plain forms and for htmx."""
    flash(sentence, kind)
    if "HX-Request" in request.headers:
        return "", 204, {"HX-Redirect": target}
    return redirect(target, 303)


def here(**changes: Any) -> str:
    """The address of the present page with some arguments changed; None takes one away."""
    arguments: dict[str, Any] = {name: request.args.getlist(name) for name in request.args}
    arguments.update(changes)
    # What Flask's own arguments are called cannot be one of ours.
    kept = {name: value for name, value in arguments.items()
            if value not in (None, "", []) and name != "endpoint" and not name.startswith("_")}
    # The page of an instance has hundreds of links to itself; only their queries differ.
    if "here" not in g:
        g.here = url_for(request.endpoint or "console.home", **(request.view_args or {}))
    query = urlencode(kept, doseq=True, safe="!$'()*,/:;?@")
    return f"{g.here}?{query}" if query else str(g.here)


def without(*names: str) -> str:
    """The address of the present page without some arguments, from its first part on."""
    return here(**dict.fromkeys((*names, "offset")))


@bp.app_context_processor
def _everywhere() -> dict[str, Any]:
    theme = cookies.chosen("theme")
    return {
        "STATES": words.STATES,
        "NAVIGATION": words.NAVIGATION,
        "actor": actor(),
        "csrf_token": csrf_token,
        "groups": groups(),
        "here": here,
        "identity": identity.current(),
        "now": system_clock(),
        "scripts": bundles.scripts,
        "styles": bundles.styles,
        "without": without,
        "theme": theme if theme in {"light", "dark"} else None,
    }


@bp.app_template_filter("ago")
def _ago(moment: Any) -> str:
    return formatting.ago(moment, system_clock())


@bp.errorhandler(Rejection)
def _rejected(error: Rejection) -> ResponseReturnValue:
    status = next((code for family, code in STATUS.items() if isinstance(error, family)), 400)
    return problem(str(error), status)


@bp.app_errorhandler(Unavailable)
def _unavailable(error: Unavailable) -> ResponseReturnValue:
    response = problem(str(error), 503, title=_("The virus scanner does not answer") if isinstance(error, ScannerAway)
                       else _("The database does not answer"))
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@bp.app_errorhandler(HTTPException)
def _http_error(error: HTTPException) -> ResponseReturnValue | HTTPException:
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return _unexpected(error.original_exception)
    if error.code is None or error.code < 400:
        return error
    if (refusal := doors.refusal(error)) is not None:
        return refusal
    sentence = error.description or error.name
    if error.code == 404:
        sentence = _("There is no page at this address.")
    if error.code == 413:
        sentence = _("Expected at most 32 MB in one upload, but this one is larger.")
    return problem(sentence, error.code)


@bp.app_errorhandler(bundles.AssetsMissing)
def _not_built(error: bundles.AssetsMissing) -> ResponseReturnValue:
    # In plain text, because a page would need the very assets.
    return str(error), 503, {"Content-Type": "text/plain; charset=utf-8"}


def _unexpected(error: BaseException) -> ResponseReturnValue:
    reference = secrets.token_hex(4)
    logger.error("Expected to answer %s %s, but it failed (reference %s).", request.method, request.path, reference,
                 exc_info=error)
    sentence = _("This is a fault in Partitur, not in your process. The server's log says more under %(reference)s.",
                 reference=reference)
    return problem(sentence, 500, title=_("Something unexpected happened"))


def problem(sentence: str, status: int, title: str = "") -> Response:
    """Say what is wrong: a sentence for htmx to put where the form has its place for it, else a page."""
    if "HX-Request" in request.headers:
        return make_response(render_template("_problem.html", sentence=sentence), status)
    title = title or (_("Not found") if status == 404 else _("This was not possible"))
    return make_response(render_template("error.html", sentence=sentence, title=title, status=status), status)
