"""What a fuzzer throws at the languages of a model: any bytes are evaluated or refused, soon, and give plain data.

The first byte chooses the language, the rest is the text. `attack` raises whatever an uploaded model could make the
engine raise that it does not expect.
"""

from __future__ import annotations

import json
import time
from xml.sax.saxutils import escape

from bpmn import dmn
from bpmn.dmn import DecisionError
from bpmn.feel import FeelError, FeelSyntaxError, compile_feel
from bpmn.feel.limits import running
from bpmn.feel.program import compile_tests
from bpmn.juel import JuelError, JuelSyntaxError, compile_juel

SECONDS = 5.0
"""A single input may take this long: an expression's own budget is one second, a table has several."""
VARIABLES = {
    "a": 1, "b": 2.5, "x": "text", "y": None, "list": [1, 2, {"b": "y"}], "c": {"d": {"e": True}, "list": []},
    "date": "2024-02-29", "name with spaces": -7, "amount": 120, "customer": {"status": "gold", "age": 30},
}
TABLE = (
    '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">'
    '<decision id="t" name="t"><decisionTable id="dt" hitPolicy="{policy}">'
    '<input id="i1"><inputExpression id="e1"><text>{0}</text></inputExpression></input>'
    '<input id="i2"><inputExpression id="e2" typeRef="{type}"><text>a</text></inputExpression></input>'
    '<output id="o1" name="o"/>'
    '<rule id="r1"><inputEntry id="c1"><text>{1}</text></inputEntry><inputEntry id="c2"><text>{2}</text></inputEntry>'
    '<outputEntry id="c3"><text>{3}</text></outputEntry></rule>'
    '<rule id="r2"><inputEntry id="c4"><text>{4}</text></inputEntry><inputEntry id="c5"><text>-</text></inputEntry>'
    '<outputEntry id="c6"><text>{5}</text></outputEntry></rule></decisionTable></decision></definitions>')
POLICIES = ("UNIQUE", "FIRST", "ANY", "PRIORITY", "COLLECT", "RULE ORDER", "OUTPUT ORDER")
TYPES = ("number", "string", "boolean", "date", "Any", "nonsense")


class Slow(Exception):
    """An input took longer than anything may."""


def feel(text: str) -> None:
    """One expression."""
    try:
        value = compile_feel(text, ("name with spaces",)).evaluate(VARIABLES, [])
    except (FeelError, FeelSyntaxError):
        return
    json.dumps(value, allow_nan=False)


def unary_tests(text: str) -> None:
    """The cell of a decision table, for several values."""
    try:
        tests = compile_tests(text, VARIABLES)
        with running([]):
            for value in (1, "text", None, [1, 2], {"a": 1}):
                tests.passes(VARIABLES, value)
    except (FeelError, FeelSyntaxError):
        return


def juel(text: str) -> None:
    """A text with `${…}`."""
    try:
        value = compile_juel(text).evaluate(VARIABLES)
    except (JuelError, JuelSyntaxError):
        return
    json.dumps(value, allow_nan=False)


def dmn_file(content: bytes) -> None:
    """A whole DMN file, and each of its decisions."""
    model, problems = dmn.read(content, "fuzz.dmn")
    if model is None:
        assert problems
        return
    for decision_id in list(model.decisions)[:10]:
        try:
            outcome = model.evaluate(decision_id, VARIABLES)
        except DecisionError:
            continue
        json.dumps(outcome.output, allow_nan=False)


def dmn_table(text: str) -> None:
    """A decision table whose cells are the lines of the text."""
    cells = [escape(line) for line in "".join(sign for sign in text if sign >= " " or sign == "\n").split("\n")]
    cells += ["-"] * (6 - len(cells))
    size = len(text)
    dmn_file(TABLE.format(*cells, policy=POLICIES[size % len(POLICIES)], type=TYPES[size % len(TYPES)])
             .encode(errors="replace"))


LANGUAGES = (feel, unary_tests, juel, dmn_table, dmn_file)


def attack(data: bytes) -> None:
    """Try one input. Raises Slow, or whatever went wrong."""
    if not data:
        return
    language = LANGUAGES[data[0] % len(LANGUAGES)]
    started = time.thread_time()
    if language is dmn_file:
        dmn_file(data[1:])
    else:
        language(data[1:].decode(errors="replace"))  # type: ignore[operator]
    took = time.thread_time() - started
    if took > SECONDS:
        raise Slow(f"Expected the input to be done in {SECONDS:g} s, but it took {took:.1f} s.")
