"""What holds of every page, those included that are added later: the routes tell which there are."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from babel.support import NullTranslations

from engine.engine import Engine
from tests.web import axe
from tests.web.browsing import visit
from tests.web.conftest import HOSTILE, served
from tests.web.every import Read, addresses, furnish
from tests.web.test_languages import EXAMPLE, SAME_EVERYWHERE
from web.app import create_app
from web.sentences import Sentences
from web.translations.collect import sentences as sentences_of_engine

WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('main *')]
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('bpmn-diagram, svg'))
    .slice(-3).map(each => each.outerHTML.slice(0, 200))"""
DATA = re.compile(
    r"\b\w+\.(?:bpmn|dmn|form)\b|Check the order|Charge the card|Order \w+|img src=x onerror=\S+|script>"
    r"|document\.title=\S+|broken in|\bin'|src=x|review|quote"
    r"|pricing|asked|note|gift|amount|customer|status|gold|charge(?:-card)?|ship|ann\b|operator|system"
    r"|Too many failures|Price|Quote\w*|Discount\w*|shipping|sales|/[\w/.-]+|https?:"
    r"|Compute the price|\bDeutsch\b|\b(?=[a-z]*\d)[0-9a-f]{6,}\b|\bdefault\b|X-Hub-\S+|amqp:"
    r"|\bPT1H\b|payment|Id\b", re.I)
"""What the things in `every.furnish` are called; nobody translates that."""
ENGLISH = re.compile(r"/api|/audit|/manual.*|.*tab=(?:audit|raw)")
"""Pages of the interfaces for programs, of the manuals, and of the trail."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One for all tests of this file: they only look."""
    made = Engine(f"sqlite:///{tmp_path_factory.mktemp('every')}/console.db", synchronous="OFF")
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(engine):
    return create_app(engine, secret_key="test")


@pytest.fixture(scope="module")
def address(app):
    with served(app) as where:
        yield where


@pytest.fixture(scope="module")
def furnished(engine):
    return furnish(engine)


@pytest.fixture(scope="module")
def pages(app, furnished):
    found, _ = addresses(app, app.test_client())
    client = app.test_client()
    return {address: html for address in found
            if (html := client.get(address).text).startswith("<!doctype")}


def test_there_is_an_example_of_every_page(app, furnished):
    found, missing = addresses(app, app.test_client())
    assert missing == [], "Let tests/web/every.py furnish something that these pages show."
    assert len(found) > 30


def test_nothing_untrusted_becomes_markup_on_any_page(pages):
    for address, html in pages.items():
        for tag, given in Read(html).elements:
            ours = tag == "img" and given["src"].startswith("/manual/files/pictures/")
            assert ours or tag not in {"img", "iframe", "object", "embed"}, address
            assert not [name for name in given if name.startswith("on")], (address, tag, given)
            assert tag != "script" or given.get("src", "").startswith("/static/") or (
                given.get("type") == "application/json"), (address, given)
            assert not (given.get("href") or "").strip().lower().startswith(("javascript:", "data:")), (address, given)
            assert "style" not in given, (address, tag, given)


def test_whatever_cannot_be_used_says_why(pages):
    for address, html in pages.items():
        page = Read(html)
        ids = {given["id"]: tag for tag, given in page.elements if "id" in given}
        for tag, given in page.disabled:
            told = given.get("title") or given.get("aria-describedby") in ids
            assert told or tag in {"option", "fieldset"}, (address, tag, given)


def test_ids_of_a_page_are_its_own(pages):
    for address, html in pages.items():
        ids = [given["id"] for _, given in Read(html).elements if "id" in given]
        assert sorted(ids) == sorted(set(ids)), address


class Bracketed(NullTranslations):
    """A language in which every text is between brackets: what is not was never given to be translated."""

    def gettext(self, message):
        return f"⟦{message}⟧"

    def ngettext(self, one, many, count):
        return f"⟦{one if count == 1 else many}⟧"

    ugettext, ungettext = gettext, ngettext


def left(text):
    """What stands outside all brackets, without what is data."""
    for length in range(len(HOSTILE), 5, -1):
        text = text.replace(HOSTILE[:length], " ")
    while (inner := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = inner
    return re.findall(r"[A-Za-z]{2,}[A-Za-z ]*", DATA.sub(" ", EXAMPLE.sub(" ", SAME_EVERYWHERE.sub(" ", text))))


def bracketed_sentences():
    """The same for what the engine says: each sentence of its catalogue is between brackets."""
    catalogue = sentences_of_engine()
    for message in catalogue:
        if message.id:
            message.string = f"⟦{message.id}⟧".replace(":word}", "}")
    return Sentences(catalogue)


def test_every_page_says_only_what_can_be_translated(app, pages, monkeypatch):
    domain = app.extensions["babel"].instance.domain_instance
    monkeypatch.setitem(domain.of, "en", Bracketed())
    known = bracketed_sentences()
    monkeypatch.setattr("web.sentences.of", lambda code: known)
    client = app.test_client()
    found = {}
    for address in pages:
        if ENGLISH.fullmatch(address):
            continue
        page = Read(client.get(address).text)
        words = [*left(page.text), *(word for given in page.attributes for word in left(given))]
        if words:
            found[address] = sorted(set(words))
    assert found == {}


@pytest.mark.browser
@pytest.mark.parametrize(("width", "first", "then"), [(360, "dark", "light"), (1400, "light", "dark")])
def test_every_page_is_accessible_and_fits(app, pages, open_page, width, first, then):
    # In German where there is little room: its words are longer.
    page = open_page("/", color_scheme=first, bypass_csp=True, viewport={"width": width, "height": 800},
                     locale="de-DE" if width == 360 else "en-GB")
    page.on("dialog", lambda dialog: pytest.fail("A script of somebody else ran."))
    wrong = []
    for address in pages:
        # when
        page.emulate_media(color_scheme=first)
        visit(page, address)
        picture(page, address, f"{first}.{width}")
        page.add_script_tag(content=axe.AXE.read_text())
        found = page.evaluate(axe.ALL)["violations"]
        wrong += [(address, "wider than the screen", wide) for wide in page.evaluate(WIDER)]
        # and the other theme, of which only the colours are others
        page.emulate_media(color_scheme=then)
        picture(page, address, f"{then}.{width}")
        found += page.evaluate(axe.COLOURS)["violations"]

        # then
        wrong += [(address, broken["id"], node["target"], node["failureSummary"]) for broken in found
                  for node in broken["nodes"]]
        assert page.title() != "broken in", address
        assert page.locator("img:not([src^='/manual/files/'])").count() == 0, address
    assert wrong == []


def picture(page, address, kind):
    """Keep a picture of the page, where somebody wants pictures."""
    if shots := os.environ.get("SCREENSHOTS"):
        name = re.sub(r"\d{6,}", "key", address).strip("/").translate(str.maketrans("/?=&:", "-----")) or "home"
        page.screenshot(path=Path(shots) / f"{name}.{kind}.png", full_page=True)


@pytest.mark.browser
def test_keys_lead_to_the_search_and_to_what_keys_there_are(open_page):
    # given
    page = open_page("/processes")

    # when
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")

    # then, and what is typed into the search stays text
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("a/b?")
    assert page.locator(".top .find input").input_value() == "a/b?"

    # when they are turned off
    page.get_by_role("button", name="Keyboard").click()
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not page.locator("#keys").is_visible()


@pytest.mark.browser
def test_focus_goes_through_every_page_in_order_and_is_seen(pages, open_page):
    page = open_page("/")
    for address in pages:
        visit(page, address)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") in {"skip-link"} or page.locator("[autofocus]").count()
        order = page.evaluate("[...document.querySelectorAll('[tabindex]')].map(each => each.tabIndex)")
        assert all(index <= 0 for index in order), address
        unseen = page.evaluate("""() => [...document.querySelectorAll('a[href], button:enabled, summary, input')]
            // form-js shows the focus of its fields by the colour of their border.
            .filter(each => each.checkVisibility() && each.type !== 'hidden' && !each.closest('camunda-form'))
            .slice(0, 40).filter(each => {
                each.focus({ focusVisible: true });
                const style = getComputedStyle(each), around = getComputedStyle(each.closest('label, .drop') ?? each);
                return document.activeElement === each && style.outlineStyle === 'none' && style.boxShadow === 'none'
                    && around.outlineStyle === 'none' && around.boxShadow === 'none';
            }).map(each => each.outerHTML.slice(0, 120))""")
        assert unseen == [], address


@pytest.mark.browser
def test_focus_on_a_phone_is_not_under_the_navigation(furnished, open_page):
    page = open_page("/", viewport={"width": 360, "height": 700})
    for address in ("/", "/processes", "/incidents"):
        # when somebody goes through the page by the tabulator
        visit(page, address)
        covered = []
        for _ in range(70):
            page.keyboard.press("Tab")
            covered.append(page.evaluate("""() => {
                const each = document.activeElement, box = each.getBoundingClientRect();
                const above = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
                return above && !each.contains(above) && !above.contains(each) ? each.outerHTML.slice(0, 120) : null;
            }"""))

        # then nothing lies over what has the focus
        assert [each for each in covered if each] == [], address
