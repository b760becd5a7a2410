"""People and programs of a provider of identities come in; whoever only pretends to be one does not."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from engine import sessions
from engine.keyring import Keyring
from engine.queries import approvals
from tests.engine import drawing
from tests.web.auth.provider import CLIENT, PASSWORD, SECRET, Provider
from tests.web.auth.test_gate import bearer
from web.app import create_app
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, User
from web.auth.limits import Limits
from web.auth.openid import LOGGED_OUT, Registration
from web.auth.openid import Provider as Known
from web.auth.roles import Grant, Role
from web.cli import identity
from web.cli.checks import check_provider
from web.cli.settings import SettingsError

DAY = timedelta(days=1)
BACK = "/login/provider/answer"


@pytest.fixture(scope="session")
def running():
    provider = Provider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def provider(running):
    running.reset()
    return running


@pytest.fixture
def registration(provider):
    return {"issuer": provider.url, "client_id": CLIENT, "client_secret": SECRET, "audience": "partitur-api",
            "label": "Example"}


@pytest.fixture
def access(tmp_path, registration):
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(users={"local": User("")}, roles={"accounting": (Grant(role=Role.ADMIN),)}))
    return Access(file, "key", provider=Known(Registration(**registration)), limits=Limits.of({"login": "off"}))


@pytest.fixture
def engine(engine, tmp_path):
    engine.keyring = Keyring(path=tmp_path / "keys")
    return engine


class Person:
    """Somebody with a browser, at our server and at the provider."""

    def __init__(self, app):
        self.app, self.here, self.there = app, app.test_client(), httpx.Client()

    def begin(self, next="/"):
        answer = self.here.get(f"/login/provider?{urlencode({'next': next})}")
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def sign_in(self, address, name="ann", **more):
        answer = self.there.post(address, data={"name": name, "password": PASSWORD, **more})
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come_back(self, address):
        parts = urlsplit(address)
        assert parts.path == BACK
        return self.here.get(f"{parts.path}?{parts.query}")

    def log_in(self, **more):
        return self.come_back(self.sign_in(self.begin(), **more))

    def is_in(self):
        return self.here.get("/sessions").status_code == 200


@pytest.fixture
def person(app):
    return Person(app)


def test_a_person_of_the_provider_comes_in_and_goes(person, provider, engine):
    page = person.here.get("/login").text
    assert "Log in with Example" in page
    address = person.begin("/instances?state=active")
    asked = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
    assert asked.keys() == {"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
                            "code_challenge_method"}
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "openid profile email")
    back = person.sign_in(address)
    entered = person.come_back(back)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/instances?state=active")
    home = person.here.get("/").text
    assert "You are ann" in home
    assert "accounting" in home
    row, = sessions.present(engine, DAY)
    assert (row.name, row.issuer) == ("ann", provider.url)

    # the same answer is worth nothing once more, neither here nor in another browser
    assert person.come_back(back).status_code == 401
    assert Person(person.app).come_back(back).status_code == 401

    # the log-out goes to the provider, too
    token = home.split('name="csrf_token" value="')[1].split('"')[0]
    left = person.here.post("/logout", data={"csrf_token": token})
    away = left.headers["Refresh"].removeprefix("0; url=")
    assert left.status_code == 200
    assert "Log out at Example" in left.text
    assert not person.is_in()
    assert person.there.get(away).headers["Location"] == "http://localhost/login"
    ended, = provider.ended
    assert ended["client_id"] == CLIENT
    assert jwt.decode(ended["id_token_hint"], options={"verify_signature": False})["sub"] == "ann-1"


def test_whoever_is_renamed_at_the_provider_does_not_approve_what_they_asked_for(person, provider, app, engine):
    engine.four_eyes = frozenset({"deployments"})
    assert person.log_in().status_code == 303
    def token(of):
        return of.here.get("/sessions").text.split('name="csrf_token" value="')[1].split('"')[0]

    drawn = drawing.file(drawing.process("p", drawing.start(), drawing.end()))
    asked = person.here.post("/deployments", data={
        "csrf_token": token(person), "files": (BytesIO(drawn.content), "p.bpmn")})
    assert asked.status_code < 400, asked.text
    row, = approvals.approvals(engine).items
    assert row.requester == "ann"

    provider.people["ann"]["preferred_username"] = "anna"
    later = Person(app)
    assert later.log_in().status_code == 303
    assert "You are anna" in later.here.get("/").text
    tried = later.here.post(f"/approvals/deployments/{row.key}/approval", data={
        "csrf_token": token(later), "reason": "Mine."})
    assert "then called" in tried.text
    assert approvals.approval(engine, row.key).state == "WAITING"


def test_a_log_in_has_to_be_as_strong_as_asked_for(person, provider, app, access, registration):
    access.provider = Known(Registration(**registration, acr=("mfa", "phr")))
    asked = parse_qs(urlsplit(person.begin()).query)
    assert asked["acr_values"] == ["mfa phr"]
    for acr, status in ((None, 401), ("pwd", 401), (["mfa"], 401), ("mfa ", 401), ("phr", 303), ("mfa", 303)):
        provider.mend = claims_of(acr=acr)["mend"] if acr is not None else lambda header, claims: None
        answer = Person(app).log_in()
        assert (answer.status_code, "not strong enough" in answer.text) == (status, status == 401), acr


def claims_of(**changed):
    def mend(header, claims):
        for name, value in changed.items():
            claims.update({name: value})
            if value is None:
                del claims[name]
    return {"mend": mend}


def signed(how):
    return {"sign": how}


NOW = int(time.time())
LIES = {
    "nonce of another": (claims_of(nonce="other"), "another request"),
    "no nonce": (claims_of(nonce=None), "another request"),
    "other issuer": (claims_of(iss="https://evil.example"), "made by somebody else"),
    "no issuer": (claims_of(iss=None), "something is missing"),
    "other audience": (claims_of(aud="other"), "made for somebody else"),
    "no audience": (claims_of(aud=None), "something is missing"),
    "several audiences": (claims_of(aud=[CLIENT, "other"]), "another client"),
    "made for another": (claims_of(aud=[CLIENT, "other"], azp="other"), "another client"),
    "expired": (claims_of(exp=NOW - 3_600, iat=NOW - 7_200), "expired"),
    "for ever": (claims_of(exp=None), "something is missing"),
    "of the future": (claims_of(iat=NOW + 36_000, exp=NOW + 72_000), "of the future"),
    "no subject": (claims_of(sub=None), "something is missing"),
    "unsigned": (signed(lambda header, claims: jwt.encode(claims, None, "none", headers=header)), "proves nothing"),
    "shared secret": (signed(lambda header, claims: jwt.encode(claims, SECRET * 2, "HS256", headers=header)),
                      "proves nothing"),
    "other key": (signed(lambda header, claims: jwt.encode(
        claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers=header)), "signature is wrong"),
    "unknown key": (signed(lambda header, claims: jwt.encode(
        claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": "x"})), "unknown key"),
    "changed": (signed(lambda header, claims: jwt.encode(
        claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers=header)[:-4] + "AAAA"), "signature is wrong"),
    "no token": (signed(lambda header, claims: "x.y.z"), "no token"),
    "nothing": (signed(lambda header, claims: ""), "no token"),
}


def test_sessions_end_after_the_provider_asked_again_who_one_is(app, provider, engine, clock):
    person, other = Person(app), Person(app)
    clock.now = datetime.now(UTC)
    for each in (person, other):
        assert each.log_in().status_code == 303

    def end_others():
        form = re.search(r'name="csrf_token" value="([^"]+)"', person.here.get("/sessions").text)[1]
        return person.here.post("/sessions/end", data={"csrf_token": form}).headers["Location"]

    # A provider may let somebody in without a question, so that a log-in of a moment ago does not count.
    confirmation = "/sessions/confirmation?next=/sessions"
    assert end_others() == confirmation
    page = person.here.get(confirmation).text
    [link] = re.findall(r'href="(/login/provider\?[^"]*)"', page)
    address = person.here.get(unescape(link)).headers["Location"]
    asked = parse_qs(urlsplit(address).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    # One that does not ask, though told to, is not believed, nor is one that does not say when it asked.
    for auth_time in (int(time.time()) - 3_600, None, "now"):
        provider.mend = lambda header, claims, auth_time=auth_time: claims.update(auth_time=auth_time)
        refused = person.come_back(person.sign_in(person.here.get(unescape(link)).headers["Location"]))
        assert (refused.status_code, "not asked you again" in refused.text) == (401, True), auth_time
    provider.mend = lambda header, claims: None
    assert end_others() == confirmation
    back = person.come_back(person.sign_in(person.here.get(unescape(link)).headers["Location"]))
    assert back.headers["Location"] == "/sessions"
    assert (end_others(), person.is_in(), other.is_in()) == ("/sessions", True, False)


def test_no_lie_lets_anybody_in(app, provider, engine):
    """One browser for each: what an ID token must be (OpenID Connect Core §3.1.3.7)."""
    for name, (lie, why) in LIES.items():
        provider.mend, provider.sign = lambda header, claims: None, None
        for attribute, value in lie.items():
            setattr(provider, attribute, value)
        person = Person(app)
        with capture_logs() as logged:
            refused = person.log_in()
        assert refused.status_code == 401, name
        assert "cannot be trusted" in refused.text, name
        assert why in logged[-1]["reason"], name
        assert not person.is_in(), name
    assert sessions.present(engine, DAY) == ()
    provider.mend, provider.sign = lambda header, claims: None, None
    assert Person(app).log_in().status_code == 303


def test_answers_to_what_nobody_asked_are_refused(app, provider, person):
    address = person.begin()
    back = person.sign_in(address)
    query = {name: value[0] for name, value in parse_qs(urlsplit(back).query).items()}
    for changes in ({"state": "other"}, {"state": None}, {"iss": "https://evil.example"}):
        changed = {name: value for name, value in {**query, **changes}.items() if value}
        assert person.here.get(f"{BACK}?{urlencode(changed)}").status_code == 401
        person.begin()
    # the code of another log-in does not go with this one: PKCE
    state = parse_qs(urlsplit(person.begin()).query)["state"][0]
    refused = person.here.get(f"{BACK}?{urlencode({**query, 'state': state})}")
    assert refused.status_code == 401
    assert "Example does not let you in" in refused.text
    assert not person.is_in()
    for nothing in ("", "?state=", "?code=x", "?state=&code="):
        assert Person(app).here.get(BACK + nothing).status_code == 401


def test_a_log_in_that_takes_too_long_is_over(person, monkeypatch):
    back = person.sign_in(person.begin())
    now = time.time()
    monkeypatch.setattr("web.auth.openid_doors.time.time", lambda: now + 700)
    assert "too long ago" in person.come_back(back).text


def test_what_the_provider_says_no_to_is_told(person):
    answer = person.there.post(person.begin(), data={"deny": "yes"})
    refused = person.come_back(answer.headers["Location"])
    assert refused.status_code == 401
    assert "Example does not let you in: They &lt;b&gt;said&lt;/b&gt; no." in refused.text


def test_a_provider_that_is_away_is_said_and_asked_again(person, app, provider, access):
    provider.away = {"discovery"}
    refused = person.here.get("/login/provider")
    assert refused.status_code == 502
    assert "Example cannot be asked" in refused.text
    provider.away = set()
    for missing in ("token", "keys"):
        back = person.sign_in(person.begin())
        provider.away = {missing}
        assert person.come_back(back).status_code == 502, missing
        provider.away = set()
    assert person.log_in().status_code == 303
    provider.away = {"discovery", "keys"}
    assert person.is_in()
    known = Known(Registration(issuer=provider.url + "/", client_id=CLIENT))
    access.provider = known
    assert person.here.get("/login/provider").status_code == 502


@pytest.mark.parametrize("says", [
    {"issuer": "https://evil.example"}, {"jwks_uri": "http://192.0.2.1/keys"}, {"token_endpoint": None},
    {"authorization_endpoint": "javascript:alert(1)"},
])
def test_a_provider_that_is_none_is_not_used(person, provider, says):
    provider.metadata = says
    assert person.here.get("/login/provider").status_code == 502


def test_new_keys_are_fetched_but_not_for_everybody(app, provider, access):
    now = [0.0]
    access.provider.clock = lambda: now[0]
    assert Person(app).log_in().status_code == 303
    provider.rotate(keep=True)
    now[0] += 11
    assert Person(app).log_in().status_code == 303
    before = provider.asked.count("keys")
    for number in range(20):
        access_token = provider.token({"aud": "partitur-api"}, {"kid": f"unknown-{number}"})
        assert app.test_client().get("/v2/topology", headers=bearer(access_token)).status_code == 401
    assert provider.asked.count("keys") == before
    # what is taken out counts no more, after an hour at the latest
    old, provider.public = provider.token({"aud": "partitur-api"}), []
    now[0] += 3_601
    assert app.test_client().get("/v2/topology", headers=bearer(old)).status_code == 401


def test_who_comes_in_and_under_which_name(app, provider, access, registration):
    def log_in(claims, info=None, **registered):
        provider.people["ann"], provider.info = claims, info or {}
        access.provider = Known(Registration(**{**registration, **registered}))
        person = Person(app)
        answer = person.log_in()
        return person.here.get("/").text if answer.status_code == 303 else answer.text

    groups = {"groups": ["accounting"]}
    mail = {"email": "ann@example.org", "email_verified": True}
    assert "You are ann-1" in log_in(groups)
    assert "You are ann@example.org" in log_in({**groups, **mail})
    assert "You are ann-1" in log_in({**groups, **mail, "email_verified": False})
    assert "has not verified" in log_in({**groups, **mail, "email_verified": False}, name_claim="email")
    assert "cannot be one here" in log_in({**groups, "preferred_username": "a:b"})
    # groups from elsewhere: the user info, an object, another claim
    assert "You are ann" in log_in({"preferred_username": "ann"}, groups)
    assert "You are ann" in log_in({"preferred_username": "ann", "realm_access": {"roles": ["accounting"]}},
                                   groups_claim="realm_access.roles")
    assert "none of your groups has a role here: sales" in log_in({"preferred_username": "ann", "groups": ["sales"]})
    assert "you are in none" in log_in({"preferred_username": "ann", "groups": {"accounting": True}})
    # names of our own are not to be had
    assert "a user or a token of the name local" in log_in({**groups, "preferred_username": "local"})
    # domains
    assert "You are" in log_in({**groups, **mail}, domains=("example.org",))
    for wrong in ({}, {"email_verified": False}, {"email": "ann@evil.example"},
                  {"email": "a@example.org.evil.example"}):
        claims = {**groups, **mail, **wrong} if wrong else groups
        assert "verified mail address of example.org" in log_in(claims, domains=("example.org",))
    # a public client has no secret; the provider of this test wants one
    assert "does not let you in" in log_in({**groups, **mail}, client_secret="wrong")


def test_sessions_end_with_the_provider_that_began_them(person, access, provider, app):
    person.log_in()
    assert person.is_in()
    assert app.test_client().get("/sessions").status_code == 303
    known, access.provider = access.provider, None
    assert not person.is_in()
    access.provider = known
    assert person.is_in()


def test_the_provider_ends_sessions(app, provider, engine, access):
    def log_out(claims, **more):
        token = provider.token({"aud": CLIENT, "jti": "1", "events": {LOGGED_OUT: {}}, "sub": None, **claims}, **more)
        return app.test_client().post("/login/provider/end", data={"logout_token": token}).status_code

    people = [Person(app), Person(app)]
    for number, person in enumerate(people):
        provider.mend = lambda header, claims, number=number: claims.update(sid=f"s-{number}")
        assert person.log_in().status_code == 303
    for wrong in ({"events": None}, {"events": {}}, {"aud": "other"}, {"nonce": "x"}, {"jti": None}, {"iat": None},
                  {"exp": NOW - 3_600}, {"iss": "https://evil.example"}, {"sid": None}):
        assert log_out({"sid": "s-0", **wrong}) == 400, wrong
    assert log_out({"sid": "s-0"}, key=ec.generate_private_key(ec.SECP256R1())) == 400
    assert app.test_client().post("/login/provider/end").status_code == 400
    assert all(person.is_in() for person in people)
    assert log_out({"sid": "s-0"}) == 200
    assert [person.is_in() for person in people] == [False, True]
    assert log_out({"sub": "ann-1"}) == 200
    assert not people[1].is_in()
    access.provider = None
    assert log_out({"sub": "ann-1"}) == 400


def test_programs_of_the_provider_come_in_with_its_tokens(app, provider, access, registration):
    client = app.test_client()

    def status(claims, **more):
        token = provider.token({"aud": "partitur-api", "groups": ["accounting"], "azp": "worker", **claims}, **more)
        return client.get("/v2/authentication/me", headers=bearer(token)).status_code

    shown = provider.token({"aud": ["other", "partitur-api"], "groups": ["accounting"], "azp": "worker"})
    assert client.get("/v2/authentication/me", headers=bearer(shown)).json["username"] == "worker"
    assert status({}) == 200
    for wrong in ({"aud": CLIENT}, {"aud": None}, {"exp": NOW - 60}, {"exp": None}, {"nbf": NOW + 3_600},
                  {"nonce": "x"}, {"iss": provider.url + "/"}, {"azp": "local"}, {"sub": None}):
        assert status(wrong) == 401, wrong
    assert status({}, key=ec.generate_private_key(ec.SECP256R1())) == 401
    assert status({}, key="k" * 64, algorithm="HS256") == 401
    unsigned = jwt.encode({"iss": provider.url, "aud": "partitur-api", "sub": "x", "exp": NOW + 60}, None, "none")
    assert client.get("/v2/topology", headers=bearer(unsigned)).status_code == 401
    # who has no role may nothing
    assert client.get("/v2/topology", headers=bearer(provider.token({"aud": "partitur-api"}))).status_code == 200
    assert client.post("/v2/signals/broadcast", json={"signalName": "x"},
                       headers=bearer(provider.token({"aud": "partitur-api"}))).status_code == 403
    # keys that cannot be had are no reason to say that a token is wrong
    access.provider = Known(Registration(**registration))
    provider.away = {"keys"}
    refused = client.get("/v2/topology", headers=bearer(shown))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    provider.away = set()
    # without an audience nobody's tokens are taken
    access.provider = Known(Registration(**{**registration, "audience": ""}))
    assert status({}) == 401


def test_with_a_provider_nobody_comes_in_unknown(engine, tmp_path, registration):
    access = Access(AccessFile(tmp_path / "none.json"), "key", provider=Known(Registration(**registration)))
    client = create_app(engine, secret_key="test", access=access).test_client()
    assert client.get("/instances").status_code == 303
    page = client.get("/login").text
    assert "Log in with Example" in page
    assert 'type="password"' not in page


@pytest.mark.browser
def test_people_come_in_and_go_in_a_real_browser(open_page, provider, app):
    page = open_page("/instances?state=active")
    page.get_by_role("link", name="Log in with Example").click()
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/instances?state=active")
    page.goto(page.url.split("/instances")[0] + "/sessions")
    page.get_by_text("this one").wait_for()
    page.get_by_title("You act as ann").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    assert len(provider.ended) == 1
    page.get_by_role("link", name="Log in with Example").click()
    page.get_by_role("button", name="Deny").click()
    page.get_by_role("alert").wait_for()


SAID = {"PARTITUR_OIDC_ISSUER": "https://login.example", "PARTITUR_OIDC_CLIENT_ID": "partitur"}


@pytest.mark.parametrize(("said", "problem"), [
    ({"PARTITUR_OIDC_ISSUER": "http://login.example"}, "begins with https"),
    ({"PARTITUR_OIDC_ISSUER": ""}, "Expected PARTITUR_OIDC_ISSUER beside"),
    ({"PARTITUR_OIDC_CLIENT_ID": ""}, "Expected PARTITUR_OIDC_CLIENT_ID beside"),
    ({"PARTITUR_OIDC_AUDIENCE": "partitur"}, "another one than PARTITUR_OIDC_CLIENT_ID"),
    ({"PARTITUR_OIDC_SCOPES": "profile"}, "the scope openid"),
])
def test_settings_that_cannot_be_are_refused(monkeypatch, said, problem):
    for name, value in {**SAID, **said}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=problem):
        identity.registration()


def test_settings_say_what_the_provider_is(monkeypatch):
    assert identity.registration() is None
    more = {"SCOPES": "openid, groups", "NAME_CLAIM": "email", "GROUPS_CLAIM": "roles",
            "DOMAINS": "@A.example b.example", "AUDIENCE": "api", "CLIENT_SECRET": "s3cret", "LABEL": "Us"}
    for name, value in {**SAID, **{f"PARTITUR_OIDC_{name}": value for name, value in more.items()}}.items():
        monkeypatch.setenv(name, value)
    known = identity.registration()
    assert known == Registration(
        issuer="https://login.example", client_id="partitur", client_secret="s3cret", scopes=("openid", "groups"),
        name_claim="email", groups_claim="roles", domains=("a.example", "b.example"), audience="api", label="Us")
    assert "s3cret" not in repr(known)


def test_the_doctor_asks_the_provider(monkeypatch, provider):
    assert list(check_provider()) == []
    monkeypatch.setenv("PARTITUR_OIDC_ISSUER", provider.url)
    assert [each.result for each in check_provider()] == ["failed"]
    monkeypatch.setenv("PARTITUR_OIDC_CLIENT_ID", CLIENT)
    assert [each.result for each in check_provider()] == ["ok"]
    provider.away = {"discovery"}
    found, = check_provider()
    assert (found.result, found.found) == ("warning", f"{provider.url} cannot be used: it answered 502")


@pytest.mark.parametrize(("name", "value", "read"), [
    ("PARTITUR_SESSION_HOURS", "0", identity.policy), ("PARTITUR_SESSION_HOURS", "a day", identity.policy),
    ("PARTITUR_SESSION_IDLE_MINUTES", "-1", identity.policy), ("PARTITUR_LIMIT_LOGIN", "often", identity.limits),
    ("PARTITUR_LIMIT_STORAGE", "nowhere://", identity.limits), ("PARTITUR_PROXIES", "some", identity.proxies),
    ("PARTITUR_PUBLIC_URL", "partitur.example", identity.public_url),
])
def test_numbers_and_limits_that_cannot_be_are_refused(monkeypatch, name, value, read):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="Expected"):
        read()
