"""Variables are written as JSON texts and set from outside."""

from __future__ import annotations

import json

import pytest

from tests.engine import drawing
from tests.web.camunda8 import shapes

MAPPED = '<zeebe:ioMapping><zeebe:input source="=&quot;inner&quot;" target="place"/></zeebe:ioMapping>'


@pytest.fixture
def key(api):
    api.deploy(drawing.process("order", drawing.start(), drawing.service("pay", more=MAPPED), drawing.end()))
    return api.start("order", {"text": "abc", "number": 1.5, "list": [1, {"a": None}], "flag": True, "none": None,
                               "place": "outer", "long": "x" * 9000})


def values(api, key, **more):
    return {each["name"]: each["value"] for each in
            api.items("variables", {"processInstanceKey": key, "scopeKey": key, **more})}


def test_values_are_json_texts(api, key):
    found = values(api, key)
    assert (found["text"], found["number"], found["flag"], found["none"]) == ('"abc"', "1.5", "true", "null")
    assert json.loads(found["list"]) == [1, {"a": None}]


def test_long_values_are_cut_unless_asked_not_to(api, key):
    [cut] = api.items("variables", {"processInstanceKey": key, "name": "long"})
    shapes.check(cut, shapes.VARIABLE)
    assert (cut["isTruncated"], len(cut["value"])) == (True, 8191)
    [full] = api.post("/variables/search?truncateValues=false", {"filter": {"name": "long"}})["items"]
    assert (full["isTruncated"], len(full["value"])) == (False, 9002)
    alone = api.get(f"/variables/{cut['variableKey']}")
    assert (alone["value"], "isTruncated" in alone) == (full["value"], False)


@pytest.mark.parametrize(("value", "wanted"), [
    ('"abc"', ["text"]), ({"$in": ["1.5", "true"]}, ["flag", "number"]), ({"$like": '"out*'}, ["place"]),
    ('[1,{"a":null}]', ["list"]),
])
def test_variables_are_found_by_their_value(api, key, value, wanted):
    found = api.items("variables", {"value": value, "scopeKey": key}, sort=[{"field": "name"}])
    assert [each["name"] for each in found] == wanted


def test_variables_are_set_from_an_element_or_in_it(api, key):
    [element] = api.items("element-instances", {"elementId": "pay"})
    inside = element["elementInstanceKey"]
    api.send("PUT", f"/element-instances/{inside}/variables", {"variables": {"text": "new", "place": "here"}})
    api.send("PUT", f"/element-instances/{inside}/variables", {"variables": {"own": 1}, "local": True})
    api.send("PUT", f"/element-instances/{key}/variables", {"variables": {"top": 1}})
    assert {name: values(api, key)[name] for name in ("text", "place", "top")} == {
        "text": '"new"', "place": '"outer"', "top": "1"}
    inner = {each["name"]: each["value"] for each in api.items("variables", {"scopeKey": inside})}
    assert inner == {"place": '"here"', "own": "1"}


def test_setting_variables_of_nothing_is_not_found(api):
    api.send("PUT", "/element-instances/1/variables", {"variables": {"a": 1}}, status=404)
