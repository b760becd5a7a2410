"""Tenants on the pages: said where there are several, and each page is of one."""

from __future__ import annotations

import io

import pytest

from engine import definitions, instances, tenants
from engine.definitions import Resource
from engine.schema import DEFAULT_TENANT
from tests.engine.drawing import call, end, file, process, service, start, user
from tests.web.camunda8.test_decisions import DISCOUNT

WORK = file(process("work", start(), service("do"), end()), name="work.bpmn")
FORM = Resource(name="f.form", content=b'{"type": "default", "id": "ask", "components": []}')


@pytest.fixture
def two(engine):
    """The same files in two tenants, the second a version behind; an instance in each."""
    engine.execute(tenants.add, "eu", name="Europe")
    files = [WORK, Resource(name="d.dmn", content=DISCOUNT), FORM]
    for id in (DEFAULT_TENANT, "eu"):
        engine.execute(definitions.deploy, files, tenant_id=id)
    engine.execute(definitions.deploy, [file(process("work", start(), service("else"), end()), name="work.bpmn")])
    return {id: engine.execute(instances.start, "work", tenant_id=id).key for id in (DEFAULT_TENANT, "eu")}


def test_nothing_is_said_of_tenants_where_there_is_one(console, engine):
    engine.execute(definitions.deploy, [WORK])
    key = engine.execute(instances.start, "work").key
    for path in ("/processes", "/processes/work", f"/instances/{key}", "/deployments/new", "/decisions", "/forms"):
        text = console.text(path)
        assert "tenant=" not in text
        assert DEFAULT_TENANT.replace("<", "&lt;").replace(">", "&gt;") not in text


def test_pages_are_of_the_tenant_that_their_address_says(console, two):
    listed = console.text("/processes")
    assert "/processes/work?tenant=eu" in listed
    assert "/processes/work?tenant=%3Cdefault%3E" in listed
    assert console.text("/processes?tenant=eu").count("/processes/work") == 1
    for path, one in (("/decisions", "/decisions/discount?tenant="), ("/forms", "/forms/ask?tenant=")):
        every, of_eu, of_none = (console.text(path + more) for more in ("", "?tenant=eu", "?tenant=nope"))
        assert (every.count(one), of_eu.count(one), of_none.count(one)) == (2, 1, 0)
        assert one + "eu" in of_eu
        assert '<option value="eu" selected>' in of_eu
    assert "Version <b>2</b>" in console.text("/processes/work")
    of_eu = console.text("/processes/work?tenant=eu")
    assert "Version <b>1</b>" in of_eu
    assert "Version <b>2</b>" not in of_eu
    assert f"/instances/{two['eu']}\"" in of_eu
    assert f"/instances/{two[DEFAULT_TENANT]}\"" not in of_eu
    assert "/instances?process=work&amp;tenant=eu" in of_eu or "tenant=eu&amp;" in of_eu
    console.text("/processes/work?tenant=us", 404)
    for path in ("/decisions/discount", "/forms/ask"):
        assert "eu</span>" in console.text(f"{path}?tenant=eu")
        console.text(f"{path}?tenant=us", 404)
    detail = console.text(f"/instances/{two['eu']}")
    assert "/processes/work?version=1&amp;tenant=eu" in detail
    rows = console.text("/instances?tenant=eu")
    assert f"/instances/{two['eu']}\"" in rows
    assert f"/instances/{two[DEFAULT_TENANT]}\"" not in rows


def test_files_are_deployed_into_the_chosen_tenant(console, engine, two):
    assert '<option value="eu"' in console.text("/deployments/new")
    response = console.post("/deployments", {
        "tenant": "eu", "files": (io.BytesIO(file(process("fresh", start(), end())).content), "fresh.bpmn")})
    # It has a warning, so the page says what was deployed.
    assert "/processes/fresh?version=1&amp;tenant=eu" in response.text
    console.text("/processes/fresh")
    console.text("/processes/fresh?tenant=%3Cdefault%3E", 404)


def test_tenants_are_added_changed_and_removed_on_their_page(console, engine):
    def send(path, **fields):
        return console.post(path, fields)

    assert send("/tenants", id="us", name="", starts_per_second="5").status_code == 303
    assert "us is added." in console.text("/tenants")
    changed = send("/tenants", known="us", name="States", description="All of them", starts_per_second="")
    assert changed.status_code == 303
    text = console.text("/tenants")
    assert "States" in text
    assert "All of them" in text
    assert tenants.get(engine, "us").starts_per_second is None
    for wrong in ({"id": "a b"}, {"id": "us"}, {"id": "x", "starts_per_second": "-1"}, {"known": "nobody"}):
        assert send("/tenants", **wrong).status_code in (404, 409, 422)
    assert send("/tenants/removal", id="us", reason="").status_code == 422
    assert send("/tenants/removal", id="us", reason="Gone.").status_code == 303
    assert [each.id for each in tenants.all_of_them(engine)] == [DEFAULT_TENANT]


def test_programs_ask_for_a_tenant_by_name(app, two):
    client = app.test_client()
    assert [each["id"] for each in client.get("/api/tenants").json["items"]] == [DEFAULT_TENANT, "eu"]
    rows = client.get("/api/definitions?tenant=eu").json["items"]
    assert [(row["processId"], row["version"]) for row in rows] == [("work", 1)]
    assert [row["tenantId"] for row in client.get("/api/instances?tenant=eu").json["items"]] == ["eu"]
    starts = f"/api/processes/{rows[0]['processId']}/starts"
    paused = client.post(f"{starts}/pause", json={"reason": "Why not.", "tenant": "eu"})
    assert (paused.json["tenantId"], paused.json["paused"]) == ("eu", True)
    assert client.get(f"{starts}?tenant=eu").json["paused"]
    assert not client.get(starts).json["paused"]
    assert client.post(f"{starts}/resume", json={"reason": "x"}).status_code == 409
    assert client.get(f"{starts}?tenant=us").status_code == 404


def test_tasks_and_incidents_are_narrowed_to_a_tenant(console, engine, two):
    ask = file(process("ask", start(), user("look"), call("sub", "nowhere"), end()), name="ask.bpmn")
    for id in (DEFAULT_TENANT, "eu"):
        engine.execute(definitions.deploy, [ask], tenant_id=id)
        engine.execute(instances.start, "ask", tenant_id=id, business_id=f"task of {id}")
        engine.execute(instances.start, "ask", tenant_id=id, business_id=f"incident of {id}", elements=["sub"])
    for path, of in (("/tasks", "task of"), ("/incidents", "incident of")):
        assert f"{of} eu" in console.text(path)
        assert f"{of} &lt;default&gt;" in console.text(path)
        of_eu = console.text(f"{path}?tenant=eu")
        assert '<option value="eu" selected' in of_eu
        assert f"{of} eu" in of_eu
        assert f"{of} &lt;default&gt;" not in of_eu
