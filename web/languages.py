"""In which language a page speaks, and the catalogues that it takes its words from.

Every text is written in English, in the code, and marked by `_("…")`. A language is a folder of `web/translations` with
`messages.po` for what pages say, and `sentences.po` for what is said below them (`web.sentences`). A file is read when
it is first asked for: nothing has to be compiled, so no file can be older than its source.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any

from babel import Locale, negotiate_locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, has_request_context, request
from flask_babel import Babel, Domain, get_locale

from web import sentences
from web.auth import cookies
from web.translations import FOLDER, SOURCE

COOKIE = "language"
ENGLISH_ONLY = frozenset({"api", "camunda7", "camunda8", "oauth"})
"""Blueprints that talk to programs, which may compare what they are told."""


def install(app: Flask) -> None:
    """Let the pages of an application speak the language of whoever looks at them."""
    babel = Babel(app, default_locale=SOURCE, locale_selector=chosen)
    babel.domain_instance = Catalogues()
    app.context_processor(_everywhere)
    app.jinja_env.filters["told"] = sentences.told


class Catalogues(Domain):
    """The translations of each language, read from its file when they are first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[str, NullTranslations] = {}

    def get_translations(self) -> NullTranslations:
        """Those of the present request."""
        code = str(get_locale() or SOURCE)
        if code not in self.of:
            self.of[code] = _translations(code)
        return self.of[code]


@cache
def available() -> dict[str, str]:
    """The languages there are, each by its own name, the one of the code first."""
    codes = [SOURCE, *sorted(path.parent.name for path in FOLDER.glob("*/messages.po"))]
    return {code: (Locale.parse(code).display_name or code).capitalize() for code in codes}


def chosen() -> str:
    """The language of the present request: the one that was chosen, else the best that the browser asks for."""
    if not has_request_context() or request.blueprint in ENGLISH_ONLY:
        return SOURCE
    if (wanted := cookies.chosen(COOKIE)) in available():
        return str(wanted)
    preferred = [tag.replace("-", "_") for tag, quality in request.accept_languages if quality > 0]
    return negotiate_locale(preferred, list(available())) or SOURCE


@cache
def catalogue(code: str) -> Catalog:
    """The messages of a language.

    Raises:
        OSError: there is no such language.
    """
    with (FOLDER / code / "messages.po").open("rb") as file:
        return read_po(file, locale=code)


def of_scripts(code: str) -> dict[str, str | list[str]]:
    """What scripts say, by what it is in English; where a text depends on a number, the list of its forms."""
    if code == SOURCE:
        return {}
    found: dict[str, str | list[str]] = {}
    for message in catalogue(code):
        if message.string and any(name.endswith(".js") for name, _ in message.locations):
            plural = isinstance(message.id, tuple | list)
            found[message.id[0] if plural else str(message.id)] = (
                [*message.string] if plural else str(message.string))
    return found


def _translations(code: str) -> NullTranslations:
    if code == SOURCE:
        return Translations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(code))
    compiled.seek(0)
    return Translations(compiled)


def _everywhere() -> dict[str, Any]:
    code = str(get_locale() or SOURCE)
    return {"language": code, "languages": available(), "words_of_scripts": of_scripts(code)}
