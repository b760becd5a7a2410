"""Secrets are stored encrypted, revealed to workers only, and survive a change of keys."""

from __future__ import annotations

import os
import stat

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from engine import schema, secrets
from engine.database import commit
from engine.errors import InvalidInput, NotFound
from engine.keyring import KeyProblem, Keyring
from engine.queries import lists

VALUE = "s3cr3t-välue/with+signs"


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "keys" / "secrets_key"


@pytest.fixture
def keyed(engine, key_file):
    """An engine that keeps its key in a file."""
    engine.keyring = Keyring(path=key_file)
    return engine


def everything(engine):
    """The content of every table, as text."""
    with engine.read() as connection:
        return "\n".join(repr(tuple(row)) for table in schema.metadata.sorted_tables
                         for row in connection.execute(text(f'SELECT * FROM "{table.name}"')))


def test_a_secret_comes_back_and_is_nowhere_in_the_database(keyed):
    assert keyed.execute(secrets.put, "TOKEN", VALUE) is True
    assert secrets.reveal(keyed, ["TOKEN", "OTHER"]) == {"TOKEN": VALUE}
    assert VALUE not in everything(keyed)
    [stored] = secrets.all_of_them(keyed)
    assert (stored.name, stored.changed_by) == ("TOKEN", "system")


def test_storing_it_again_replaces_the_value(keyed):
    keyed.execute(secrets.put, "TOKEN", VALUE)
    assert keyed.acting_as("ada").execute(secrets.put, "TOKEN", "another value") is False
    assert secrets.reveal(keyed, ["TOKEN"]) == {"TOKEN": "another value"}
    assert [entry.changed_by for entry in secrets.all_of_them(keyed)] == ["ada"]


def test_the_audit_trail_names_the_secret_and_not_its_value(keyed):
    keyed.execute(secrets.put, "TOKEN", VALUE)
    keyed.execute(secrets.put, "TOKEN", VALUE + "2")
    keyed.execute(secrets.remove, "TOKEN", "rotated at the bank")
    entries = [entry for entry in lists.audit(keyed).items if entry.entity == "SECRET"]
    assert [(entry.operation, entry.reason) for entry in entries] == [
        ("DELETE", "rotated at the bank"), ("REPLACE", None), ("CREATE", None)]
    assert all(entry.details == {"name": "TOKEN"} for entry in entries)


def test_a_deleted_secret_is_gone(keyed):
    keyed.execute(secrets.put, "TOKEN", VALUE)
    with pytest.raises(InvalidInput, match="reason"):
        keyed.execute(secrets.remove, "TOKEN", " ")
    keyed.execute(secrets.remove, "TOKEN", "no longer used")
    assert secrets.reveal(keyed, ["TOKEN"]) == {}
    with pytest.raises(NotFound, match="'TOKEN'"):
        keyed.execute(secrets.remove, "TOKEN", "again")


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a.", "a}}", "ä", "a\n", "a" * 256, "../x/"])
def test_names_that_no_reference_can_hold_are_refused(keyed, name):
    with pytest.raises(InvalidInput, match="Expected a secret's name"):
        keyed.execute(secrets.put, name, VALUE)


@pytest.mark.parametrize("value", ["", "abc", "x" * 65_537, "with\0nul", "half \ud800"])
def test_values_that_cannot_be_hidden_or_stored_are_refused(keyed, value):
    with pytest.raises(InvalidInput, match="Expected a secret") as refusal:
        keyed.execute(secrets.put, "TOKEN", value)
    assert len(value) < 4 or value not in str(refusal.value)
    assert secrets.all_of_them(keyed) == ()


def test_without_a_key_nothing_is_stored(engine):
    with pytest.raises(KeyProblem, match="PARTITUR_SECRETS_KEY"):
        engine.execute(secrets.put, "TOKEN", VALUE)


def test_a_ciphertext_is_worth_nothing_under_another_name(keyed):
    keyed.execute(secrets.put, "TOKEN", VALUE)
    keyed.execute(secrets.put, "HARMLESS", "harmless value")
    with keyed.database.write() as connection:
        [stolen] = connection.exec_driver_sql("SELECT ciphertext FROM secrets WHERE name = 'TOKEN'").scalars()
        connection.execute(secrets.REPLACE.where(secrets._s.name == "HARMLESS"), {
            "b_ciphertext": stolen,
            "b_key": connection.exec_driver_sql("SELECT key FROM secrets WHERE name = 'HARMLESS'").scalar_one()})
        commit(connection)
    with pytest.raises(KeyProblem, match="'HARMLESS'"):
        secrets.reveal(keyed, ["HARMLESS"])


@pytest.mark.skipif(os.name != "posix", reason="Other systems have no such modes.")
def test_the_key_file_is_for_its_owner_only(keyed, key_file):
    keyed.execute(secrets.put, "TOKEN", VALUE)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    key_file.chmod(0o644)
    with pytest.raises(KeyProblem, match="chmod 600"):
        keyed.execute(secrets.put, "TOKEN", VALUE)


def test_two_processes_share_the_key_file(keyed, key_file):
    keyed.execute(secrets.put, "TOKEN", VALUE)
    other = keyed.acting_as("other")
    other.keyring = Keyring(path=key_file)
    assert secrets.reveal(other, ["TOKEN"]) == {"TOKEN": VALUE}


def test_a_new_key_takes_over_while_others_still_run_with_the_old_one(keyed, key_file):
    keyed.execute(secrets.put, "TOKEN", VALUE)
    running = keyed.acting_as("other")
    running.keyring = Keyring(path=key_file)
    assert secrets.reveal(running, ["TOKEN"]) == {"TOKEN": VALUE}
    old = key_file.read_text().split()[0]

    keyed.keyring.renew()
    assert keyed.execute(secrets.rotate) == 1

    assert secrets.reveal(running, ["TOKEN"]) == {"TOKEN": VALUE}
    running.execute(secrets.put, "LATER", VALUE)
    assert key_file.read_text().split()[0] != old
    keyed.keyring = Keyring([old])
    with pytest.raises(KeyProblem):
        secrets.reveal(keyed, ["TOKEN"])


def test_keys_of_the_environment_rotate_too(engine):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    engine.keyring = Keyring([old])
    engine.execute(secrets.put, "TOKEN", VALUE)
    engine.keyring = Keyring([new, old])
    with pytest.raises(KeyProblem, match="PARTITUR_SECRETS_KEY"):
        engine.keyring.renew()
    engine.execute(secrets.rotate)
    engine.keyring = Keyring([new])
    assert secrets.reveal(engine, ["TOKEN"]) == {"TOKEN": VALUE}


def test_the_wrong_key_is_named_as_what_it_is(engine):
    engine.keyring = Keyring([Fernet.generate_key().decode()])
    engine.execute(secrets.put, "TOKEN", VALUE)
    engine.keyring = Keyring([Fernet.generate_key().decode()])
    with pytest.raises(KeyProblem, match="secret 'TOKEN' was encrypted with"):
        secrets.reveal(engine, ["TOKEN"])
    with pytest.raises(KeyProblem):
        engine.execute(secrets.rotate)


@pytest.mark.parametrize("key", ["", "short", "ä" * 44, "!" * 44])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(KeyProblem, match="32 bytes") as refusal:
        Keyring([key])
    assert not key or key not in str(refusal.value)
