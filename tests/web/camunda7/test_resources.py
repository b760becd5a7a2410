"""Files of deployments, graphs of decisions, and the history of decisions."""

from __future__ import annotations

import io

import pytest

from tests.engine.test_decisions import DISCOUNT
from tests.web.camunda7.drawing import file, process, user

DMN = DISCOUNT.format(hit="UNIQUE", second="&gt;= 100").encode()


@pytest.fixture
def deployed(api):
    return api.upload({"a.bpmn": file(process("a", user("t"))), "pricing.dmn": DMN})


def test_the_files_of_a_deployment(api, deployed):
    path = f"/deployment/{deployed['id']}/resources"
    listed = api.get(path)
    assert [(each["name"], each["deploymentId"]) for each in listed] \
        == [("a.bpmn", deployed["id"]), ("pricing.dmn", deployed["id"])]
    assert api.get(f"{path}/{listed[1]['id']}") == listed[1]
    data = api.client.get(f"/engine-rest{path}/{listed[1]['id']}/data")
    assert (data.data, data.content_type) == (DMN, "application/octet-stream")
    assert data.headers["Content-Disposition"] == "attachment; filename=pricing.dmn"
    api.get("/deployment/99/resources", 404)
    api.get(f"{path}/99", 404)
    api.get(f"/deployment/99/resources/{listed[1]['id']}", 404)
    assert api.get("/deployment/registered") == []


def test_graphs_of_decisions(api, deployed):
    api.upload({"pricing.dmn": DMN.replace(b"100", b"200")})
    [made] = deployed["deployedDecisionRequirementsDefinitions"].values()
    path = "/decision-requirements-definition"
    assert api.get(f"{path}/{made['id']}") == made
    assert api.get(f"{path}/count") == {"count": 2}
    [newest] = api.get(f"{path}?latestVersion=true&key=pricing")
    assert (newest["version"], api.get(f"{path}/key/pricing")) == (2, newest)
    assert api.get(f"{path}/{made['id']}/xml") == {"id": made["id"], "dmnXml": DMN.decode()}
    assert "200" in api.get(f"{path}/key/pricing/xml")["dmnXml"]
    api.get(f"{path}/key/nothing", 404)
    assert api.client.get("/engine-rest/decision-definition/key/discount/diagram").status_code == 204
    api.get("/decision-definition/99/diagram", 404)
    api.get(f"{path}/99", 404)


def test_the_history_of_decisions(api, deployed):
    api.deploy(process("order", '<bpmn:businessRuleTask id="rate" camunda:decisionRef="discount" '
                       'camunda:mapDecisionResult="singleEntry" camunda:resultVariable="discount"/>'), name="b.bpmn")
    key = api.start("order", {"amount": 250})
    api.post("/decision-definition/key/discount/evaluate", {"variables": {"amount": {"value": 5}}})
    path = "/history/decision-instance"
    [found] = api.get(f"{path}?processInstanceId={key}&includeInputs=true&includeOutputs=true")
    assert (found["activityId"], found["processDefinitionKey"], found["decisionDefinitionKey"]) \
        == ("rate", "order", "discount")
    [given], [came] = found["inputs"], found["outputs"]
    assert (given["clauseName"], given["type"], given["value"]) == ("Amount", "Integer", 250)
    assert (came["ruleId"], came["ruleOrder"], came["variableName"], came["value"]) == ("r2", 2, "percent", 10)
    assert api.get(f"{path}/count?decisionDefinitionKey=discount") == {"count": 2}
    [first, last] = api.get(f"{path}?sortBy=evaluationTime&sortOrder=asc")
    assert (first["inputs"], last["processInstanceId"]) == (None, None)
    assert api.get(f"{path}/{last['id']}?includeInputs=true")["inputs"][0]["value"] == 5
    api.get(f"{path}/99", 404)


def test_a_file_that_was_there_before_belongs_to_its_first_deployment(api, deployed):
    more = {"data": (io.BytesIO(DMN), "pricing.dmn")}
    again = api.client.post("/engine-rest/deployment/create", data=more).get_json()
    assert [each["name"] for each in api.get(f"/deployment/{again['id']}/resources")] == ["a.bpmn", "pricing.dmn"]
