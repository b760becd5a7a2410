"""The checker of histories finds what is broken in them, and nothing in those that are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.acceptance.histories import FAIL, INFO, OK, Found, History, Operation, problems

FINE = Found(happened={"start": {"a": 1, "b": 1, "d": 1}}, effects={"pay-a": 1},
             states={"a": "COMPLETED", "b": "TERMINATED", "d": "COMPLETED"})


@pytest.fixture
def history():
    """One start that was acknowledged, one that never was but happened, one refused, one asked for twice."""
    made = History([Operation("start", "a", OK, 1), Operation("start", "b", INFO), Operation("start", "c", FAIL),
                    Operation("start", "d", INFO), Operation("start", "d", OK, 4)])
    for name, state in (("a", "ACTIVE"), ("a", "COMPLETED"), ("b", "ACTIVE"), ("a", "COMPLETED")):
        made.observe(name, state)
    return made


def test_a_history_in_which_everything_is_right_has_no_problems(history):
    assert problems(history, FINE) == []


def test_what_got_no_answer_may_be_there_or_not(history):
    assert problems(history, replace(FINE, happened={"start": {"a": 1, "d": 1}},
                                     states={"a": "COMPLETED", "d": "COMPLETED"})) == []


@pytest.mark.parametrize(("change", "problem"), [
    ({"happened": {"start": {"b": 1, "d": 1}}}, "start 'a' was acknowledged, but it is not there."),
    ({"happened": {"start": {"a": 2, "b": 1, "d": 1}}}, "start 'a' is there 2 times."),
    ({"happened": {"start": {"a": 1, "b": 1, "c": 1, "d": 1}}}, "start 'c' was refused, but it is there."),
    ({"happened": {"start": {"a": 1, "d": 1, "x": 1}}}, "start 'x' is there, but nobody asked for it."),
    ({"effects": {"pay-a": 2}}, "Effect 'pay-a' happened 2 times."),
    ({"states": {"a": "ACTIVE"}}, "'a' went from COMPLETED to ACTIVE."),
    ({"states": {"a": "TERMINATED"}}, "'a' went from COMPLETED to TERMINATED."),
    ({"states": {"b": "ACTIVE"}}, "1 instances are still ACTIVE."),
])
def test_each_way_to_be_broken_is_found(history, change, problem):
    assert problem in problems(history, replace(FINE, **change))


def test_two_answers_to_the_same_question_must_be_the_same(history):
    history.operations.append(Operation("start", "a", OK, 2))
    assert problems(history, FINE) == ["start 'a' was answered in 2 ways: ['1', '2']."]


def test_an_instance_that_was_seen_to_end_twice_is_found(history):
    history.observe("b", "COMPLETED")
    assert problems(history, FINE) == ["'b' went from COMPLETED to TERMINATED."]


def test_an_operation_that_raises_is_one_without_an_answer():
    history = History()
    with pytest.raises(ConnectionError), history.invoke("start", "a"):
        raise ConnectionError
    with history.invoke("start", "b") as operation:
        operation.outcome = OK
    assert [(each.name, each.outcome) for each in history.operations] == [("a", INFO), ("b", OK)]
    assert [each.name for each in history.of("start", OK)] == ["b"]
