"""What of an answer is taken. That browsers say the same is in tests/web/forms."""

from __future__ import annotations

import json
import time

import pytest

from bpmn.forms import javascript, reading, submission


def submit(components, answer, variables=None, **more):
    form, problems = reading.read(json.dumps({"id": "f", "components": components}), "f.form")
    assert form is not None, problems
    return submission.submit(form, variables or {}, answer, **more)


def field(key="a", type="textfield", **more):
    return {"type": type, "id": key, "key": key, "label": key.upper(), **more}


def test_nothing_but_the_fields_of_the_form_is_taken():
    assert submit([field()], {"a": "x", "paid": True}).data == {"a": "x"}


@pytest.mark.parametrize("fixed", [{"disabled": True}, {"readonly": True}, {"readonly": '=b = "lock"'}])
def test_what_cannot_be_changed_is_not_taken_from_the_answer(fixed):
    made = submit([field(**fixed), field("b")], {"a": "mine", "b": "lock"}, {"a": "theirs"})
    assert made.data.get("a", "theirs") == "theirs"


def test_what_is_inside_a_readonly_group_cannot_be_changed():
    group = {"type": "group", "id": "g", "path": "g", "readonly": True, "components": [field()]}
    assert submit([group], {"g": {"a": "mine"}}, {"g": {"a": "theirs"}}).data == {"g": {"a": "theirs"}}


def test_what_is_hidden_is_neither_taken_nor_checked():
    hidden = field(validate={"required": True}, conditional={"hide": '=b = "no"'})
    assert submit([hidden, field("b")], {"a": "", "b": "no"}).errors == ()
    assert submit([hidden, field("b")], {"a": "x", "b": "no"}).data == {"b": "no"}
    assert [error.id for error in submit([hidden, field("b")], {"a": "", "b": "yes"}).errors] == ["a"]


def test_a_computed_value_is_computed_and_not_believed():
    computed = field("total", "expression", expression="=price * 2")
    assert submit([field("price", "number"), computed], {"price": 3, "total": 0}).data == {"price": 3, "total": 6}


def test_a_choice_that_is_not_offered_is_dropped():
    offered = field(type="select", valuesKey="offers", validate={"required": True})
    assert submit([offered], {"a": "x"}, {"offers": ["x"]}).data == {"a": "x"}
    [error] = submit([offered], {"a": "y"}, {"offers": ["x"]}).errors
    assert str(error) == "A: Field is required."


def test_a_list_without_elements_is_an_empty_list():
    rows = {"type": "dynamiclist", "id": "l", "path": "rows", "components": [field(validate={"required": True})]}
    assert submit([rows], {}, {"rows": [{"a": "old"}]}).data == {"rows": []}
    assert submit([rows], {}, {"rows": [{"a": "old"}]}, whole=False).data == {"rows": [{"a": "old"}]}


def test_a_list_that_must_not_grow_does_not():
    rows = {"type": "dynamiclist", "id": "l", "path": "rows", "allowAddRemove": False, "components": [field()]}
    assert submit([rows], {"rows": [{"a": "1"}, {"a": "2"}]}, {"rows": [{"a": "0"}]}).data == {"rows": [{"a": "1"}]}


def test_errors_say_in_which_element_of_a_list_they_are():
    rows = {"type": "dynamiclist", "id": "l", "path": "rows", "components": [field(validate={"required": True})]}
    made = submit([rows], {"rows": [{"a": "x"}, {"a": ""}]})
    assert made.errors_by_field == {"a": [None, ["Field is required."]]}
    assert made.errors[0].path == ("rows", 1, "a")


@pytest.mark.parametrize("answer", [
    {"a": {"b": 1}}, {"a": [1]}, {"rows": "x"}, {"rows": [1, None, []]}, {"rows": {"0": {}}}, {"a": 10**400},
    {"n": "1e999999999"}, {"n": True}, {"g": 5}, {"rows": [{"a": []}] * 5_000},
])
def test_odd_answers_do_no_harm(answer):
    made = submit([
        field(), field("n", "number", validate={"min": 1, "max": "=a"}, decimalDigits=1, increment=2),
        {"type": "group", "id": "g", "path": "g", "components": [field("c", "checkbox")]},
        {"type": "dynamiclist", "id": "l", "path": "rows", "components": [field("a") | {"id": "inner"}]},
    ], answer)
    json.dumps(made.data, allow_nan=False)


def test_a_pattern_made_to_take_for_ever_is_stopped():
    began = time.monotonic()
    evil = r"^(([a-z])+.)+[A-Z]([a-z])+$"
    made = submit([field(validate={"pattern": evil})], {"a": "a" * 5_000})
    assert made.errors
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("pattern", "value", "expected"), [
    (r"^\d{3}$", "123", True), (r"^\d{3}$", "123\n", False), (r"^\d$", "٣", False), (r"\Aab", "Aab", True),
    (r"^[\w-]+\/x$", "ab-c/x", True), ("[^]", "\n", True), ("[]", "x", False), (r"^\s+$", "\u3000\ufeff", True),
    (r"^.$", "\u2028", False), (r"^[[]$", "[", True), (r"^\u00e4$", "ä", True), (r"(?<n>a)\k<n>", "aa", True),
])
def test_patterns_mean_what_they_mean_in_a_browser(pattern, value, expected):
    assert javascript.matches(pattern, value) is expected


@pytest.mark.parametrize(("value", "written"), [
    (1.0, "1"), (0.1, "0.1"), (1e21, "1e+21"), (1e-7, "1e-7"), (123456789.125, "123456789.125"), (-0.0, "0"),
    (True, "true"), (10**21, "1e+21"), (None, "null"),
])
def test_numbers_are_written_as_in_a_browser(value, written):
    assert javascript.text(value) == written
