"""Second factors: a code counts once, on whichever node, and only while it is the present one."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from engine import half_log_ins, schema, second_factors, secrets, sessions
from engine.engine import Engine
from engine.errors import NotFound
from engine.keyring import KeyProblem, Keyring
from engine.queries import lists
from engine.second_factors import RecoveryCodes
from engine.sessions import Login
from tests.engine.factors import Phone, begin, set_up


@pytest.fixture
def nodes(either_url, clock, tmp_path):
    """Two engines of one database."""
    made = [Engine(either_url, clock=clock, synchronous="OFF") for _ in range(2)]
    for each in made:
        each.keyring = Keyring(path=tmp_path / "keys")
    yield made
    for each in made:
        each.close()


def use(engine, code, name="ann"):
    return engine.execute(second_factors.use, name, code)


def deeds(engine):
    return [(row.operation, row.entity) for row in lists.audit(engine).items if row.entity != "SESSION"]


def test_a_code_counts_once_in_its_time_and_for_its_owner(nodes, clock):
    here, there = nodes
    phone, bobs = set_up(here), set_up(here, "bob", "other")
    # given the code with which it was set up, which is used, too
    assert not use(here, phone.code(-1))
    first = phone.code()

    # when it is shown twice, then it counted once, on all nodes
    assert use(here, first)
    assert not use(here, first)
    assert not use(there, first)

    # one of another person is none, nor is one of another time, nor what is no code
    clock.advance(seconds=90)
    assert not use(there, bobs.code())
    assert [use(there, phone.code(late)) for late in (-2, 2)] == [False, False]
    for odd in ("", "000000 ", "１２３４５６", "\ud800", "0" * 10_000, "nobody"):
        assert not use(there, odd)
    assert use(there, phone.code(1))
    # what is older than the last one is over
    assert not use(here, phone.code())
    assert not use(here, phone.code(), "nobody")
    assert Counter(deeds(here))["REFUSE", "SECOND_FACTOR"] == 14


def test_of_nodes_that_are_shown_one_code_at_the_same_moment_one_takes_it(nodes, clock):
    phone = set_up(nodes[0])
    for turn in range(5):
        clock.advance(seconds=60)
        barrier, code = Barrier(2), phone.code()

        def show(node, barrier=barrier, code=code):
            barrier.wait()
            return use(node, code)

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(show, nodes)) == [False, True], turn


def test_a_recovery_code_counts_once_and_goes_with_the_factor(nodes, clock):
    here, there = nodes
    set_up(here, codes=RecoveryCodes("salt", ("one", "two", "three")))
    set_up(here, "bob", "other", codes=RecoveryCodes("salt", ("four",)))
    assert (second_factors.salt(there, "ann"), second_factors.salt(there, "eve")) == ("salt", "")

    def recover(digest, name="ann"):
        return there.execute(second_factors.recover, name, digest)

    assert [recover(each) for each in ("one", "one", "four", "")] == [True, False, False, False]
    assert second_factors.of(here, "ann").codes_left == 2
    barrier = Barrier(2)

    def at_once(node):
        barrier.wait()
        return node.execute(second_factors.recover, "ann", "two")

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(at_once, nodes)) == [False, True]
    here.execute(second_factors.renew_codes, "ann", RecoveryCodes("pepper", ("five",)))
    assert (recover("three"), recover("five"), second_factors.salt(there, "ann")) == (False, True, "pepper")
    here.execute(second_factors.reset, "ann")
    assert (recover("five"), second_factors.of(here, "ann"), second_factors.since(here).keys()) == (
        False, None, {"bob"})
    with pytest.raises(NotFound, match="there is none"):
        here.execute(second_factors.reset, "ann")
    assert Counter(deed for deed in deeds(here) if deed[0] != "REFUSE") == {
        ("RESET", "SECOND_FACTOR"): 1, ("USE", "RECOVERY_CODE"): 3, ("RENEW", "RECOVERY_CODE"): 1,
        ("ADD", "SECOND_FACTOR"): 2}


def test_it_counts_after_a_right_code_of_the_browser_that_began_it(nodes, clock):
    here, there = nodes
    login = Login(digest="mine", name="ann", stamp="s", address="a", agent="b")
    for digest in ("mine", "elsewhere"):
        here.execute(sessions.begin, Login(digest=digest, name="ann", stamp="s", address="a", agent="b"),
                     timedelta(hours=9))
    phone, theirs = begin(here, browser="mine"), begin(here, browser="thief")
    codes = RecoveryCodes("salt", ())

    def activate(browser, code, name="ann"):
        return there.execute(second_factors.activate, browser, name, code, codes)

    assert not activate("mine", theirs.code())
    assert not activate("mine", phone.code(), "bob")
    assert second_factors.of(here, "ann") is None
    assert activate("mine", phone.code())
    # the other sessions are over, and so is what others have begun
    assert sessions.find(here, "elsewhere", timedelta(hours=9)) is None
    assert sessions.find(here, login.digest, timedelta(hours=9)).has_factor
    assert not activate("thief", theirs.code())
    # one that takes too long is over
    late = begin(here, browser="mine")
    clock.advance(minutes=15)
    assert second_factors.begun(there, "mine", "ann") is None
    assert not activate("mine", late.code())
    assert here.execute(second_factors.forget) == 1


def test_the_secret_is_kept_encrypted_and_follows_the_keys(nodes, clock, tmp_path):
    here, there = nodes
    phone = set_up(here)
    with here.read() as connection:
        kept = str([connection.execute(select(table)).fetchall() for table in (
            schema.second_factors, schema.factor_setups)])
    assert phone.secret not in kept
    # Every process has the new key only, after a rotation.
    here.keyring.renew()
    here.execute(secrets.rotate)
    newest = (tmp_path / "keys").read_text().split()[0]
    there.keyring = Keyring([newest])
    assert use(there, Phone(there, phone.secret).code())
    there.keyring = Keyring([Fernet.generate_key().decode()])
    with pytest.raises(KeyProblem):
        use(there, phone.code(1))
    there.keyring = Keyring()
    with pytest.raises(KeyProblem):
        begin(there)


def test_half_a_log_in_is_over_after_five_minutes_five_wrong_codes_or_the_right_one(nodes, clock):
    here, there = nodes
    for digest in ("a", "b", "c"):
        here.execute(half_log_ins.begin, digest, "ann", "stamp")
    assert half_log_ins.find(there, "a").name == "ann"
    assert half_log_ins.find(there, "") is None
    for _ in range(half_log_ins.TRIES):
        assert half_log_ins.find(there, "a") is not None
        there.execute(half_log_ins.wrong, "a")
    assert half_log_ins.find(here, "a") is None
    assert [each.execute(half_log_ins.end, "b") for each in nodes] == [True, False]
    clock.advance(minutes=4, seconds=59)
    assert half_log_ins.find(here, "c") is not None
    clock.advance(seconds=1)
    assert half_log_ins.find(here, "c") is None
    assert here.execute(half_log_ins.forget) == 2
    with here.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.half_log_ins)) == 0
