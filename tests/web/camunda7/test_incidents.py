"""Incidents, and jobs in Camunda 7's sense: timers and failed steps."""

from __future__ import annotations

import pytest

from tests.engine.conftest import database_url  # noqa: F401, lists differ most between the databases
from tests.web.camunda7 import shapes
from tests.web.camunda7.drawing import external, process

ROUTE = '<bpmn:exclusiveGateway id="route" default="route_end"/>'
TIMER = ('<bpmn:intermediateCatchEvent id="wait"><bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration>'
         "</bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>")
CONDITION = ('<bpmn:sequenceFlow id="yes" sourceRef="route" targetRef="pay">'
             "<bpmn:conditionExpression>${amount &gt; 5}</bpmn:conditionExpression></bpmn:sequenceFlow>")


@pytest.fixture
def stuck(api):
    """An instance whose gateway needs a variable that is not there; its id."""
    api.deploy(process("order", ROUTE, external("pay"), CONDITION, flows="start>route route>end pay>end"))
    return api.start("order", {"region": "north"})


def only(api, path):
    [found] = api.get(path)
    return found


def test_what_the_engine_cannot_do_is_an_incident_about_a_job(api, stuck):
    incident = only(api, "/incident")
    assert incident.keys() == shapes.INCIDENT
    assert (incident["incidentType"], incident["activityId"], incident["processInstanceId"]) \
        == ("failedJob", "route", stuck)
    assert incident["incidentTimestamp"] == "2030-01-31T12:00:00.000+0000"
    assert api.get(f"/incident/{incident['id']}") == incident
    job = only(api, f"/job?jobId={incident['configuration']}")
    assert (job["retries"], job["exceptionMessage"], job["failedActivityId"]) \
        == (0, incident["incidentMessage"], "route")
    trace = api.client.get(f"/engine-rest/job/{job['id']}/stacktrace").text
    assert "amount" in trace


def test_incidents_are_found(api, stuck):
    incident = only(api, "/incident")
    for query, count in (
        ("incidentType=failedJob", 1), ("incidentType=failedExternalTask", 0), ("incidentType=other", 0),
        (f"processInstanceId={stuck}", 1), ("activityId=route", 1), ("activityId=pay", 0),
        (f"configuration={incident['configuration']}", 1), ("configuration=99", 0), ("processDefinitionKeyIn=order", 1),
        ("incidentMessageLike=%25amount%25", 1), (f"executionId={incident['executionId']}", 1),
    ):
        assert api.get(f"/incident/count?{query}") == {"count": count}, query
    api.get("/incident/99", 404)


def mend(api, stuck):
    api.send("PUT", f"/process-instance/{stuck}/variables/amount", {"value": 6})


@pytest.mark.parametrize("way", ["incident", "retries", "execute"])
def test_a_mended_step_is_done_again(api, stuck, way):
    incident = only(api, "/incident")
    mend(api, stuck)
    if way == "incident":
        api.send("DELETE", f"/incident/{incident['id']}")
    elif way == "retries":
        api.send("PUT", f"/job/{incident['configuration']}/retries", {"retries": 1})
    else:
        api.send("POST", f"/job/{incident['configuration']}/execute", {})
    assert len(api.fetch("pay")) == 1
    assert api.get("/incident") == api.get("/job") == []
    api.send("DELETE", f"/incident/{incident['id']}", status=404)


def test_a_step_that_was_not_mended_fails_again(api, stuck):
    first = only(api, "/incident")["id"]
    api.send("DELETE", f"/incident/{first}")
    assert only(api, "/incident")["id"] != first


def test_an_incident_of_a_suspended_instance_stays(api, stuck):
    api.send("PUT", f"/process-instance/{stuck}/suspended", {"suspended": True})
    api.send("DELETE", f"/incident/{only(api, '/incident')['id']}", status=400)
    assert only(api, "/job")["suspended"] is True


def test_timers_are_jobs(api):
    api.deploy(process("later", TIMER))
    id = api.start("later")
    job = only(api, "/job?timers=true")
    assert {name: job[name] for name in ("processInstanceId", "dueDate", "retries", "exceptionMessage", "suspended")} \
        == {"processInstanceId": id, "dueDate": "2030-01-31T13:00:00.000+0000", "retries": 3,
            "exceptionMessage": None, "suspended": False}
    for query, count in (("messages=true", 0), ("withException=true", 0), ("noRetriesLeft=true", 0),
                         (f"processInstanceId={id}", 1), ("activityId=wait", 1), ("active=true", 1)):
        assert api.get(f"/job/count?{query}") == {"count": count}, query
    assert api.post("/job", {"processDefinitionKey": "later"})[0]["id"] == job["id"]
    assert "timer" in api.send("PUT", f"/job/{job['id']}/retries", {"retries": 1}, 400)["message"]
    api.send("PUT", f"/job/{job['id']}/retries", {"retries": 0}, 400)
    api.get("/job/99", 404)
