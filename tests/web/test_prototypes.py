"""No name that somebody chose leads to what all objects of a page share (prototype pollution), in a real browser."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from engine import definitions, instances
from engine.definitions import Resource
from engine.errors import DeploymentRefused
from engine.queries import lists
from tests.engine.drawing import end, file, process, start
from tests.web.conftest import model

pytestmark = pytest.mark.browser

NAMES = ("__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__", "valueOf")
POISON = {"__proto__": {"polluted": "yes"}, "constructor": {"prototype": {"polluted": "yes"}},
          "prototype": {"polluted": "yes"}, "deep": {"__proto__": {"polluted": "yes"}}}
FORM = {"id": "poisoned", "type": "default", "schemaVersion": 18, "components": [
    {"type": "textfield", "label": "Name", "key": "name", "id": "f3"},
    {"type": "textfield", "label": "Deep", "key": "deep.name", "id": "f4"}]}
CLEAN = """() => [
  ({}).polluted, [].polluted, (() => 0).polluted, ''.polluted, Object.keys(Object.prototype).length,
  Object.prototype.toString.call([]), typeof Object.prototype.hasOwnProperty]"""
SHOULD = [None, None, None, None, 0, "[object Array]", "function"]
TRIES = """() => {
  const tries = [
    () => { ({})['__proto__']['polluted'] = 'yes'; }, () => { ({}).constructor.prototype.polluted = 'yes'; },
    () => { Object.assign({}, JSON.parse('{"__proto__": {"polluted": "yes"}}')); },
    () => { const made = {}; made['__proto__'] = { polluted: 'yes' }; if (made.polluted) throw new Error('inherits'); },
    () => { [].constructor.prototype.polluted = 'yes'; },
    () => { ({}).toString.constructor.prototype.polluted = 'yes'; },
    () => { Object.setPrototypeOf(Object.prototype, { polluted: 'yes' }); },
  ];
  return tries.map((each) => { try { each(); return ''; } catch (error) { return error.message; } }).join(';');
}"""


@pytest.fixture
def poisoned(engine):
    """An instance whose variables, form, decision and diagram have names that every object has."""
    engine.execute(definitions.deploy, [
        Resource(name="review.bpmn", content=model("review.bpmn")),
        Resource(name="pricing.dmn", content=model("pricing.dmn")),
        Resource(name="poisoned.form", content=json.dumps(FORM).encode()),
        file(process("constructor", start("toString"), end("valueOf")), name="names.bpmn")])
    engine.execute(instances.start, "constructor", variables={"constructor": 1, "toString": "x"})
    made = engine.execute(instances.start, "review", variables={**POISON, **dict.fromkeys(NAMES, "x"), "amount": 1})
    return made.key


def test_no_page_lets_a_name_change_what_all_objects_share(engine, poisoned, open_page):
    task = lists.user_tasks(engine).items[0].key
    page = open_page("/")
    pages = ["/", f"/instances/{poisoned}", f"/instances/{poisoned}?tab=variables", f"/tasks/{task}",
             "/processes/constructor", "/decisions/pricing", "/forms/poisoned?data=" + quote(json.dumps(POISON)),
             "/instances?process=constructor"]
    for path in pages:
        answer = page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + path)
        assert answer.status in (200, 404), path
        page.wait_for_load_state("networkidle")
        assert page.evaluate(CLEAN) == SHOULD, path
        assert "inherits" not in page.evaluate(TRIES), path
        assert page.evaluate(CLEAN) == SHOULD, path


def test_a_form_that_is_given_such_names_is_filled_in_and_changes_nothing(engine, poisoned, open_page):
    page = open_page("/forms/poisoned?data=" + quote(json.dumps(POISON)))
    page.wait_for_selector("camunda-form[data-ready]")
    for field in page.locator("camunda-form input[type=text]").all():
        field.fill("yes")
    assert page.evaluate(CLEAN) == SHOULD
    # what was kept of it before is laid over it
    page.evaluate("kept => { document.querySelector('camunda-form').data = JSON.parse(kept); }", json.dumps(POISON))
    assert page.evaluate(CLEAN) == SHOULD


@pytest.mark.parametrize("key", ["__proto__.x", "constructor.prototype.x", "a.__proto__.x", "__proto__"])
def test_a_form_whose_fields_are_called_so_is_refused(engine, key):
    form = {**FORM, "components": [{"type": "textfield", "label": "A", "key": key, "id": "f1"}]}
    with pytest.raises(DeploymentRefused, match="Expected a key such as"):
        engine.execute(definitions.deploy, [Resource(name="bad.form", content=json.dumps(form).encode())])
