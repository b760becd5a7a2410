"""Literals and operators give what DMN 1.5 says (§10.3.2)."""

from __future__ import annotations

import pytest

from bpmn.feel import compile_feel


def evaluate(text, **variables):
    return compile_feel(text).evaluate(variables)


@pytest.mark.parametrize(("text", "expected"), [
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("10 - 3 - 2", 5),
    ("2 ** 3", 8),
    ("-2 ** 2", 4),
    ("7 / 2", 3.5),
    ("1 / 0", None),
    ("0 ** -25", None),
    ("0.1 + 0.2", 0.3),
    ("1.5e3", 1500),
    (".5 * 2", 1),
    ("12345678901234567890123456789012 + 1", 12345678901234567890123456789013),
    ('"a" + "b"', "ab"),
    ('"a" + 1', None),
    ("null + 1", None),
    ("- -3", 3),
])
def test_arithmetic_is_decimal_and_null_where_it_has_no_meaning(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("1 = 1.0", True),
    ("1 = true", None),
    ('1 = "1"', None),
    ("null = null", True),
    ("1 = null", False),
    ("1 != null", True),
    ("[1, 2] = [1, 2.0]", True),
    ("{a: 1, b: 2} = {b: 2, a: 1}", True),
    ("1 < 2", True),
    ('"a" < "b"', True),
    ('1 < "b"', None),
    ("null < 1", None),
    ("2 between 1 and 3", True),
    ("4 between 1 and 3", False),
    ("2 in [1..3]", True),
    ("3 in [1..3)", False),
    ("3 in [1..3[", False),
    ("1 in ]1..3]", False),
    ("2 in (< 3)", True),
    ("2 in (1, 2)", True),
    ("2 in (> 5, < 3)", True),
    ("2 in [2, 3]", True),
    ("(1) in (1)", True),
    ("5 in [5..1]", False),
])
def test_comparison_of_different_types_is_null(text, expected):
    assert evaluate(text) is expected


@pytest.mark.parametrize(("text", "expected"), [
    ("true and true", True),
    ("true and false", False),
    ("false and null", False),
    ("null and true", None),
    ("true or null", True),
    ("false or null", None),
    ("false or false or true", True),
    ("true and true and null", None),
    ("not(true)", False),
    ("not(null)", None),
    ('true and "x"', None),
])
def test_logic_has_three_values(text, expected):
    assert evaluate(text) is expected


@pytest.mark.parametrize(("text", "expected"), [
    ('if 1 < 2 then "yes" else "no"', "yes"),
    ('if null then "yes" else "no"', "no"),
    ('if "x" then "yes" else "no"', "no"),
    ("1 + if true then 1 else 2", 2),
])
def test_only_true_is_true(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("1 instance of number", True),
    ('"a" instance of number', False),
    ("null instance of Any", False),
    ("null instance of Null", True),
    ("[1, 2] instance of list<number>", True),
    ('[1, "a"] instance of list<number>', False),
    ("{a: 1} instance of context<a: number>", True),
    ("{a: {b: 1}} instance of context<a: context<b: string>>", False),
    ("[1..2] instance of range<number>", True),
    ('duration("P1D") instance of days and time duration', True),
    ("(function(x: number) x) instance of function<number> -> number", True),
])
def test_instance_of(text, expected):
    assert evaluate(text) is expected


@pytest.mark.parametrize(("text", "expected"), [
    (r'"a\nb"', "a\nb"),
    (r'"\u0041"', "A"),
    (r'"\U01F40E"', "\U0001f40e"),
    (r'"\ud83d\udc0e"', "\U0001f40e"),
    (r'"\d"', r"\d"),
    ('"it\'s"', "it's"),
])
def test_escapes_in_strings(text, expected):
    assert evaluate(text) == expected


def test_comments_are_blanks():
    assert evaluate("1 /* one */ + // plus\n 2") == 3


def test_numbers_from_outside_count_as_what_they_print_as():
    assert evaluate("x + 0.2 = 0.3", x=0.1) is True
    assert evaluate("x > 0.1", x=0.1) is False
    assert evaluate("x <= 10", x=10.0) is True
    assert evaluate("x < 0.10000000000000000001", x=0.1) is True
    assert evaluate("o.x < 0.10000000000000000001", o={"x": 0.1}) is True
    assert evaluate("x = 10", x=10.0) is True


def test_integers_stay_integers_and_truth_values_are_no_numbers():
    assert type(evaluate("x + 1", x=1)) is int
    assert type(evaluate("x / 2", x=4)) is int
    assert evaluate("x + 1", x=True) is None
    assert evaluate("x = 1", x=True) is None
