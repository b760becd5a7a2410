"""Buttons and links of a page that its reader may not use: they cannot be pressed, and say why.

It is done to the finished page, for those who may not do everything, so no template can forget it: whatever leads to an
address is asked of the table that guards the address itself (`web.auth.rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from itertools import accumulate
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect

from engine.engine import Engine
from web.auth import authorizing
from web.auth.identity import Identity, current
from web.auth.roles import Permission
from web.auth.rules import RULES, Rule
from web.console.blueprint import bp

LACKING: Mapping[Permission, Any] = {
    Permission.READ: lazy_gettext("You may not see this."),
    Permission.TASKS: lazy_gettext("You may not work on user tasks here."),
    Permission.START: lazy_gettext("You may not start instances here."),
    Permission.MESSAGE: lazy_gettext("You may not send messages here."),
    Permission.JOBS: lazy_gettext("You may not take jobs here."),
    Permission.DECIDE: lazy_gettext("You may not ask decisions here."),
    Permission.OPERATE: lazy_gettext("You may not operate instances here."),
    Permission.DEPLOY: lazy_gettext("You may not deploy here."),
    Permission.ADMINISTER: lazy_gettext("You may not administer this installation."),
}
LOOKED_AT = 200
"""How many different things of one page are looked up; what is beyond them is refused when it is pressed."""


@bp.after_request
def lock(response: Response) -> Response:
    """Lock what the reader of a page may not use."""
    identity = current()
    if identity is None or response.mimetype != "text/html" or response.is_streamed \
            or all(identity.may_everywhere(each) for each in Permission):
        return response
    page = response.get_data(as_text=True)
    response.set_data(_Locks(page, _Permitted(identity)).locked())
    return response


class _Permitted:
    """Why somebody may not use an address; what was asked once is known."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._engine: Engine = current_app.extensions["engine"]
        adapter = current_app.create_url_adapter(request)
        assert adapter is not None
        self._adapter: MapAdapter = adapter
        self._known: dict[tuple[str, str], str] = {}
        self._looked_at: dict[tuple[tuple[Permission, ...], str], bool] = {}

    def why_not(self, method: str, address: str) -> str:
        """A sentence; nothing if they may, or if it is no address of ours."""
        if (method, address) not in self._known:
            self._known[method, address] = self._asked(method, address)
        return self._known[method, address]

    def _asked(self, method: str, address: str) -> str:
        try:
            parts = urlsplit(address)
            endpoint, named = self._adapter.match(parts.path, method=method)
        except (HTTPException, RequestRedirect, ValueError):
            return ""
        rule = RULES.get(endpoint)
        if parts.netloc or rule is None or not rule.any_of:
            return ""
        if authorizing.has(self._identity, rule) and (method == "GET" or self._of_this(rule, named)):
            return ""
        if rule.everywhere and any(self._identity.may_somewhere(each) for each in rule.any_of):
            return _("Only those may do this who may do it for all processes and tenants.")
        return str(LACKING[rule.any_of[0]])

    def _of_this(self, rule: Rule, named: Mapping[str, Any]) -> bool:
        for name in rule.keys:
            if name in named and not any(self._identity.may_everywhere(each) for each in rule.any_of):
                asked = (rule.any_of, str(named[name]))
                if asked not in self._looked_at and len(self._looked_at) < LOOKED_AT:
                    self._looked_at[asked] = authorizing.reaches(self._engine, self._identity, rule, named[name])
                if not self._looked_at.get(asked, True):
                    return False
        return True


class _Locks(HTMLParser):
    """Finds what leads to addresses, and what is to be written into its tags."""

    def __init__(self, page: str, permitted: _Permitted) -> None:
        super().__init__(convert_charrefs=True)
        self._page, self._permitted = page, permitted
        self._lines = [0, *accumulate(len(line) + 1 for line in page.split("\n"))]
        self._form = self._dialog = ""
        self._why: dict[str, str] = {}
        """By the id of a form, for buttons that are outside it, and by that of the dialog that it is in."""
        self._edits: list[tuple[int, int, str]] = []
        self._outside: list[tuple[str, int]] = []
        self.feed(page)

    def locked(self) -> str:
        """The page."""
        for led_to, at in self._outside:
            if why := self._why.get(led_to):
                self._edits.append((at, at, _disabled(why)))
        made, at = [], 0
        for begin, end, text in sorted(self._edits):
            made += [self._page[at:begin], text]
            at = end
        return "".join([*made, self._page[at:]])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            posts = given.get("method", "").lower() == "post"
            self._form = self._permitted.why_not("POST", given.get("action") or request.path) if posts else ""
            if self._form:
                self._why.update(dict.fromkeys(filter(None, (given.get("id"), self._dialog)), self._form))
        elif tag == "dialog":
            self._dialog = given.get("id", "")
        elif tag in ("button", "input"):
            self._control(tag, given)
        elif tag == "a" and given.get("href", "").startswith("/"):
            self._link(given["href"])

    def handle_endtag(self, tag: str) -> None:
        """A form or a dialog ends."""
        if tag == "form":
            self._form = ""
        elif tag == "dialog":
            self._dialog = ""

    def _control(self, tag: str, given: Mapping[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        if "disabled" in given or (tag == "input" and kind != "submit"):
            return
        addresses = [value for name, value in given.items() if value.startswith("/") and not value.startswith("//")]
        why = next(filter(None, (self._permitted.why_not("POST", each) for each in addresses)), "")
        at = self._begin() + 1 + len(tag)
        if not why and kind == "submit" and "formaction" not in given:
            if "form" in given:
                self._outside.append((given["form"], at))
            else:
                why = self._form
        elif not why and "data-dialog" in given and "data-action" not in given:
            self._outside.append((given["data-dialog"], at))
        if why:
            self._edits.append((at, at, _disabled(why)))

    def _link(self, address: str) -> None:
        if why := self._permitted.why_not("GET", address):
            begin, text = self._begin(), self.get_starttag_text() or ""
            # What has no address cannot be followed, and is no stop of the tab key.
            at = text.find(" href=")
            if at >= 0:
                self._edits.append((begin + at, begin + at + len(" href="),
                                    f' aria-disabled="true" title="{escape(why)}" data-href='))

    def _begin(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def _disabled(why: str) -> str:
    return f' disabled title="{escape(why)}"'
