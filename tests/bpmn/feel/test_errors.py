"""A text that is no FEEL is refused with the place and a sentence."""

from __future__ import annotations

import pytest

from bpmn.feel import FeelSyntaxError, compile_feel


@pytest.mark.parametrize(("text", "position", "message"), [
    ("", 0, "Expected a value, but the expression ends."),
    ("1 +", 3, "Expected a value, but the expression ends."),
    ("1 + * 2", 4, "Expected a value, but found `* 2`."),
    ("amount > ", 9, "Expected a value, but the expression ends."),
    ("foo bar", 4, "Expected an operator or the end of the expression, but found `bar`; "
                     "a name with spaces is written in backticks."),
    ('"abc', 0, 'Expected a closing `"` for the text that begins here, but there is none.'),
    ("(1 + 2", 6, "Expected `)`, but the expression ends."),
    ("[1, 2", 5, "Expected `]`, but the expression ends."),
    ("{a 1}", 1, "Expected a key with a colon, such as `name: value`, but found `a 1}`."),
    ("{a: 1, a: 2}", 7, "Expected each key once, but `a` stands there twice."),
    ("if a then b", 11, "Expected `else`, but the expression ends."),
    ("for x in [1] x", 13, "Expected `return`, but found `x`."),
    ("12abc", 2, "Expected a number, but `12` goes on with letters."),
    ('@"nonsense"', 0, "Expected a date, time or duration in ISO 8601, but it is 'nonsense'."),
    ("a.", 2, "Expected the name of a property after the dot, but the expression ends."),
    ("a == 1", 3, "Expected a value, but found `= 1`."),
    ("then", 0, "Expected a value, but found `then`."),
    ("]1, 2]", 0, "Expected a range such as `]1..5]`, but there is no `..` after its start."),
])
def test_refusal_names_the_place(text, position, message):
    with pytest.raises(FeelSyntaxError) as refusal:
        compile_feel(text)

    assert (refusal.value.position, refusal.value.message) == (position, message)
    assert refusal.value.text == text
