"""What no client should send: every answer is an error body of the interface, and nothing is a fault of the server."""

from __future__ import annotations

import pytest

from tests.web.camunda7 import shapes
from web.camunda7 import bp, pages

DEEP = "[" * 5_000
BODIES = (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"variables":{"a":{"value":1,"type":"x"}}}',
          b'{"variables":[]}', DEEP.encode(), b'{"workerId":"a\\u0000"}', b'{"maxTasks":1e400}')


def rules(app, method):
    return [rule.rule for rule in app.url_map.iter_rules()
            if rule.endpoint.startswith("camunda7.") and method in rule.methods]


def filled(rule, id):
    path = rule
    for part in ("<id>", "<process_id>", "<decision_id>", "<tenant_id>", "<name>", "<path:anything>"):
        path = path.replace(part, id)
    return path


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("content", BODIES, ids=range(len(BODIES)))
def test_bodies_that_are_nonsense(app, method, content):
    client = app.test_client()
    for rule in rules(app, method):
        response = client.open(filled(rule, "1"), method=method, data=content, content_type="application/json")
        assert response.status_code < 500, (rule, response.text)
        if response.status_code >= 400:
            assert response.get_json().keys() >= shapes.ERROR, rule


@pytest.mark.parametrize("id", ["1", "x", "9" * 30, "-1", "a:b:c", "%00", "٣", "1.5"])
def test_ids_of_nothing(app, id):
    client = app.test_client()
    for method in ("GET", "DELETE"):
        for rule in rules(app, method):
            if "<" in rule:
                response = client.open(filled(rule, id), method=method)
                assert response.status_code in (200, 400, 404), (rule, response.text)


@pytest.mark.parametrize("query", ["maxResults=%00", "processInstanceId=%00", "x=1", "firstResult=-5", "sortBy=x",
                                   "processInstanceIdIn=1,,x", "startedBefore=yesterday", "variables=a_eq_%00"])
def test_queries_that_are_nonsense(app, query):
    client = app.test_client()
    for rule in rules(app, "GET"):
        if "<" not in rule:
            response = client.get(f"{rule}?{query}")
            assert response.status_code < 500, (rule, response.text)


def test_other_content_types_are_refused(api):
    response = api.client.post("/engine-rest/message", data='{"messageName":"x"}', content_type="text/plain")
    assert (response.status_code, response.get_json().keys()) == (415, shapes.ERROR)


def test_pages_of_other_sites_cannot_command(api):
    for origin, status in (("https://evil.example", 403), ("file://", 404), ("null", 404), ("http://localhost", 404)):
        response = api.client.post("/engine-rest/process-definition/key/x/start", json={}, headers={"Origin": origin})
        assert response.status_code == status, origin


def test_the_interface_has_no_routes_elsewhere(app):
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(f"{bp.name}."):
            assert rule.rule.startswith("/engine-rest")
        if rule.endpoint.startswith(f"{pages.name}."):
            assert rule.rule.startswith(("/camunda7/", "/.well-known/"))
