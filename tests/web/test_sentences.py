"""Sentences of the engine in the language of a page: recognised by what they look like, said anew, never as markup."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from engine import instances
from engine.queries import lists
from engine.tasks import user_tasks
from tests.web.browsing import give_reason, visit
from tests.web.conftest import HOSTILE, model
from web import sentences
from web.sentences import WORD, Sentences, Template, escaped, parts, places, told
from web.translations.collect import files, is_translated
from web.translations.collect import sentences as collected
from web.translations.gather import gathered

VALUE = "Wx7"


@pytest.fixture(scope="module")
def said():
    return collected()


def catalogue(path):
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.name)


def filled(message, values):
    return "".join(part if isinstance(part, str) else values[part[0]] for part in parts(message))


def language(*pairs, words=()):
    made = Catalog(locale="de")
    for original, answer in pairs:
        made.add(original, answer)
    for original, answer in words:
        made.add(original, answer, context=WORD)
    return Sentences(made)


@pytest.mark.parametrize("path", files(sentences.FILE), ids=lambda path: path.parent.name)
def test_language_has_every_sentence(path, said):
    known = catalogue(path)
    missing = [each.id for each in said if each.id and not (
        (found := known.get(each.id, each.context)) is not None and is_translated(found.string))]
    assert missing == [], "Run `make words`, and translate what is new in sentences.po."


@pytest.mark.parametrize("path", files(sentences.FILE), ids=lambda path: path.parent.name)
def test_translation_has_the_same_places(path):
    for each in catalogue(path):
        if each.id and each.string:
            assert set(places(each.string)) == {(number, False) for number, _ in places(each.id)}, each.id


@pytest.mark.parametrize("path", files(sentences.FILE), ids=lambda path: path.parent.name)
def test_every_sentence_is_recognised_and_keeps_its_values(path):
    known = Sentences(catalogue(path))
    words = sorted(known.words)
    wrong = []
    for each in catalogue(path):
        if not each.id or not each.string or each.context == WORD:
            continue
        values = {number: words[number] if is_word else f"{VALUE}{number}" for number, is_word in places(each.id)}
        # given the sentence, or the part of one, as it is made
        part = filled(each.id, values)
        is_part = not part.startswith(("Expected ", VALUE)) or not part.endswith((".", VALUE + "1"))
        around = ("It was refused: ", known.say("It was refused: x").removesuffix("x")) if is_part else ("", "")

        # then it is said anew, with all its values
        expected = filled(each.string, {number: known.words.get(value, value) for number, value in values.items()})
        answer = known.say(around[0] + part).removeprefix(around[1])
        if answer.casefold() != expected.casefold():
            wrong.append((part, answer, expected))
    assert wrong == []


def test_sentence_with_most_words_of_its_own_is_taken():
    known = language(("Expected {1}, but there is none.", "A: {1}."),
                     ("Expected a job with key {1}, but there is none.", "B: {1}."))
    assert known.say("Expected a job with key 5, but there is none.") == "B: 5."
    # With a value that nobody can translate, English stays English: half of each is read by nobody.
    assert known.say("Expected a house with key 5, but there is none.") == (
        "Expected a house with key 5, but there is none.")


def test_values_that_are_sentences_or_parts_of_one_are_said_anew():
    known = language(("Failed again at {1}: {2}", "Wieder: {1}: {2}"), ("the due date", "die Fälligkeit"),
                     ("Expected {1} to be a valid expression, but {2} is not.", "{1} ist kein Ausdruck: {2}."))
    assert known.say("Failed again at Ship: Expected the due date to be a valid expression, but 'the due date' is not."
                     ) == "Wieder: Ship: Die Fälligkeit ist kein Ausdruck: 'the due date'."


def test_words_of_ours_are_translated_only_where_ours_stand():
    known = language(("It is {1:word} at element {2}, which is open.", "Es ist {1} bei {2}, was offen ist."),
                     words=[("active", "aktiv")])
    assert known.say("It is active at element active, which is open.") == "Es ist aktiv bei active, was offen ist."


def test_several_sentences_and_what_stands_before_them_are_taken_apart():
    known = language(("It goes on at {1}.", "Sie geht bei {1} weiter."), ("It was late.", "Sie war spät."))
    assert known.say("It was late. It goes on at A.") == "Sie war spät. Sie geht bei A weiter."
    assert known.say("order.bpmn: It goes on at A.\nx.bpmn: It was late.") == (
        "order.bpmn: Sie geht bei A weiter.\nx.bpmn: Sie war spät.")


@pytest.mark.parametrize("text", ["", " ", "{1}", "Anything that a service said", HOSTILE, "x" * 20_000,
                                  "Expected " * 900, "Expected `" + "a, but " * 1_000])
def test_what_is_no_sentence_of_ours_stays_as_it_is(text):
    assert told(text, "de") == text


@pytest.mark.parametrize("text", [
    "Expected " + "a to be b, but it is c. " * 150, "Expected " * 400 + ", but x.", "It was refused: " * 240,
    "Goes from " + " to ".join("a" * 900), "Expected `" + "a, but " * 500])
def test_text_made_up_on_purpose_is_not_looked_at_for_ever(text, monkeypatch):
    compared = []
    values = Template.values
    monkeypatch.setattr(Template, "values", lambda template, part: compared.append(part) or values(template, part))
    Sentences(catalogue(files(sentences.FILE)[0])).say(text)
    assert len(compared) < 100 * sentences.PATIENCE
    assert sum(map(len, compared)) < 20_000 * sentences.PATIENCE


@pytest.mark.parametrize("value", [HOSTILE, "{1}", "%s", "{{secrets.X}}", "a, but there is none.", "é ", "\\1"])
def test_values_come_through_as_they_are(value):
    answer = told(f"Expected element {value} to be active, but it is not.", "de")
    assert answer == f"Erwartet wird, dass das Element {value} aktiv ist, aber es ist es nicht."


def test_braces_of_a_text_are_no_places():
    assert "".join(map(str, parts(escaped("${x} {1} {{y}}")))) == "${x} {1} {{y}}"


def test_gathering_finds_what_is_raised_returned_and_chosen():
    found = {text for text, _ in gathered()}
    assert "Expected to find a job with key {1}, but there is none." in found
    assert "it was suspended." in found
    assert "Puts a token behind {1}." in found
    assert not [text for text in found if re.search(r"\bSELECT\b|filename=|^seen\.", text)]


def test_german_page_tells_refusals_in_german_and_escapes_them(console, failed_instance):
    german = {"Accept-Language": "de"}
    html = console.get("/instances/999", headers=german).text
    assert "Erwartet wird eine Prozessinstanz mit dem Schlüssel 999, aber es gibt keine." in html
    refused = console.post(f"/instances/{failed_instance}/suspension", {"reason": ""},
                           headers={**german, "HX-Request": "1"})
    assert "Erwartet wird ein Grund" in refused.text
    assert "Expected" in console.get("/instances/999").text
    assert "Expected" in console.get("/api/instances/999", headers=german).text


@pytest.mark.browser
def test_german_browser_is_told_problems_incidents_and_refusals(engine, story, open_page, tmp_path):
    # given a diagram that cannot run, and an instance that failed
    bad = tmp_path / "bad.bpmn"
    bad.write_bytes(re.sub(rb"<zeebe:taskDefinition [^>]*>", b"", model("review.bpmn")))
    story.deploy()
    key = story.start()
    engine.execute(user_tasks.complete, lists.user_tasks(engine, instance_key=key).items[0].key, {})
    story.fail_job("Expected service charge-card to answer within 5 s, but it did not.")
    page = open_page("/deployments/new", locale="de-DE")

    # when the diagram is deployed
    page.locator("input[type=file]").set_input_files(bad)
    page.get_by_role("button", name="Bereitstellen", exact=True).click()

    # then its problems are told in German
    page.get_by_text("ein Jobtyp (zeebe:taskDefinition), aber das fehlt.").first.wait_for()
    assert "Expected" not in page.locator("main").inner_text()

    # and so is what failed
    visit(page, f"/instances/{key}?tab=incidents")
    assert "Erwartet wird, dass der Dienst charge-card innerhalb von 5 s antwortet" in page.locator("main").inner_text()
    assert "Expected" not in page.locator("main").inner_text()

    # and what is refused, because somebody else was quicker
    engine.execute(instances.suspend, key, "Quicker.")
    page.get_by_role("button", name="Aussetzen").first.click()
    give_reason(page, "suspend", "Zu spät.")
    page.locator("#suspend .form-error").get_by_text("aber sie ist schon ausgesetzt").wait_for()
