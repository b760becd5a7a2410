"""Typed variables, as the clients send and expect them."""

from __future__ import annotations

import pytest

from engine.errors import InvalidInput
from web.body import Body
from web.camunda7 import values


def read(value, type=None, **info):
    return values.read(Body({"value": value, "type": type, "valueInfo": info or None}), "x")


@pytest.mark.parametrize(("value", "type", "kept"), [
    (True, "Boolean", True), (True, "boolean", True), ("True", "BOOLEAN", True), (5, "Integer", 5), ("5", "long", 5),
    (5.0, "Short", 5), (5, "Double", 5.0), ("a", "String", "a"), ("2030-01-31T12:00:00.000+0000", "Date",
                                                                  "2030-01-31T12:00:00.000+0000"),
    ('{"a":[1]}', "json", {"a": [1]}), ('[1]', "Object", [1]), ({"a": 1}, "Json", {"a": 1}), (None, "Null", None),
    (None, "Integer", None), ({"a": 1}, None, {"a": 1}), ("a", None, "a"), (1.5, None, 1.5), ("<a/>", "Xml", "<a/>"),
])
def test_values_are_read_whatever_the_case_of_their_type(value, type, kept):
    found = read(value, type)
    assert (found, found.__class__) == (kept, kept.__class__)


@pytest.mark.parametrize(("value", "type"), [
    ("five", "Integer"), (5.5, "Integer"), (True, "Long"), ("yes", "Boolean"), (1, "Boolean"), (1, "String"),
    ("{", "Json"), ("inf", "Double"), ("nan", "Double"), (1, "Null"), ("x", "com.acme.Order"), (1, 2),
    ([1], "Integer"), ("1" * 5000, "Integer"),
])
def test_values_that_are_not_of_their_type_are_refused(value, type):
    with pytest.raises(InvalidInput):
        read(value, type)


def test_objects_are_read_only_if_they_are_json():
    assert read("[1]", "Object", serializationDataFormat="application/json", objectTypeName="java.util.List") == [1]
    with pytest.raises(InvalidInput):
        read("rO0AB", "Object", serializationDataFormat="application/x-java-serialized-object")


@pytest.mark.parametrize(("value", "type", "sent"), [
    (True, "Boolean", True), (5, "Integer", 5), (2**31 - 1, "Integer", 2**31 - 1), (2**31, "Long", 2**31),
    (-(2**31), "Integer", -(2**31)), (1.5, "Double", 1.5), ("a", "String", "a"), (None, "Null", None),
    ([1, {"a": None}], "Json", '[1,{"a":null}]'), ({}, "Json", "{}"),
])
def test_values_are_written_with_a_type_that_clients_know(value, type, sent):
    assert values.written(value) == {"type": type, "value": sent, "valueInfo": {}}
