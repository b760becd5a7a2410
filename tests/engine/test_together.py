"""What a transaction writes goes to PostgreSQL together; errors and cuts are what they are one by one."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from tempfile import TemporaryFile

import psycopg
import pytest
from sqlalchemy import bindparam, event, func, select, text, update
from sqlalchemy.exc import IntegrityError

from engine import schema
from engine.engine import Engine
from tests.engine.drawing import end, process, script, service, start
from tests.engine.steps import Steps

pytestmark = pytest.mark.postgres
_s = schema.sequence.c


@pytest.fixture
def engine(postgres_url):
    made = Engine(postgres_url)
    yield made
    made.close()


@pytest.fixture
def steps(engine):
    made = Steps(engine)
    made.deploy(process("sum", start(), *(script(f"s{n}", f"=a + {n}", f"v{n}") for n in range(6)), end()))
    made.deploy(process("work", start(), service("do"), end()))
    return made


@contextmanager
def counting(engine):
    """How often the one connection of the engine waits for the server, told by the driver's own library."""
    waits = []
    with engine.database.engine.connect() as connection:
        traced = connection.connection.driver_connection.pgconn
    with TemporaryFile() as file:
        traced.trace(file.fileno())
        try:
            yield waits
        finally:
            traced.untrace()
            file.seek(0)
            waits += [line for line in file.read().decode(errors="replace").splitlines() if "ReadyForQuery" in line]


def test_whatever_is_written_costs_one_wait(engine, steps):
    for _ in range(8):
        steps.start("sum", {"a": 1})
    with counting(engine) as small:
        steps.start("sum", {"a": 1})
    with counting(engine) as large:
        steps.start("sum", {"a": 1, **{f"w{number}": number for number in range(50)}})
    # to begin, to look for the process, to write six tables, to commit
    assert len(small) == 4, small
    assert len(large) == 4, large


def instance(tx, key):
    with tx.engine.read() as connection:
        row = dict(connection.execute(select(schema.instances).limit(1)).one()._mapping)
    return {**row, "key": key}


def count(engine):
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(schema.instances)), connection.scalar(
            select(func.count()).select_from(schema.sequence).where(_s.next < 0))


SPOIL = update(schema.sequence).values(next=bindparam("b_next"))
NOWHERE = update(schema.instances).values(definition_key=bindparam("b_next"))


def test_row_that_is_there_already_is_told_as_ever_and_undoes_all(engine, steps, caplog):
    key = steps.start("sum", {"a": 1})
    before, tries, also = count(engine), [], 0

    def twice(tx):
        tries.append(tx)
        for number in range(also):
            tx.rows.insert(schema.instances, instance(tx, 10**12 + number))
        tx.rows.insert(schema.instances, instance(tx, key))
        tx.rows.write(SPOIL, {"b_next": -1})

    for more in (0, 1, 40):
        also = more
        tries.clear()
        with caplog.at_level(logging.INFO, "psycopg"), pytest.raises(IntegrityError, match="instances_pkey"):
            engine.execute(twice)
        # it is run again, for the other one may have been another transaction's
        assert len(tries) > 1
        assert count(engine) == before
    assert [record.getMessage() for record in caplog.records if record.name.startswith("psycopg")] == []
    # what was prepared for the first time in what came to nothing is no stumbling block
    for _ in range(8):
        assert steps.state(steps.start("sum", {"a": 1})) == "COMPLETED"


def test_first_of_several_errors_is_told(engine, steps):
    key = steps.start("sum", {"a": 1})

    def both(tx):
        tx.rows.insert(schema.instances, instance(tx, key))
        tx.rows.write(NOWHERE, {"b_next": -1})

    with pytest.raises(IntegrityError, match="instances_pkey"):
        engine.execute(both)

    def other(tx):
        tx.rows.insert(schema.instances, {**instance(tx, 10**12), "definition_key": -1})
        tx.rows.write(SPOIL, {"b_next": -1})

    with pytest.raises(IntegrityError, match="foreign key"):
        engine.execute(other)


def test_value_that_cannot_be_sent_undoes_what_was_sent_before_it(engine, steps):
    steps.start("sum", {"a": 1})
    before = count(engine)

    def write(tx):
        tx.rows.insert(schema.instances, instance(tx, 10**12))
        tx.rows.insert(schema.variables, {
            "key": 10**12, "instance_key": 1, "scope_key": 1, "name": "n", "value": 1, "declared": None,
            "lookup": None, "changed_at": tx.now.replace(tzinfo=None), "ended": False,
            "created_revision": None, "created_at": None, "created_by": None,
        })

    with pytest.raises(ValueError, match="time zone"):
        engine.execute(write)
    assert count(engine) == before
    assert steps.state(steps.start("sum", {"a": 1})) == "COMPLETED"


def test_who_waits_for_a_lock_too_long_tries_again(engine, steps, postgres_url):
    steps.start("sum", {"a": 1})
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as holder:
        holder.execute("SELECT 1 FROM key_sequence FOR UPDATE")
        tries = []

        def wait(tx):
            tries.append(tx)
            if len(tries) == 3:
                holder.rollback()
            tx.connection.execute(text("SET LOCAL lock_timeout = 20"))
            tx.rows.insert(schema.instances, instance(tx, 10**12))
            tx.rows.write(SPOIL, {"b_next": -1})

        engine.execute(wait)
    assert len(tries) == 3
    assert count(engine) == (2, 1)


def test_transaction_in_a_deadlock_is_run_again(engine, steps, postgres_url):
    key = steps.start("sum", {"a": 1})
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as other:
        # given another one that waits for what we hold, and that is not the one to be ended
        other.execute("SET deadlock_timeout = '60s'")
        other.execute("SELECT 1 FROM key_sequence FOR UPDATE")
        tries = []

        def cross(tx):
            tries.append(tx)
            if len(tries) == 1:
                tx.connection.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
                tx.connection.execute(select(schema.instances.c.key).where(schema.instances.c.key == key)
                                      .with_for_update())
                other.pgconn.send_query(b"SELECT 1 FROM instances FOR UPDATE")
                waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
                while not tx.connection.scalar(waits):
                    pass
            tx.rows.insert(schema.instances, instance(tx, 10**12))
            tx.rows.write(SPOIL, {"b_next": -1})
            if len(tries) == 2:
                other.close()

        engine.execute(cross)
    assert len(tries) == 2
    assert count(engine) == (2, 1)


def test_connection_that_is_cut_between_two_statements_is_not_felt(engine, steps, postgres_url, caplog):
    for _ in range(8):
        steps.start("work")
    seen, at = [], 0
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
        def cut(connection, _cursor, statement, *_):
            if statement.startswith(("INSERT", "UPDATE")):
                seen.append(statement)
                if len(seen) == at + 1:
                    pid = connection.connection.driver_connection.info.backend_pid
                    admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

        event.listen(engine.database.engine, "before_cursor_execute", cut)
        try:
            for at in range(5):
                seen.clear()
                key = steps.start("work", {"a": 1})
                assert len(seen) > at + 1
                assert count(engine)[0] == 9 + at
                assert steps.state(key) == "ACTIVE"
        finally:
            event.remove(engine.database.engine, "before_cursor_execute", cut)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("psycopg")] == []
