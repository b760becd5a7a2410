"""Scripts read the same lists as the pages, and the OpenAPI document tells all of it."""

from __future__ import annotations

import re

import pytest

from engine import instances
from engine.queries import lists
from web.api.operation import OPERATIONS
from web.console.instance_query import LABELS

JSON_ELSEWHERE = {"/health", "/ready", "/services.templates.json", "/.well-known/camunda-automation-platform/webapps"}


@pytest.fixture
def client(app):
    return app.test_client()


def get(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, response.text
    assert response.content_type == ("application/json" if status == 200 else "application/problem+json")
    return response.json


def test_every_route_is_in_the_document(app, client):
    document = get(client, "/api/openapi.json")
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()
              if rule.rule.startswith("/api/") and not rule.endpoint.endswith(".nothing")}
    assert routes == document["paths"].keys()
    assert {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.endswith(".json")} <= {
        "console.service_templates", "console.raw_file", "api.service_openapi", "api.openapi_document"}


def test_the_document_is_complete(client):
    document = get(client, "/api/openapi.json")
    names = set()
    for path, operation in ((path, each) for path, item in document["paths"].items() for each in item.values()):
        names.add(operation["operationId"])
        assert operation["summary"].endswith("."), path
        assert set(re.findall(r"{(\w+)}", path)) == {each["name"] for each in operation["parameters"]
                                                       if each["in"] == "path"}
        for parameter in operation["parameters"]:
            assert parameter["in"] == "path" or parameter["description"].endswith("."), (path, parameter)
    assert len(names) == len(OPERATIONS)
    references = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert references == document["components"]["schemas"].keys()


def test_instances_have_the_filters_of_the_page(client):
    parameters = get(client, "/api/openapi.json")["paths"]["/api/instances"]["get"]["parameters"]
    assert {each["name"] for each in parameters} >= {"state", *LABELS}


def test_instances_are_found(client, failed_instance):
    found = get(client, "/api/instances?state=incident")
    assert found["total"] == 1
    [row] = found["items"]
    assert (row["key"], row["processId"], row["incidentCount"]) == (str(failed_instance), "review", 1)
    assert get(client, f"/api/instances/{failed_instance}") == row
    assert get(client, f"/api/instances/{failed_instance}/variables")["amount"] == 10
    assert get(client, "/api/instances?variable=amount&value=10&sort=started_at&limit=2")["total"] == 3
    assert len(get(client, "/api/instances?limit=2&offset=2")["items"]) == 1
    assert get(client, "/api/instances?business_id=order-1")["total"] == 1


def test_incidents_are_found(client, failed_instance):
    [row] = get(client, f"/api/incidents?process=review&instance={failed_instance}")["items"]
    assert row["instanceKey"] == str(failed_instance)
    assert get(client, "/api/incidents?state=RESOLVED")["items"] == []


def test_tasks_definitions_effects_and_acts_are_found(client, story, failed_instance):
    assert get(client, "/api/user-tasks?process=review")["total"] == 2
    assert get(client, "/api/user-tasks?assignee=nobody")["total"] == 0
    [definition] = get(client, "/api/definitions?latest=true")["items"]
    assert (definition["processId"], definition["counts"]["incident"]) == ("review", 1)
    assert get(client, "/api/effects?service=charge-card")["total"] >= 1
    story.engine.execute(instances.suspend, failed_instance, "To see.")
    [act] = [each for each in get(client, f"/api/audit?instance={failed_instance}")["items"]
             if each["reason"] == "To see."]
    assert act["operation"] == lists.audit(story.engine, instance_key=failed_instance).items[0].operation


@pytest.mark.parametrize("query", [
    "limit=0", "limit=1001", "limit=x", "limit=", "offset=-1", f"offset={2**31 + 1}", "state=nonsense", "key=%00",
    "business_id=%00", "nonsense=1", "key=1&key=2", "sort=amount", "sort=-", "started_from=yesterday", "version=٣",
    f"key={2**63}", "value=%00", "limit=1e3", "key=%2B5",
])
def test_what_cannot_be_is_refused_with_a_sentence(client, query):
    assert get(client, f"/api/instances?{query}", 400)["detail"].startswith("Expected")


@pytest.mark.parametrize(("path", "status"), [
    ("/api/nothing", 404), ("/api/", 404), ("/api/instances/1", 404), ("/api/instances/1/variables", 404),
    ("/api/instances/99999999999999999999", 404), ("/api/services?x=1", 400), ("/api/instances/1?x=1", 400),
])
def test_what_is_not_there_is_said_as_a_problem(client, path, status):
    assert get(client, path, status)["status"] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"])
def test_other_methods_are_refused_with_those_that_there_are(client, method):
    response = client.open("/api/instances", method=method)
    assert (response.status_code, response.content_type) == (405, "application/problem+json")
    assert "GET" in response.headers["Allow"]


def test_head_and_options_are_answered(client):
    assert client.head("/api/instances").status_code == 200
    assert "GET" in client.options("/api/instances").headers["Allow"]


def test_the_page_leads_to_every_description(console):
    page = console.text("/api")
    for operation in OPERATIONS:
        assert re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", operation.path) in page
    assert "docs.camunda.io" in page
    assert "docs.camunda.org" in page
