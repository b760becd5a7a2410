"""The audit trail as a chain: whatever is done to sealed entries is found, and the first wrong one is named."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from engine import chain, schema, variables
from engine.errors import InvalidInput
from tests.engine.drawing import end, process, start, user

_a = schema.audit.c


@pytest.fixture
def sealed(engine, steps):
    """Eight entries or more, with times, reasons, and values before and after."""
    steps.deploy(process("p", start(), user("look"), end()))
    for number in range(6):
        key = steps.start("p", {"amount": 1})
        engine.execute(variables.set, key, {"amount": 1.5, "ä": {"b": [number, None]}})
    assert chain.seal_all(engine) >= 12
    return engine


def change(engine, statement, **values):
    with engine.database.write() as connection:
        return connection.execute(statement, values)


def key_at(engine, position):
    with engine.read() as connection:
        return connection.scalar(select(_a.key).where(_a.position == position))


def broken(engine):
    found = chain.verify(engine).broken
    return None if found is None else found.position


def test_whole_chain_is_right_and_its_end_is_told(sealed):
    verdict = chain.verify(sealed)
    assert verdict.broken is None
    assert verdict.checked == verdict.head.position >= 12
    assert verdict.unsealed == 0


def test_new_entries_are_sealed_behind_the_old_ones(sealed, steps):
    before = chain.head(sealed)
    steps.start("p")
    assert chain.verify(sealed).unsealed == 1
    assert chain.seal_all(sealed) == 1
    assert chain.seal_all(sealed) == 0
    assert chain.verify(sealed).head.position == before.position + 1
    assert chain.verify(sealed, (before.position, before.hash)).broken is None


@pytest.mark.parametrize(("column", "value"), [
    ("actor", "somebody else"), ("reason", "another"), ("operation", "CANCEL"), ("entity_key", 7), ("instance_key", 7),
    ("details", {"a": 1}), ("before", {"amount": 2}), ("after", {"amount": 2}), ("entity", "JOB"),
])
def test_changed_entry_is_named(sealed, column, value):
    change(sealed, update(schema.audit).where(_a.position == 5).values({column: value}))
    verdict = chain.verify(sealed)
    assert (verdict.broken.position, verdict.checked) == (5, 4)
    assert verdict.broken.entry_key == key_at(sealed, 5)
    assert str(verdict.broken.entry_key) in verdict.broken.sentence


@pytest.mark.parametrize("column", ["at", "details", "before"])
def test_entry_that_cannot_be_read_any_more_is_named(sealed, column):
    if not sealed.database.is_sqlite:
        pytest.skip("PostgreSQL lets nobody write what is no time or no JSON.")
    change(sealed, text(f"UPDATE audit SET {column} = 'no longer' WHERE position = 5"))
    verdict = chain.verify(sealed)
    assert (verdict.broken.position, verdict.checked) == (5, 4)
    assert "cannot be read" in verdict.broken.sentence


def test_entry_with_another_time_is_named(sealed, clock):
    change(sealed, update(schema.audit).where(_a.position == 7).values(at=clock() - timedelta(microseconds=1)))
    assert broken(sealed) == 7


def test_changed_entry_with_a_hash_made_for_it_breaks_the_next(sealed):
    with sealed.read() as connection:
        rows = {row.position: row._asdict() for row in connection.execute(
            select(*chain.ENTRY, _a.position, _a.hash).where(_a.position.in_((4, 5))))}
    forged = {**rows[5], "actor": "nobody"}
    own = chain.link(rows[4]["hash"], 5, forged)
    change(sealed, update(schema.audit).where(_a.position == 5).values(actor="nobody", hash=own))
    assert broken(sealed) == 6


def test_removed_entry_is_missed(sealed):
    change(sealed, delete(schema.audit).where(_a.position == 3))
    verdict = chain.verify(sealed)
    assert (verdict.broken.position, verdict.broken.entry_key) == (3, None)
    assert "missing" in verdict.broken.sentence


def test_first_entry_is_missed(sealed):
    change(sealed, delete(schema.audit).where(_a.position == 1))
    assert broken(sealed) == 1


def test_removed_end_is_missed(sealed):
    last = chain.head(sealed).position
    change(sealed, delete(schema.audit).where(_a.position > last - 2))
    assert broken(sealed) == last - 1


def test_exchanged_entries_are_named(sealed):
    for old, new in ((4, 900), (6, 4), (900, 6)):
        change(sealed, update(schema.audit).where(_a.position == old).values(position=new))
    assert broken(sealed) == 4


def test_exchanged_entries_with_their_hashes_exchanged_are_named(sealed):
    with sealed.read() as connection:
        hashes = dict(connection.execute(select(_a.position, _a.hash).where(_a.position.in_((4, 6)))).tuples().all())
    for old, new, hash in ((4, 900, hashes[6]), (6, 4, hashes[4]), (900, 6, hashes[6])):
        change(sealed, update(schema.audit).where(_a.position == old).values(position=new, hash=hash))
    assert broken(sealed) == 4


def test_entry_taken_out_of_the_chain_is_missed(sealed):
    change(sealed, update(schema.audit).where(_a.position == 5).values(position=None, hash=None))
    assert broken(sealed) == 5


def test_entry_added_at_the_end_is_found(sealed, steps):
    steps.start("p")
    head = chain.head(sealed)
    change(sealed, text("UPDATE audit SET position = :p, hash = :h WHERE position IS NULL"), p=head.position + 1,
           h="0" * 64)
    assert broken(sealed) == head.position + 1


def test_chain_that_was_made_anew_is_found_by_a_noted_hash(sealed):
    noted = chain.head(sealed)
    change(sealed, update(schema.audit).where(_a.position == 5).values(actor="nobody"))
    change(sealed, update(schema.audit).values(position=None, hash=None))
    change(sealed, delete(schema.audit_chain))
    chain.seal_all(sealed)
    assert broken(sealed) is None
    verdict = chain.verify(sealed, (noted.position, noted.hash))
    assert verdict.broken.position == noted.position
    assert "noted" in verdict.broken.sentence


def test_chain_that_lost_its_noted_end_is_found(sealed):
    noted = chain.head(sealed)
    change(sealed, delete(schema.audit).where(_a.position == noted.position))
    change(sealed, update(schema.audit_chain).values(position=noted.position - 1, hash=(
        select(_a.hash).where(_a.position == noted.position - 1).scalar_subquery())))
    assert broken(sealed) is None
    assert "noted" in chain.verify(sealed, (noted.position, noted.hash)).broken.sentence


@pytest.mark.parametrize("noted", [(0, "0" * 64), (3, "abc")])
def test_what_cannot_have_been_noted_is_refused(engine, noted):
    with pytest.raises(InvalidInput, match="position"):
        chain.verify(engine, noted)


def test_any_program_can_compute_the_hash(sealed):
    with sealed.read() as connection:
        row = connection.execute(select(schema.audit).where(_a.position == 1)).one()
    fields = [chain.BEGINNING, 1, row.key, row.at.isoformat(), row.actor, row.operation, row.entity, row.entity_key,
              row.instance_key, row.reason, row.details, row.before, row.after]
    written = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(written.encode()).hexdigest() == row.hash


def test_blocks_follow_each_other(engine, steps, monkeypatch):
    monkeypatch.setattr(chain, "UNSEALED", chain.UNSEALED.limit(3))
    monkeypatch.setattr(chain, "BLOCK", 3)
    monkeypatch.setattr(chain, "LINKS", chain.LINKS.limit(2))
    steps.deploy(process("p", start(), end()))
    for _ in range(9):
        steps.start("p")
    assert chain.seal_all(engine) == 10
    verdict = chain.verify(engine)
    assert (verdict.checked, verdict.broken, verdict.unsealed) == (10, None, 0)


def test_many_who_seal_at_once_make_one_chain(engine, steps):
    steps.deploy(process("p", start(), end()))
    errors = []

    def work():
        try:
            for _ in range(10):
                steps.start("p")
                chain.seal_all(engine)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain.seal_all(engine)
    assert errors == []
    verdict = chain.verify(engine)
    assert (verdict.checked, verdict.broken, verdict.unsealed) == (41, None, 0)
