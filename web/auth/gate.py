"""Asks every request who it comes from, before anything else looks at it.

REST doors take Basic and Bearer (RFC 7617, RFC 6750) and never the session of a browser, which other sites could make
use of; pages take a session. What nobody has to log in for is listed in `PUBLIC`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection

from flask import Flask, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, ServiceUnavailable, TooManyRequests, Unauthorized

from web import doors
from web.auth import limits, login, oauth, openid_doors, second_step, sessions
from web.auth.access import Access, TooOften, Wrong
from web.auth.accessfile import AccessFileError
from web.auth.hosts import is_of_this_machine
from web.auth.identity import Identity
from web.auth.limits import TooMany
from web.auth.openid import ProviderTrouble

PUBLIC = frozenset({"static", "health", "ready", "login.page", "login.enter", "login.leave", "oauth.token",
                    "hooks.receive", "provider.begin", "provider.answered", "provider.ended", "second_step.page",
                    "second_step.enter"})
"""Endpoints that answer everybody."""
HEADER_ONLY = ("/v2", "/engine-rest", "/oauth")
"""Doors that do not look at sessions."""
REALM = "Partitur"


def install(app: Flask, access: Access, hosts: Collection[str] = ()) -> None:
    """Let nobody in who may not. `hosts` are names under which an open server may be asked."""
    app.extensions["access"] = access
    access.engine = access.throttle.engine = app.extensions["engine"]
    app.register_blueprint(login.bp)
    app.register_blueprint(second_step.bp)
    app.register_blueprint(openid_doors.bp)
    app.register_blueprint(oauth.bp)

    @app.before_request
    def who_is_it() -> ResponseReturnValue | None:
        g.identity = None
        try:
            if access.is_open:
                _check_host(hosts)
                return None
            return _ask(access)
        except AccessFileError as error:
            app.logger.error("%s", error)
            raise ServiceUnavailable("Expected to know who may come in, but the file of users cannot be read.",
                                     retry_after=10) from error


def _ask(access: Access) -> ResponseReturnValue | None:
    if request.endpoint in PUBLIC:
        return None
    shown = request.headers.get("Authorization", "")
    g.identity = _by_header(access, shown) if shown else None
    if g.identity is None and not is_header_only():
        g.identity = sessions.current(access)
    if g.identity is not None:
        _count(access, g.identity, with_header=bool(shown))
        return None
    if doors.speaks() or is_header_only() or request.method not in {"GET", "HEAD"}:
        raise unauthorized("Expected to know who asks, but the request shows neither a password nor a token.")
    if "HX-Request" in request.headers:
        return "", 401, {"HX-Redirect": url_for("login.page")}
    return redirect(url_for("login.page", next=request.full_path.rstrip("?")), 303)


def _count(access: Access, identity: Identity, with_header: bool) -> None:
    try:
        access.limits.count(limits.REQUESTS, identity.name)
    except TooMany as error:
        raise TooManyRequests(str(error), retry_after=error.seconds) from error
    if with_header:
        access.last_uses.note(identity.name)


def is_header_only() -> bool:
    """Whether this request must show who it comes from by itself."""
    return request.path.startswith(HEADER_ONLY)


def _by_header(access: Access, shown: str) -> Identity | None:
    scheme, _, rest = shown.partition(" ")
    try:
        if scheme.lower() == "bearer":
            return access.by_bearer(rest.strip())
        if scheme.lower() == "basic":
            name, password = _name_and_password(rest.strip())
            return access.by_password(name, password, request.remote_addr or "")
    except Wrong as wrong:
        raise unauthorized(str(wrong)) from wrong
    except TooOften as error:
        raise TooManyRequests(str(error), retry_after=error.seconds) from error
    except ProviderTrouble as error:
        raise ServiceUnavailable(f"Expected the provider of identities to tell its keys, but {error}.",
                                 retry_after=10) from error
    # Clients that are not told to log in send odd things, Camunda Modeler an empty header or "undefined".
    return None


def _name_and_password(encoded: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise BadRequest("Expected a name and a password behind 'Basic', in base64, but found something else.") \
            from error
    name, _, password = text.partition(":")
    return name, password


def unauthorized(sentence: str) -> Unauthorized:
    """The error that asks for a password or a token."""
    realm: dict[str, str | None] = {"realm": REALM, "charset": "UTF-8"}
    return Unauthorized(sentence, www_authenticate=[
        WWWAuthenticate("basic", realm), WWWAuthenticate("bearer", {"realm": REALM}),
    ])


def _check_host(hosts: Collection[str]) -> None:
    """Nobody is asked who they are, so a page of another site must not get here by giving its name our address."""
    if hosts and not is_of_this_machine(request.host, hosts):
        raise Forbidden(
            f"Expected a request to this machine, but it is for {request.host[:100]!r}. If that is a name of this "
            "server, put it into PARTITUR_HOSTS."
        )
