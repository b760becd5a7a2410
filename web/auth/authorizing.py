"""Lets each request do what its sender may, before its view runs (`web.auth.rules`).

Who sees all and may do all costs nothing but a look at the table. For others, the keys in the address are looked up
within what they see and within what they may act on; then the view reads within what they see (`engine.sighted`), and
its commands act within what they may (`engine.permits`). What one does not see answers as what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, current_app, request
from werkzeug.exceptions import Forbidden, NotFound

from engine import sight
from engine.engine import Engine
from engine.queries import anything
from engine.sight import Sight
from web.auth.gate import PUBLIC
from web.auth.identity import Identity, current
from web.auth.roles import Permission
from web.auth.rules import RULES, Rule

logger = structlog.get_logger(__name__)

WORDS: Mapping[Permission, str] = {
    Permission.READ: "see this",
    Permission.TASKS: "work on user tasks",
    Permission.START: "start instances",
    Permission.MESSAGE: "send messages and signals",
    Permission.JOBS: "take and answer jobs",
    Permission.DECIDE: "ask decisions",
    Permission.OPERATE: "operate instances",
    Permission.DEPLOY: "deploy",
    Permission.ADMINISTER: "administer this installation",
}
"""What one is not allowed, in a sentence."""
_LAST_NUMBER = re.compile(r"\d{1,19}$")


def install(app: Flask) -> None:
    """Ask each request for its permission, after it was asked who it comes from."""

    @app.before_request
    def may_they() -> None:
        sight.begin(None, None)
        identity = current()
        if identity is not None and request.endpoint is not None and request.endpoint not in PUBLIC:
            try:
                enforce(current_app.extensions["engine"], identity)
            except (Forbidden, NotFound) as refusal:
                logger.warning("a request was refused", who=identity.name, method=request.method, path=request.path,
                               endpoint=request.endpoint, status=refusal.code)
                raise

    @app.teardown_request
    def over(_error: BaseException | None = None) -> None:
        sight.begin(None, None)


def enforce(engine: Engine, identity: Identity) -> None:
    """Refuse this request unless its sender may make it, and narrow what it sees. Raises Forbidden, NotFound."""
    rule = RULES.get(request.endpoint or "")
    if rule is None:
        raise Forbidden("Expected an address for which it is said who may use it, but for this one it is not.")
    if not rule.any_of:
        sight.begin(identity.sight(), Sight((), identity.name))
        return
    if any(identity.may_everywhere(each) for each in rule.any_of):
        if not identity.may_everywhere(Permission.READ):
            sight.begin(_seen(identity, rule), None)
        return
    if not has(identity, rule):
        raise Forbidden(lacking(identity, rule))
    seen, allowed = _seen(identity, rule), _allowed(identity, rule)
    _look_at(engine, identity, rule, request.view_args or {}, seen, allowed)
    sight.begin(seen, allowed)


def has(identity: Identity, rule: Rule) -> bool:
    """Whether somebody has the permission of an address, for something at least."""
    if rule.everywhere:
        return any(identity.may_everywhere(each) for each in rule.any_of)
    return not rule.any_of or any(identity.may_somewhere(each) for each in rule.any_of)


def reaches(engine: Engine, identity: Identity, rule: Rule, named: Any) -> bool:
    """Whether the permission holds for what an address names by a key."""
    return anything.is_there(engine, key_of(named), _allowed(identity, rule))


def lacking(identity: Identity, rule: Rule) -> str:
    """The sentence about a permission that somebody has not."""
    what = " or ".join(WORDS[each] for each in rule.any_of)
    if rule.everywhere and any(identity.may_somewhere(each) for each in rule.any_of):
        return f"Expected to be allowed to {what} for all processes and tenants, but {identity.name!r} may for some."
    return f"Expected to be allowed to {what}, but that is not among the permissions of {identity.name!r}."


def _allowed(identity: Identity, rule: Rule) -> Sight:
    return Sight(tuple(area for each in rule.any_of for area in identity.sight(each).areas), identity.name)


def _seen(identity: Identity, rule: Rule) -> Sight:
    """What a view needs for its work is what one may read, and what one may act on."""
    return Sight((*identity.sight().areas, *_allowed(identity, rule).areas), identity.name)


def _look_at(engine: Engine, identity: Identity, rule: Rule, named: Mapping[str, Any], seen: Sight,
             allowed: Sight) -> None:
    """Refuse an address that names something which is not seen, or on which one may not act."""
    for name in rule.keys:
        if name in named and not anything.is_there(engine, key_of(named[name]), allowed):
            if rule.any_of != (Permission.READ,) and anything.is_there(engine, key_of(named[name]), seen):
                raise Forbidden(lacking(identity, rule).replace(", but", " here, but", 1))
            raise NotFound(f"Expected to find something with the key {str(named[name])[:100]!r}, but there is nothing.")


def key_of(text: Any) -> int:
    """The key in which an id ends; -1 if there is none."""
    found = _LAST_NUMBER.search(str(text))
    return int(found[0]) if found else -1
