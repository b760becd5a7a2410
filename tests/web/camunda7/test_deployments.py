"""Deployments: Camunda Modeler's and pycamunda's uploads, and what is refused."""

from __future__ import annotations

import io
import re

import pytest

from bpmn.problems import Problem, Severity
from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import external, file, process

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000\Z")
DMN = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="pricing" name="Pricing" namespace="t">
  <decision id="discount" name="Discount"><decisionTable id="table">
    <input id="i1" label="Amount"><inputExpression id="ie1"><text>amount</text></inputExpression></input>
    <output id="o1" name="percent"/>
    <rule id="r1"><inputEntry id="e1"><text>&gt; 100</text></inputEntry>
      <outputEntry id="x1"><text>10</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


def test_upload_of_the_modeler(api):
    # when the Modeler deploys
    made = api.deploy(process("order", external("pay")), name="order.bpmn", deployment_name="Order",
                      deployment_source="Camunda Modeler", enable_duplicate_filtering="true")

    # then it finds what it stores and starts
    assert made.keys() == shapes.DEPLOYMENT
    assert (made["name"], made["source"], made["tenantId"]) == ("Order", "Camunda Modeler", None)
    assert DATE.match(made["deploymentTime"])
    [(id, definition)] = made["deployedProcessDefinitions"].items()
    assert definition.keys() == shapes.DEFINITION
    assert definition["id"] == id
    assert re.fullmatch(r"order:1:\d+", id)
    assert (definition["resource"], definition["deploymentId"]) == ("order.bpmn", made["id"])
    assert made["links"][0]["href"].endswith(f"/engine-rest/deployment/{made['id']}")


def test_a_file_that_did_not_change_is_listed_again_under_its_present_name(api):
    first = api.deploy(process("order", external("pay")))
    again = api.deploy(process("order", external("pay")), name="renamed.bpmn")
    assert again["id"] == first["id"]
    assert again["deployedProcessDefinitions"].keys() == first["deployedProcessDefinitions"].keys()
    [definition] = again["deployedProcessDefinitions"].values()
    assert definition["resource"] == "renamed.bpmn"


def test_upload_of_pycamunda(api):
    # Its parts are numbered and its flags written as Python does.
    response = api.client.post("/engine-rest/deployment/create", data={
        "deployment-name": "x", "enable-duplicate-filtering": "False", "deploy-changed-only": "False",
        "resource-0": (io.BytesIO(file(process("a", external("pay")))), "a.bpmn"),
        "resource-1": (io.BytesIO(file(process("b", external("pay")))), "b.bpmn"),
    })
    deployed = response.get_json()["deployedProcessDefinitions"].values()
    assert {each["key"]: each["resource"] for each in deployed} == {"a": "a.bpmn", "b": "b.bpmn"}


def test_decisions_are_deployed_too(api):
    made = api.upload({"pricing.dmn": DMN})
    assert made["deployedProcessDefinitions"] is None
    [decision] = made["deployedDecisionDefinitions"].values()
    [graph] = made["deployedDecisionRequirementsDefinitions"].values()
    assert (decision["key"], decision["decisionRequirementsDefinitionId"]) == ("discount", graph["id"])


def test_a_diagram_that_cannot_run_is_refused_with_every_problem(api):
    error = api.deploy(process("order", '<bpmn:serviceTask id="a"/>', '<bpmn:serviceTask id="b"/>'), status=400)
    assert error["type"] == "ParseException"
    assert error["message"].startswith("ENGINE-09005 Could not parse BPMN process.")
    assert "test.bpmn: element 'a'" in error["message"]
    assert {each["mainElementId"] for each in error["details"]["test.bpmn"]["errors"]} == {"a", "b"}
    assert api.get("/deployment/count") == {"count": 0}


@pytest.mark.parametrize("settings", [
    {"deployment_activation_time": "2040-01-01T00:00:00"}, {"stray": "no file"},
])
def test_uploads_that_cannot_be_meant_are_refused(api, settings):
    assert api.deploy(process("order", external("pay")), status=400, **settings).keys() == shapes.ERROR


def test_an_upload_without_files_is_refused(api):
    api.upload({}, status=400, deployment_name="x")


def test_deployments_are_listed(api, clock):
    first = api.deploy(process("a", external("pay")), deployment_name="First")
    clock.advance(hours=1)
    second = api.deploy(process("b", external("pay")), deployment_name="Second", deployment_source="ci")
    assert [each["id"] for each in api.get("/deployment?sortBy=deploymentTime&sortOrder=desc")] \
        == [second["id"], first["id"]]
    # The plus of the offset is not encoded by every client.
    for path in ("name=Second", "nameLike=Sec%25", "source=ci", f"after={second['deploymentTime']}"):
        assert [each["id"] for each in api.get(f"/deployment?{path}")] == [second["id"]]
    assert api.get(f"/deployment/{first['id']}")["name"] == "First"
    api.get("/deployment/99", 404)


def test_on_a_strict_engine_a_warning_refuses_and_is_told(api, engine):
    engine.strict = True
    engine.checks.append(lambda model: [Problem(
        severity=Severity.WARNING, message="Expected better, but it is as it is.", resource_name=model.resource_name,
        element_id="pay")])

    refused = api.deploy(process("order", external("pay")), status=400)

    assert "Expected better" in refused["message"]
    warning = refused["details"]["test.bpmn"]["warnings"][-1]
    assert warning["mainElementId"] == "pay"
