"""The functions of the library, DMN's and Camunda 8's own."""

from __future__ import annotations

import re

import pytest

from bpmn.feel import FeelError, compile_feel


def evaluate(text, **variables):
    return compile_feel(text).evaluate(variables)


@pytest.mark.parametrize(("text", "expected"), [
    ('substring("foobar", 3)', "obar"),
    ('substring("foobar", -2, 1)', "a"),
    ('substring(string: "foobar", start position: 2, length: 3)', "oob"),
    ('substring("\U0001f40eab", 2)', "ab"),
    ('string length("\U0001f40eab")', 3),
    ('substring before("foobar", "bar")', "foo"),
    ('substring after("foobar", "o")', "obar"),
    ('contains("foobar", "of")', False),
    ('matches("foobar", "^fo*b")', True),
    (r'replace("0123", "(\d)(\d)", "$2$1")', "1032"),
    ('replace("a.b", ".", "-", "q")', "a-b"),
    ('split("a;b;c", ";")', ["a", "b", "c"]),
    ('string join(["a", null, "b"], "-")', "a-b"),
    ("string(1.50)", "1.5"),
    ('string({a: "x", b: [1, null]})', '{a: "x", b: [1, null]}'),
    ('number("1 000,5", " ", ",")', 1000.5),
    ('number("x")', None),
])
def test_strings(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("min(3, 1, 2)", 1),
    ("max([3, 1, 2])", 3),
    ("sum([0.1, 0.2])", 0.3),
    ("sum([])", None),
    ('sum([1, "a"])', None),
    ("mean([1, 2, 3, 4])", 2.5),
    ("median([1, 5, 3])", 3),
    ("mode([1, 2, 2, 3, 3])", [2, 3]),
    ("stddev([2, 4, 7, 5])", 2.0816659994661326),
    ("all([true, null])", None),
    ("any([false, true])", True),
    ("append([1], 2, 3)", [1, 2, 3]),
    ("concatenate([1], [2, 3])", [1, 2, 3]),
    ("union([1, 2], [2, 3])", [1, 2, 3]),
    ("insert before([1, 3], 2, 2)", [1, 2, 3]),
    ("remove([1, 2, 3], -1)", [1, 2]),
    ("list replace([1, 2, 3], function(old, new) old > 1, 0)", [1, 0, 0]),
    ("sublist([1, 2, 3], 2, 2)", [2, 3]),
    ("distinct values([1, 1.0, \"1\", null, [1], [1]])", [1, "1", None, [1]]),
    ("flatten([1, [2, [3]]])", [1, 2, 3]),
    ("sort([3, 1, 2], function(a, b) a > b)", [3, 2, 1]),
    ("index of([1, 2, 1], 1)", [1, 3]),
    ("count(null)", None),
    ("reverse([1, 2])", [2, 1]),
])
def test_lists(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("decimal(2.5, 0)", 2),
    ("round half up(2.5, 0)", 3),
    ("round half down(-5.5, 0)", -5),
    ("round up(1.121, 2)", 1.13),
    ("floor(-1.5)", -2),
    ("ceiling(1.56, 1)", 1.6),
    ("modulo(-12, 5)", 3),
    ("abs(-1)", 1),
    ("sqrt(16)", 4),
    ("sqrt(-1)", None),
    ("odd(5)", True),
    ("even(5)", False),
    ("10 ** 7000", None),
])
def test_numbers(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("get value({a: 1}, \"a\")", 1),
    ("get entries({a: 1})", [{"key": "a", "value": 1}]),
    ('context([{key: "a", value: 1}])', {"a": 1}),
    ('context put({a: {b: 1}}, ["a", "c"], 2)', {"a": {"b": 1, "c": 2}}),
    ("context merge([{a: 1}, {a: 2, b: 3}])", {"a": 2, "b": 3}),
    ("before([1..3], 4)", True),
    ("overlaps([1..5], [5..8])", True),
    ("overlaps after((1..5], [1..5])", True),
    ("includes([1..10], [2..3])", True),
    ('range("[1..3]") = [1..3]', True),
    ('day of year(date("2020-12-31"))', 366),
    ('week of year(date("2021-01-03"))', 53),
    ('month of year(date("2021-01-03"))', "January"),
])
def test_contexts_ranges_and_calendar(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("get or else(missing, 5)", 5),
    ("is defined(missing)", False),
    ('is blank("  ")', True),
    ("is empty([])", True),
    ('trim("  a ")', "a"),
    ('to base64("FEEL")', "RkVFTA=="),
    ('from base64("RkVFTA==")', "FEEL"),
    ('from base64("?")', None),
    ('extract("ref 123 and 45", "[0-9]+")', ["123", "45"]),
    ("partition([1, 2, 3], 2)", [[1, 2], [3]]),
    ("duplicate values([1, 2, 1, 3, 3])", [1, 3]),
    ('string join(["a", "b"], ", ", "[", "]")', "[a, b]"),
    ('last day of month(date("2024-02-10"))', "2024-02-29"),
    ('from json("{\\"a\\": [1, 2.5]}").a', [1, 2.5]),
    ("to json({a: 1, b: [null, true]})", '{"a":1,"b":[null,true]}'),
    ('get value({a: {b: 1}}, ["a", "b"])', 1),
    ('fromAi(toolCall.city, "the city", "string")', "Paris"),
    ("assert(5, 5 > 1)", 5),
    ('cycle(3, duration("PT1H"))', "R3/PT1H"),
    ('cycle(duration("P1M"))', "R/P1M"),
    ('cycle(null, @"PT10S")', "R/PT10S"),
    ('cycle(repetitions: 2, interval: @"P1D")', "R2/P1D"),
])
def test_camunda_8(text, expected):
    assert evaluate(text, toolCall={"city": "Paris"}) == expected


def test_failed_assertion_fails_the_evaluation():
    with pytest.raises(FeelError, match="too small"):
        evaluate('assert(x, x > 5, "too small")', x=1)


def test_random_values_differ():
    assert re.fullmatch(r"[0-9a-f-]{36}", evaluate("uuid()"))
    assert evaluate("uuid()") != evaluate("uuid()")
    assert 0 <= evaluate("random number()") < 1


def test_now_is_a_moment_with_an_offset():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", evaluate("now()"))
    assert evaluate("now() >= date and time(today(), @\"00:00:00\")") is None


@pytest.mark.parametrize(("text", "reason"), [
    ("substring(5, 1)", "Expected a text as `string`, but it is a number."),
    ("count()", "Expected the arguments that `count` takes"),
    ("sqrt(-1)", "Expected a number that is not negative, but it is -1."),
    ('matches("a", "(?=a)")', "Expected a regular expression of XPath"),
])
def test_arguments_that_do_not_fit_give_null_with_the_reason(text, reason):
    warnings = []

    assert compile_feel(text).evaluate({}, warnings) is None
    assert reason in warnings[0]


@pytest.mark.parametrize(("text", "pattern", "flags", "expected"), [
    ("abc", "a.c", "", True),
    ("a\nc", "a.c", "", False),
    ("a\nc", "a.c", "s", True),
    ("ABC", "abc", "i", True),
    ("hello world", "hello\\ sworld", "x", True),
    ("b", "[a-z-[aeiou]]", "", True),
    ("e", "[a-z-[aeiou]]", "", False),
    ("É", "\\p{Lu}", "", True),
    ("abcd", "(asd)[\\1]", "", None),
    ("a", "a", "z", None),
    ("a", "[", "", None),
])
def test_patterns_are_those_of_xpath(text, pattern, flags, expected):
    assert evaluate("matches(t, p, f)", t=text, p=pattern, f=flags) is expected
