"""Whatever a client sends, the answer is a problem detail with all its members, and never 5xx."""

from __future__ import annotations

import shutil

import pytest

from engine.engine import Engine
from tests.engine import drawing
from tests.web.camunda8 import shapes
from web.app import create_app

SEARCHES = ("process-instances", "element-instances", "variables", "user-tasks", "jobs", "incidents",
            "message-subscriptions", "process-definitions")
COMMANDS = (
    ("POST", "/process-instances"), ("POST", "/process-instances/1/cancellation"), ("POST", "/jobs/activation"),
    ("POST", "/jobs/1/completion"), ("POST", "/jobs/1/failure"), ("POST", "/jobs/1/error"), ("PATCH", "/jobs/1"),
    ("POST", "/user-tasks/1/assignment"), ("POST", "/user-tasks/1/completion"), ("PATCH", "/user-tasks/1"),
    ("POST", "/messages/publication"), ("POST", "/messages/correlation"), ("POST", "/signals/broadcast"),
    ("POST", "/incidents/1/resolution"), ("PUT", "/element-instances/1/variables"),
    *(("POST", f"/{kind}/search") for kind in SEARCHES),
)
FIELDS = ("variables", "processDefinitionId", "processDefinitionKey", "startInstructions", "runtimeInstructions",
          "tags", "awaitCompletion", "type", "timeout", "maxJobsToActivate", "fetchVariable", "retries", "errorMessage",
          "errorCode", "retryBackOff", "changeset", "assignee", "name", "correlationKey", "timeToLive", "signalName",
          "filter", "page", "sort", "tenantId", "businessId", "local", "jobLeaseToken")
VALUES = (1, -1, 2**70, True, "\0", [1], [{}], {}, {"$eq": 1}, {"retries": "x"})


@pytest.fixture(scope="module")
def client(sqlite_template, tmp_path_factory):
    """A client of an application that all tests share which change nothing."""
    path = tmp_path_factory.mktemp("errors") / "partitur.db"
    shutil.copy(sqlite_template, path)
    engine = Engine(f"sqlite:///{path}", synchronous="OFF")
    yield create_app(engine, secret_key="test").test_client()
    engine.close()


def problem(response, status):
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    content = response.get_json()
    shapes.check(content, shapes.PROBLEM)
    assert content["status"] == status
    return content


@pytest.mark.parametrize(("method", "path"), COMMANDS)
def test_wrong_values_are_refused_and_break_nothing(client, method, path):
    for field in FIELDS:
        for value in VALUES:
            response = client.open(f"/v2{path}", method=method, json={field: value})
            assert response.status_code < 500, (field, value, response.text)
            if response.status_code >= 400:
                problem(response, response.status_code)


@pytest.mark.parametrize(("method", "path"), COMMANDS)
@pytest.mark.parametrize("content", [b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(client, method, path, content):
    response = client.open(f"/v2{path}", method=method, data=content, content_type="application/json")
    problem(response, 400)


def test_a_form_cannot_pass_for_json(client):
    response = client.post("/v2/signals/broadcast", data='{"signalName": "x"}', content_type="text/plain")
    problem(response, 415)


@pytest.mark.parametrize("key", ["0", "-5", "9999999999999999999999999"])
@pytest.mark.parametrize("path", [
    "/process-instances/{}", "/process-definitions/{}", "/process-definitions/{}/xml", "/user-tasks/{}",
    "/element-instances/{}", "/variables/{}", "/incidents/{}", "/process-instances/{}/sequence-flows",
])
def test_an_unknown_key_is_not_found(client, path, key):
    problem(client.get(f"/v2{path.format(key)}"), 404)


def test_a_key_that_is_none_is_refused(client):
    problem(client.get("/v2/process-instances/abc"), 400)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_operation_is_not_found(client, method):
    content = problem(client.open("/v2/secrets/list", method=method), 404)
    assert "/v2/secrets/list" in content["detail"]


def test_a_page_of_another_site_may_not_command(client):
    attack = client.post("/v2/signals/broadcast", json={"signalName": "x"}, headers={"Origin": "https://evil.example"})
    assert problem(attack, 403)["title"] == "Forbidden"


@pytest.mark.parametrize("origin", ["file://", "null", "http://localhost"])
def test_the_modeler_and_our_own_pages_may(client, origin):
    answer = client.post("/v2/signals/broadcast", json={"signalName": "x"}, headers={"Origin": origin})
    assert answer.status_code == 200


def test_a_fault_of_ours_is_told_apart(app, engine):
    with engine.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE audit")
    content = problem(app.test_client().post("/v2/signals/broadcast", json={"signalName": "x"}), 500)
    assert "not in your request" in content["detail"]


def test_what_is_over_cannot_be_cancelled(api):
    api.deploy(drawing.process("short", drawing.start(), drawing.end()))
    key = api.start("short")
    assert api.post(f"/process-instances/{key}/cancellation", status=409)["title"] == "INVALID_STATE"


@pytest.mark.parametrize(("path", "content_type"), [
    ("/signals/broadcast", "application/json"), ("/deployments", "multipart/form-data; boundary=x"),
])
def test_a_body_that_is_too_large_is_refused(app, path, content_type):
    app.config.update(MAX_CONTENT_LENGTH=1000)
    response = app.test_client().post(f"/v2{path}", data=b"x" * 2000, content_type=content_type)
    problem(response, 413)
