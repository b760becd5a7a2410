"""Programs log in as OAuth clients: they get a token that expires and ends with their secret."""

from __future__ import annotations

import time

import jwt
import pytest

from tests.web.auth.conftest import PASSWORD, TOKEN
from tests.web.auth.test_gate import basic, bearer
from web.auth import secrets
from web.auth.accessfile import Content, Token
from web.auth.roles import Grant, Role

ASKED = {"grant_type": "client_credentials", "client_id": "billing", "client_secret": TOKEN, "audience": "zeebe-api"}


def ask(client, **changes):
    return client.post("/oauth/token", data={name: value for name, value in (ASKED | changes).items() if value})


def test_a_client_gets_a_token_and_comes_in_with_it(client):
    answer = ask(client)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    made = answer.json["access_token"]
    assert jwt.decode(made, options={"verify_signature": False})["aud"] == ["partitur", "zeebe-api"]
    for path in ("/v2/topology", "/engine-rest/version"):
        assert client.get(path, headers=bearer(made)).status_code == 200


def test_the_secret_may_be_in_the_header(client):
    answer = client.post("/oauth/token", data={"grant_type": "client_credentials", "scope": "x"},
                         headers=basic("billing", TOKEN))
    assert (answer.status_code, answer.json["scope"]) == (200, "x")


def test_a_scope_leaves_no_more_than_it_names(client, access):
    def statuses(scope):
        answer = ask(client, scope=scope)
        shown = bearer(answer.json["access_token"])
        return answer.json.get("scope"), [
            client.post("/v2/signals/broadcast", json={"signalName": "x"}, headers=shown).status_code,
            client.post("/v2/process-instances/search", json={}, headers=shown).status_code,
            client.post("/v2/jobs/activation", headers=shown, json={
                "type": "x", "maxJobsToActivate": 1, "timeout": 1000, "requestTimeout": -1}).status_code]

    assert statuses("") == (None, [200, 200, 200])
    assert statuses("Zeebe") == ("Zeebe", [200, 200, 200])
    assert statuses("jobs read other") == ("read jobs", [403, 200, 200])
    assert statuses("message") == ("message", [200, 403, 403])
    # it gives nothing that its owner has not
    file = access.file.read()
    file.tokens["billing"].grants = (Grant(role=Role.VIEWER),)
    access.file.write(file)
    assert statuses("read jobs") == ("read jobs", [403, 200, 403])


@pytest.mark.parametrize(("changes", "status", "error"), [
    ({"client_secret": "wrong"}, 401, "invalid_client"), ({"client_id": "nobody"}, 401, "invalid_client"),
    ({"client_id": ""}, 401, "invalid_client"), ({"grant_type": ""}, 400, "invalid_request"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
])
def test_what_is_wrong_is_said_as_clients_expect(client, changes, status, error):
    answer = ask(client, **changes)
    assert (answer.status_code, answer.json["error"]) == (status, error)
    assert answer.json["error_description"].startswith("Expected")


@pytest.mark.parametrize(("method", "body", "status"), [
    ("GET", None, 401), ("POST", b"{}", 400), ("POST", b"\xff", 400),
])
def test_other_requests_get_an_answer_in_the_same_form(client, method, body, status):
    answer = client.open("/oauth/token", method=method, data=body, content_type="application/json")
    assert (answer.status_code, answer.json["error"]) == (status, "invalid_request")


def forged(key=None, algorithm="HS256", **changes):
    now = int(time.time())
    claims = {"iss": "partitur", "sub": "billing", "iat": now, "exp": now + 60, "stamp": "x",
              "aud": ["partitur", "zeebe-api"]} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


def test_forged_and_old_tokens_are_worth_nothing(client, access):
    stamp, key = access.stamp("billing"), access._signing_key
    assert client.get("/v2/topology", headers=bearer(forged(key, stamp=stamp))).status_code == 200
    worthless = [
        forged("k" * 64, stamp=stamp), forged("key" * 20, stamp=stamp), forged(None, "none", stamp=stamp), forged(key),
        forged(key, stamp=stamp, exp=int(time.time()) - 1), forged(key, stamp=stamp, exp=None),
        forged(key, stamp=stamp, sub="ann"), forged(key, stamp=stamp, iss="other"),
        forged(key, stamp=stamp, sub=None), forged(key, stamp=stamp, sub="nobody"),
        forged(key, stamp=stamp, aud="zeebe-api"), forged(key, stamp=stamp, aud=None), forged(key, stamp=stamp, aud=[]),
    ]
    for token in worthless:
        assert client.get("/v2/topology", headers=bearer(token)).status_code == 401


def test_an_access_token_ends_with_the_secret_it_was_made_with(client, access):
    made = ask(client).json["access_token"]
    access.file.write(Content(tokens={"billing": Token(secrets.digest_of("ptt_other"))}))
    assert client.get("/v2/topology", headers=bearer(made)).status_code == 401


def test_a_session_is_no_access_token_and_the_other_way_round(client):
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    client.post("/login", data={"csrf_token": token, "name": "ann", "password": PASSWORD})
    cookie = client.get_cookie("partitur").value
    assert client.get("/v2/topology", headers=bearer(cookie)).status_code == 401


def test_guesses_of_secrets_are_throttled(client, ticking):
    for _ in range(5):
        assert ask(client, client_id="ann", client_secret="x").status_code == 401
    answer = ask(client, client_id="ann", client_secret="x")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
