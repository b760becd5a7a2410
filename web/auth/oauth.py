"""Access tokens for programs that log in as OAuth clients (RFC 6749 section 4.4), as Camunda 8's SDKs do.

The client id is the name of a token, the client secret is the token itself.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request

from web import doors
from web.answers import answer
from web.auth import limits
from web.auth.access import LIFETIME, Access, SecondStep, TooOften, Wrong
from web.auth.limits import TooMany
from web.auth.roles import permissions_in
from web.idempotency import not_remembered

bp = Blueprint("oauth", __name__)


@bp.post("/oauth/token")
@not_remembered
def token() -> Response:
    """An access token that expires, for a client id and its secret."""
    asked = request.form if request.mimetype == "application/x-www-form-urlencoded" else {}
    if asked.get("grant_type") != "client_credentials":
        kind = "unsupported_grant_type" if asked.get("grant_type") else "invalid_request"
        return _refused(400, kind, "Expected a form with grant_type=client_credentials, client_id and client_secret.")
    shown = request.authorization
    basic = shown if shown and shown.type == "basic" else None
    name = str(basic.username if basic else asked.get("client_id", ""))
    secret = str(basic.password if basic else asked.get("client_secret", ""))
    access: Access = current_app.extensions["access"]
    if access.is_open:
        return _refused(400, "invalid_client", "Expected clients to be known, but nobody has to log in at this server.")
    try:
        access.limits.count(limits.TOKEN, request.remote_addr or "")
        scope = permissions_in(asked.get("scope", ""))
        made = access.access_token(name, secret, request.remote_addr or "", asked.get("audience"), scope)
    except Wrong as wrong:
        response = _refused(401, "invalid_client", str(wrong) if isinstance(wrong, SecondStep) else
                            "Expected a client id and its secret, but they do not fit.")
        response.headers["WWW-Authenticate"] = 'Basic realm="Partitur"'
        return response
    except (TooOften, TooMany) as error:
        response = _refused(429, "invalid_client", str(error))
        response.headers["Retry-After"] = str(error.seconds)
        return response
    content: dict[str, Any] = {"access_token": made, "token_type": "Bearer", "expires_in": LIFETIME}
    if scope or asked.get("scope"):
        # Scopes of others mean nothing here, and their clients want to see them again.
        content["scope"] = " ".join(scope) or asked["scope"]
    return _never_kept(answer(content))


def _refused(status: int, kind: str, sentence: str) -> Response:
    return _never_kept(answer({"error": kind, "error_description": sentence}, status))


def _never_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


doors.speak("/oauth", lambda error: doors.with_headers(
    _refused(error.code or 500, "invalid_request", error.description or error.name), error))
