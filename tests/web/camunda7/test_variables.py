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


def test_variables_are_removed(api, order, engine):
    path = f"/process-instance/{order}/variables"
    api.post(path, {"modifications": {"new": {"value": 1}}, "deletions": ["note", "cart", "unknown"]}, 204)
    assert api.variables(order) == {"amount": ("Integer", 5), "new": ("Integer", 1)}
    api.send("DELETE", f"{path}/amount")
    api.send("DELETE", f"{path}/amount")    # gone already
    api.get(f"{path}/amount", 404)
    # and they are gone for expressions of a node that loads the instance anew, and may come again
    engine.cache._kept.clear()
    api.send("PUT", f"{path}/amount", {"value": 7})
    assert api.variables(order) == {"amount": ("Integer", 7), "new": ("Integer", 1)}
    [log] = api.get("/history/user-operation?operationType=RemoveVariable&maxResults=1")
    assert log["processInstanceId"] == order
    api.post(path, {"deletions": "note"}, 400)
    api.send("DELETE", "/process-instance/99/variables/x", status=404)


def test_variables_of_a_task_are_removed_where_they_are(api, order, task):
    api.post(f"/task/{task}/localVariables", {"modifications": {"note": {"value": "mine"}}}, 204)
    api.send("DELETE", f"/task/{task}/localVariables/amount")
    assert "amount" in api.variables(order)
    api.send("DELETE", f"/task/{task}/variables/note")
    assert api.get(f"/task/{task}/variables/note")["value"] == "x"
    api.send("DELETE", f"/task/{task}/variables/note")
    api.get(f"/task/{task}/variables/note", 404)


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
