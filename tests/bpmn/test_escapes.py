"""What somebody writes who wants out of an expression, or wants the server to be busy with nothing else.

Each text is refused or gives a plain value, within its budget of steps, time and memory. Python scripts have their own
(`test_python_scripts`).
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress

import pytest

from bpmn import dmn
from bpmn.dmn import DecisionError
from bpmn.feel import FeelError, FeelSyntaxError, compile_feel
from bpmn.forms import reading, submission
from bpmn.juel import JuelError, JuelSyntaxError, compile_juel

resource = pytest.importorskip("resource", reason="Windows tells nothing of the memory that was used.")

SECONDS = 2.5
MEGABYTES = 200
VARIABLES = {"a": 1, "x": "a" * 40 + "!", "list": [1, 2, {"b": "y"}], "c": {"d": {"e": True}}}


def doubled(first, join, times):
    """A context of which each entry is ten times the one before."""
    entries = [f"v0: {first}", *(f"v{at}: {join(f'v{at - 1}')}" for at in range(1, times))]
    return "{" + ", ".join(entries) + "}"


LISTS = doubled("[1,2,3,4,5,6,7,8,9,0]", lambda name: "[" + ",".join([name] * 10) + "]", 9)
TEXTS = doubled('"0123456789"', lambda name: "+".join([name] * 10), 9)
FEEL = (
    # ways out
    "a.__class__", "a.__class__.__mro__", '"{0.__class__}"', 'get value(a, "__class__")', "list.__init__.__globals__",
    'context put({}, "__class__", 1).__class__', "import os", "lambda: 1", '__import__("os")',
    "(function(x) x).__code__",
    '"%s" + a', '@"2020-01-01T00:00:00@Europe/../../etc/passwd"', 'date and time("2020-01-01T00:00:00@/etc/passwd")',
    # steps
    "for i in 1..100000 return for j in 1..100000 return i", "count(for i in 1..999999 return 1)",
    "every x in (for i in 1..999999 return i) satisfies x > 0", "{f: function(x) f(x)}.f(1)",
    "{f: function(x) if x = 0 then 0 else f(x - 1) + f(x - 1)}.f(40)",
    "sort(for i in 1..90000 return -i, function(a, b) a < b)",
    "list contains(for i in 1..1000 return for j in 1..1000 return j, 5)",
    # memory
    TEXTS, LISTS, f"flatten({LISTS}.v8)",
    "concatenate([1..9], 1..99999999)",
    "string join(for i in 1..1000 return string join(for j in 1..1000 return \"abcdefghij\"))", f"to json({LISTS}.v7)",
    # numbers
    "10 ** 999999999", "99999999 ** 99999999", "2 ** -99999999999", "exp(1000000)", "round half up(1.5, 999999999)",
    'number("1e999999999")', f'number("{"9" * 60_000}")', "1" + "0" * 60_000, 'from json("[1e999]")',
    f'from json("[{"9" * 4_000}]")', 'duration("P' + "9" * 5_000 + 'Y")',
    'date("999999999-01-01") + duration("P999999999Y")',
    # patterns
    f'matches("{"a" * 3_000}!", "(a+)+$")', f'matches("{"a" * 3_000}!", "(a*)*b")',
    f'replace("{"a" * 50}!", "(a|a)*(a+)+$", "x")',
    f'split("{"a" * 5_000}", "(a|aa)+$")', f'extract("{"ab" * 3_000}", "(a|b|ab)*c")',
    'matches("a", "(?P<x>' + "(" * 500 + ')")',
    # long and deep texts
    "[" * 1_000 + "]" * 1_000, "(" * 5_000 + "1" + ")" * 5_000, "-" * 60_000 + "1",
    "not(" * 3_000 + "true" + ")" * 3_000,
    "a." * 10_000 + "b", "function(x) " * 2_000 + "1", "{a: " * 2_000 + "1" + "}" * 2_000, "1" + "+1" * 30_000,
    '""' + '+"a"' * 10_000,
    'from json("' + "[" * 3_000 + "]" * 3_000 + '")',
)
JUEL = (
    '${"".getClass()}', "${a.class}", '${a["class"]}', "${a.__class__}", "${a.__init__.__globals__}",
    "${T(java.lang.Runtime)}",
    "${execution.processEngine}", "${execution.getProcessEngineServices().getRepositoryService()}",
    "${list.__add__(list)}",
    '${x.format("%1000000000d", 1)}', '${"a".repeat(1000000000)}', '${x.replaceAll("(a+)+$", "b")}',
    '${x.matches("(a+)+$")}',
    "${9999999999 * 9999999999 * 9999999999}", "${" + "(" * 4_000 + "1" + ")" * 4_000 + "}",
    "${" + "!" * 9_000 + "true}",
    "${" + "-" * 9_000 + "1}", "${1" + "?1:1" * 2_000 + "}", "${" * 3_000, "${a}" * 2_000,
    "${a" + ".toString()" * 800 + "}",
    "${x" + ".concat(x)" * 900 + "}", '${S("' + "[" * 4_000 + '")}', "${dateTime().plusYears(999999999)}", "${1 div 0}",
    "${a.b.c.d.e.f}", "${x.substring(-1)}", "${'" + "a" * 20_000 + "'}",
)


def bounded(deed, *refusals):
    """What a deed gives, as JSON if it was not refused, within its time and memory."""
    began = time.thread_time()
    with suppress(*refusals):
        json.dumps(deed(), allow_nan=False)
    assert time.thread_time() - began < SECONDS


@pytest.fixture(autouse=True)
def little_memory():
    """Whatever is tried, the process never needs much more than before."""
    def most():
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used / 2**20 if sys.platform == "darwin" else used / 2**10

    before = most()
    yield
    assert most() - before < MEGABYTES


def test_feel():
    for text in FEEL:
        bounded(lambda text=text: compile_feel(text, ()).evaluate(VARIABLES, []), FeelError, FeelSyntaxError)


@pytest.mark.parametrize("text", ["a.__class__", "c.__init__", 'get value(a, "__class__")'])
def test_feel_sees_nothing_of_python(text):
    assert compile_feel(text, ()).evaluate(VARIABLES, []) is None


def test_juel():
    for text in JUEL:
        bounded(lambda text=text: compile_juel(text).evaluate(VARIABLES), JuelError, JuelSyntaxError)


def test_juel_lets_nobody_out():
    for text in JUEL[:13]:
        with pytest.raises((JuelError, JuelSyntaxError)):
            compile_juel(text).evaluate(VARIABLES)


DMN = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">{}</definitions>'
CALLED = ('<decision id="t" name="t"><knowledgeRequirement><requiredKnowledge href="#f"/></knowledgeRequirement>'
          '<literalExpression><text>f(1)</text></literalExpression></decision><businessKnowledgeModel id="f" name="f">'
          '<encapsulatedLogic><formalParameter name="x"/><literalExpression><text>{}</text></literalExpression>'
          '</encapsulatedLogic></businessKnowledgeModel>')


def table(cells, columns=1):
    inputs = '<input><inputExpression typeRef="number"><text>a</text></inputExpression></input>' * columns
    rules = "".join(f"<rule>{f'<inputEntry><text>{cell}</text></inputEntry>' * columns}<outputEntry><text>1</text>"
                    "</outputEntry></rule>" for cell in cells)
    return f'<decision id="t" name="t"><decisionTable>{inputs}<output name="o"/>{rules}</decisionTable></decision>'


def types(number, last):
    """Types each of which has two entries of the next one."""
    written = []
    for at in range(number):
        following = at + 1 if at < number - 1 else last
        parts = "".join(f'<itemComponent name="{name}"><typeRef>t{following}</typeRef></itemComponent>'
                        for name in "ab")
        written.append(f'<itemDefinition name="t{at}">{parts}</itemDefinition>')
    return "".join(written) + (
        '<decision id="t" name="t"><variable name="t" typeRef="t0"/><literalExpression><text>{a: 1}</text>'
        "</literalExpression></decision>")


DECISIONS = {
    "a cell of 9,000 values": table([",".join(map(str, range(9_000)))]),
    "5,000 rules": table(range(5_000)),
    "200 rules with 10 columns": table((f"[{at}..{at + 5}]" for at in range(200)), 10),
    "a pattern": table(['matches(string(x), "(a|a)*(a+)+$")'] * 3),
    "a function that calls itself twice": CALLED.format("f(x) + f(x)"),
    "a function that calls itself for ever": CALLED.format("f(x + 1)"),
    "types that double": types(60, 60),
    "types in a circle": types(60, 0),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_decisions(name):
    began = time.thread_time()
    model, problems = dmn.read(DMN.format(DECISIONS[name]).encode(), "evil.dmn")
    assert model is not None, problems
    with suppress(DecisionError):
        json.dumps(model.evaluate("t", VARIABLES).output, allow_nan=False)
    assert time.thread_time() - began < SECONDS


def nested_lists(depth):
    inner = [{"type": "textfield", "key": "k", "id": "f", "conditional": {"hide": "=for i in 1..90000 return i"}}]
    for at in range(depth):
        inner = [{"type": "dynamiclist", "path": f"rows{at}", "id": f"d{at}", "defaultRepetitions": 20,
                  "components": inner}]
    return inner


FORMS = {
    "lists in lists": (nested_lists(6), {}),
    "an answer of many elements": (
        [{"type": "dynamiclist", "path": "rows", "id": "d", "components": [
            {"type": "textfield", "key": f"k{at}", "id": f"f{at}"} for at in range(300)]}], {"rows": [{}] * 1_000}),
    "a pattern": ([{"type": "textfield", "key": "k", "id": "f", "validate": {"pattern": "(a+)+$"}}],
                  {"k": "a" * 5_000 + "!"}),
    "values that follow from each other": (
        [{"type": "expression", "key": f"k{at}", "id": f"f{at}", "expression": f"=k{at + 1} + 1"}
         for at in range(1_500)], {}),
    "many large choices": (
        [{"type": "select", "key": f"k{at}", "id": f"f{at}", "valuesExpression": "=for i in 1..90000 return i"}
         for at in range(300)], {"k1": 5}),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name):
    components, answer = FORMS[name]
    content = json.dumps({"id": "evil", "type": "default", "components": components}).encode()
    began = time.thread_time()
    form, problems = reading.read(content, "evil.form")
    assert form is not None, problems
    submitted = submission.submit(form, VARIABLES, answer)
    assert time.thread_time() - began < SECONDS
    if "many elements" in name or "lists in lists" in name:
        assert [str(each) for each in submitted.errors] == [
            "evil: Expected at most 150,000 fields in all elements of all lists, but there are more."]
