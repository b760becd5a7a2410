"""What a business rule task of Camunda 7 makes of a decision's result."""

from __future__ import annotations

import pytest

from bpmn.dmn import DecisionError, map_result, parse
from tests.bpmn.dmn.tables import decision, definitions, literal, table

ONE = table(["x"], ["rate"], ["> 1 | 1", "> 2 | 2"], "COLLECT")
TWO = table(["x"], ["rate", "label"], ['> 1 | 1 | "a"', '> 2 | 2 | "b"'], "COLLECT")


def mapped(logic, x, mapping):
    model = parse(definitions(decision("d", logic, name="Rate")), "test.dmn")
    return map_result(model.decisions["d"], model.evaluate("d", {"x": x}).output, mapping)


@pytest.mark.parametrize(("logic", "x", "mapping", "expected"), [
    (ONE, 2, "singleEntry", 1),
    (ONE, 0, "singleEntry", None),
    (ONE, 2, "singleResult", {"rate": 1}),
    (ONE, 3, "collectEntries", [1, 2]),
    (ONE, 0, "collectEntries", []),
    (TWO, 3, "resultList", [{"rate": 1, "label": "a"}, {"rate": 2, "label": "b"}]),
    (TWO, 2, "singleResult", {"rate": 1, "label": "a"}),
    (literal("x + 1"), 2, "singleEntry", 3),
    (literal("x + 1"), 2, "singleResult", {"Rate": 3}),
])
def test_mapping(logic, x, mapping, expected):
    assert mapped(logic, x, mapping) == expected


@pytest.mark.parametrize(("logic", "x", "mapping", "message"), [
    (ONE, 3, "singleEntry", "Expected one result of the decision `Rate`, but there are 2."),
    (TWO, 3, "singleResult", "Expected one result"),
    (TWO, 2, "singleEntry", "Expected one entry in a result of the decision `Rate`, but there are 2: rate, label."),
    (TWO, 3, "collectEntries", "Expected one entry"),
    (ONE, 3, "nonsense", "Expected the mapping singleEntry, singleResult, collectEntries, resultList"),
])
def test_more_than_the_mapping_takes_is_an_error(logic, x, mapping, message):
    with pytest.raises(DecisionError, match=message):
        mapped(logic, x, mapping)
