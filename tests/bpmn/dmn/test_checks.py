"""Warnings about decision tables: overlaps, gaps, rules that never match, wrong types and unknown inputs."""

from __future__ import annotations

import pytest

from bpmn.dmn import parse, read
from bpmn.problems import Severity
from tests.bpmn.dmn.tables import decision, definitions, table


def warnings(logic, *before, requires=()):
    model, problems = read(definitions(*before, decision("d", logic, requires=requires)), "test.dmn")
    assert model is not None
    assert all(problem.severity is Severity.WARNING for problem in problems)
    return [problem.message for problem in problems]


OVERLAP = "Expected at most one rule to match under the hit policy UNIQUE, but rules {} and {} both match when {}."
GAP = "Expected a rule for every input, but none matches when {}."


@pytest.mark.parametrize("rules", [
    ["< 100 | 1", ">= 100 | 2"],
    ["<= 5 | 1", "> 5 | 2"],
    ["<= 5 | 1", ">= 6 | 2"],
    ["< 0 | 1", "[0..10] | 2", "(10..20] | 3", "> 20 | 4"],
    ["5 | 1", "not(5) | 2"],
    ["- | 1"],
    ["limit | 1"],
])
def test_complete_table_without_overlap_has_no_warnings(rules):
    assert warnings(table(["x"], ["r"], rules)) == []


def test_overlap_is_named_with_the_values_for_which_it_happens():
    rules = ['< 100 | "a" | 1', '[100..200] | - | 2', '> 150 | "b" | 3', '< 100 | "b" | 4', '> 200 | "a" | 5']

    found = warnings(table(["amount", "kind"], ["r"], rules))

    assert found == [OVERLAP.format(2, 3, '`amount` is between 150 and 200 and `kind` is "b"')]


def test_gap_is_named_with_the_values_that_nothing_matches():
    rules = ['< 100 | "a" | 1', '> 200 | - | 2', '< 100 | "b" | 3']

    found = warnings(table(["amount", "kind"], ["r"], rules))

    assert found == [GAP.format("`amount` is in [100..200]")]


@pytest.mark.parametrize(("rules", "words"), [
    (["> 5 | 1"], "at most 5"), (["< 5 | 1"], "at least 5"), (["<= 5 | 1"], "above 5"), ([">= 5 | 1"], "below 5"),
    (["<= 5 | 1", "> 9 | 1"], "in (5..9]"), (["<= 5 | 1", ">= 9 | 1"], "between 5 and 9"),
])
def test_neighbouring_gaps_are_one(rules, words):
    assert warnings(table(["x"], ["r"], rules)) == [GAP.format(f"`x` is {words}")]


def test_gap_in_a_later_column():
    rules = ['true | "a" | 1', 'true | "b" | 2', 'false | "a" | 3']

    assert warnings(table(["flag", "kind"], ["r"], rules)) == [GAP.format('`flag` is false and `kind` is "b"')]


def test_missing_truth_value_is_a_gap():
    assert warnings(table(["flag"], ["r"], ["true | 1"])) == [GAP.format("`flag` is false")]


def test_dates_have_gaps_too():
    rules = ['< date("2030-01-01") | 1', '>= date("2030-02-01") | 2']

    assert warnings(table(["day"], ["r"], rules)) == [GAP.format('`day` is in [@"2030-01-01"..@"2030-02-01")')]


@pytest.mark.parametrize("policy", ["COLLECT", "RULE ORDER", "OUTPUT ORDER"])
def test_table_that_collects_may_overlap_and_have_gaps(policy):
    assert warnings(table(["x"], ["r"], ["< 5 | 1", "< 3 | 2"], policy)) == []


def test_rule_that_is_never_the_first():
    found = warnings(table(["x"], ["r"], ["> 5 | 1", "> 7 | 2", "- | 3"], "FIRST"))

    assert found == ["Rule 2 can never be the first to match: rule 1 matches whenever it does."]


def test_rule_that_no_value_passes():
    found = warnings(table(["x"], ["r"], ["[9..5] | 1", "- | 2"], "FIRST"))

    assert found == ["Rule 1 can never match: no value of `x` passes `[9..5]`."]


def test_cell_of_another_type_than_its_column():
    found = warnings(table(["x : number"], ["r"], ['"5" | 1', "- | 2"], "FIRST"))

    assert found[0] == 'Expected a number in the column `x`, but rule 1 tests for "5", a string.'


def test_unknown_input_is_named_with_a_guess_where_inputs_are_drawn():
    found = warnings(table(["amuont"], ["r"], ["- | 1"]), '<inputData id="in_a" name="amount"/>', requires=("in_a",))

    assert found == ["Expected an input or decision named `amuont`, but there is none; did you mean `amount`?"]


def test_warnings_do_not_refuse_a_file():
    assert parse(definitions(decision("d", table(["x"], ["r"], ["> 1 | 1", "> 2 | 2"]))), "test.dmn").problems == []


def test_wide_table_is_checked_in_reasonable_time():
    columns = [f"c{index}" for index in range(12)]
    rules = [" | ".join(f"> {(row * 7 + column) % 40}" for column in range(12)) + f" | {row}" for row in range(200)]

    found = warnings(table(columns, ["r"], rules))

    assert 0 < len(found) <= 10
