"""The form on which people log in, and where they go from it."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, current_app, make_response, render_template, request, url_for
from flask_babel import gettext as _

from web.auth.access import Access


def form(status: int, problem: str = "", name: str = "") -> Response:
    """The page, perhaps with what went wrong."""
    wanted = request.form.get("next") or request.args.get("next") or ""
    access: Access = current_app.extensions["access"]
    return make_response(render_template(
        "login.html", problem=problem, name=name, next=own_address(wanted), with_password=access.has_users,
        provider=access.provider.registration.shown if access.provider else ""), status)


def own_address(wanted: str) -> str:
    """Where to go afterwards: on this server, whatever a link to the form says."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return url_for("console.home")
    odd = any(character in wanted for character in "\\\r\n\t\0") or parts.scheme or parts.netloc
    return wanted if wanted.startswith("/") and not wanted.startswith("//") and not odd else url_for("console.home")


def too_many(seconds: int, name: str = "") -> Response:
    """The page for somebody who tries too often."""
    response = form(429, _("Too many tries. Try again in %(seconds)s seconds.", seconds=seconds), name)
    response.headers["Retry-After"] = str(seconds)
    return response
