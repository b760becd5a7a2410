"""Lists, filters, loops, contexts and functions."""

from __future__ import annotations

import pytest

from bpmn.feel import FeelError, compile_feel


def evaluate(text, **variables):
    return compile_feel(text).evaluate(variables)


@pytest.mark.parametrize(("text", "expected"), [
    ("[1, 2, 3][2]", 2),
    ("[1, 2, 3][-1]", 3),
    ("[1, 2, 3][4]", None),
    ("[1, 2, 3][item > 1]", [2, 3]),
    ("[1, 2, 3][item > 9]", []),
    ("[{a: 1}, {a: 2}][a = 2]", [{"a": 2}]),
    ("[{a: 1}, {b: 2}][a = 1]", [{"a": 1}]),
    ("[{a: 1, b: 1}, {b: 2}][a = null]", [{"b": 2}]),
    ("5[item > 1]", [5]),
    ("null[item > 1]", []),
    ("[1, 2, 3][i]", 3),
    ("[[1], [2]][item[1] = 2]", [[2]]),
])
def test_filters(text, expected):
    assert evaluate(text, i=3) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("for i in [1, 2] return i * 2", [2, 4]),
    ("for i in 1..3 return i", [1, 2, 3]),
    ("for i in 3..1 return i", [3, 2, 1]),
    ("for i in 1..2, j in i..2 return [i, j]", [[1, 1], [1, 2], [2, 2]]),
    ("for i in 0..4 return if i = 0 then 1 else i * partial[-1]", [1, 1, 2, 6, 24]),
    ("for i in null return i", None),
    ('for d in @"2020-01-01"..@"2020-01-03" return day of week(d)', ["Wednesday", "Thursday", "Friday"]),
    ("for f in for i in [1, 2] return function(x) x + i return f(10)", [11, 12]),
    ("some x in [1, 2] satisfies x > 1", True),
    ("every x in [1, 2] satisfies x > 1", False),
    ("every x in [] satisfies false", True),
    ("some x in [1, 2], y in [2, 3] satisfies x = y", True),
])
def test_loops(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("{a: 1, b: a + 1}.b", 2),
    ("{a: {b: {c: 5}}}.a.b.c", 5),
    ('{"a b": 1}', {"a b": 1}),
    ("{}", {}),
    ("(function(x, y) x - y)(5, 3)", 2),
    ("(function(x, y) x - y)(y: 5, x: 3)", -2),
    ("(function(x: number) x)(\"a\")", None),
    ("(function(x: list<number>) x)(1)", [1]),
    ("(function(x: number) x)([1])", 1),
    ("(function(x) x)(1, 2)", None),
    ("{twice: function(f, x) f(f(x)), r: twice(function(n) n * 3, 2)}.r", 18),
])
def test_contexts_and_functions(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize("text", ["function(x) x", "[1..5]", "{f: function(x) x}", "sum"])
def test_what_cannot_be_stored_is_refused(text):
    with pytest.raises(FeelError, match="Expected a value that can be stored"):
        evaluate(text)
