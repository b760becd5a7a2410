"""People log in on a page, stay logged in for a while, and log out."""

from __future__ import annotations

import re
import time

import pytest

from engine import definitions, instances
from engine.queries import lists
from tests.engine import drawing
from tests.web.auth.conftest import PASSWORD
from web.auth import login, secrets
from web.auth.accessfile import Content, User


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
    assert lists.audit(engine).items[0].actor == "ann"
    assert person.client.post("/actor", data={"csrf_token": person.token("/"), "actor": "bob"}).status_code == 422

    # afterwards it is over
    assert person.client.post("/logout", data={"csrf_token": person.token("/")}).status_code == 303
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


def test_a_session_ends_with_the_day(person, monkeypatch):
    person.log_in()
    now = time.time()
    monkeypatch.setattr("web.auth.login.time.time", lambda: now + login.LONGEST_SESSION - 5)
    assert person.get().status_code == 200
    monkeypatch.setattr("web.auth.login.time.time", lambda: now + login.LONGEST_SESSION + 5)
    assert person.get().status_code == 303


@pytest.mark.parametrize("content", [
    {"user": "ann"}, {"user": "ann", "stamp": "x", "since": 2**31}, {"user": ["ann"], "stamp": 1, "since": "x"},
    {"actor": "ann"},
])
def test_a_session_that_we_did_not_begin_is_none(person, content):
    with person.client.session_transaction() as session:
        session.update(content)
    assert person.get().status_code == 303
