"""Conditions on variables and attempts that lists of instances are narrowed by, on both databases."""

from __future__ import annotations

import pytest

from engine.errors import InvalidInput
from engine.queries import instances as lists
from engine.queries import matching, narrowing
from engine.queries.instances import InstanceFilter
from engine.queries.variables import VariableCondition, values_of
from engine.work import jobs
from tests.engine.drawing import end, process, service, start

VALUES = {"small": 9, "big": 10, "half": 9.5, "less": -3, "text": "10", "flag": True, "nothing": None,
          "list": [10, "a b"], "date": "2026-11-24T09:30", "long": "x" * 200, "quote": 'say "10%" _'}


@pytest.fixture
def made(engine, steps):
    """One instance for each value of `v`, and one without it."""
    steps.deploy(process("order", start(), service("work", retries=3), end()))
    made = {name: steps.start("order", {"v": value, "kind": name}) for name, value in VALUES.items()}
    made["without"] = steps.start("order", {"w": 1})
    return made


@pytest.fixture
def found(engine, made):
    names = {key: name for name, key in made.items()}

    def of(*conditions, **more):
        wanted = [VariableCondition(*each) for each in conditions]
        page = lists.search(engine, InstanceFilter(variables=wanted, **more), limit=100)
        assert page.more or page.total == len(page.items)
        return {names[row.key] for row in page.items}
    return of


NUMBERS = {"small", "big", "half", "less"}
TEXTS = {"text", "date", "long", "quote"}


@pytest.mark.parametrize(("operator", "value", "expected"), [
    ("eq", 10, {"big"}), ("eq", "10", {"text"}), ("eq", True, {"flag"}), ("eq", None, {"nothing"}),
    ("neq", 10, set(VALUES) - {"big"}), ("neq", "x" * 200, set(VALUES) - {"long"}),
    ("lt", 10, {"small", "half", "less"}), ("lte", 10, NUMBERS), ("gt", 9, {"big", "half"}),
    ("gte", 9.5, {"big", "half"}), ("lt", 0, {"less"}), ("gt", 9.4999, {"big", "half"}),
    ("gt", "2026-11-24", {"date", "long", "quote"}), ("lt", "2", {"text"}),
    ("lte", "2026-11-24T09:30", {"text", "date"}),
    ("gte", "10", TEXTS), ("gt", "10", TEXTS - {"text"}),
    ("contains", "10", {"big", "text", "list", "quote"}), ("contains", "A B", {"list"}),
    ("contains", '"10%"', {"quote"}),
    ("contains", "X" * 100, {"long"}), ("contains", "x" * 201, set()), ("contains", "TRU", {"flag"}),
    ("contains", "1%", set()), ("contains", "_", {"quote"}), ("exists", None, set(VALUES)), ("null", None, {"nothing"}),
])
def test_variables_are_compared(found, operator, value, expected):
    assert found(("v", operator, value)) == expected


def test_all_conditions_must_hold(found, made):
    assert found(("v", "gte", 9), ("kind", "contains", "al")) == {"small", "half"}
    assert found(("v", "gte", 9), ("kind", "contains", "al"), key=made["half"]) == {"half"}
    assert found(("w", "exists"), ("v", "exists")) == set()
    assert found(("v", "exists"), variable_name="kind", variable_value="big") == {"big"}


def test_what_is_asked_of_each_instance_finds_the_same(found, monkeypatch):
    # given that even few are many, so that instances are asked one by one
    for module in (lists, narrowing, matching):
        monkeypatch.setattr(module, "COUNTED", 0)
    assert found(("v", "lt", 10)) == {"small", "half", "less"}
    assert found(("v", "neq", 10), ("kind", "eq", "list")) == {"list"}


@pytest.mark.parametrize(("operator", "value"), [("like", 1), ("lt", [1]), ("gt", None), ("lt", True), ("eq", {"a": 1}),
                                                 ("contains", 5), ("contains", ""), ("1=1 --", 1)])
def test_what_cannot_be_compared_is_refused(found, operator, value):
    with pytest.raises(InvalidInput):
        found(("v", operator, value))


def test_attempts_left(engine, steps, made, found):
    # given that the first three failed, with two, one and no attempt left
    for left, job in zip((2, 1, 0), steps.take("work", max_jobs=3), strict=True):
        engine.execute(jobs.fail, job.key, "no", retries=left)
    first = list(VALUES)[:3]

    # then
    assert found(retries_at_most=0) == {first[2]}
    assert found(retries_at_most=1) == {first[1], first[2]}
    assert found(retries_at_most=5) == set(first)
    # and numbers that no column holds are compared, too
    assert found(retries_at_most=2**40) == set(first)
    assert found(retries_at_most=-2**40) == set()
    assert found(version=2**40) == found(version=-2**40) == set()


def test_values_are_those_of_the_instance(engine, made):
    values = values_of(engine, [made["big"], made["list"], made["without"]], ["v", "w"])
    assert values == {made["big"]: {"v": 10}, made["list"]: {"v": [10, "a b"]}, made["without"]: {"w": 1}}
    assert values_of(engine, [made["big"]], []) == {}
