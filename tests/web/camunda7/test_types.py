"""The types of variables come back as they were sent, from every place."""

from __future__ import annotations

import base64
import io

import pytest

from tests.web.camunda7.drawing import external, process, user

PHOTO = base64.b64encode(b"\x89PNG\x00\xff").decode()
OBJECT = {"objectTypeName": "com.acme.Order", "serializationDataFormat": "application/json"}
FILE = {"filename": "photo.png", "mimetype": "image/png", "encoding": "UTF-8"}
SENT = {
    "short": {"type": "Short", "value": 5, "valueInfo": {}},
    "long": {"type": "Long", "value": 5, "valueInfo": {}},
    "double": {"type": "Double", "value": 5.0, "valueInfo": {}},
    "date": {"type": "Date", "value": "2030-01-31T12:00:00.000+0000", "valueInfo": {}},
    "xml": {"type": "Xml", "value": "<a/>", "valueInfo": {}},
    "bytes": {"type": "Bytes", "value": PHOTO, "valueInfo": {}},
    "order": {"type": "Object", "value": '{"id":1}', "valueInfo": OBJECT},
    "number": {"type": "Json", "value": "5", "valueInfo": {}},
    "nothing": {"type": "String", "value": None, "valueInfo": {}},
    "passing": {"type": "String", "value": "s", "valueInfo": {"transient": True}},
    "plain": {"type": "Integer", "value": 5, "valueInfo": {}},
}
PHOTO_SENT = {"type": "File", "value": PHOTO, "valueInfo": FILE}
PHOTO_SEEN = PHOTO_SENT | {"value": None}   # files are fetched from their own address


def only(listed, *names):
    return {each["name"]: {key: each[key] for key in ("type", "value", "valueInfo")}
            for each in listed if not names or each["name"] in names}


@pytest.fixture
def order(api):
    api.deploy(process("order", external("ship"), user("check")))
    return api.post("/process-definition/key/order/start", {"variables": {**SENT, "photo": PHOTO_SENT}})["id"]


def test_types_come_back_from_every_place(api, engine, order):
    expected = {**SENT, "photo": PHOTO_SEEN}
    engine.cache._kept.clear()
    assert api.get(f"/process-instance/{order}/variables") == expected
    assert only(api.get(f"/variable-instance?processInstanceIdIn={order}")) == expected
    [job] = api.fetch("ship")
    assert job["variables"] == expected

    # and those that a worker sends
    api.post(f"/external-task/{job['id']}/complete", {"workerId": "w", "variables": {
        "weight": {"type": "Long", "value": 7}, "long": {"type": "Integer", "value": 5}}}, 204)
    expected |= {"weight": {"type": "Long", "value": 7, "valueInfo": {}}, "long": SENT["plain"]}
    [task] = api.get("/task")
    assert api.get(f"/task/{task['id']}/variables") == expected
    assert api.get(f"/task/{task['id']}/form-variables?variableNames=short") == {"short": SENT["short"]}
    answered = api.post(f"/task/{task['id']}/complete", {
        "variables": {"done": {"type": "Short", "value": 1}}, "withVariablesInReturn": True})
    expected |= {"done": {"type": "Short", "value": 1, "valueInfo": {}}}
    assert answered == expected
    assert only(api.get(f"/history/variable-instance?processInstanceId={order}")) == expected


def test_whoever_sets_a_variable_without_a_type_drops_it(api, order):
    path = f"/process-instance/{order}/variables"
    api.post(path, {"modifications": {"short": {"value": 5}, "date": {"value": "x"}, "photo": {"value": 1}}}, 204)
    found = api.get(path)
    assert (found["short"], found["date"]["type"], found["photo"]["type"]) == (SENT["plain"], "String", "Integer")
    api.send("PUT", f"{path}/plain", {"value": 5, "type": "long"})
    assert api.get(f"{path}/plain") == SENT["long"]


def test_the_type_holds_for_the_value_that_it_was_said_of(api):
    api.deploy(process("counting", '<bpmn:scriptTask id="s" scriptFormat="feel" camunda:resultVariable="n">'
                       "<bpmn:script>n + 1</bpmn:script></bpmn:scriptTask>", user("check")))
    key = api.post("/process-definition/key/counting/start", {"variables": {"n": {"type": "Short", "value": 1}}})["id"]
    assert api.get(f"/process-instance/{key}/variables/n") == {"type": "Integer", "value": 2, "valueInfo": {}}


def test_what_a_worker_says_of_a_suspended_instance_is_kept_until_it_goes_on(api, engine, order):
    [job] = api.fetch("ship")
    api.send("PUT", f"/process-instance/{order}/suspended", {"suspended": True})
    api.post(f"/external-task/{job['id']}/complete", {"workerId": "w", "variables": {"d": SENT["date"]}}, 204)
    api.get(f"/process-instance/{order}/variables/d", 404)
    engine.cache._kept.clear()
    api.send("PUT", f"/process-instance/{order}/suspended", {"suspended": False})
    assert api.get(f"/process-instance/{order}/variables/d") == SENT["date"]


def test_a_message_brings_types(api):
    api.deploy('<bpmn:message id="m" name="go"/>', process(
        "told", '<bpmn:receiveTask id="wait" messageRef="m"/>', user("check")))
    key = api.start("told")
    [answered] = api.post("/message", {"messageName": "go", "processInstanceId": key, "resultEnabled": True,
                                       "variablesInResultEnabled": True,
                                       "processVariables": {"when": SENT["date"]}})
    assert answered["variables"] == {"when": SENT["date"]}


def test_files_are_fetched_and_uploaded(api, order):
    path = f"/engine-rest/process-instance/{order}/variables"
    found = api.client.get(f"{path}/photo/data")
    assert found.data == b"\x89PNG\x00\xff"
    assert found.headers["Content-Type"] == "image/png; charset=UTF-8"
    assert found.headers["Content-Disposition"] == "attachment; filename=photo.png"
    assert api.client.get(f"{path}/bytes/data").content_type == "application/octet-stream"

    # a page that a client left is not shown in a browser
    response = api.client.post(f"{path}/page/data", data={
        "data": (io.BytesIO(b"<script>"), "x.html", "text/html"), "valueType": "File"})
    assert response.status_code == 204, response.text
    page = api.client.get(f"{path}/page/data")
    assert (page.data, page.content_type) == (b"<script>", "application/octet-stream")
    assert page.headers["Content-Disposition"].startswith("attachment")

    # and by the id of the variable
    [variable] = api.get(f"/variable-instance?variableName=photo&processInstanceIdIn={order}")
    assert api.get(f"/variable-instance/{variable['id']}") == variable
    assert api.client.get(f"/engine-rest/variable-instance/{variable['id']}/data").data == found.data
    api.get("/variable-instance/99", 404)


@pytest.mark.parametrize("typed", [
    {"type": "Date", "value": "tomorrow"}, {"type": "Bytes", "value": "not base64!"}, {"type": "File", "value": 1},
    {"type": "Long", "value": 1, "valueInfo": []}, {"type": "File", "value": "", "valueInfo": {"filename": 1}},
    {"type": "com.acme.Order", "value": None}, {"type": "Long", "value": 1, "valueInfo": {"transient": "yes"}},
])
def test_what_is_not_of_its_type_is_refused_and_changes_nothing(api, order, typed):
    path = f"/process-instance/{order}/variables"
    before = api.get(path)
    assert "Expected" in api.post(path, {"modifications": {"x": typed, "short": {"value": 9}}}, 400)["message"]
    assert api.get(path) == before
