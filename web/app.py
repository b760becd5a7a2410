"""The web application of one engine: the operator's console, and what Camunda Modeler expects to find beside it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue

from engine.engine import Engine
from engine.errors import Unavailable
from service_tasks.registry import Registry
from web import api, camunda7, camunda8, console, doors, health, hooks, languages, masking, metrics, scanning
from web.answers import engine as this_engine
from web.auth import authorizing, gate
from web.auth.access import Access
from web.auth.accessfile import AccessFile
from web.auth.cookies import Cookies, comes_by_https
from web.auth.identity import current
from web.clamd import Scanner
from web.console import links
from web.console.numbers import KeyConverter
from web.idempotency import Application

MAX_UPLOAD = 32 * 1024 * 1024

# Scripts, styles and data come from this server only; nothing in a page itself is a script or a style. What bpmn-js
# sets on elements by program is not touched by this.
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
))
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Permitted-Cross-Domain-Policies": "none",
}
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
"""Only where browsers come by https, which we or the proxy in front of us speak: a year, and the names below this one
(OWASP ASVS 5.0, 3.4.1)."""


def create_app(engine: Engine, *, secret_key: str | None = None, services: Registry | None = None,
               access: Access | None = None, hosts: Collection[str] = (), public_url: str = "",
               scanner: Scanner | None = None, strict_transport: str | None = None,
               blueprints: Sequence[Blueprint] = ()) -> Flask:
    """Make the web application of one engine.

    Arguments:
        engine: what the pages show and act on.
        secret_key: signs the session cookie; without one it is drawn at random, and sessions end with the process.
        services: the services that the catalogue page describes.
        access: who may come in; without it, or while there are no users, everybody.
        hosts: while everybody may come in, the names under which the server may be asked; empty: any.
        public_url: where browsers reach the server, if not where it listens; with https, cookies go there only.
        scanner: looks at every file that is uploaded, before anything else does.
        strict_transport: what `Strict-Transport-Security` says where browsers come by https, if not what is
            usual; empty: nothing.
        blueprints: further faces beside the console (the REST interfaces).
    """
    app = Application(__name__)
    app.config.update(
        SECRET_KEY=secret_key or secrets.token_urlsafe(32),
        SESSION_COOKIE_NAME="partitur",
        SESSION_COOKIE_HTTPONLY=True,
        # Not Strict: who comes from a link in a mail, or from a provider of identities, is to be known.
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=MAX_UPLOAD,
        MAX_FORM_MEMORY_SIZE=MAX_UPLOAD,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.url_map.converters["key"] = KeyConverter
    app.extensions["engine"] = engine
    app.extensions["public_url"] = public_url
    app.extensions["strict_transport"] = STRICT_TRANSPORT if strict_transport is None else strict_transport
    app.session_interface = Cookies(secure=public_url.startswith("https://"))
    languages.install(app)
    gate.install(app, access or Access(AccessFile(None), secrets.token_urlsafe(32)), hosts)
    authorizing.install(app)
    masking.install(app)
    app.before_request(doors.refuse_too_large)
    app.before_request(doors.refuse_nul)
    scanning.install(app, scanner)
    app.extensions["services"] = Registry() if services is None else services
    app.register_blueprint(console.bp)
    app.register_blueprint(links.bp)
    app.register_blueprint(api.bp)
    app.register_blueprint(camunda8.bp)
    app.register_blueprint(camunda7.bp)
    app.register_blueprint(camunda7.pages)
    app.register_blueprint(metrics.bp)
    app.register_blueprint(hooks.bp)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    app.after_request(_secure)
    for path in health.ALIVE:
        app.add_url_rule(path, "health", _health)
    for path in health.READY:
        app.add_url_rule(path, "ready", _ready)
    return app


def _secure(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if (said := current_app.extensions["strict_transport"]) and comes_by_https():
        response.headers.setdefault("Strict-Transport-Security", said)
    if current():
        # What somebody saw is not to be found in the browser after logging out.
        response.headers.setdefault("Cache-Control", "no-store")
    if g.get("is_over"):
        # The log-out: what this browser may have kept in spite of that, even from before somebody else logged in.
        response.headers["Clear-Site-Data"] = '"cache"'
    # Built files carry a hash in their name, so they never change.
    if request.path.startswith("/static/dist/assets/") and response.status_code == 200:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _health() -> ResponseReturnValue:
    return jsonify(status="UP")


def _ready() -> ResponseReturnValue:
    try:
        health.check_ready(this_engine())
    except Unavailable as error:
        # Not the page for people: who asks is a program, whatever it accepts.
        return jsonify(status="DOWN", detail=str(error)), 503, {"Retry-After": str(error.retry_after)}
    return jsonify(status="UP")
