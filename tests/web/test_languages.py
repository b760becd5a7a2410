"""Pages in other languages: everything they say can be translated, and is; nothing but pages changes its language."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from engine import definitions
from engine.definitions import Resource
from engine.queries.reports import Point
from tests.web.browsing import visit
from tests.web.conftest import model
from web import languages
from web.console.charts import over_time
from web.console.hotspot import measured
from web.console.paging import Page
from web.translations.collect import collected, files, is_translated

TEMPLATES = Path(languages.__file__).parent / "templates"
SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-label")
"""Attributes that people see or hear."""
SAME_EVERYWHERE = re.compile(r"Partitur|CSV|JSON|FEEL|BPMN|DMN|OpenAPI( 3\.1)?|Camunda [78]|CloudEvents|REST|UTC")
"""Names, which are the same in every language."""
CALLS = {"_", "gettext", "ngettext"}
EXAMPLE = re.compile(r"""
    [a-z]+://\S* | \{".*\} | [\w-]+="[^"]*" | \b\w+=\S+ | =\w+(?:\.\w+)+ | \{\w+:[ ][\w.]+\} | \bX(?:-\w+)+ | \bPT\d\w+
    | \b\w+(?:\.\w+)+[ ]=[ ]"\w+" | \b[a-z]+(?:[-.*_/]+[a-z*]+)+""", re.X)
"""What stands for something typed: an address, JSON, FEEL, a header, a duration, an id."""
NOT_READ = {"forms/rendered.html", "_icons.html"}
"""What Camunda 7's interface gives to programs, and drawings."""


class Bare(HTMLParser):
    """The texts of a template that are in no marked message."""

    def __init__(self):
        super().__init__()
        self.found = []
        self._code = 0

    def handle_starttag(self, tag, attrs):
        self._code += tag in {"code", "kbd", "script", "style"}
        self.found += [value for name, value in attrs if name in SPOKEN and speaks(value)]

    def handle_endtag(self, tag):
        self._code -= tag in {"code", "kbd", "script", "style"}

    def handle_data(self, data):
        if not self._code and speaks(data):
            self.found.append(data.strip())


def speaks(text):
    return re.search(r"[A-Za-z]{2,}", SAME_EVERYWHERE.sub("", EXAMPLE.sub("", text or ""))) is not None


def bare_texts(source):
    """What a template says without marking it, in its HTML and in its expressions."""
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)
    reader = Bare()
    # An expression is no text of the template: it stands here as a sign.
    reader.feed("".join(part.data if isinstance(part, nodes.TemplateData) else "·"
                        for output in tree.find_all(nodes.Output) for part in output.nodes))
    return reader.found + [value for value in sentences(tree) if speaks(value)]


def sentences(node):
    """Texts with a blank between words in expressions, except in what marks them."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Call) and isinstance(child.node, nodes.Name) and child.node.name in CALLS:
            continue
        if isinstance(child, nodes.Const) and isinstance(child.value, str) and re.search(r"\w{2,} \w{2,}", child.value):
            yield child.value
        yield from sentences(child)


def templates():
    return sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("name", [name for name in templates() if name not in NOT_READ])
def test_template_says_nothing_that_cannot_be_translated(name):
    assert bare_texts((TEMPLATES / name).read_text()) == []


@pytest.mark.parametrize("source", ["<p>Bare words</p>", '<button title="Bare words"></button>',
                                    '{{ ui.empty("x", "Bare words") }}', "{% if x %}<b>Bare</b>{% endif %}",
                                    '{{ _("Marked") }} and bare', '{{ "%s bare words"|format(x) }}'])
def test_bare_text_is_found(source):
    assert bare_texts(source)


@pytest.mark.parametrize("source", ['<p>{{ _("Marked words") }}</p>', "<code>not words</code>", "{{ data }} · 3",
                                    '<i title="{{ _(\'Marked words\') }}"></i>', "{# A comment of words #}"])
def test_what_is_marked_or_no_text_is_not_found(source):
    assert bare_texts(source) == []


@pytest.mark.parametrize("name", templates())
def test_only_texts_of_ours_are_marked(name):
    # What `_` gives is taken for HTML, so nothing that comes from elsewhere may ever be put into it.
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse((TEMPLATES / name).read_text())
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in CALLS:
            texts = call.args[:2] if call.node.name == "ngettext" else call.args[:1]
            assert all(isinstance(text, nodes.Const) for text in texts), call.lineno


@pytest.mark.parametrize("path", files(), ids=lambda path: path.parent.name)
def test_language_has_every_text(path):
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parent.name)
    missing = [message.id for message in collected() if message.id and not translated(catalogue, message)]
    assert missing == [], "Run `make words`, and translate what is new."


@pytest.mark.parametrize("path", files(), ids=lambda path: path.parent.name)
def test_translation_has_the_same_places_and_elements(path):
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parent.name)
    for message in catalogue:
        originals = [message.id] if isinstance(message.id, str) else message.id
        translated = [message.string] if isinstance(message.string, str) else message.string
        for text in filter(None, translated if message.id else []):
            # A text for one may leave its number out; no text may have a place that is not filled.
            assert places(text) <= set.union(*map(places, originals)), text
            assert min((places(each) for each in originals), key=len) <= places(text), text
            assert tags(text) == tags(originals[-1]), text
            assert text % dict.fromkeys(places(text), "x") if message.python_format else True


def translated(catalogue, message):
    found = catalogue.get(message.id if isinstance(message.id, str) else message.id[0])
    return found is not None and is_translated(found.string)


def places(text):
    return set(re.findall(r"%\((\w+)\)s", text))


def tags(text):
    return sorted(re.findall(r"</?[a-z]+[^>]*>", text))


def test_page_speaks_the_language_of_the_browser(console):
    html = console.get("/", headers={"Accept-Language": "fr, de-AT;q=0.8, en;q=0.5"}).text
    assert '<html lang="de"' in html
    assert "Was gerade geschieht" in html
    assert "What is going on" not in html


@pytest.mark.parametrize("wanted", ["", "fr", "*", "de;q=0", "x" * 3000, "zz-ZZ, fr-FR", ";;,q="])
def test_page_is_english_where_no_language_fits(console, wanted):
    assert '<html lang="en"' in console.get("/", headers={"Accept-Language": wanted}).text


def test_chosen_language_stays(console):
    answer = console.post("/language", {"language": "de", "next": "/processes?x=1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/processes?x=1")
    assert '<html lang="de"' in console.get("/", headers={"Accept-Language": "en"}).text
    assert '<html lang="en"' in console.post("/language", {"language": "en"}, follow_redirects=True).text


def test_language_that_is_not_there_is_refused(console):
    answer = console.post("/language", {"language": "../en"})
    assert answer.status_code == 422
    assert "Set-Cookie" not in answer.headers or "language=" not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "data:text/html,1"])
def test_choosing_a_language_leads_nowhere_else(console, target):
    assert console.post("/language", {"language": "de", "next": target}).headers["Location"] == "/"


def test_cookie_with_anything_in_it_is_no_language(app):
    client = app.test_client()
    client.set_cookie("language", "../../etc")
    assert '<html lang="en"' in client.get("/").text


def test_programs_are_told_in_english_whatever_they_accept(console):
    for path in ("/api/instances/1", "/v2/process-instances/1", "/engine-rest/process-instance/1"):
        german = console.get(path, headers={"Accept-Language": "de"})
        assert german.json == console.get(path).json


def test_times_numbers_and_plurals_follow_the_language(console, story):
    story.deploy()
    key = story.start()
    html = console.get(f"/instances/{key}", headers={"Accept-Language": "de"}).text
    assert re.search(r'title="\d\d?\.\d\d\.\d{4}, \d\d:\d\d:\d\d UTC"', html)
    assert "seconds ago" not in html


def test_figures_follow_the_language(app):
    points = [Point(at=datetime(2026, 11, day, tzinfo=UTC), started=1800) for day in (27, 28)]
    with app.test_request_context("/reports", headers={"Accept-Language": "de"}):
        assert [measured(1234, ""), measured(0.125, "s"), measured(0.5, "%"), measured(150, "/s")] == [
            "1.234", "0,12 s", "50 %", "150/s"]
        assert Page(rows=(), total=12345, offset=0, more=True).in_all == "12.345+"
        chart = over_time(points)
        assert [label.text for label in (*chart.across, *chart.up)] == ["27.11.", "28.11.", "0", "1.000", "2.000"]
    with app.test_request_context("/reports"):
        assert [label.text for label in over_time(points).across] == ["11-27", "11-28"]


def test_what_scripts_say_comes_with_the_page(console):
    words = languages.of_scripts("de")
    assert words["Copied"] == "Kopiert"
    assert words["%(num)s incident"] == ["%(num)s Vorfall", "%(num)s Vorfälle"]
    assert "Kopiert" in console.get("/", headers={"Accept-Language": "de"}).text
    assert 'id="words"' not in console.text("/")


def test_what_libraries_say_is_known():
    # given what the installed form-js asks to have translated
    folder = Path(languages.__file__).parents[1] / "node_modules"
    said = (folder / "@bpmn-io" / "form-js-viewer" / "dist" / "index.es.js").read_text()
    policies = folder / "dmn-js-decision-table" / "lib" / "features" / "hit-policy" / "HitPolicies.js"
    asked = {text for _, text in re.findall(r"""translate\((['"])(.+?)\1""", said)} - {"HELLO {you}"}
    asked |= set(re.findall(r"(?:label|explanation): '(.+)'", policies.read_text()))

    # then each is in our list, and in German
    known = {message.id for message in collected()
             if any(name == "assets/parts/libraries.js" for name, _ in message.locations)}
    assert len(asked) > 50
    assert asked - known == set()
    assert languages.of_scripts("de")["Field is required."] == "Dieses Feld muss ausgefüllt werden."


@pytest.mark.browser
def test_tables_and_forms_of_libraries_speak_the_language_of_the_page(open_page, engine):
    # given
    form = {"id": "ask", "type": "default", "schemaVersion": 19, "components": [
        {"type": "textfield", "key": "name", "label": "Name", "validate": {"required": True}},
        {"type": "datetime", "subtype": "date", "dateLabel": "Day", "key": "day"}]}
    engine.execute(definitions.deploy, [Resource(name="pricing.dmn", content=model("pricing.dmn")),
                                        Resource(name="ask.form", content=json.dumps(form).encode())])

    # when
    page = open_page("/decisions/discount", locale="de-DE")
    page.wait_for_selector("dmn-decision[data-ready]")

    # then the table does
    table = page.locator("dmn-decision").inner_text()
    assert all(word in table for word in ("Trefferregel:", "Erste", "Wenn", "Dann"))
    assert page.get_by_title("Name der Entscheidung: Discount").count() == 1

    # and the form with what is wrong with it, and its calendar
    visit(page, "/forms/ask")
    page.wait_for_selector("camunda-form[data-ready]")
    page.get_by_role("button", name="Prüfen").click()
    page.get_by_text("Dieses Feld muss ausgefüllt werden.").wait_for()
    page.get_by_label("Day").click()
    assert page.locator(".flatpickr-monthDropdown-month").all_inner_texts()[2] == "März"


def test_german_page_shows_hostile_names_as_text(console, failed_instance):
    html = console.get(f"/instances/{failed_instance}?tab=incidents", headers={"Accept-Language": "de"}).text
    assert "<script>document.title" not in html
    assert "&lt;script&gt;document.title" in html
