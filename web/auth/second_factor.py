"""Looks at what somebody shows as the second factor, and counts wrong codes as wrong passwords are counted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import current_app, request
from markupsafe import Markup

from engine import second_factors
from engine.engine import Engine
from web.auth import recovery
from web.auth.access import TooOften, Wrong

if TYPE_CHECKING:
    from web.auth.access import Access

CODE = re.compile(r"[0-9]{6}")
LONGEST = 100


def check(access: Access, name: str, given: str) -> None:
    """Take a code of the app or a recovery code, either of which counts once. Raises Wrong, TooOften, KeyProblem."""
    engine = _begin(access, name)
    code = "".join(given.split())[:LONGEST]
    if CODE.fullmatch(code):
        right = engine.execute(second_factors.use, name, code)
    else:
        # The slow hash is made before the transaction; without a second factor, with a salt of nobody.
        salt = second_factors.salt(engine, name) or "of-nobody-at-all"
        right = engine.execute(second_factors.recover, name, recovery.digest(code, salt))
    _end(access, name, right)


def activate(access: Access, browser: str, name: str, given: str) -> tuple[str, ...]:
    """Let what this browser has begun to set up count, if the code is right; the recovery codes, to be shown once.

    Raises Wrong, TooOften, KeyProblem.
    """
    engine = _begin(access, name)
    codes = recovery.new()
    _end(access, name, engine.execute(second_factors.activate, browser, name, "".join(given.split())[:LONGEST],
                                      recovery.kept(codes)))
    return codes


def renew(name: str) -> tuple[str, ...]:
    """Other recovery codes for somebody, to be shown once."""
    codes = recovery.new()
    _engine().acting_as(name).execute(second_factors.renew_codes, name, recovery.kept(codes))
    return codes


def qr_code(secret: str, name: str) -> Markup:
    """What the app's camera reads, as SVG without styles of its own."""
    import segno  # few need it

    made = segno.make(second_factors.address(secret, f"{name}@{request.host.rpartition(':')[0] or request.host}",
                                             "Partitur"), error="m")
    # Made of numbers only.
    return Markup(made.svg_inline(scale=4, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None))


def spaced(secret: str) -> str:
    """A secret as people type it: in groups of four."""
    return " ".join(secret[at:at + 4] for at in range(0, len(secret), 4))


def _begin(access: Access, name: str) -> Engine:
    seconds = access.throttle.begin(request.remote_addr or "", name)
    if seconds > 0:
        raise TooOften(seconds)
    return _engine().acting_as(name)


def _end(access: Access, name: str, right: bool) -> None:
    if not right:
        raise Wrong("Expected a code that is right and was not used, but this one is not.")
    access.throttle.succeeded(request.remote_addr or "", name)


def _engine() -> Engine:
    found: Engine = current_app.extensions["engine"]
    return found
