"""Who may use one tenant need not name it, and is told of no other."""

from __future__ import annotations

import io

import pytest

from engine import definitions, instances, tenants
from engine.schema import DEFAULT_TENANT
from tests.engine.drawing import catch, end, file, message, message_of, process, service, start
from tests.web.auth.herds import clients
from web.auth.roles import Grant, Role

PROCESS = "work"
MODEL = file(message_of("paid", "paid", "=order"),
             process("work", start(), service("do"), catch("wait", message("paid")), end()))
GRANTS = {
    "of-eu": [Grant(role=Role.ADMIN, tenants=("eu",))],
    "of-two": [Grant(role=Role.ADMIN, tenants=("eu", "us"))],
    "of-all": [Grant(role=Role.ADMIN)],
}
WANTED = {"type": "do", "timeout": 60_000, "maxJobsToActivate": 10, "requestTimeout": -1}
FETCH = {"workerId": "w", "maxTasks": 10, "topics": [{"topicName": "do", "lockDuration": 60_000}]}


@pytest.fixture
def people(engine, tmp_path):
    for id in ("eu", "us"):
        engine.execute(tenants.add, id)
    for id in (DEFAULT_TENANT, "eu", "us"):
        engine.execute(definitions.deploy, [MODEL], tenant_id=id)
        engine.execute(instances.start, "work", tenant_id=id, variables={"order": "1"})
    return clients(engine, tmp_path / "users.json", GRANTS)[1]


def test_who_may_use_one_tenant_means_it(people):
    eu = people["of-eu"]
    made = eu.post("/v2/deployments", data={"resources": (io.BytesIO(MODEL.content), "m.bpmn")})
    assert made.json["tenantId"] == "eu"
    assert eu.post("/v2/process-instances", json={"processDefinitionId": "work"}).json["tenantId"] == "eu"
    assert eu.post(f"/engine-rest/process-definition/key/{PROCESS}/start", json={}).json["tenantId"] == "eu"
    assert eu.post("/v2/messages/publication", json={"name": "paid", "correlationKey": "1"}).json["tenantId"] == "eu"
    # Clients of Camunda 8 name the default tenant where nobody told them another one.
    for named in ("us", DEFAULT_TENANT, "nobody"):
        refused = eu.post("/v2/process-instances", json={"processDefinitionId": "work", "tenantId": named})
        assert (refused.status_code, repr(named) in refused.json["detail"]) == (404, True)
        assert eu.post("/v2/jobs/activation", json=WANTED | {"tenantIds": ["eu", named]}).status_code == 404
        assert eu.get(f"/v2/tenants/{named}").status_code == 404
    assert [each["tenantId"] for each in eu.get("/v2/authentication/me").json["tenants"]] == ["eu"]
    assert [each["id"] for each in eu.get("/engine-rest/tenant").json] == ["eu"]
    assert {each["tenantId"] for each in eu.post("/v2/process-instances/search", json={}).json["items"]} == {"eu"}


def test_workers_get_jobs_of_their_tenants_only(people):
    taken = people["of-eu"].post("/v2/jobs/activation", json=WANTED).json["jobs"]
    assert {job["tenantId"] for job in taken} == {"eu"}
    fetched = people["of-two"].post("/engine-rest/external-task/fetchAndLock", json=FETCH).json
    assert {task["tenantId"] for task in fetched} == {"us"}
    assert people["of-two"].post("/v2/jobs/activation", json=WANTED).json["jobs"] == []
    assert [job["tenantId"] for job in people["of-all"].post("/v2/jobs/activation", json=WANTED).json["jobs"]] \
        == [DEFAULT_TENANT]


def test_two_tenants_and_none_named_is_the_default_one_which_they_may_not_use(people):
    refused = people["of-two"].post("/v2/process-instances", json={"processDefinitionId": "work"})
    assert refused.status_code == 404
    assert people["of-two"].post("/v2/process-instances",
                                 json={"processDefinitionId": "work", "tenantId": "us"}).json["tenantId"] == "us"
