"""Camunda Forms are read whole, or refused with every reason."""

from __future__ import annotations

import json

import pytest

from bpmn.forms import reading
from bpmn.problems import Severity


def read(*components, **more):
    return reading.read(json.dumps({"id": "f", "components": list(components), **more}), "f.form")


def errors(*components, **more):
    form, problems = read(*components, **more)
    found = [problem.message for problem in problems if problem.severity is Severity.ERROR]
    assert (form is None) == bool(found)
    return found


def text(key="a", **more):
    return {"type": "textfield", "id": f"F_{key}", "key": key, **more}


@pytest.mark.parametrize(("component", "said"), [
    (text(conditional={"hide": "=1 +"}), "hide condition '=1 +' to be FEEL"),
    (text(readonly="=("), "readonly condition"), (text(validate={"min": "=]"}), "min '=]' to be FEEL"),
    (text(validate={"maxLength": "many"}), "maxLength to be a number"), (text(validate={"pattern": "("}), "regular"),
    ({"type": "select", "id": "s", "key": "s", "valuesExpression": "=for"}, "expression of the values"),
    ({"type": "expression", "id": "e", "key": "e", "expression": "=*"}, "to be FEEL"),
    (text("a..b"), "a key such as order.amount"), (text("__proto__"), "a key such as"),
    ({"type": "group", "id": "g", "components": {}}, "components of a group to be a list"),
])
def test_what_cannot_work_is_refused_with_its_component(component, said):
    form, problems = read(component)
    assert form is None
    [problem] = [problem for problem in problems if problem.severity is Severity.ERROR]
    assert said in problem.message
    assert problem.element_id == component["id"]


@pytest.mark.parametrize("components", [
    [text("a"), text("a") | {"id": "other"}], [text("a"), text("a.b")], [text("a.b"), text("a")],
    [{"type": "dynamiclist", "id": "l", "path": "l", "components": []}, text("l.x")],
    [{"type": "group", "id": "g", "path": "g", "components": [text("x")]}, text("g.x") | {"id": "other"}],
])
def test_two_values_cannot_have_one_place(components):
    assert any("a place of its own" in message for message in errors(*components))


def test_groups_may_share_a_place_and_lists_have_their_own():
    assert errors({"type": "group", "id": "g", "path": "g", "components": [text("x")]}, text("g.y"),
                  {"type": "dynamiclist", "id": "l", "path": "l", "components": [text("z")]}) == []


def test_an_id_twice_is_refused():
    assert errors(text("a"), text("b") | {"id": "F_a"}) == [
        "Expected each component once, but there are two with the id 'F_a'."]


def test_what_form_js_does_not_know_is_left_out_with_a_warning():
    form, problems = read(text(), {"type": "<script>", "id": "x"}, {"type": "iframe", "id": "i", "url": "https://x.y"})
    assert [str(problem.severity) for problem in problems] == ["warning", "warning"]
    assert [component.id for component in form.components] == ["F_a"]
    shown = form.schema["components"]
    assert [component["type"] for component in shown] == ["textfield", "text", "text"]
    assert "<script>" not in json.dumps(shown)
    assert "https://x.y" not in json.dumps(shown)


def test_a_button_that_submits_is_that_of_the_page():
    form, _ = read({"type": "button", "id": "b", "action": "submit"}, {"type": "button", "id": "r", "action": "reset"})
    assert [component["id"] for component in form.schema["components"]] == ["r"]


def test_components_without_id_or_key_get_them():
    form, problems = read({"type": "textfield"}, {"type": "dynamiclist", "components": []})
    assert [component["id"] for component in form.schema["components"]] == ["Field_1", "Field_2"]
    assert form.schema["components"][0]["key"] == "Field_1"
    assert len(problems) == 2


def test_a_form_without_end_is_refused():
    inner = text()
    for number in range(60):
        inner = {"type": "group", "id": f"g{number}", "components": [inner]}
    [message] = errors(inner)
    assert "nested at most 30 deep" in message
    [message] = errors(*(text(f"a{number}") for number in range(2_100)))
    assert "at most 2,000 components" in message


def test_a_form_of_a_newer_form_js_is_doubted():
    form, [problem] = read(schemaVersion=99)
    assert form is not None
    assert "99" in problem.message
