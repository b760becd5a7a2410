"""The Deploy button of Camunda Modeler."""

from __future__ import annotations

from bpmn.problems import Problem, Severity
from tests.engine import drawing
from tests.web.camunda8 import shapes


def order():
    return drawing.file(drawing.process("order", drawing.start(), drawing.service("pay"), drawing.end())).content


def test_topology_has_every_field_and_a_version_that_the_modeler_tests_tasks_with(api):
    topology = api.get("/topology")
    shapes.check(topology, shapes.TOPOLOGY)
    shapes.check(topology["brokers"][0], shapes.BROKER)
    assert topology["gatewayVersion"] == "8.9.0"


def test_odd_authorization_headers_do_no_harm(app):
    for header in ("", "undefined", "Basic eDp5", "Bearer abc"):
        assert app.test_client().get("/v2/topology", headers={"Authorization": header}).status_code == 200


def test_a_deployment_names_the_file_as_it_was_uploaded(api):
    answer = api.upload(("My order.bpmn", order()), tenantId="<default>")
    shapes.check(answer, shapes.DEPLOYMENT)
    [deployed] = answer["deployments"]
    shapes.check(deployed, shapes.DEPLOYED)
    shapes.check(deployed["processDefinition"], shapes.DEPLOYED_PROCESS)
    assert deployed["processDefinition"]["resourceName"] == "My order.bpmn"
    assert deployed["processDefinition"]["tenantId"] == answer["tenantId"] == "<default>"


def test_an_unchanged_file_is_listed_again_under_its_new_name_with_its_old_version(api):
    first = api.upload(("a.bpmn", order()))["deployments"][0]["processDefinition"]
    again = api.upload(("b.bpmn", order()))["deployments"][0]["processDefinition"]
    assert again == first | {"resourceName": "b.bpmn"}


def test_several_files_are_deployed_together(api):
    other = drawing.file(drawing.process("other", drawing.start(), drawing.end())).content
    answer = api.upload(("a.bpmn", order()), ("b.bpmn", other))
    names = [each["processDefinition"]["resourceName"] for each in answer["deployments"]]
    assert names == ["a.bpmn", "b.bpmn"]


def test_a_refused_deployment_tells_every_problem_of_every_file(api):
    broken = drawing.process(
        "broken", drawing.start(), drawing.script("bad", "=1 +", "x"),
        '<bpmn:exclusiveGateway id="lost"/>', flows="start>bad bad>nowhere",
    )
    problem = api.upload(("a.bpmn", drawing.file(broken).content), ("b.bpmn", b"no xml"), status=400)
    shapes.check(problem, shapes.PROBLEM)
    assert (problem["status"], problem["title"]) == (400, "INVALID_ARGUMENT")
    lines = problem["detail"].splitlines()[1:]
    assert any("a.bpmn" in line and "'bad'" in line for line in lines)
    assert any("a.bpmn" in line and "nowhere" in line for line in lines)
    assert any("b.bpmn" in line for line in lines)
    assert len(lines) >= 3
    assert api.items("process-definitions") == []


def test_a_deployment_without_files_is_refused(api):
    problem = api.upload(status=400)
    assert "resources" in problem["detail"]


def test_an_unknown_tenant_is_refused(api):
    assert "acme" in api.upload(("a.bpmn", order()), tenantId="acme", status=404)["detail"]


def test_definitions_are_found_and_read(api):
    key = api.upload(("a.bpmn", order()))["deployments"][0]["processDefinition"]["processDefinitionKey"]
    changed = order().replace(b'name="Order"', b'name="Order 2"')
    api.upload(("a.bpmn", changed))
    found = api.items("process-definitions", {"processDefinitionId": "order"})
    assert [each["version"] for each in found] == [1, 2]
    shapes.check(found[0], shapes.DEFINITION)
    assert api.get(f"/process-definitions/{key}") == found[0]
    assert api.client.get(f"/v2/process-definitions/{key}/xml").data == order()
    [latest] = api.items("process-definitions", {"isLatestVersion": True})
    assert latest["version"] == 2
    api.get("/process-definitions/1", status=404)


def warn(engine):
    """A further check, which has its doubts."""
    engine.checks.append(lambda model: [Problem(
        severity=Severity.WARNING, message="Expected better, but it is as it is.", resource_name=model.resource_name,
        element_id="pay", line=7)])


def test_on_a_strict_engine_a_warning_refuses_and_is_told(api, engine):
    warn(engine)
    engine.strict = True

    refused = api.upload(("order.bpmn", order()), status=400)

    assert "order.bpmn: element 'pay' line 7: Expected better" in refused["detail"]
    assert "strict" in refused["detail"]
    engine.strict = False
    assert api.upload(("order.bpmn", order()))["deployments"]
