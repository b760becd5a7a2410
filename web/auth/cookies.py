"""The cookies of the console: for this server only, and over https for no other name of the same site."""

from __future__ import annotations

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface

PREFIX = "__Host-"
"""Browsers take such a cookie only over https, for the whole host, and from no neighbouring name (RFC 6265bis)."""


class Cookies(SecureCookieSessionInterface):
    """Flask's signed cookies, with the attributes that https allows.

    Arguments: `secure` if browsers reach the server by https, though it does not see it, behind a proxy.
    """

    def __init__(self, secure: bool) -> None:
        self._secure = secure

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether browsers may send it over https only."""
        return self._secure or request.is_secure

    def get_cookie_name(self, app: Flask) -> str:
        """What it is called."""
        name = super().get_cookie_name(app)
        return PREFIX + name if self.get_cookie_secure(app) else name


def comes_by_https() -> bool:
    """Whether the browser of this request reaches us by https."""
    interface = current_app.session_interface
    return isinstance(interface, Cookies) and interface.get_cookie_secure(current_app)


def chosen(name: str) -> str | None:
    """What a browser was set to, such as a language: no secret, and so not signed."""
    return request.cookies.get(PREFIX + name) or request.cookies.get(name)


def choose(response: Response, name: str, value: str, seconds: int) -> None:
    """Set a browser to something. Scripts need not know it."""
    secure = comes_by_https()
    response.set_cookie(PREFIX + name if secure else name, value, max_age=seconds, secure=secure, httponly=True,
                        samesite="Lax")
