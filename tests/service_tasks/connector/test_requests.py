"""What the connector sends, and what it makes of the answer: as Camunda's REST connector does."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs

import pytest

RESULT = {"resultVariable": "result"}


def test_the_template_runs_unchanged(rest, service):
    service.answers["/thing"] = (200, {"X-Thing": "7"}, {"total": 12, "lines": [1, 2]})
    variables = rest.completed(
        {"method": "POST", "url": f'="{service.url}/" + kind', "headers": '={"X-Order": orderId}',
         "queryParameters": '={q: "a b&c", page: 2, none: null}', "body": "={order: orderId, amount: 12.50}"},
        RESULT | {"resultExpression": "={total: response.body.total, code: status, first: body.lines[1]}"},
        variables={"kind": "thing", "orderId": "A-1"},
    )
    [sent] = service.received
    assert (sent.method, sent.path, sent.query) == ("POST", "/thing", {"q": "a b&c", "page": "2"})
    assert sent.json == {"order": "A-1", "amount": 12.5}
    assert sent.headers["X-Order"] == "A-1"
    assert sent.headers["Content-Type"] == "application/json"
    assert (variables["total"], variables["code"], variables["first"]) == (12, 200, 1)
    assert variables["result"]["status"] == 200
    assert variables["result"]["headers"]["X-Thing"] == "7"
    assert variables["result"]["body"] == {"total": 12, "lines": [1, 2]}


def test_the_request_carries_the_identity_of_the_call(rest, service):
    rest.completed({})
    headers = service.received[0].headers
    assert len(headers["Idempotency-Key"]) == 36
    assert headers["X-Correlation-ID"]
    assert headers["traceparent"].startswith("00-")


def test_an_idempotency_key_of_the_diagram_goes_first(rest, service):
    rest.completed({"headers": '={"idempotency-key": "mine"}'})
    sent = service.received[0].headers
    assert [value for name, value in sent.items() if name.lower() == "idempotency-key"] == ["mine"]


def test_basic_authentication(rest, service):
    rest.store(PASS="pässword-1")
    rest.completed({"authentication.type": "basic", "authentication.username": "ada",
                    "authentication.password": "{{secrets.PASS}}"})
    kind, _, token = service.received[0].headers["Authorization"].partition(" ")
    assert (kind, base64.b64decode(token).decode()) == ("Basic", "ada:pässword-1")


@pytest.mark.parametrize("written", ["{{secrets.TOKEN}}", "{{ secrets.TOKEN }}", "secrets.TOKEN"])
def test_bearer_authentication_with_each_way_to_name_a_secret(rest, service, written):
    rest.store(TOKEN="token-of-the-bank")
    rest.completed({"authentication.type": "bearer", "authentication.token": written})
    assert service.received[0].headers["Authorization"] == "Bearer token-of-the-bank"


@pytest.mark.parametrize(("place", "read"), [
    ("headers", lambda sent: sent.headers["X-Key"]), ("query", lambda sent: sent.query["X-Key"]),
])
def test_api_key_authentication(rest, service, place, read):
    rest.store(KEY="key/with+signs&more")
    rest.completed({"authentication.type": "apiKey", "authentication.apiKeyLocation": place,
                    "authentication.name": "X-Key", "authentication.value": "{{secrets.KEY}}"})
    assert read(service.received[0]) == "key/with+signs&more"


@pytest.mark.parametrize("place", ["basicAuthHeader", "credentialsBody"])
def test_oauth_fetches_a_token_first(rest, service, place):
    rest.store(CLIENT="client-secret-1")
    service.answers["/token"] = (200, {}, {"access_token": "fresh-token-77", "expires_in": 60})
    rest.completed({
        "authentication.type": "oauth-client-credentials-flow", "authentication.clientId": "shop",
        "authentication.oauthTokenEndpoint": f"{service.url}/token", "authentication.audience": "bank",
        "authentication.clientSecret": "{{secrets.CLIENT}}", "authentication.scopes": "read write",
        "authentication.clientAuthentication": place,
    })
    asked, sent = service.received
    form = {name: value[0] for name, value in parse_qs(asked.body).items()}
    assert (form["grant_type"], form["audience"], form["scope"]) == ("client_credentials", "bank", "read write")
    if place == "basicAuthHeader":
        assert base64.b64decode(asked.headers["Authorization"].split()[1]).decode() == "shop:client-secret-1"
    else:
        assert (form["client_id"], form["client_secret"]) == ("shop", "client-secret-1")
    assert sent.headers["Authorization"] == "Bearer fresh-token-77"


def test_no_token_means_that_the_request_was_not_made(rest, service):
    service.answers["/token"] = (401, {}, {"error": "invalid_client"})
    message = rest.incident({
        "method": "POST", "authentication.type": "oauth-client-credentials-flow", "authentication.clientId": "shop",
        "authentication.oauthTokenEndpoint": f"{service.url}/token", "authentication.clientSecret": "wrong-secret",
    })
    assert "Expected an access token" in message
    assert "401" in message
    assert [sent.path for sent in service.received] == ["/token"]


@pytest.mark.parametrize(("kind", "body", "sent"), [
    ("application/x-www-form-urlencoded", '={a: "x y&z", b: 2}', "a=x+y%26z&b=2"),
    ("text/plain", '="plain text"', "plain text"),
    ("application/vnd.api+json", "={a: [1, null]}", '{"a": [1, null]}'),
])
def test_the_body_follows_its_content_type(rest, service, kind, body, sent):
    rest.completed({"method": "PUT", "headers": f'={{"Content-Type": "{kind}"}}', "body": body})
    assert service.received[0].body == sent
    assert service.received[0].headers["Content-Type"] == kind


def test_a_form_with_parts(rest, service):
    rest.completed({"method": "POST", "headers": '={"Content-Type": "multipart/form-data"}', "body": '={a: "x", b: 2}'})
    sent = service.received[0]
    assert sent.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert 'name="a"\r\n\r\nx\r\n' in sent.body
    assert 'name="b"\r\n\r\n2\r\n' in sent.body


def test_nulls_are_left_out_where_the_diagram_says_so(rest, service):
    rest.completed({"method": "POST", "ignoreNullValues": "true", "body": "={a: null, b: {c: null, d: 1}}"})
    assert service.received[0].json == {"b": {"d": 1}}


@pytest.mark.parametrize(("url", "skip", "target"), [
    ("/a b/ü?q=1 2", "", "/a%20b/%C3%BC?q=1%202"), ("/a%20b?q=%2F", "", "/a%20b?q=%2F"), ("/100%/x", "", "/100%25/x"),
    ("/a%20b?q=%2F", "true", "/a%20b?q=%2F"), ("/thing#part", "", "/thing"),
])
def test_urls_are_encoded_once(rest, service, url, skip, target):
    rest.completed({"url": service.url + url, "skipEncoding": skip or None})
    assert service.received[0].target == target


@pytest.mark.parametrize(("headers", "content", "body"), [
    ({"Content-Type": "text/plain"}, b"just text", "just text"),
    ({}, b'{"broken": ', '{"broken": '),
    ({}, b"", None), ({}, b" \n ", None), ({}, b"[NaN]", "[NaN]"), ({}, b"17", 17),
    ({"Content-Type": "text/plain; charset=latin-1"}, "häh".encode("latin-1"), "häh"),
    ({"Content-Type": "text/plain; charset=no-such"}, b"x", "x"),
    ({}, b"[" * 100_000, "[" * 100_000),
])
def test_bodies_are_json_or_else_text(rest, service, headers, content, body):
    service.answers["/thing"] = (200, headers, content)
    assert rest.completed({}, RESULT)["result"]["body"] == body


def test_redirects_are_not_followed_but_told(rest, service):
    service.answers["/thing"] = (302, {"Location": f"{service.url}/elsewhere"}, b"")
    result = rest.completed({}, RESULT)["result"]
    assert (result["status"], result["headers"]["Location"]) == (302, f"{service.url}/elsewhere")
    assert len(service.received) == 1


def test_without_result_fields_nothing_becomes_a_variable(rest):
    assert set(rest.completed({})) <= {"authentication", "method", "url"}


def test_a_result_expression_that_is_null_gives_nothing(rest):
    assert "x" not in rest.completed({}, {"resultExpression": "=null"})


def test_the_method_may_be_written_small(rest, service):
    rest.completed({"method": "delete"})
    assert service.received[0].method == "DELETE"
