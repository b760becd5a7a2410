"""form-js in a browser and our rules on the server say the same of the same form: what is submitted, what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bpmn.forms import reading, submission
from tests.web.forms.cases import cases

pytestmark = pytest.mark.browser
ASKED = (Path(__file__).parent / "asked.js").read_text()


@pytest.fixture
def ask(open_page, start_form):
    """Asks form-js, on a page of ours, about many cases at once."""
    page = open_page(start_form([{"type": "textfield", "id": "f", "key": "f"}]))
    page.wait_for_selector("camunda-form[data-ready]", state="attached")
    return lambda asked: page.evaluate(ASKED, asked)


def ours(schema, variables, answer=None):
    form, problems = reading.read(json.dumps(schema), "made.form")
    assert form is not None, problems
    made = submission.opened(form, variables) if answer is None else submission.submit(form, variables, answer)
    return {"data": dict(made.data), "errors": made.errors_by_field}


def without_empty_lists(data, theirs):
    """form-js says nothing of a dynamic list without elements, we say that it is empty."""
    if not isinstance(data, dict):
        return [without_empty_lists(item, theirs[place] if isinstance(theirs, list) and place < len(theirs) else {})
                for place, item in enumerate(data)] if isinstance(data, list) else data
    kept = {}
    for name, value in data.items():
        inside = theirs.get(name) if isinstance(theirs, dict) else None
        cut = without_empty_lists(value, inside)
        is_left_out = inside is None and (cut == {} or (name[0] in "lg" and cut == []))
        if is_left_out:
            continue
        kept[name] = cut
    return kept


def compare(asked, answers):
    for case, said in zip(asked, answers, strict=True):
        schema, variables = case["schema"], case["data"]
        told = ours(schema, variables)
        assert {**told, "data": without_empty_lists(told["data"], said["opened"].get("data"))} == said["opened"], case
        told = ours(schema, variables, said["entered"]["data"])
        assert {**told, "data": without_empty_lists(told["data"], said["entered"]["data"])} == said["entered"], case


def test_form_js_and_we_say_the_same_of_forms_made_by_chance(ask):
    made = []

    @settings(max_examples=120, deadline=None, derandomize=True, database=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))
    @given(case=cases())
    def make(case):
        made.append(case)

    # when all are asked about at once, which is much faster
    make()
    compare(made, ask(made))


EDGES = [
    ("textfield", {"validate": {"minLength": 2}}, ["", "a", "ab", " a ", "𝒳", "\ufeffa"]),
    ("textfield", {"validate": {"maxLength": 2}}, ["ab", "abc", " ab ", "𝒳b"]),
    ("textfield", {"validate": {"required": True}}, ["", " ", "x", None, 0]),
    ("textfield", {"validate": {"validationType": "email"}}, ["a@b", "a@b.de", "a", "a@-b", "a b@c", "a@b.", "ä@b.de"]),
    ("textfield", {"validate": {"validationType": "phone"}}, ["+4930664040900", "0049306640", "493066", "+49", "x"]),
    ("textfield", {"validate": {"pattern": r"^\d+$"}}, ["12", "a", "1a", ""]),
    ("number", {"validate": {"min": 1, "max": 3}}, [0, 1, 1.5, 3, 3.01, "2", "x", None, True]),
    ("number", {"decimalDigits": 1}, [1, 1.5, 1.25, "1.50", 0]),
    ("number", {"decimalDigits": 0, "increment": 2}, [2, 3, 2.5, -3, 0]),
    ("number", {"serializeToString": True, "validate": {"max": 2}}, ["2.0", 2, "2.1", "0x10", " 1 "]),
    ("checkbox", {"validate": {"required": True}}, [True, False, None, "true", 1]),
    ("datetime", {"subtype": "date", "validate": {"required": True}}, ["2024-02-29", "2024-02", "x", None, "10:00"]),
    ("datetime", {"subtype": "time"}, ["10:30", "25:00", "x", None]),
    ("datetime", {"subtype": "datetime"}, ["2024-02-29T10:30", "2024-02-29", "T"]),
]


def test_form_js_and_we_say_the_same_at_the_edges_of_rules(ask):
    asked = [{"schema": {"type": "default", "id": "made", "components": [
        {"type": kind, "id": "a", "key": "a", "label": "A", **rules}]}, "data": {"a": value}, "entered": {}}
        for kind, rules, values in EDGES for value in values]
    compare(asked, ask(asked))
