"""Variables: which are read, how they are written, and what is said when one is not there."""

from __future__ import annotations

import pytest

from bpmn.feel import compile_feel


class FallsThrough(dict):
    """A scope like the interpreter's: what it does not have comes from outside."""

    def __init__(self, own, outer):
        super().__init__(own)
        self.outer = outer

    def __missing__(self, name):
        return self.outer[name]


def test_free_variables_are_known_after_compiling():
    program = compile_feel("for i in items return i + offset")

    assert program.names == {"items", "offset"}


def test_own_variables_and_functions_of_the_library_are_not_free():
    program = compile_feel("{a: x, b: a + count(list), f: function(y) y + z}")

    assert program.names == {"x", "list", "z"}


def test_scope_may_fall_through_to_an_outer_one_and_is_not_changed():
    # given
    scope = FallsThrough({"a": 1}, {"b": 2})

    # when
    value = compile_feel("a + b + sum(for a in [1, 2] return a)").evaluate(scope)

    # then
    assert value == 6
    assert dict(scope) == {"a": 1}


def test_variable_named_like_a_function_does_not_hide_the_function():
    program = compile_feel("count(items) + count")

    assert program.evaluate({"items": [1, 2], "count": 5}) == 7
    assert program.names == {"items", "count"}


@pytest.mark.parametrize(("text", "names"), [
    ("order total + 1", ["order total"]),
    ("`order total` + 1", []),
    ("order   total + 1", ["order total"]),
])
def test_names_with_spaces(text, names):
    assert compile_feel(text, names).evaluate({"order total": 2}) == 3


def test_known_name_with_an_operator_wins_over_the_operation():
    assert compile_feel("a-b", ["a-b"]).evaluate({"a-b": 7, "a": 1, "b": 2}) == 7
    assert compile_feel("a-b").evaluate({"a-b": 7, "a": 1, "b": 2}) == -1


def test_context_key_with_spaces_is_known_to_later_entries():
    assert compile_feel('{"first name": "Jo", full: first name + "!"}.full').evaluate({}) == "Jo!"


def test_missing_variable_is_null_with_a_guess():
    # given
    warnings = []

    # when
    value = compile_feel("amuont > 5").evaluate({"amount": 10}, warnings)

    # then
    assert value is None
    assert warnings == ["`amuont` is not there; did you mean `amount`?"]


def test_missing_property_is_null_with_a_guess():
    warnings = []

    value = compile_feel("customer.agee").evaluate({"customer": {"age": 3}}, warnings)

    assert value is None
    assert warnings == ["A context has no `agee`; did you mean `age`?"]


def test_property_of_a_list_is_the_list_of_properties():
    assert compile_feel("items.price").evaluate({"items": [{"price": 1}, {"price": 2}]}) == [1, 2]


def test_a_variable_is_given_as_it_is():
    order = {"items": [1, 2]}

    assert compile_feel("order").evaluate({"order": order}) is order


def test_programs_are_cached_by_text_and_names():
    assert compile_feel("a + 1") is compile_feel("a + 1")
    assert compile_feel("a b", ["a b"]) is not compile_feel("a c", ["a c"])
