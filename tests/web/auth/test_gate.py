"""Nobody gets anywhere without showing who they are, and what they show is checked."""

from __future__ import annotations

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from limits import parse
from limits.storage import MemoryStorage
from sqlalchemy import func, select

from engine import guesses, schema, sessions
from engine.engine import Engine
from engine.guesses import Somebody
from engine.queries import lists
from tests.web.auth.conftest import PASSWORD, TOKEN
from web.app import create_app
from web.auth import gate, secrets
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, Token, User
from web.auth.hosts import is_loopback, is_of_this_machine
from web.auth.limits import LimitError, Limits, TooMany

SIGNAL = "/v2/signals/broadcast"
PUBLIC = {"/static/<path:filename>", "/health", "/health/live", "/health/ready", "/ready",
         "/login", "/logout", "/oauth/token", "/login/provider", "/login/provider/answer", "/login/provider/end",
         "/login/second-factor", "/hooks/<name>"}


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def filled(rule):
    return re.sub(r"<(?:\w+:)?\w+>", "1", rule)


def test_no_route_answers_a_stranger(app, client):
    for rule in app.url_map.iter_rules():
        if rule.rule in PUBLIC:
            continue
        for method in rule.methods - {"OPTIONS"}:
            response = client.open(filled(rule.rule), method=method)
            page = response.status_code == 303 and response.headers["Location"].startswith("/login?next=")
            assert response.status_code == 401 or page, (method, rule.rule, response.status_code)
    assert {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint in gate.PUBLIC} == PUBLIC


def test_what_is_not_there_is_not_told_to_strangers(client):
    assert client.get("/v2/nothing").status_code == 401
    for path in ("/nothing", "/api"):
        assert client.get(path).status_code == 303


def test_each_door_refuses_in_its_own_words(client):
    refused = client.get("/v2/topology")
    assert refused.content_type == "application/problem+json"
    assert (refused.json["status"], refused.json["title"]) == (401, "Unauthorized")
    challenges = refused.headers.getlist("WWW-Authenticate")
    assert any(text.startswith("Basic realm=") for text in challenges)
    assert any(text.startswith("Bearer") for text in challenges)
    refused = client.get("/engine-rest/version")
    assert (refused.status_code, refused.json.keys()) == (401, {"type", "message", "code"})
    assert client.get("/instances", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/login"


@pytest.mark.parametrize("shown", [
    basic("ann", PASSWORD), basic("billing", TOKEN), bearer(TOKEN), {"Authorization": f"bearer  {TOKEN}"},
], ids=["user", "token as password", "token", "lower case"])
def test_who_shows_the_right_thing_comes_in(client, engine, shown):
    assert client.post(SIGNAL, json={"signalName": "x"}, headers=shown).status_code == 200
    name = "ann" if shown == basic("ann", PASSWORD) else "billing"
    assert client.get("/v2/authentication/me", headers=shown).json["username"] == name
    assert client.get("/engine-rest/version", headers=shown).status_code == 200
    assert [row.actor for row in lists.audit(engine).items] == [name]


@pytest.mark.parametrize("shown", [
    basic("ann", "wrong"), basic("bob", PASSWORD), basic("", ""), basic("ann", ""), basic("billing", "ptt_x"),
    bearer("ptt_x"), bearer(""), bearer("a.b.c"), bearer(PASSWORD), {"Authorization": ""},
    {"Authorization": "undefined"}, {"Authorization": "Digest x"}, {"Authorization": "Basic"},
    basic("ann\0", PASSWORD), {"Authorization": "Bearer " + "x" * 50_000},
], ids=range(15))
def test_who_shows_anything_else_does_not(client, shown):
    refused = client.get("/v2/topology", headers=shown)
    assert (refused.status_code, refused.content_type) == (401, "application/problem+json")


def test_what_is_no_base64_is_not_understood(client):
    refused = client.get("/v2/topology", headers={"Authorization": "Basic ä%%%"})
    assert (refused.status_code, refused.json["title"]) == (400, "Bad Request")


def test_passwords_may_have_colons_and_any_letters(client, access):
    access.file.write(Content(users={"ann": User(secrets.hash_of("ä:b:ç"))}))
    assert client.get("/v2/topology", headers=basic("ann", "ä:b:ç")).status_code == 200


def test_a_session_of_a_browser_opens_no_rest_door(client):
    form = client.get("/login").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', form)[1]
    client.post("/login", data={"csrf_token": token, "name": "ann", "password": PASSWORD})
    assert client.get("/instances").status_code == 200
    assert client.post(SIGNAL, json={"signalName": "x"}).status_code == 401


def test_changes_of_the_file_count_at_once(client, access):
    assert client.get("/v2/topology", headers=bearer(TOKEN)).status_code == 200
    access.file.write(Content(tokens={"billing": Token(secrets.digest_of("ptt_new"))}))
    assert client.get("/v2/topology", headers=bearer(TOKEN)).status_code == 401
    assert client.get("/v2/topology", headers=bearer("ptt_new")).status_code == 200
    assert client.get("/v2/topology", headers=basic("ann", PASSWORD)).status_code == 401


@pytest.mark.parametrize("content", [b"", b"{", b'{"users": 1}', b'{"nobody": {}}', b"\xff"])
def test_a_file_that_cannot_be_read_lets_nobody_in(client, access, content):
    access.file.path.write_bytes(content)
    refused = client.get("/v2/topology", headers=bearer(TOKEN))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert client.get("/login").status_code == 503


def test_a_password_is_hashed_once_in_a_while_only(client, monkeypatch):
    checked = []
    fits = secrets.fits
    monkeypatch.setattr(secrets, "fits", lambda *given: checked.append(1) or fits(*given))
    for _ in range(5):
        assert client.get("/v2/topology", headers=basic("ann", PASSWORD)).status_code == 200
    assert len(checked) == 1
    assert client.get("/v2/topology", headers=basic("ann", PASSWORD + "x")).status_code == 401
    assert len(checked) == 2


def test_a_name_that_is_unknown_costs_as_much_as_a_wrong_password(client, monkeypatch):
    checked = []
    monkeypatch.setattr(secrets, "_hasher", type("H", (), {"verify": lambda _, kept, given: checked.append(kept)})())
    client.get("/v2/topology", headers=basic("nobody", "x"))
    assert len(checked) == 1


def test_who_guesses_has_to_wait_longer_each_time(client, ticking):
    for _ in range(5):
        assert client.get("/v2/topology", headers=basic("ann", "guess")).status_code == 401
    refused = client.get("/v2/topology", headers=basic("ann", PASSWORD))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert refused.content_type == "application/problem+json"
    ticking(1.5)
    assert client.get("/v2/topology", headers=basic("ann", "guess")).status_code == 401
    ticking(1.5)
    assert client.get("/v2/topology", headers=basic("ann", PASSWORD)).status_code == 429
    ticking(1)
    assert client.get("/v2/topology", headers=basic("ann", PASSWORD)).status_code == 200
    assert client.get("/v2/topology", headers=basic("ann", "slip")).status_code == 401


def test_guesses_do_not_lock_out_who_is_in(client, ticking):
    assert client.get("/v2/topology", headers=basic("ann", PASSWORD)).status_code == 200
    for _ in range(8):
        client.get("/v2/topology", headers=basic("ann", "guess"))
    assert client.get("/v2/topology", headers=basic("ann", "guess")).status_code == 429
    assert client.get("/v2/topology", headers=basic("ann", PASSWORD)).status_code == 200
    assert client.get("/v2/topology", headers=bearer(TOKEN)).status_code == 200


def test_guessing_names_is_slowed_down_too(client, ticking, monkeypatch):
    monkeypatch.setattr(secrets, "fits", lambda *given: False)
    for number in range(50):
        assert client.get("/v2/topology", headers=basic(f"name-{number}", "x")).status_code == 401
    assert client.get("/v2/topology", headers=basic("another", "x")).status_code == 429


def test_all_nodes_count_guesses_together_and_networks_as_one(either_url, tmp_path, clock, monkeypatch):
    monkeypatch.setattr(secrets, "fits", lambda given, kept: given == PASSWORD)
    engines = [Engine(either_url, clock=clock, synchronous="OFF") for _ in range(3)]
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(users={name: User("") for name in ("ann", "bob", "eve")}))
    nodes = [create_app(each, secret_key="test", access=Access(file, "key")).test_client() for each in engines]

    def tries(name, password, *addresses):
        return [nodes[turn % 3].get("/v2/topology", headers=basic(name, password), environ_base={
            "REMOTE_ADDR": address}).status_code for turn, address in enumerate(addresses)]

    try:
        # Five at any nodes, from anywhere in one network, then nobody there is asked for bob's password.
        assert tries("bob", "x", *(f"2001:db8:1:2::{n}" for n in range(7))) == [401] * 5 + [429] * 2
        assert tries("bob", PASSWORD, "2001:db8:1:2::99", "2001:db8:1:3::1", "192.0.2.1") == [429, 200, 200]
        assert tries("eve", "x", *["192.0.2.2", "::ffff:192.0.2.2"] * 3) == [401] * 5 + [429]
        # Many who come in are no guesses of their office.
        assert tries("ann", PASSWORD, *["192.0.2.7"]) == [200]
        for each in nodes:
            each.application.extensions["access"]._remembered = secrets.Remembered()
        for name in ("bob", "eve") * 40:
            assert tries(name, PASSWORD, "192.0.2.7") == [200]
            for each in nodes:
                each.application.extensions["access"]._remembered = secrets.Remembered()
        # From everywhere at ann: a hundred, then where she never was has to wait, and where she was has not.
        assert set(tries("ann", "x", *(f"198.51.100.{n}" for n in range(100)))) == {401}
        assert tries("ann", PASSWORD, "203.0.113.1", "192.0.2.7") == [429, 200]
        for each in nodes:
            each.application.extensions["access"]._remembered = secrets.Remembered()
        clock.advance(hours=2)
        assert tries("ann", PASSWORD, "203.0.113.1") == [200]
        clock.advance(days=31)
        assert engines[0].execute(guesses.forget) > 100
        with engines[0].read() as connection:
            assert connection.scalar(select(func.count()).select_from(schema.guesses)) == 0
    finally:
        for each in engines:
            each.close()


def test_of_many_guesses_at_the_same_moment_few_are_looked_at(postgres_url, clock):
    engine = Engine(postgres_url, clock=clock)
    try:
        with ThreadPoolExecutor(12) as pool:
            waits = list(pool.map(lambda _: engine.execute(guesses.begin, Somebody("ann", "192.0.2.1")), range(40)))
    finally:
        engine.close()
    assert sum(seconds == 0 for seconds in waits) == guesses.FREE


@pytest.fixture
def open_client(engine):
    return create_app(engine, secret_key="test", hosts=("127.0.0.1", "partitur.example")).test_client()


def test_without_users_everybody_on_this_machine_comes_in(open_client, engine):
    for shown in ({}, {"Authorization": ""}, {"Authorization": "undefined"}, basic("x", "y")):
        assert open_client.post(SIGNAL, json={"signalName": "x"}, headers=shown).status_code == 200
    assert {row.actor for row in lists.audit(engine).items} == {"Camunda 8 REST"}
    assert open_client.get("/login").headers["Location"] == "/"


@pytest.mark.parametrize(("host", "status"), [
    ("localhost:8080", 200), ("127.0.0.1:8080", 200), ("[::1]:8080", 200), ("192.168.1.5", 200), ("a.localhost", 200),
    ("partitur.example", 200), ("evil.example:8080", 403), ("localhost.evil.example", 403), ("127.0.0.1.nip.io", 403),
])
def test_a_name_that_somebody_else_gave_us_is_refused(open_client, host, status):
    assert open_client.get("/v2/topology", headers={"Host": host}).status_code == status
    assert open_client.get("/instances", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:9999"},
])
@pytest.mark.parametrize("path", ["/v2/deployments", "/v2/process-instances/1/cancellation",
                                  "/engine-rest/deployment/create", "/engine-rest/task/1/claim"])
def test_pages_of_other_sites_command_nothing(open_client, path, headers):
    assert open_client.post(path, headers=headers).status_code == 403


def test_addresses_are_told_apart():
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "example.org", "")))
    assert not any(is_of_this_machine(text, ()) for text in ("", "x", "[", "::1", "evil@example", "a b"))


def test_requests_are_counted_by_who_asks(client, access):
    access.limits = Limits.of({"requests": "3/minute"})
    for _ in range(3):
        assert client.get("/v2/topology", headers=bearer(TOKEN)).status_code == 200
    for path in ("/v2/topology", "/engine-rest/version", "/api/instances"):
        refused = client.get(path, headers=bearer(TOKEN))
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert "at most 3 per 1 minute" in refused.text
    assert client.get("/v2/topology", headers=basic("ann", PASSWORD)).status_code == 200
    access.limits = Limits.of({"requests": "off"})
    assert client.get("/v2/topology", headers=bearer(TOKEN)).status_code == 200


def test_a_network_of_ipv6_is_one_address():
    limits = Limits.of({"login": "2/minute"})
    for address in ("2001:db8:1:2::1", "2001:db8:1:2::2", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8:1:3::1"):
        limits.count("login", address)
    for address in ("2001:db8:1:2:3:4:5:6", "192.0.2.1"):
        with pytest.raises(TooMany):
            limits.count("login", address)


def test_requests_are_not_counted_where_the_place_to_count_is_away(client, access):
    access.limits = Limits({"requests": parse("1/minute")}, Away())
    for _ in range(2):
        assert client.get("/v2/topology", headers=bearer(TOKEN)).status_code == 200


class Away(MemoryStorage):
    """A place to count in that cannot be reached."""

    def acquire_sliding_window_entry(self, *given, **more):
        raise ConnectionError("nobody there")


def test_the_last_use_of_a_token_is_known(client, engine, access):
    for _ in range(3):
        client.get("/v2/topology", headers=bearer(TOKEN))
    client.get("/v2/topology", headers=bearer("ptt_other"))
    assert sessions.last_uses(engine).keys() == {"billing"}


def test_a_token_that_has_expired_is_worth_nothing(client, access):
    now = datetime.now(UTC)
    for expires, status in ((now + timedelta(minutes=1), 200), (now, 401)):
        access.file.write(Content(tokens={"billing": Token(secrets.digest_of(TOKEN), (), None, now, expires)}))
        assert client.get("/v2/topology", headers=bearer(TOKEN)).status_code == status
        assert client.get("/v2/topology", headers=basic("billing", TOKEN)).status_code == status
        assert client.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": "billing",
                                                 "client_secret": TOKEN}).status_code == status


@pytest.mark.parametrize("said", [{"login": "often"}, {"requests": "0"}, {"token": "-1/minute"}])
def test_limits_that_cannot_be_are_refused(said):
    with pytest.raises(LimitError, match="Expected the limit of"):
        Limits.of(said)
    with pytest.raises(LimitError, match="Expected a place"):
        Limits.of({}, "nowhere://x")
