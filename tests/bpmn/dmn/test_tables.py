"""Decision tables: hit policies, columns and cells, and the record of what matched."""

from __future__ import annotations

import pytest

from bpmn.dmn import DecisionError, parse
from tests.bpmn.dmn.tables import decision, definitions, table


def evaluate(logic, variables, **options):
    return parse(definitions(decision("d", logic), **options), "test.dmn").evaluate("d", variables)


def amounts(policy, extra=""):
    return table(["amount"], ["rate"], ["< 100 | 1", "[50..200] | 2", "> 150 | 3", "> 150 | 2"], policy, extra)


@pytest.mark.parametrize(("policy", "extra", "amount", "expected"), [
    ("UNIQUE", "", 20, 1),
    ("FIRST", "", 160, 2),
    ("ANY", "", 20, 1),
    ("COLLECT", "", 160, [2, 3, 2]),
    ("RULE ORDER", "", 160, [2, 3, 2]),
    ("COLLECT", 'aggregation="SUM"', 160, 7),
    ("COLLECT", 'aggregation="MIN"', 160, 2),
    ("COLLECT", 'aggregation="MAX"', 160, 3),
    ("COLLECT", 'aggregation="COUNT"', 160, 3),
    ("UNIQUE", "", None, None),
    ("COLLECT", "", None, []),
])
def test_hit_policies(policy, extra, amount, expected):
    assert evaluate(amounts(policy, extra), {"amount": amount}).output == expected


@pytest.mark.parametrize(("policy", "expected"), [("PRIORITY", "high"), ("OUTPUT ORDER", ["high", "low"])])
def test_output_values_are_the_order_of_priority(policy, expected):
    logic = table(["a"], ['risk="high","low"'], ['> 1 | "low"', '> 2 | "high"'], policy)

    assert evaluate(logic, {"a": 5}).output == expected


def test_two_matching_rules_under_unique_are_an_error_of_the_model():
    with pytest.raises(DecisionError, match="Expected one rule to match under the hit policy UNIQUE, but 3 match") as e:
        evaluate(amounts("UNIQUE"), {"amount": 160})

    assert e.value.decision_id == "d"


def test_different_results_under_any_are_an_error_of_the_model():
    with pytest.raises(DecisionError, match="hit policy ANY"):
        evaluate(amounts("ANY"), {"amount": 60})


def test_several_outputs_are_a_context():
    logic = table(["status"], ["discount", "label"], ['"gold" | 0.1 | "Gold!"', '- | 0 | "-"'], "FIRST")

    assert evaluate(logic, {"status": "gold"}).output == {"discount": 0.1, "label": "Gold!"}
    assert evaluate(logic, {"status": "tin"}).output == {"discount": 0, "label": "-"}


@pytest.mark.parametrize(("cell", "value", "matches"), [
    ("-", None, True),
    ("", 5, True),
    ("5", 5, True),
    ("5, 6", 6, True),
    ("< 5, > 9", 10, True),
    ("not(5, 6)", 5, False),
    ("not(5, 6)", 7, True),
    ("[1..5)", 5, False),
    ("null", None, True),
    ("? > 3 and ? < 5", 4, True),
    ("limit", 9, True),
    ("< limit", 9, False),
    ('starts with(?, "a")', "abc", True),
    ('"a", "b"', "b", True),
    ("true", True, True),
    ("[1, 2, 3]", 2, True),
    ('"5"', 5, False),
])
def test_cells(cell, value, matches):
    logic = table(["x"], ["r"], [f"{cell} | true"])

    assert evaluate(logic, {"x": value, "limit": 9}).output is (True if matches else None)


def test_outcome_records_inputs_and_matched_rules():
    # given
    logic = table(["amount * 2", "status"], ["rate"], ['< 10 | - | 1', '>= 10 | "gold" | base + 1'])

    # when
    outcome = evaluate(logic, {"amount": 7, "status": "gold", "base": 4})

    # then
    (record,) = outcome.decisions
    assert (record.id, record.kind, record.output) == ("d", "DECISION_TABLE", 5)
    assert [(column.id, column.name, column.value) for column in record.inputs] == [
        ("in1", "amount * 2", 14), ("in2", "status", "gold")]
    (rule,) = record.rules
    assert (rule.id, rule.index) == ("rule2", 2)
    assert [(column.id, column.name, column.value) for column in rule.outputs] == [("out1", "rate", 5)]


def test_text_is_read_as_the_date_that_the_column_declares():
    logic = table(["day : date"], ["r"], ['< date("2030-01-01") | "old"', '- | "new"'], "FIRST")

    assert evaluate(logic, {"day": "2029-12-31"}).output == "old"
    assert evaluate(logic, {"day": "2030-01-01"}).output == "new"


@pytest.mark.parametrize("kind", ["integer", "long", "double"])
def test_types_of_camunda_7_are_numbers(kind):
    logic = table([f"x : {kind}"], [f"r : {kind}"], ["> 1 | x * 2"])

    assert evaluate(logic, {"x": 2.5}, platform="Camunda Platform").output == 5


def test_result_that_cannot_be_stored_is_an_error():
    with pytest.raises(DecisionError, match="Expected a value that can be stored"):
        evaluate(table(["x"], ["r"], ["- | [1..5]"]), {})


def test_runaway_cell_ends_in_an_error():
    with pytest.raises(DecisionError, match="needs more"):
        evaluate(table(["x"], ["r"], ["- | count(for a in 1..3000, b in 1..3000 return 1)"]), {})


def test_warnings_say_why_a_table_gave_nothing():
    outcome = evaluate(table(["amuont"], ["r"], ["> 1 | 1"]), {"amount": 5})

    assert outcome.output is None
    assert outcome.warnings == ["`amuont` is not there; did you mean `amount`?"]
