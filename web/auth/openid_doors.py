"""Log-in and log-out at a provider of identities: the authorization code flow of OpenID Connect, with PKCE.

Sources: OpenID Connect Core 1.0 §3.1, RP-Initiated Logout 1.0, Back-Channel Logout 1.0; RFC 9207.
"""

from __future__ import annotations

import hmac
import secrets as random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Response, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import sessions as store
from engine.engine import Engine
from web.answers import answer
from web.auth import limits, sessions
from web.auth.access import Access
from web.auth.accessfile import AccessFileError, checked_name
from web.auth.limits import TooMany
from web.auth.login_form import form, own_address, too_many
from web.auth.openid import Provider, ProviderTrouble, Untrusted, claim, groups_of, is_safe_address
from web.idempotency import not_remembered

logger = structlog.get_logger(__name__)

bp = Blueprint("provider", __name__)

UNDER_WAY = "log_in"
"""What the log-in that is under way is called in the cookie."""
LONGEST = 600
"""Seconds that a log-in at the provider may take."""
SKEW = 60
"""Seconds that its clock may be behind ours."""


class Refused(Exception):
    """The log-in comes to nothing; the sentence is for the page."""

    def __init__(self, sentence: str, why: str = "") -> None:
        super().__init__(sentence)
        self.why = why or sentence


@bp.get("/login/provider")
def begin() -> ResponseReturnValue:
    """Lead the browser to the provider; `again`: to show there who it is, even if it did so before."""
    from web.auth import openid_flow  # see there

    access = _access()
    if access.provider is None:
        return redirect(url_for("login.page"), 303)
    again = "again" in request.args
    under_way = {name: random.token_urlsafe(48) for name in ("state", "nonce", "verifier")}
    try:
        access.limits.count(limits.LOGIN, request.remote_addr or "")
        address = openid_flow.address(access.provider, _own("provider.answered"), state=under_way["state"],
                                      nonce=under_way["nonce"], verifier=under_way["verifier"], again=again)
    except TooMany as error:
        return too_many(error.seconds)
    except ProviderTrouble as error:
        return _refuse(_unreachable(access.provider, error), 502)
    session[UNDER_WAY] = {**under_way, "next": own_address(request.args.get("next", "")), "at": int(time.time()),
                          "again": again}
    return redirect(address, 303)


@bp.get("/login/provider/answer")
def answered() -> ResponseReturnValue:
    """What the provider sends the browser back with: begin the session, or say why not."""
    access = _access()
    # Taken out at once: one answer for each log-in.
    under_way = session.pop(UNDER_WAY, None)
    if access.provider is None:
        return redirect(url_for("login.page"), 303)
    try:
        access.limits.count(limits.LOGIN, request.remote_addr or "")
        _enter(access, access.provider, under_way if isinstance(under_way, dict) else {})
    except TooMany as error:
        return too_many(error.seconds)
    except Refused as refused:
        return _refuse(refused, 401)
    except Untrusted as error:
        return _refuse(Refused(_("What %(provider)s says of you cannot be trusted. Try again.",
                                 provider=access.provider.registration.shown), str(error)), 401)
    except ProviderTrouble as error:
        return _refuse(_unreachable(access.provider, error), 502)
    return redirect(own_address(str((under_way or {}).get("next", ""))), 303)


@bp.post("/login/provider/end")
@not_remembered
def ended() -> Response:
    """The provider says that a session is over: end those here that began with it."""
    provider = _access().provider
    try:
        if provider is None:
            raise Untrusted("there is no provider")
        claims = provider.of_logout(request.form.get("logout_token", ""))
    except (Untrusted, ProviderTrouble) as error:
        logger.warning("a log-out by the provider was refused", reason=str(error))
        response = answer({"error": "invalid_request", "error_description":
                           f"Expected a logout token of the provider for this server, but {error}."}, 400)
    else:
        subject, sid = claims.get("sub"), claims.get("sid")
        _engine().acting_as(provider.registration.shown).execute(
            store.end_of_provider, provider.registration.issuer, str(subject) if subject else None,
            str(sid) if sid else None)
        response = answer({}, 200)
    response.headers["Cache-Control"] = "no-store"
    return response


def log_out_address(ended: store.Session) -> str | None:
    """Where the browser logs out at the provider, too, if the session began there and it has such a place."""
    provider = _access().provider
    if provider is None or ended.issuer != provider.registration.issuer:
        return None
    try:
        place = str(provider.metadata().get("end_session_endpoint") or "")
    except ProviderTrouble:
        return None
    if not is_safe_address(place):
        return None
    asked = {"client_id": provider.registration.client_id, "post_logout_redirect_uri": _own("login.page")}
    if token := store.id_token(_engine(), ended):
        asked["id_token_hint"] = token
    return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"


def shown_name() -> str:
    """What people know the provider by."""
    provider = _access().provider
    return provider.registration.shown if provider else ""


def _enter(access: Access, provider: Provider, under_way: Mapping[str, Any]) -> None:
    known, given = provider.registration, request.args
    fits = hmac.compare_digest(str(under_way.get("state", "")).encode(), given.get("state", "").encode())
    if not under_way or not fits or not 0 <= time.time() - under_way["at"] <= LONGEST:
        raise Refused(_("This log-in began elsewhere or too long ago. Try again."))
    if given.get("iss", known.issuer) != known.issuer:
        raise Untrusted("it answers for another provider")
    if "error" in given:
        raise _denied(provider, given.get("error_description") or given["error"])
    tokens = _exchanged(provider, given.get("code", ""), str(under_way["verifier"]))
    claims = provider.of_login(str(tokens.get("id_token", "")), str(under_way["nonce"]))
    if known.acr and claims.get("acr") not in known.acr:
        # That it was asked for is no more than a wish: the signed token says what was done.
        raise Refused(_("Your log-in at %(provider)s was not strong enough: a second factor may be missing.",
                        provider=known.shown), "acr=" + repr(claims.get("acr"))[:100])
    again = bool(under_way.get("again"))
    if again and not _was_asked(claims.get("auth_time"), under_way["at"]):
        raise Refused(_("%(provider)s has not asked you again who you are.", provider=known.shown),
                      "auth_time=" + repr(claims.get("auth_time"))[:100])
    told = claims
    if any(claim(claims, name) is None for name in (known.name_claim, known.groups_claim)):
        told = {**provider.user_info(str(tokens.get("access_token", "")), str(claims["sub"])), **claims}
    name, groups = _name_of(provider, told), groups_of(told, known.groups_claim)
    identity = access.known_elsewhere(name, groups)
    if identity is None:
        raise Refused(_("There is a user or a token of the name %(name)s here already, so nobody of that name can come "
                        "in by %(provider)s.", name=name, provider=known.shown))
    if not identity.grants:
        raise Refused(_("You are known as %(name)s, but none of your groups has a role here: %(groups)s.", name=name,
                        groups=", ".join(groups)[:300] or _("you are in none")))
    sid = claims.get("sid")
    sessions.begin(access, identity, groups=groups, issuer=known.issuer, subject=str(claims["sub"]),
                   provider_session=str(sid) if sid else None, id_token=str(tokens["id_token"]), is_confirmed=again)


def _was_asked(auth_time: Any, since: int) -> bool:
    """Whether somebody showed the provider who it is after we asked for that."""
    return isinstance(auth_time, int | float) and auth_time >= since - SKEW


def _exchanged(provider: Provider, code: str, verifier: str) -> Mapping[str, Any]:
    from web.auth import openid_flow

    try:
        return openid_flow.tokens(provider, _own("provider.answered"), code=code, verifier=verifier)
    except openid_flow.Denied as denied:
        raise _denied(provider, str(denied)) from denied


def _name_of(provider: Provider, told: Mapping[str, Any]) -> str:
    known = provider.registration
    mail = told.get("email")
    verified = told.get("email_verified") in {True, "true"}
    if known.domains:
        domain = str(mail or "").rpartition("@")[2].lower()
        if domain not in known.domains or not verified:
            raise Refused(_("Only people with a verified mail address of %(domains)s may come in.",
                            domains=", ".join(known.domains)))
    name = claim(told, known.name_claim)
    if known.name_claim == "email" and not verified:
        raise Refused(_("%(provider)s has not verified your mail address.", provider=known.shown))
    try:
        return checked_name(str(name or (mail if verified else "") or told["sub"]))
    except AccessFileError as error:
        raise Refused(_("Your name at %(provider)s cannot be one here.", provider=known.shown), str(error)) from error


def _own(endpoint: str) -> str:
    """The full address of a page of ours, as the provider knows it."""
    public = str(current_app.extensions.get("public_url") or "").rstrip("/")
    return public + url_for(endpoint) if public else url_for(endpoint, _external=True)


def _denied(provider: Provider, said: str) -> Refused:
    return Refused(_("%(provider)s does not let you in: %(said)s.", provider=provider.registration.shown,
                     said=said[:300].rstrip(".")))


def _unreachable(provider: Provider, error: ProviderTrouble) -> Refused:
    return Refused(_("%(provider)s cannot be asked who you are at the moment. Try again later.",
                     provider=provider.registration.shown), str(error))


def _refuse(refused: Refused, status: int) -> Response:
    logger.warning("a log-in at the provider came to nothing", reason=refused.why, address=request.remote_addr)
    return form(status, str(refused))


def _access() -> Access:
    found: Access = current_app.extensions["access"]
    return found


def _engine() -> Engine:
    found: Engine = current_app.extensions["engine"]
    return found
