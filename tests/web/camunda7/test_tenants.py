"""Two tenants, and none, through Camunda 7's interface: everything is the same in all, and nothing crosses."""

from __future__ import annotations

import pytest

from engine import tenants
from tests.engine import drawing
from tests.engine.drawing import catch, end, message, message_of, process, start

BOTH = ("eu", "us")
TASK = '<bpmn:serviceTask id="pay" camunda:type="external" camunda:topic="pay"/>'
CHECK = '<bpmn:userTask id="check"/>'
MODEL = drawing.file7(
    message_of("paid", "paid"), process("order", start(), TASK, catch("wait", message("paid")), CHECK, end()),
).content
DMN = (b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="g" name="g" namespace="n">'
       b'<decision id="risk" name="risk"><literalExpression id="l"><text>1</text></literalExpression>'
       b'<variable name="risk"/></decision></definitions>')


@pytest.fixture
def all(api, engine):
    """The process, a decision and an instance in two tenants and in none."""
    for id in BOTH:
        engine.execute(tenants.add, id, name=id.upper())
    found = {}
    for id in (None, *BOTH):
        made = api.upload({"o.bpmn": MODEL, "r.dmn": DMN}, **({"tenant_id": id} if id else {}))
        assert made["tenantId"] == id
        path = f"/tenant-id/{id}" if id else ""
        found[id] = api.post(f"/process-definition/key/order{path}/start", {"businessKey": "B"})["id"]
    return found


def test_a_tenant_has_versions_tasks_and_jobs_of_its_own(api, all):
    for id in (None, *BOTH):
        path = f"/tenant-id/{id}" if id else ""
        definition = api.get(f"/process-definition/key/order{path}")
        assert (definition["tenantId"], definition["version"]) == (id, 1)
        assert api.get(f"/decision-definition/key/risk{path}")["tenantId"] == id
        assert len(api.post(f"/decision-definition/key/risk{path}/evaluate", {"variables": {}})) == 1
        [task] = api.fetch("pay", **({"tenantIdIn": [id]} if id else {"withoutTenantId": True}))
        assert (task["tenantId"], task["processInstanceId"]) == (id, all[id])
        api.send("POST", f"/external-task/{task['id']}/complete", {"workerId": "w"})
    assert api.fetch("pay") == []
    api.get("/process-definition/key/order/tenant-id/acme", 404)
    api.post("/process-definition/key/order/tenant-id/acme/start", {}, 404)
    api.post("/decision-definition/key/risk/tenant-id/acme/evaluate", {"variables": {}}, 404)


def test_lists_are_limited_to_tenants(api, all):
    for kind in ("process-definition", "process-instance", "execution", "external-task", "history/process-instance",
                 "history/activity-instance", "decision-definition", "deployment", "decision-requirements-definition"):
        of = {query: {each["tenantId"] for each in api.get(f"/{kind}?{query}")}
              for query in ("", "tenantIdIn=eu", "tenantIdIn=eu,us", "withoutTenantId=true", "tenantIdIn=acme")}
        assert of == {"": {None, "eu", "us"}, "tenantIdIn=eu": {"eu"}, "tenantIdIn=eu,us": {"eu", "us"},
                      "withoutTenantId=true": {None}, "tenantIdIn=acme": set()}, kind
    query = "tenantIdIn=eu&includeProcessDefinitionsWithoutTenantId=true"
    assert {each["tenantId"] for each in api.get(f"/process-definition?{query}")} == {None, "eu"}
    assert api.get(f"/process-definition/count?{query}") == {"count": 2}


def test_a_message_goes_to_the_tenant_that_it_names(api, all):
    for task in api.fetch("pay"):
        api.send("POST", f"/external-task/{task['id']}/complete", {"workerId": "w"})
    for body, id in (({"tenantId": "us"}, "us"), ({"withoutTenantId": True}, None), ({"processInstanceId": all["eu"]},
                                                                                     "eu")):
        [reached] = api.post("/message", {"messageName": "paid", "resultEnabled": True, **body})
        assert (reached["execution"]["tenantId"], reached["execution"]["processInstanceId"]) == (id, all[id])
    assert sorted(str(each["tenantId"]) for each in api.get("/task")) == ["None", "eu", "us"]
    assert [each["processInstanceId"] for each in api.get("/task?tenantIdIn=us")] == [all["us"]]
    api.post("/message", {"messageName": "paid", "businessKey": "B"}, 400)
    api.post("/message", {"messageName": "paid", "tenantId": "acme"}, 400)
    api.post("/message", {"messageName": "paid", "tenantId": "eu", "withoutTenantId": True}, 400)
    api.post("/signal", {"name": "go", "tenantId": "acme"}, 404)
    api.post("/signal", {"name": "go", "tenantId": "eu"}, 204)
    api.upload({"o.bpmn": MODEL}, status=404, tenant_id="acme")


def test_tenants_are_listed(api, all):
    assert api.get("/tenant") == [{"id": "eu", "name": "EU"}, {"id": "us", "name": "US"}]
    assert api.get("/tenant?nameLike=U%25&sortBy=id&sortOrder=asc") == [{"id": "us", "name": "US"}]
    assert api.get("/tenant/count") == {"count": 2}
    assert api.get("/tenant/eu") == {"id": "eu", "name": "EU"}
    api.get("/tenant/acme", 404)
