"""People log in on a page, stay logged in for a while, and log out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from engine import definitions, instances, schema
from engine import sessions as store
from engine.queries import lists
from tests.engine import drawing
from tests.web.auth.conftest import PASSWORD, TOKEN
from web.app import create_app
from web.auth import secrets
from web.auth.accessfile import Content, User
from web.auth.limits import Limits


class Person:
    """Somebody with a browser."""

    def __init__(self, app):
        self.client = app.test_client()

    def token(self, path="/login"):
        return re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(path).text)[1]

    def log_in(self, name="ann", password=PASSWORD, **more):
        data = {"csrf_token": self.token(), "name": name, "password": password, **more}
        return self.client.post("/login", data=data)

    def get(self, path="/"):
        return self.client.get(path)


@pytest.fixture
def person(app):
    return Person(app)


def test_a_person_logs_in_acts_under_the_name_and_logs_out(person, engine):
    assert person.get("/instances?state=active").headers["Location"] == "/login?next=/instances?state%3Dactive"
    entered = person.log_in(next="/instances?state=active")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/instances?state=active")
    page = person.get()
    assert page.status_code == 200
    assert "You are ann" in page.text
    assert page.headers["Cache-Control"] == "no-store"

    # what is done carries the name, and nobody can choose another one
    review = drawing.file(drawing.process("p", drawing.start(), drawing.user("wait"), drawing.end()))
    engine.execute(definitions.deploy, [review])
    key = engine.execute(instances.start, "p").key
    person.client.post(f"/instances/{key}/suspension", data={"csrf_token": person.token("/"), "reason": "Maintenance."})
    trail = [(row.actor, row.operation) for row in lists.audit(engine).items]
    assert trail[0] == ("ann", "SUSPEND")
    assert ("ann", "LOG_IN") in trail
    assert person.client.post("/actor", data={"csrf_token": person.token("/"), "actor": "bob"}).status_code == 422

    # afterwards it is over
    left = person.client.post("/logout", data={"csrf_token": person.token("/")})
    assert (left.status_code, left.headers["Clear-Site-Data"]) == (303, '"cache"')
    assert person.get().status_code == 303


def test_wrong_words_are_refused_and_the_name_kept(person):
    refused = person.log_in(name='a"><b', password="nonsense")
    assert refused.status_code == 401
    assert 'value="a&#34;&gt;&lt;b"' in refused.text
    assert "nonsense" not in refused.text
    assert person.get().status_code == 303


def test_guesses_on_the_page_are_throttled(person, ticking):
    for _ in range(5):
        assert person.log_in(password="guess").status_code == 401
    refused = person.log_in()
    assert refused.status_code == 429
    assert "Try again in 2 seconds" in refused.text


@pytest.mark.parametrize("next", [
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "evil", "",
    "/\t/evil.example", "http://[", "/\r\nX: y",
])
def test_nobody_is_led_to_another_site(person, next):
    assert person.log_in(next=next).headers["Location"] == "/"


def test_the_form_has_to_be_ours(person):
    assert person.client.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 400
    person.log_in()
    assert person.client.post("/logout").status_code == 400
    assert person.get().status_code == 200


def test_a_session_of_before_does_not_live_on(person):
    before = person.token()
    person.log_in()
    assert person.token("/") != before


def test_a_session_ends_with_the_password(person, access):
    person.log_in()
    access.file.write(Content(users={"ann": User(secrets.hash_of("another one"))}))
    assert person.get().status_code == 303


def test_a_session_ends_with_the_day_and_by_idleness(person, engine, clock):
    engine.clock = clock
    clock.now = datetime.now(UTC)
    person.log_in()
    clock.advance(hours=1, minutes=59)
    assert person.get().status_code == 200
    clock.advance(hours=1, minutes=59)
    assert person.get().status_code == 200

    # a page that keeps itself current is nobody who does something
    clock.advance(hours=1, minutes=59)
    live = {"HX-Request": "true", "HX-Target": "div#live", "HX-Source": "body"}
    assert person.client.get("/", headers=live).status_code == 200
    clock.advance(minutes=2)
    assert person.get().status_code == 303

    # whoever is active all day logs in again the next
    person.log_in()
    for _ in range(12):
        assert person.get().status_code == 200
        clock.advance(hours=1)
    assert person.get().status_code == 303


def test_it_is_written_down_once_a_minute_that_somebody_is_active(person, engine, clock, monkeypatch):
    engine.clock = clock
    clock.now = datetime.now(UTC)
    person.log_in()
    written = []
    seen = store.seen
    monkeypatch.setattr(store, "seen", lambda *given: written.append(given) or seen(*given))
    for seconds in (10, 40, 20, 10, 40):
        clock.advance(seconds=seconds)
        assert person.get().status_code == 200
    assert len(written) == 1


@pytest.mark.parametrize("content", [
    {"user": "ann"}, {"user": "ann", "stamp": "x", "since": 2**31}, {"id": ["ann"]}, {"id": 1}, {"id": "guess"},
    {"actor": "ann"}, {"id": ""},
])
def test_a_session_that_we_did_not_begin_is_none(person, content):
    with person.client.session_transaction() as session:
        session.update(content)
    assert person.get().status_code == 303


def test_the_cookie_of_before_is_worth_nothing_after_the_log_out(person, app):
    person.log_in()
    stolen = person.client.get_cookie("partitur").value
    thief = Person(app)
    thief.client.set_cookie("partitur", stolen)
    assert thief.get().status_code == 200
    person.client.post("/logout", data={"csrf_token": person.token("/")})
    assert thief.get().status_code == 303


def test_a_log_in_ends_what_the_browser_had_before(person, app):
    person.log_in()
    before = person.client.get_cookie("partitur").value
    person.log_in()
    other = Person(app)
    other.client.set_cookie("partitur", before)
    assert other.get().status_code == 303
    assert person.get().status_code == 200


def test_the_database_has_nothing_to_come_in_with(person, engine):
    person.log_in()
    with engine.read() as connection:
        kept = str(connection.execute(select(schema.sessions)).mappings().fetchall())
    with person.client.session_transaction() as session:
        assert session["id"] not in kept
        assert session["id"] != ""


def test_sessions_are_listed_and_ended_on_the_page(app, engine):
    ann, other, bob = Person(app), Person(app), Person(app)
    other.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux) Firefox/140.0"
    app.extensions["access"].file.write(Content(users={
        "ann": User(secrets.hash_of(PASSWORD), (), ()), "bob": User(secrets.hash_of(PASSWORD))}))
    for person, name in ((ann, "ann"), (other, "ann"), (bob, "bob")):
        assert person.log_in(name).status_code == 303
    # everybody sees their own, whatever they may do otherwise; who administers, those of all
    page = ann.get("/sessions").text
    assert "Firefox 140 · Linux" in page
    assert "bob" not in page
    assert "bob" in bob.get("/sessions").text

    # one that is not theirs cannot be ended by them
    of = {row.name: row.key for row in store.present(engine, timedelta(hours=1))}
    assert ann.client.post(f"/sessions/{of['bob']}/end", data={"csrf_token": ann.token("/sessions")}).status_code == 404
    assert bob.get("/sessions").status_code == 200

    # everywhere else
    assert ann.client.post("/sessions/end", data={"csrf_token": ann.token("/sessions")}).status_code == 303
    assert [person.get("/sessions").status_code for person in (ann, other, bob)] == [200, 303, 200]
    of = {row.name: row.key for row in store.present(engine, timedelta(hours=1))}
    bob.client.post(f"/sessions/{of['ann']}/end", data={"csrf_token": bob.token("/sessions")})
    assert [person.get("/sessions").status_code for person in (ann, bob)] == [303, 200]


def test_people_change_their_password(app, engine):
    ann, other = Person(app), Person(app)
    for each in (ann, other):
        each.log_in()
    before = ann.client.get_cookie("partitur").value

    def change(current, new):
        return ann.client.post("/sessions/password", data={
            "csrf_token": ann.token("/sessions"), "current": current, "new": new})

    for current, new, why in (("guess", "four words of ours", "present password is not right"),
                              (PASSWORD, "short", "8 to 1000 characters"), (PASSWORD, "x" * 1_001, "8 to 1000"),
                              (PASSWORD, "Password123!", "tried first"), (PASSWORD, "partitur1", "tried first")):
        refused = change(current, new)
        assert (refused.status_code, why in refused.text) == (422, True), refused.text
    assert other.get().status_code == 200
    assert change(PASSWORD, "four words of ours").status_code == 303
    assert [each.get().status_code for each in (ann, other)] == [200, 303]
    other.client.set_cookie("partitur", before)
    assert other.get().status_code == 303
    assert Person(app).log_in().status_code == 401
    assert Person(app).log_in(password="four words of ours").status_code == 303
    assert ("ann", "CHANGE", "PASSWORD") in {
        (row.actor, row.operation, row.entity) for row in lists.audit(engine).items}


def test_over_https_the_cookie_is_for_this_host_only(engine, access):
    for options, sent, name, secure in (
        ({"public_url": "https://partitur.example"}, "http", "__Host-partitur", True),
        ({"public_url": "http://partitur.example"}, "http", "partitur", False),
        ({}, "https", "__Host-partitur", True), ({}, "http", "partitur", False),
    ):
        client = create_app(engine, secret_key="test", access=access, **options).test_client()
        cookie = client.get("/login", base_url=f"{sent}://localhost").headers["Set-Cookie"]
        assert cookie.startswith(f"{name}=")
        assert ("Secure;" in cookie) == secure
        assert "HttpOnly;" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Domain=" not in cookie


def test_a_token_is_no_person(person):
    assert person.log_in("billing", TOKEN).status_code == 401


def test_log_ins_are_counted_by_address(app, access):
    access.limits = Limits.of({"login": "3/minute"})
    for name in ("a", "b", "c"):
        assert Person(app).log_in(name, "guess").status_code == 401
    refused = Person(app).log_in("d", "guess")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    elsewhere = Person(app)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert elsewhere.log_in().status_code == 303
