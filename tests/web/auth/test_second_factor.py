"""Whoever has a second factor comes in by no door without it; on the page for it, people look after it themselves."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest

from engine import second_factors, sessions
from engine.engine import Engine
from engine.keyring import Keyring
from engine.queries import lists
from tests.engine import factors
from tests.engine.factors import Phone
from tests.web.auth.conftest import PASSWORD, TOKEN, hashed
from tests.web.auth.test_gate import basic, bearer
from tests.web.auth.test_login import Person
from tests.web.test_doctor import said
from web.app import create_app
from web.auth import secrets
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, Token, User
from web.auth.demand import Demand, DemandError
from web.auth.roles import Grant, Permission, Role
from web.cli import identity
from web.cli.settings import SettingsError

STEP = "/login/second-factor"
DOORS = ("/v2/topology", "/engine-rest/version", "/api/instances", "/metrics", "/instances", "/second-factor")


class Somebody(Person):
    """Somebody with a browser and a phone."""

    phone = None

    def post(self, path, page=None, **data):
        return self.client.post(path, data={"csrf_token": self.token(page or path), **data})

    def show(self, code, **more):
        return self.post(STEP, code=code, **more)

    def read_picture(self, page):
        """Let the phone learn the secret that a page shows."""
        secret = re.search(r'secret-text">([A-Z2-7 ]+)<', self.client.get(page).text)[1].replace(" ", "")
        self.phone = Phone(self.client.application.extensions["engine"], secret)

    def set_up(self, **more):
        """Set one up on the page; the recovery codes."""
        begun = self.post("/second-factor/setup", "/second-factor", current=PASSWORD, **more)
        assert begun.status_code == 303, begun.text
        self.read_picture("/second-factor")
        return codes_on(self.post("/second-factor/activation", "/second-factor", code=self.phone.code()))

    def token(self, path="/login"):
        # A page that only shows itself in the middle of a log-in has the token of this browser, too.
        return re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(path).text)[1]

    def is_in(self):
        return self.client.get("/instances").status_code == 200


def codes_on(page):
    assert page.status_code == 200, page.text
    assert page.headers["Cache-Control"] == "no-store"
    return re.findall(r"<li>(\w{5}-\w{5})</li>", page.text)


@pytest.fixture(autouse=True)
def quick_recovery_codes(monkeypatch):
    """Ten hashes each time are what takes long here."""
    monkeypatch.setattr(secrets, "_MEMORY", 64)


@pytest.fixture
def engine(engine, tmp_path):
    engine.keyring = Keyring(path=tmp_path / "keys")
    return engine


@pytest.fixture
def access(tmp_path):
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(users={"ann": User(hashed(PASSWORD)), "bob": User(hashed(PASSWORD))},
                       tokens={"billing": Token(secrets.digest_of(TOKEN))}))
    return Access(file, "key")


@pytest.fixture
def new(app):
    return lambda: Somebody(app)


@pytest.fixture
def ann(new, clock):
    """Ann, who is logged in and has a second factor; her recovery codes are at `codes`."""
    made = new()
    assert made.log_in().status_code == 303
    made.codes = made.set_up()
    clock.advance(seconds=30)
    return made


def deeds(engine):
    return [(row.actor, row.operation, row.entity) for row in lists.audit(engine).items]


def test_no_door_opens_for_the_password_alone(ann, client, app, access):
    before = access.access_token("bob", PASSWORD, "x", None)
    for path in DOORS:
        refused = client.get(path, headers=basic("ann", PASSWORD))
        assert (refused.status_code, "with a second factor" in refused.text) == (401, True), path
        assert client.get(path, headers=basic("billing", TOKEN)).status_code == 200
        assert client.get(path, headers=bearer(TOKEN)).status_code == 200
        assert client.get(path, headers=basic("bob", PASSWORD)).status_code == 200
        assert client.get(path, headers=bearer(before)).status_code == 200
    asked = {"grant_type": "client_credentials", "client_id": "ann", "client_secret": PASSWORD}
    refused = client.post("/oauth/token", data=asked)
    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")
    assert refused.json["error_description"] == (
        "Expected the token of a program, but found the password of 'ann', who comes in by the log-in page only, with "
        "a second factor.")
    assert client.post("/oauth/token", headers=basic("ann", PASSWORD), data={
        "grant_type": "client_credentials"}).status_code == 401
    # a wrong password is told nothing of it
    assert "second factor" not in client.get("/v2/topology", headers=basic("ann", "guess")).text

    # what was made of a password before there had to be one is worth nothing, either
    access.demand = Demand(everybody=True)
    assert client.get("/v2/topology", headers=bearer(before)).status_code == 401
    for path in DOORS:
        assert client.get(path, headers=basic("bob", PASSWORD)).status_code == 401
        assert client.get(path, headers=bearer(TOKEN)).status_code == 200


def test_a_log_in_goes_on_after_the_code_and_only_then(ann, new, app, engine, clock):
    other = new()
    entered = other.log_in(next="/instances?state=active")
    assert (entered.status_code, entered.headers["Location"]) == (303, f"{STEP}?next=/instances?state%3Dactive")
    half = other.client.get_cookie("partitur").value
    assert [other.client.get(path).status_code for path in ("/", "/instances", "/second-factor")] == [303] * 3
    assert other.client.get("/v2/topology").status_code == 401
    assert other.client.post(STEP, data={"code": ann.phone.code()}).status_code == 400
    refused = other.show("123")
    assert (refused.status_code, "not right, or was used" in refused.text) == (401, True)
    used = ann.phone.code()
    entered = other.show(f"{used[:3]} {used[3:]}", next="/instances?state=active")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/instances?state=active")
    assert (other.is_in(), ann.is_in()) == (True, True)

    # what the browser showed in between is worth nothing
    thief = new()
    thief.client.set_cookie("partitur", half)
    assert (thief.client.get(STEP).status_code, thief.is_in()) == (303, False)

    # a code counts once, and each in its time
    again = new()
    again.log_in()
    for wrong in (used, ann.phone.code(-2), ann.phone.code(2), "0" * 5_000):
        assert again.show(wrong).status_code == 401, wrong
    assert not again.is_in()
    clock.advance(seconds=30)
    assert again.show(ann.phone.code()).status_code == 303
    assert ("ann", "REFUSE", "SECOND_FACTOR") in deeds(engine)


def test_the_code_of_somebody_else_is_none(ann, new, clock):
    bob = new()
    bob.log_in("bob")
    bob.set_up()
    clock.advance(seconds=30)
    other = new()
    other.log_in("bob")
    assert other.show(ann.phone.code()).status_code == 401
    assert other.show(ann.codes[0]).status_code == 401
    assert other.show(bob.phone.code()).status_code == 303


def test_wrong_codes_count_as_wrong_passwords_do_and_a_right_password_forgives_none(ann, new, access, clock):
    other = new()
    for _ in range(5):
        access._remembered = secrets.Remembered()       # as on a node that has not seen the password yet
        assert other.log_in().status_code == 303
        assert other.show("000000").status_code == 401
    other.log_in()
    put_off = other.show(ann.phone.code())
    assert (put_off.status_code, put_off.headers["Retry-After"]) == (429, "2")
    assert "Try again in 2 seconds" in put_off.text
    # not only for the code
    assert new().log_in(password="guess").status_code == 429
    clock.advance(seconds=2)
    assert other.show(ann.phone.code()).status_code == 303
    # then they are forgiven
    clock.advance(seconds=60)
    again = new()
    again.log_in()
    assert [again.show("000000").status_code for _ in range(4)] == [401] * 4
    # after five in one log-in, it begins anew
    gone = again.show("000000")
    assert (gone.status_code, gone.headers["Location"]) == (303, "/login?next=/")
    assert "Too many wrong codes" in again.client.get("/login").text


def test_half_a_log_in_ends_by_time_by_another_password_and_with_the_user(ann, new, access, clock):
    late, changed, gone = new(), new(), new()
    for each in (late, changed, gone):
        each.log_in()
        each.form = each.token(STEP)
    clock.advance(minutes=4)
    assert late.client.get(STEP).status_code == 200
    clock.advance(minutes=1)
    assert late.client.post(STEP, data={"csrf_token": late.form, "code": ann.phone.code()}).status_code == 303
    assert not late.is_in()
    for each, users in ((changed, {"ann": User("another")}), (gone, {"bob": User(hashed(PASSWORD))})):
        each.log_in()
        form = each.token(STEP)
        before = access.file.read()
        access.file.write(Content(users=users))
        assert each.client.post(STEP, data={"csrf_token": form, "code": ann.phone.code()}).status_code == 303
        assert not each.is_in()
        access.file.write(before)


def test_a_recovery_code_lets_in_once_and_it_is_said_when_they_run_low(ann, new, engine):
    assert len(ann.codes) == 10
    assert len(set(ann.codes)) == 10
    for number, code in enumerate(ann.codes[:8]):
        other = new()
        other.log_in()
        if number == 1:
            assert other.show(ann.codes[0]).status_code == 401
        assert other.show(code.upper().replace("-", " ") if number % 2 else code).status_code == 303, code
        low = f"{9 - number} recovery codes left" in other.client.get("/second-factor").text
        assert low == (number >= 6)
    assert deeds(engine).count(("ann", "USE", "RECOVERY_CODE")) == 8
    # new ones take their place
    wrong = ann.post("/second-factor/codes", "/second-factor", current="guess", code=ann.phone.code())
    assert (wrong.status_code, "present password is not right" in wrong.text) == (422, True)
    assert ann.post("/second-factor/codes", "/second-factor", current=PASSWORD, code="1").status_code == 422
    fresh = codes_on(ann.post("/second-factor/codes", "/second-factor", current=PASSWORD, code=ann.phone.code()))
    other = new()
    other.log_in()
    assert [other.show(code).status_code for code in (ann.codes[9], fresh[0])] == [401, 303]
    assert fresh[0] not in ann.client.get("/second-factor").text


def test_it_counts_after_a_right_code_and_ends_all_other_sessions(new, engine, clock):
    ann, other = new(), new()
    for each in (ann, other):
        each.log_in()
    assert ann.post("/second-factor/setup", "/second-factor", current="guess").status_code == 422
    assert "secret-text" not in ann.client.get("/second-factor").text
    ann.post("/second-factor/setup", "/second-factor", current=PASSWORD)
    ann.read_picture("/second-factor")
    assert re.search(r'<svg [^>]*class="qr"', ann.client.get("/second-factor").text)
    # it does not count yet, and not for another browser
    assert other.post("/second-factor/activation", "/second-factor", code=ann.phone.code()).status_code == 422
    assert ann.post("/second-factor/activation", "/second-factor", code="000000").status_code == 422
    assert new().log_in().headers["Location"] == "/"
    before = ann.client.get_cookie("partitur").value
    assert len(codes_on(ann.post("/second-factor/activation", "/second-factor", code=ann.phone.code()))) == 10
    assert (ann.is_in(), other.is_in()) == (True, False)
    other.client.set_cookie("partitur", before)
    assert not other.is_in()
    assert "secret-text" not in ann.client.get("/second-factor").text

    # another phone needs a code of the first one, which counts until the second one does
    first = ann.phone
    clock.advance(seconds=30)
    assert ann.post("/second-factor/setup", "/second-factor", current=PASSWORD).status_code == 422
    codes = ann.set_up(code=first.code())
    clock.advance(seconds=30)
    again = new()
    again.log_in()
    assert [again.show(phone.code()).status_code for phone in (first, ann.phone)] == [401, 303]
    assert len(codes) == 10
    assert {("ann", "ADD", "SECOND_FACTOR"), ("ann", "REPLACE", "SECOND_FACTOR")} <= set(deeds(engine))


def test_it_is_removed_with_password_and_code_unless_it_is_demanded(ann, new, access, engine):
    other = new()
    other.log_in()
    assert other.show(ann.codes[0]).status_code == 303

    def remove(current, code):
        return ann.post("/second-factor/removal", "/second-factor", current=current, code=code)

    assert [remove(*given).status_code for given in ((PASSWORD, ""), ("guess", ann.phone.code()))] == [422] * 2
    access.demand = Demand.of(["admin"])
    refused = remove(PASSWORD, ann.phone.code())
    assert (refused.status_code, "here a second factor is demanded" in refused.text) == (422, True)
    access.demand = Demand()
    assert remove(PASSWORD, ann.phone.code()).status_code == 303
    assert (ann.is_in(), other.is_in()) == (True, False)
    assert new().log_in().headers["Location"] == "/"
    assert ("ann", "REMOVE", "SECOND_FACTOR") in deeds(engine)


def test_whoever_has_to_have_one_sets_it_up_before_anything_else(new, access, engine, clock):
    before = new()
    before.log_in()
    access.demand = Demand.of(["admin"])
    # a session of before does not pass for one with a second factor
    assert not before.is_in()
    bob = new()
    assert bob.log_in("bob", next="/incidents").headers["Location"] == f"{STEP}?next=/incidents"
    page = bob.client.get(STEP)
    assert page.headers["Cache-Control"] == "no-store"
    assert "Your account needs a second factor" in page.text
    assert [bob.client.get(path).status_code for path in ("/", "/second-factor", "/sessions")] == [303] * 3
    bob.read_picture(STEP)
    # setting up takes longer than showing a code
    clock.advance(minutes=14)
    assert bob.show("000000", next="/incidents").status_code == 401
    codes = bob.show(bob.phone.code(), next="/incidents")
    assert len(codes_on(codes)) == 10
    assert 'href="/incidents"' in codes.text
    assert bob.is_in()
    page = bob.client.get("/second-factor").text
    assert ("it can be replaced" in page, "remove-factor" in page) == (True, False)
    # of single people, too
    access.demand = Demand()
    with access.file.changing() as content:
        content.users["ann"] = User(hashed(PASSWORD), second_factor=True)
    assert new().log_in().headers["Location"] == f"{STEP}?next=/"


def test_of_whom_it_is_demanded(access, monkeypatch):
    def said(words, *grants):
        monkeypatch.setenv("PARTITUR_SECOND_FACTOR", words)
        return identity.demand().is_for(Content().identity("x", User("", (), grants)))

    viewer, admin = Grant(role=Role.VIEWER), Grant(role=Role.ADMIN, tenants=("eu",))
    deployer = Grant(role=Role.ANALYST, permissions=(Permission.DEPLOY,))
    for words, of_viewer, of_admin, of_deployer in (
        ("", False, False, False), ("everybody", True, True, True), ("admin", False, True, False),
        ("operator, Deploy", False, True, True), ("deploy", False, True, True), ("viewer", True, True, True),
    ):
        assert (said(words, viewer), said(words, admin), said(words, viewer, deployer)) == (
            of_viewer, of_admin, of_deployer), words
    with pytest.raises(SettingsError, match="but found 'boss' in PARTITUR_SECOND_FACTOR"):
        said("boss")
    with pytest.raises(DemandError):
        Demand.of(["nobody"])


def test_sessions_and_what_guards_the_account_change_for_whoever_showed_who_it_is_a_moment_ago(ann, new, engine, clock):
    other = new()
    other.log_in("bob")
    clock.advance(minutes=6)
    theirs = next(row.key for row in sessions.present(engine, timedelta(hours=2)) if row.name == "bob")
    for path, data in (("/sessions/end", {}), (f"/sessions/{theirs}/end", {}),
                       ("/sessions/password", {"current": PASSWORD, "new": "four words of ours"})):
        asked = ann.post(path, "/sessions", **data)
        assert (asked.status_code, asked.headers["Location"]) == (303, "/sessions/confirmation?next=/sessions"), path
    assert other.is_in()
    wrong = ann.post("/sessions/confirmation", current=PASSWORD, code="000000", next="/sessions")
    assert (wrong.status_code, "not right, or was used" in wrong.text) == (422, True)
    assert ann.post("/sessions/confirmation", current="guess", code=ann.phone.code()).status_code == 422
    assert ann.post(f"/sessions/{theirs}/end", "/sessions").headers["Location"].startswith("/sessions/confirmation")
    shown = ann.post("/sessions/confirmation", current=PASSWORD, code=ann.phone.code(), next="https://evil.example")
    assert shown.headers["Location"] == "/"
    assert ann.post(f"/sessions/{theirs}/end", "/sessions").headers["Location"] == "/sessions"
    assert not other.is_in()
    assert ("ann", "CONFIRM", "SESSION") in deeds(engine)
    # another password keeps the second factor
    assert ann.post("/sessions/password", "/sessions", current=PASSWORD,
                    new="four words of ours").headers["Location"] == "/sessions"
    assert ann.is_in()
    # one's own session ends without that
    clock.advance(minutes=6)
    mine = next(row.key for row in sessions.present(engine, timedelta(hours=2)) if row.name == "ann")
    assert ann.post(f"/sessions/{mine}/end", "/sessions").headers["Location"] == "/login"


def test_programs_and_open_servers_have_no_second_factor(client, engine, app):
    page = client.get("/second-factor", headers=bearer(TOKEN))
    assert (page.status_code, "Set up</button>" in page.text) == (200, False)
    opened = create_app(engine, secret_key="test").test_client()
    for path in ("/second-factor", "/sessions/confirmation"):
        assert "Nobody has to log in" in opened.get(path).text


def test_without_a_key_nobody_sets_one_up_and_nobody_comes_in_without_theirs(ann, new, engine):
    engine.keyring = Keyring()
    other = new()
    other.log_in()
    refused = other.show(ann.phone.code())
    assert (refused.status_code, "Expected the key" in refused.text) == (400, True)
    # recovery codes need none
    assert other.show(ann.codes[0]).status_code == 303
    bob = new()
    bob.log_in("bob")
    refused = bob.post("/second-factor/setup", "/second-factor", current=PASSWORD)
    assert (refused.status_code, "there is none" in refused.text) == (422, True)


def test_commands_demand_list_and_reset_it(run, tmp_path, monkeypatch):
    monkeypatch.delenv("PARTITUR_SECOND_FACTOR", raising=False)
    for name in ("ann", "bob"):
        run("users", "add", name, "--password-stdin", "--group", "sales", input=f"{PASSWORD}\n")
    file = AccessFile(tmp_path / "data" / "users.json")
    before = file.read().users["ann"].password
    assert run("users", "change", "ann", "--second-factor", "required") == {
        "user": "ann", "second_factor_required": True}
    ann = file.read().users["ann"]
    assert (ann.second_factor, ann.password, ann.groups) == (True, before, ("sales",))
    engine = Engine(f"sqlite:///{tmp_path}/x.db")
    engine.keyring = Keyring(path=tmp_path / "data" / "secrets_key")
    factors.set_up(engine, "bob")
    listed = {each["name"]: (each["second_factor_required"], each["second_factor_since"] is not None)
              for each in run("users", "list")["users"]}
    assert listed == {"ann": (True, False), "bob": (False, True)}
    monkeypatch.setenv("PARTITUR_SECOND_FACTOR", "everybody")
    assert [each["second_factor_required"] for each in run("users", "list")["users"]] == [True, True]
    assert run("users", "reset-second-factor", "bob") == {"reset": "bob"}
    assert second_factors.of(engine, "bob") is None
    for name in ("bob", "eve"):
        assert "there is none" in run("users", "reset-second-factor", name, code=1)["error"]
    assert "there is none" in run("users", "change", "eve", code=1)["error"]
    # a new password demands what was demanded, and somebody new has nothing of whoever had the name
    run("users", "add", "ann", "--password-stdin", input=f"{PASSWORD}\n")
    assert file.read().users["ann"].second_factor
    run("users", "change", "ann", "--second-factor", "optional")
    assert not file.read().users["ann"].second_factor
    factors.set_up(engine, "bob")
    run("users", "remove", "bob")
    assert second_factors.of(engine, "bob") is None
    engine.close()


def test_the_doctor_misses_the_key_of_second_factors(tmp_path, monkeypatch, sqlite_url):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert "Second factors" not in said()
    engine = Engine(sqlite_url)
    engine.keyring = Keyring(path=tmp_path / "secrets_key")
    factors.set_up(engine)
    engine.close()
    assert said()["Second factors"]["result"] == "ok"
    (tmp_path / "secrets_key").unlink()
    found = said()["Second factors"]
    assert found["result"] == "failed"
    assert found["found"] == "1 of 1 cannot be opened, so no code of theirs lets in: ann"


def test_the_app_shows_what_the_standard_says(clock):
    # RFC 6238, appendix B, cut to six digits.
    phone = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    assert [phone.at(second) for second in (59, 1_111_111_109, 2_000_000_000)] == ["287082", "081804", "279037"]
