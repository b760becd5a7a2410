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
