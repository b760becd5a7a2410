"""The cookie of the console: signed, for this server only, and over https for no other name of the same site."""

from __future__ import annotations

from flask import Flask, request
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
