"""Expressions of both dialects behind one type."""

from __future__ import annotations

import pytest

from bpmn.expressions import (
    EvaluationError,
    ExpressionError,
    Feel,
    Juel,
    Literal,
    camunda7,
    camunda8,
    feel,
    truth,
)


def test_camunda_8_text_is_feel_behind_an_equals_sign():
    expression = camunda8(" = amount * 2 ")

    assert expression == Feel("amount * 2")
    assert expression.evaluate({"amount": 4}) == 8
    assert expression.names == {"amount"}
    assert not expression.is_static


def test_other_text_is_a_constant():
    expression = camunda8("amount * 2")

    assert expression == Literal("amount * 2")
    assert expression.evaluate({}) == "amount * 2"
    assert expression.is_static
    assert expression.names == frozenset()


def test_literal_may_hold_another_value_than_its_text():
    assert Literal("3", 3).evaluate({}) == 3


@pytest.mark.parametrize("text", ["${amount * 2}", "#{amount * 2}"])
def test_camunda_7_text_with_braces_is_juel(text):
    expression = camunda7(text)

    assert isinstance(expression, Juel)
    assert expression.evaluate({"amount": 4}) == 8


def test_camunda_7_text_without_braces_is_a_constant():
    assert camunda7("= amount") == Literal("= amount")


@pytest.mark.parametrize("text", ["amount > 1", "= amount > 1", "  =amount > 1"])
def test_feel_with_or_without_the_equals_sign(text):
    assert feel(text) == Feel("amount > 1")


def test_expressions_are_equal_by_language_and_text():
    assert Feel("a") == Feel("a")
    assert hash(Feel("a")) == hash(Feel("a"))
    assert Feel("a") != Literal("a")
    assert len({Feel("a"), Feel("a"), Literal("a")}) == 2


@pytest.mark.parametrize(("make", "text", "position"), [
    (camunda8, "= 1 +", 3),
    (camunda7, "Total: ${1 + }", 13),
    (feel, "a b", 2),
])
def test_text_that_does_not_parse_is_refused_with_its_place(make, text, position):
    with pytest.raises(ExpressionError) as refusal:
        make(text)

    assert refusal.value.position == position
    assert refusal.value.message.startswith("Expected")


def test_failed_evaluation_names_the_expression():
    with pytest.raises(EvaluationError, match=r"Expected to evaluate `\$\{missing\}`, but it failed"):
        camunda7("${missing}").evaluate({})
    with pytest.raises(EvaluationError, match="needs more"):
        feel("for i in 1..9999999 return i").evaluate({})


def test_feel_explains_why_something_is_null():
    value, warnings = Feel("customr.age").explain({"customer": {"age": 1}})

    assert value is None
    assert warnings[0] == "`customr` is not there; did you mean `customer`?"


def test_function_evaluates_without_a_wrapper():
    assert feel("i < 10").function({"i": 3}) is True
    assert camunda7("${i < 10}").function({"i": 3}) is True
    assert Literal("x").function({}) == "x"


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), (None, False)])
def test_truth_of_a_condition(value, expected):
    assert truth(value) is expected


@pytest.mark.parametrize(("value", "found"), [("yes", '"yes"'), (1, "1"), ([], "[]"), ("x" * 99, "xxx…")])
def test_anything_else_is_no_truth(value, found):
    with pytest.raises(EvaluationError, match="Expected the condition to give true or false, but it gave") as failure:
        truth(value)

    assert found in str(failure.value)


def test_known_names_may_have_spaces():
    assert camunda8("= order total + 1", ["order total"]).evaluate({"order total": 2}) == 3


def test_deeply_nested_variables_are_an_error_of_the_evaluation():
    value = []
    for _ in range(5000):
        value = [value]

    with pytest.raises(EvaluationError, match="nest less deeply"):
        feel("[x]").evaluate({"x": value})
