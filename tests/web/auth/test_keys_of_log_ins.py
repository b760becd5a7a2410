"""An `Idempotency-Key` opens no door: what shows who somebody is counts each time, and none of it is kept."""

from __future__ import annotations

import re

from engine import schema
from engine.engine import Engine
from tests.web.auth.conftest import PASSWORD
from tests.web.auth.test_second_factor import (
    STEP,
    Somebody,
    access,
    ann,
    codes_on,
    engine,
    new,
    quick_recovery_codes,
)
from web.auth.gate import PUBLIC
from web.idempotency import READING, REPLAYED

__all__ = ["access", "ann", "engine", "new", "quick_recovery_codes"]
KEY = {"Idempotency-Key": "k"}
GUARDING = ("web.auth.", "web.console.second_factor", "web.console.confirmation", "web.console.sessions")
"""Modules whose doors take passwords and codes, or show what nobody sees twice."""


def kept(engine: Engine):
    with engine.read() as connection:
        return connection.execute(schema.requests.select()).all()


def test_the_code_of_one_person_never_counts_for_another_under_its_key(ann, new, engine, clock):
    # given bob, who has a second factor of his own, and shows it with a key
    bob: Somebody = new()
    bob.log_in("bob")
    bob.set_up()
    clock.advance(seconds=30)
    bob.client.delete_cookie("session")
    browser = new()
    assert browser.log_in("bob").headers["Location"].startswith(STEP)
    sent = {"csrf_token": browser.token(STEP), "code": bob.phone.code()}
    assert browser.client.post(STEP, data=sent, headers=KEY).status_code == 303
    # though his server died before the answer
    with engine.database.write() as connection:
        connection.execute(schema.requests.update().values(answer=None))

    # when somebody who knows ann's password sends the same again, in the middle of her log-in
    thief = new()
    assert thief.log_in("ann").headers["Location"].startswith(STEP)
    with thief.client.session_transaction() as cookie:
        cookie["csrf"] = sent["csrf_token"]
    answer = thief.client.post(STEP, data=sent, headers=KEY)

    # then it does not let in
    assert answer.status_code == 401, re.sub(r"(?s)<[^>]*>", "", answer.text)
    assert not thief.is_in()


def test_nothing_of_a_log_in_or_of_what_is_shown_once_is_kept(new, engine):
    person: Somebody = new()
    person.client.post("/login", data={"csrf_token": person.token(), "name": "bob", "password": PASSWORD}, headers=KEY)
    token = person.token("/second-factor")
    person.client.post("/second-factor/setup", data={"csrf_token": token, "current": PASSWORD}, headers=KEY)
    person.read_picture("/second-factor")
    sent = {"csrf_token": token, "code": person.phone.code()}
    shown = person.client.post("/second-factor/activation", data=sent, headers=KEY)
    assert codes_on(shown)
    again = person.client.post("/second-factor/activation", data=sent, headers=KEY)
    assert REPLAYED not in again.headers
    assert not re.search(r"\w{5}-\w{5}</li>", again.text)
    assert kept(engine) == []


def test_every_door_that_guards_an_account_takes_no_key(app):
    guarding = set()
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not rule.methods <= READING and (rule.endpoint in PUBLIC or view.__module__.startswith(GUARDING)):
            guarding.add(rule.endpoint)
            assert getattr(view, "acts_again", False), rule.endpoint
    assert len(guarding) >= 14
