"""The manuals of `docs/`, shown where they are needed: an alert at 3 a.m. leads to its runbook here."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from flask import abort, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from web.console.blueprint import bp

PLACES = (Path(__file__).parents[2] / "docs", Path(__file__).parents[1] / "manual")
"""In the repository, and in an installed package."""
INDEX = "README"
FILES = re.compile(r"(?:pictures|deploy)/[\w-]+\.(webp|json|yaml)")
TYPES = {"webp": "image/webp", "json": "application/json", "yaml": "text/plain; charset=utf-8"}
_COMMENT = re.compile(r"^<!--.*?-->\n", re.M | re.S)
_MANUAL = re.compile(r"([A-Z0-9]+)\.md(#.*)?")


@bp.get("/manual", defaults={"document": INDEX})
@bp.get("/manual/<document>")
def manual(document: str) -> ResponseReturnValue:
    """One manual; without a name, which there are for whom. `section` leads to one of its headings also over a log-in,
    on whose way a fragment is lost."""
    if document not in _documents():
        abort(404)
    if section := request.args.get("section"):
        return redirect(url_for("console.manual", document=document, _anchor=section), 303)
    title, content = _read(document)
    return render_template("manual.html", section="", title=title, content=content, index=document == INDEX)


@bp.get("/manual/files/<path:file>")
def manual_file(file: str) -> ResponseReturnValue:
    """A picture of a manual, or a file to deploy."""
    found = FILES.fullmatch(file)
    path = _place() / file
    if found is None or not path.is_file():
        abort(404)
    return send_file(path, mimetype=TYPES[found[1]], max_age=3600)


def _place() -> Path:
    return next(place for place in PLACES if (place / f"{INDEX}.md").exists())


@lru_cache(maxsize=1)
def _documents() -> frozenset[str]:
    return frozenset(path.stem for path in _place().glob("*.md"))


@lru_cache(maxsize=64)
def _read(document: str) -> tuple[str, Markup]:
    """The title and the content of a manual in HTML."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_COMMENT.sub("", (_place() / f"{document}.md").read_text()))
    title = next((tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"), document)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slug(tokens[at + 1].content))
        for inside in token.children or ():
            _lead(inside)
    return title, Markup(markdown.renderer.render(_scrolling(tokens), markdown.options, {}))


def _scrolling(tokens: list[Token]) -> list[Token]:
    """The same with each table in a box that can be scrolled, by keyboard too."""
    made = []
    for token in tokens:
        box = Token("table_box_open", "div", 1, attrs={"class": "scrolls", "tabindex": "0"}, block=True)
        made += [box, token] if token.type == "table_open" else [token]
        if token.type == "table_close":
            made.append(Token("table_box_close", "div", -1, block=True))
        if token.type == "fence":
            token.info = ""
    return made


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _lead(token: Token) -> None:
    """Let links and pictures lead to where they are here."""
    if token.type == "image":
        token.attrSet("src", url_for("console.manual_file", file=token.attrGet("src")))
    elif token.type == "link_open":
        target = str(token.attrGet("href"))
        other = _MANUAL.fullmatch(target)
        if other:
            token.attrSet("href", url_for("console.manual", document=other[1]) + (other[2] or ""))
        elif FILES.fullmatch(target):
            token.attrSet("href", url_for("console.manual_file", file=target))
        elif target.startswith("http"):
            token.attrSet("rel", "noreferrer")
