"""Sessions of browsers: found by what the browser shows, and over at once wherever one looks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine import schema, sessions
from engine.engine import Engine
from engine.errors import NotFound
from engine.queries import lists
from engine.sessions import Login

DAY, HOUR = timedelta(hours=12), timedelta(hours=1)


@pytest.fixture
def database_url(either_url):
    return either_url


def log_in(engine, digest="d", name="ann", **more):
    login = Login(digest=digest, name=name, stamp="s", address="192.0.2.1", agent="A browser\0" + "x" * 500, **more)
    return engine.execute(sessions.begin, login, DAY)


def test_sessions_end_by_log_out_age_idleness_and_by_hand(engine, clock):
    other = Engine(engine.database.engine.url.render_as_string(hide_password=False), clock=clock)
    key = log_in(engine)
    found = sessions.find(other, "d", HOUR)
    assert (found.key, found.name, found.stamp, found.issuer, len(found.agent)) == (key, "ann", "s", None, 300)
    assert sessions.find(other, "another", HOUR) is None

    # whoever does something stays, up to the longest time
    clock.advance(minutes=59)
    engine.execute(sessions.seen, key)
    clock.advance(minutes=59)
    assert sessions.find(other, "d", HOUR)
    clock.advance(minutes=2)
    assert sessions.find(other, "d", HOUR) is None
    assert sessions.present(other, HOUR) == ()
    for _ in range(11):
        engine.execute(sessions.seen, key)
        clock.advance(minutes=55)
    assert sessions.find(other, "d", DAY) is None
    assert engine.execute(sessions.forget) == 1

    # a log-in ends what the browser had before
    login = Login(digest="new", name="ann", stamp="s", address="", agent="")
    log_in(engine, "old")
    engine.execute(sessions.begin, login, DAY, "old")
    assert sessions.find(other, "old", HOUR) is None

    # one, all but this one, all of somebody, everybody
    bobs = log_in(engine, "b", "bob")
    with pytest.raises(NotFound):
        engine.execute(sessions.end, bobs, "ann")
    engine.execute(sessions.end, bobs)
    with pytest.raises(NotFound):
        engine.execute(sessions.end, bobs)
    for digest in ("1", "2", "3"):
        log_in(engine, digest)
    assert engine.execute(sessions.end_all, "ann", "3") == 3
    assert [row.name for row in sessions.present(other, HOUR)] == ["ann"]
    log_in(engine, "b", "bob")
    assert engine.execute(sessions.end_all, "bob") == 1
    engine.execute(sessions.log_out, "3")
    engine.execute(sessions.log_out, "3")
    assert sessions.present(other, HOUR) == ()
    deeds = [(row.operation, row.details["name"]) for row in lists.audit(engine).items if row.entity == "SESSION"]
    assert deeds[0] == ("LOG_OUT", "ann")
    assert deeds.count(("END", "bob")) == 2
    assert "192.0.2.1" in str(lists.audit(engine).items[-1].details)
    other.close()


def test_a_provider_ends_its_own_sessions_only(engine):
    theirs = {"issuer": "https://a", "subject": "1", "groups": ["sales"]}
    log_in(engine, "1", provider_session="x", **theirs)
    log_in(engine, "2", provider_session="y", **theirs)
    log_in(engine, "3", issuer="https://b", subject="1", provider_session="x")
    log_in(engine, "4")
    assert sessions.find(engine, "1", HOUR).groups == ["sales"]
    assert engine.execute(sessions.end_of_provider, "https://a", None, "x") == 1
    assert engine.execute(sessions.end_of_provider, "https://a", "2", "y") == 0
    assert engine.execute(sessions.end_of_provider, "https://a", None, None) == 0
    assert engine.execute(sessions.end_of_provider, "https://a", "1", None) == 1
    assert [bool(sessions.find(engine, digest, HOUR)) for digest in "1234"] == [False, False, True, True]


def test_what_a_provider_gave_is_kept_encrypted(engine, tmp_path):
    from engine.keyring import Keyring

    log_in(engine, "without", issuer="https://a", id_token="the.token.itself")
    assert sessions.id_token(engine, sessions.find(engine, "without", HOUR)) is None
    engine.keyring = Keyring(path=tmp_path / "key")
    log_in(engine, "with", issuer="https://a", id_token="the.token.itself")
    with engine.read() as connection:
        assert "the.token.itself" not in str(connection.execute(select(schema.sessions)).fetchall())
    row = sessions.find(engine, "with", HOUR)
    assert sessions.id_token(engine, row) == "the.token.itself"
    engine.keyring = Keyring(path=tmp_path / "other")
    assert sessions.id_token(engine, row) is None


def test_the_last_use_is_known(engine, clock):
    engine.execute(sessions.used, "billing", "192.0.2.9")
    clock.advance(minutes=5)
    engine.execute(sessions.used, "billing", "192.0.2.10")
    log_in(engine)
    assert sessions.last_uses(engine) == {"billing": clock(), "ann": clock()}
