"""Variables of instances and tasks, read and set."""

from __future__ import annotations

import pytest

from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import process, user


@pytest.fixture
def order(api):
    api.deploy(process("order", user("check")))
    return api.start("order", {"amount": 5, "cart": {"items": [1, 2]}, "note": "x"})


@pytest.fixture
def task(api, order):
    [found] = api.get("/task")
    return found["id"]


def test_variables_of_an_instance(api, order):
    found = api.get(f"/process-instance/{order}/variables?deserializeValues=false")
    assert found == {
        "amount": {"type": "Integer", "value": 5, "valueInfo": {}},
        "cart": {"type": "Json", "value": '{"items":[1,2]}', "valueInfo": {}},
        "note": {"type": "String", "value": "x", "valueInfo": {}},
    }
    assert api.get(f"/process-instance/{order}/variables/amount").keys() == shapes.VARIABLE
    assert api.client.get(f"/engine-rest/process-instance/{order}/variables/note/data").text == "x"
    api.get(f"/process-instance/{order}/variables/nothing", 404)
    api.get("/process-instance/99/variables", 404)


def test_variables_are_changed(api, order):
    api.post(f"/process-instance/{order}/variables",
             {"modifications": {"amount": {"value": 6}, "new": {"value": "[1]", "type": "Json"}}}, 204)
    api.send("PUT", f"/process-instance/{order}/variables/note", {"value": "y", "type": "String"})
    assert api.variables(order) == {"amount": ("Integer", 6), "cart": ("Json", '{"items":[1,2]}'),
                                    "new": ("Json", "[1]"), "note": ("String", "y")}


def test_variables_are_never_deleted(api, order):
    error = api.post(f"/process-instance/{order}/variables", {"deletions": ["note"]}, 400)
    assert "deletions" in error["message"]
    api.post(f"/process-instance/{order}/variables", {"modifications": {}, "deletions": []}, 204)


def test_a_task_sees_those_of_its_instance_and_its_own(api, order, task):
    api.post(f"/task/{task}/localVariables", {"modifications": {"draft": {"value": 1}, "note": {"value": "mine"}}}, 204)
    api.post(f"/task/{task}/variables", {"modifications": {"amount": {"value": 7}}}, 204)
    seen = api.get(f"/task/{task}/variables")
    assert {name: each["value"] for name, each in seen.items()} \
        == {"amount": 7, "cart": '{"items":[1,2]}', "draft": 1, "note": "mine"}
    assert api.get(f"/task/{task}/localVariables").keys() == {"draft", "note"}
    assert api.get(f"/task/{task}/form-variables?variableNames=amount,draft").keys() == {"amount", "draft"}
    assert api.get(f"/process-instance/{order}/variables/note")["value"] == "x"


def test_variables_are_listed(api, order, task):
    api.start("order", {"amount": 1})
    found = api.get(f"/variable-instance?processInstanceIdIn={order}&sortBy=variableName&sortOrder=asc")
    assert [each["name"] for each in found] == ["amount", "cart", "note"]
    assert api.get("/variable-instance/count?variableName=amount") == {"count": 2}
    api.post(f"/task/{task}/complete", {}, 204)
    assert api.post("/variable-instance/count", {"variableNameLike": "am%"}) == {"count": 1}
