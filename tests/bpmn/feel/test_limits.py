"""An expression can do no harm: it ends soon, stays small, and reaches nothing but data."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpmn.feel import FeelError, FeelSyntaxError, compile_feel

GROWING = "for i in 1..100 return if count(partial) = 0 then [1] else [partial[-1], partial[-1]]"
RUNNING = [
    "for a in 1..3000, b in 1..3000 return 1",
    "count(for a in 1..1000000000 return a)",
    "every a in 1..3000, b in 1..3000 satisfies true",
    'for i in 1..1000 return matches("' + "a" * 40 + '!", "^(a|aa)+$")',
    'for i in 1..100000 return split("' + "a," * 3000 + '", ",")',
    'for i in 1..100 return if count(partial) = 0 then "x" else partial[-1] + partial[-1]',
    GROWING,
    f"string({GROWING})",
    f"flatten({GROWING})",
    f"{{a: {GROWING}, b: {GROWING}, r: a = b}}.r",
    "{f: function(g, x) g(g, x), r: f(f, 1)}.r",
    "{f: function(g, n) if n < 2 then n else g(g, n - 1) + g(g, n - 2), r: f(f, 60)}.r",
    "duplicate values(for i in 1..20000 return i)",
    "9" * 5000,
]
REFUSED = [
    "(" * 5000, "[" * 5000, "{a:" * 3000, "if true then " * 3000, "- " * 10000 + "1", "a" + ".b" * 20000,
    "a" + "[1]" * 20000,
    "1 in (" * 3000, "[1.." * 3000, "f(a a a a " * 3000, "for a in " * 3000, "for " + "a " * 30000,
    "function(a) " * 3000, "1 instance of " + "list<" * 3000, "/*" * 30000, '"' + "\\" * 30000, "1 " * 40000,
]


@pytest.mark.parametrize("text", RUNNING, ids=lambda text: text[:40])
def test_runaway_ends_in_a_clear_error_within_seconds(text):
    started = time.thread_time()

    with pytest.raises(FeelError, match="Expected"):
        compile_feel(text).evaluate({})

    assert time.thread_time() - started < 3


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_monstrous_text_is_refused_at_once(text):
    started = time.thread_time()

    with pytest.raises(FeelSyntaxError):
        compile_feel(text)

    assert time.thread_time() - started < 1


def test_long_sum_is_no_monster():
    assert compile_feel("+".join(["1"] * 20_000)).evaluate({}) == 20_000


def test_budget_is_each_evaluations_own():
    program = compile_feel("count(for i in 1..400000 return i)")

    assert [program.evaluate({}) for _ in range(4)] == [400_000] * 4


@pytest.mark.parametrize("text", [
    "x.__class__", "x.__class__.__mro__", "x.real", "x.append", "x.keys", "s.format", "s.upper", "f.__globals__",
    "f.call", "f.parameters", "now().date", "now().offset", "d.count", "[1..2].operator", "__import__", "__builtins__",
    'get value(x, "__class__")', "`__import__`", 'x["__class__"]', "globals()", "exec(1)", "open(1)",
    '{"__class__": 1}.__init__', "count.invoke", "f.__code__", "item.__class__",
])
def test_no_path_leads_to_python(text):
    # given a context whose values have attributes in Python
    source = f"{{x: {{a: 1}}, s: \"a\", d: @\"P1D\", f: function(x) x, r: [{text}], t: is defined(r[1])}}.t"

    # when, then: nothing is found behind the name
    try:
        found = compile_feel(source).evaluate({})
    except (FeelError, FeelSyntaxError):
        found = False
    assert found is False


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**7000], ids=["nan", "infinity", "huge"])
def test_numbers_that_feel_does_not_have_are_refused(value):
    with pytest.raises(FeelError, match="Expected"):
        compile_feel("x * 2 = x * 3 or x + 1.5 > 2").evaluate({"x": value})


WORDS = st.sampled_from([
    "1", "2.5", "a", "b", '"x"', "true", "null", "+", "-", "*", "/", "**", "(", ")", "[", "]", "{", "}", ",", ":", ".",
    "..", "<", ">", "=", "!=", "<=", "and", "or", "not", "if", "then", "else", "for", "in", "return", "some", "every",
    "satisfies", "between", "instance of", "function", "count", "sum", "date", "@", "?", "item", "partial", "list<",
    "`a`", "//", "/*", "*/", "string length", "\\", "'", "days and time duration", "context<a:", '@"P1D"', "1..3",
])


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=25).map(" ".join))
def test_any_words_are_evaluated_or_refused(text):
    with contextlib.suppress(FeelSyntaxError, FeelError):
        compile_feel(text).evaluate({"a": [1, {"b": 2}], "b": "y"}, [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=6)
OPERATIONS = st.sampled_from([
    "a + b", "a - b", "a * b", "a / b", "a ** b", "a = b", "a < b", "a in b", "a[b]", "a[item = b]", "string(a)",
    "[a, b, a]", "{x: a, y: b}", "for i in a return [i, b]", "sort(a)", "min(a)", "sum(a)", "distinct values([a, b])",
    "number(a)", "date(a)", "duration(a)", "a.x", "flatten([a])", "substring(a, b)", "a between b and b",
    "context merge([a, b])", "matches(a, b)", "replace(a, b, a)", "decimal(a, b)", "week of year(a)", "[a..b]", "-a",
    "split(a, b)", "to json(a)", "from json(a)", "modulo(a, b)", "sublist(a, b)", "partition(a, b)", "extract(a, b)",
    "date and time(a, b)", "range(a)", "exp(a)", "log(a)", "sqrt(a)", "get value(a, b)", "insert before(a, b, a)",
])


@settings(max_examples=400, deadline=None)
@given(OPERATIONS, JSON, JSON)
def test_any_values_are_worked_on_or_refused(text, a, b):
    with contextlib.suppress(FeelError):
        compile_feel(text).evaluate({"a": a, "b": b}, [])
