"""Forms of tasks and starts, filled in by somebody in a real browser."""

from __future__ import annotations

import json

import pytest

from engine import definitions, instances
from engine.definitions import Resource
from engine.queries import instance, lists
from tests.engine import drawing
from tests.web import axe
from tests.web.conftest import HOSTILE

pytestmark = pytest.mark.browser
TYPED = "() => JSON.parse(document.forms['task-form'].elements['form-data'].value).order?.amount === 4"
ORDER = [
    {"type": "textfield", "id": "name", "key": "name", "label": "Name", "validate": {"required": True}},
    {"type": "number", "id": "amount", "key": "order.amount", "label": "Amount", "decimalDigits": 0,
     "validate": {"min": 1, "max": "=limit"}},
    {"type": "checkbox", "id": "gift", "key": "gift", "label": "It is a gift"},
    {"type": "textarea", "id": "card", "key": "card", "label": "Text of the card",
     "conditional": {"hide": "=gift != true"}, "validate": {"required": True}},
    {"type": "select", "id": "kind", "key": "kind", "label": "Kind", "valuesKey": "kinds"},
]


@pytest.fixture
def task(engine):
    """Brings an instance to a task with a form of these components; gives the task's key."""
    def make(components, **variables):
        form = {"id": "asked", "type": "default", "schemaVersion": 19, "components": components}
        user = ('<bpmn:userTask id="T" name="Check the order"><bpmn:extensionElements><zeebe:userTask/>'
                '<zeebe:formDefinition formId="asked"/></bpmn:extensionElements></bpmn:userTask>')
        drawn = drawing.file(drawing.process("P", drawing.start(), user, drawing.end()), name="p.bpmn")
        engine.execute(definitions.deploy, [drawn, Resource(name="asked.form", content=json.dumps(form).encode())])
        engine.execute(instances.start, "P", variables=variables)
        return lists.user_tasks(engine).items[0].key
    return make


def ready(page):
    page.wait_for_selector("camunda-form[data-ready]")
    return page.locator("camunda-form")


def test_a_task_is_completed_with_what_its_form_asks_for(engine, open_page, task):
    # given
    key = task(ORDER, limit=5, kinds=["a", "b"], secret="kept")
    page = open_page(f"/tasks/{key}")
    form = ready(page)

    # when somebody sends it empty
    page.get_by_role("button", name="Complete").click()

    # then nothing is sent, and the first field asks
    assert form.get_by_text("Field is required.").count() == 1
    assert lists.user_task(engine, key).state == "CREATED"

    # when it is filled in
    form.get_by_label("Name").fill("Anna")
    form.get_by_label("Amount").fill("3")
    form.get_by_label("It is a gift").check()
    form.get_by_label("Text of the card").fill("Hello")
    page.get_by_role("button", name="Complete").click()

    # then
    page.wait_for_url("**/tasks")
    assert lists.user_task(engine, key).state == "COMPLETED"
    kept = instance.variables(engine, lists.user_task(engine, key).instance_key)
    assert kept == {"limit": 5, "kinds": ["a", "b"], "secret": "kept", "name": "Anna", "order": {"amount": 3},
                    "gift": True, "card": "Hello", "kind": None}


def test_what_only_the_server_knows_is_shown_at_its_field(engine, open_page, task):
    # given a form whose limit changes after it was opened
    key = task(ORDER, limit=5)
    page = open_page(f"/tasks/{key}")
    form = ready(page)
    form.get_by_label("Name").fill("Anna")
    form.get_by_label("Amount").fill("4")
    page.wait_for_function(TYPED)
    engine.execute(_set_limit, lists.user_task(engine, key).instance_key)

    # when
    page.get_by_role("button", name="Complete").click()

    # then
    form.get_by_text("Field must have maximum value of 2.").wait_for()
    assert "Amount: Field must have maximum value of 2." in page.locator("#task-form .form-error").inner_text()
    assert lists.user_task(engine, key).state == "CREATED"


def _set_limit(tx, key):
    from engine import variables
    variables.set(tx, key, {"limit": 2})


def test_hostile_forms_are_shown_as_what_they_are(open_page, task):
    key = task([
        {"type": "textfield", "id": "a", "key": "a", "label": HOSTILE, "description": HOSTILE},
        {"type": "text", "id": "t", "text": HOSTILE}, {"type": "text", "id": "u", "text": "[x](javascript:alert(1))"},
        {"type": "html", "id": "h", "content": f"<b>bold</b>{HOSTILE}<a href='javascript:alert(1)'>x</a>"},
        {"type": "iframe", "id": "i", "url": "https://example.com/"},
        {"type": HOSTILE, "id": "z"},
    ], a=HOSTILE)
    # when the pages' own policy, which would stop it too, is not there
    page = open_page(f"/tasks/{key}", bypass_csp=True)
    form = ready(page)
    assert "broken in" not in page.title()
    assert form.locator("script, iframe, [onerror]").count() == 0
    assert form.locator("[href^=javascript]").count() == 0
    assert "It is not loaded" in form.inner_text()


def test_a_start_asks_with_its_form(engine, open_page, start_form):
    page = open_page(start_form([ORDER[0]]))
    page.get_by_role("button", name="Start an instance").click()
    form = ready(page)
    form.get_by_label("Name").fill("Anna")
    form.get_by_label("Name").press("Enter")
    page.wait_for_url("**/instances/*")
    assert instance.variables(engine, int(page.url.rpartition("/")[2].partition("?")[0])) == {"name": "Anna"}


def test_a_form_that_was_lost_by_its_task_is_told(engine, open_page):
    user = ('<bpmn:userTask id="T"><bpmn:extensionElements><zeebe:userTask/><zeebe:formDefinition formId="gone"/>'
            "</bpmn:extensionElements></bpmn:userTask>")
    engine.execute(definitions.deploy, [
        drawing.file(drawing.process("P", drawing.start(), user, drawing.end()), name="p.bpmn")])
    engine.execute(instances.start, "P", variables={"amount": 1})
    page = open_page(f"/tasks/{lists.user_tasks(engine).items[0].key}")
    assert "Expected the form 'gone' to be deployed" in page.locator("main").inner_text()
    assert page.get_by_label("amount").input_value() == "1"


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_forms_are_accessible_and_fit(open_page, task, scheme, width):
    key = task([*ORDER, {"type": "radio", "id": "r", "key": "r", "label": "Way", "values": [
        {"label": "Fast", "value": "fast"}, {"label": "Slow", "value": "slow"}]},
        {"type": "datetime", "id": "d", "key": "d", "dateLabel": "Day", "subtype": "date"},
        {"type": "group", "id": "g", "label": "Address", "components": [
            {"type": "textfield", "id": "s", "key": "street", "label": "Street", "description": "With its number"}]},
    ], kinds=["a"], kind="a")
    page = open_page(f"/tasks/{key}", color_scheme=scheme, viewport={"width": width, "height": 900})
    ready(page)
    page.get_by_role("button", name="Complete").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe.troubles(page) == []


def test_looking_at_a_form_that_computes_keeps_no_draft(engine, open_page, task):
    # given a form that computes something once it is there
    key = task([
        {"type": "number", "id": "amount", "key": "amount", "label": "Amount"},
        {"type": "expression", "id": "twice", "key": "twice", "expression": "=2 * net", "computeOn": "change"},
    ], net=3)
    page = open_page()
    page.add_init_script("window.told = []; document.addEventListener('partitur:form-changed',"
                         " (event) => window.told.push(event.detail.data))")

    # when somebody looks at it
    page.goto(f"{page.url.rstrip('/')}/tasks/{key}")
    form = ready(page)
    page.wait_for_function("() => JSON.parse(document.forms['task-form'].elements['form-data'].value).twice === 6")

    # then that is no change, but typing is
    assert page.evaluate("window.told") == []
    form.get_by_label("Amount").fill("4")
    page.wait_for_function("() => window.told.length")
    assert page.evaluate("window.told") == [{"amount": 4, "twice": 6}]
