"""Statements that come again are sent by the driver; nobody can tell the difference."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, event, insert, literal, select
from sqlalchemy.exc import IntegrityError, ProgrammingError

from engine import schema
from engine.errors import InvalidInput

_v = schema.variables.c
BY_NAMES = (
    select(_v.key, _v.name, _v.value, _v.changed_at, literal("x").label("mark"))
    .where(_v.name.in_(bindparam("names", expanding=True)), _v.instance_key >= bindparam("least"))
    .order_by(_v.name)
)


def variable(tx, number, value):
    return {
        "key": tx.key(), "instance_key": 1, "scope_key": 1, "name": f"n{number:04d}", "value": value, "declared": None,
        "lookup": None, "changed_at": tx.now, "ended": False,
    }


@pytest.fixture
def thousand(engine, steps):
    """A thousand variables of an instance."""
    from tests.engine.drawing import end, process, start, user

    steps.deploy(process("waits", start(), user("u"), end()))
    key = steps.start("waits")

    def fill(tx):
        for number in range(1000):
            tx.rows.insert(schema.variables, {**variable(tx, number, {"n": [number, None]}), "instance_key": key})

    engine.execute(fill)
    return key


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 511, 512, 513, 1000])
def test_list_of_values_of_any_length_finds_each_row_once(engine, thousand, count):
    names = [f"n{number:04d}" for number in range(count)]

    def look(tx):
        # The first time as SQLAlchemy sends it, then as we do.
        return [tx.select(BY_NAMES, {"names": names, "least": thousand}) for _ in range(4)]

    stock, *ours = engine.execute(look)
    assert [row.name for row in stock] == names
    for rows in ours:
        assert [tuple(row) for row in rows] == [tuple(row) for row in stock]
        assert [dict(row._mapping) for row in rows] == [dict(row._mapping) for row in stock]
        assert all(type(mine.changed_at) is type(its.changed_at) for mine, its in zip(rows, stock, strict=True))


def test_values_of_one_execution_do_not_stay_for_the_next(engine, thousand):
    def look(tx):
        return [
            [row.name for row in tx.select(BY_NAMES, {"names": names, "least": thousand})]
            for names in (["n0001"], ["n0002", "n0003", "n0004"], ["n0001"], ["n0005", "n0006", "n0007"], ["none"])
        ]

    assert engine.execute(look) == [["n0001"], ["n0002", "n0003", "n0004"], ["n0001"], ["n0005", "n0006", "n0007"], []]


def test_error_of_the_driver_is_told_as_one_of_sqlalchemy_and_undoes_all(engine, thousand):
    def twice(tx):
        for _ in range(2):
            tx.rows.insert(schema.variables, {**variable(tx, 5000, 1), "instance_key": thousand})
            tx.rows.flush()

    with pytest.raises(IntegrityError):
        engine.execute(twice)
    with engine.read() as connection:
        assert connection.execute(select(_v.key).where(_v.name == "n5000")).first() is None


def test_statement_for_one_use_is_not_kept(engine, thousand):
    kept = engine.database._statements._selections

    def look(tx):
        for number in range(20):
            tx.select(select(_v.key).where(_v.name == f"n{number:04d}"))
        return len(kept)

    before = len(kept)
    assert engine.execute(look) <= before + 2


def test_whoever_listens_hears_of_every_statement(engine, thousand):
    heard = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        heard.append((statement, parameters, many))

    event.listen(engine.database.engine, "before_cursor_execute", note)
    try:
        def look(tx):
            for _ in range(3):
                tx.select(BY_NAMES, {"names": ["n0001"], "least": thousand})
            tx.rows.insert(schema.variables, {**variable(tx, 6000, 1), "instance_key": thousand})
            tx.rows.insert(schema.variables, {**variable(tx, 6001, 1), "instance_key": thousand})

        engine.execute(look)
    finally:
        event.remove(engine.database.engine, "before_cursor_execute", note)
    assert sum("names" in str(statement) or "IN (" in statement for statement, _, _ in heard) == 3
    assert [len(parameters) for statement, parameters, many in heard if many] == [2]


def test_row_that_leaves_out_what_another_one_says_is_refused(engine, thousand):
    database = engine.database
    statement = insert(schema.variables)

    def write(tx):
        full = {**variable(tx, 7000, 1), "instance_key": thousand, "lookup": "1"}
        short = {name: value for name, value in full.items() if name != "lookup"}
        database.execute(tx.connection, statement, [full, {**short, "name": "n7001", "key": tx.key()}])

    with pytest.raises((KeyError, ProgrammingError)):
        engine.execute(write)


def test_time_without_a_zone_is_refused_before_it_is_sent(engine, thousand, clock):
    def write(tx):
        tx.rows.insert(schema.variables, {
            **variable(tx, 8000, 1), "instance_key": thousand, "changed_at": clock().replace(tzinfo=None),
        })

    with pytest.raises(ValueError, match="Expected a time with a time zone"):
        engine.execute(write)


def test_command_that_is_refused_after_it_has_read_changes_nothing(engine, thousand):
    def refuse(tx):
        tx.select(BY_NAMES, {"names": ["n0001"], "least": thousand})
        tx.rows.insert(schema.variables, {**variable(tx, 9000, 1), "instance_key": thousand})
        tx.rows.flush()
        raise InvalidInput("Expected nothing.")

    with pytest.raises(InvalidInput):
        engine.execute(refuse)
    with engine.read() as connection:
        assert connection.execute(select(_v.key).where(_v.name == "n9000")).first() is None


@pytest.mark.parametrize("values", [[1, True, 1.0, 1], [0, False, 0.0, 0], [None, "", None]])
def test_values_that_are_equal_but_not_the_same_stay_apart_in_one_statement(engine, thousand, values):
    """The driver is told once of a column that holds one value in all rows: 1 is not true, and 1.0 not 1."""

    def write(tx):
        for number, value in enumerate(values, 9100):
            tx.rows.insert(schema.variables, {**variable(tx, number, value), "instance_key": thousand})

    engine.execute(write)
    with engine.read() as connection:
        found = [row.value for row in connection.execute(
            select(_v.value).where(_v.name.between("n9100", "n9199")).order_by(_v.name))]
    assert [(type(value), value) for value in found] == [(type(value), value) for value in values]


def test_state_is_sent_as_the_plain_text_that_it_is(engine, steps):
    """A driver that is given a member of an enumeration looks for an adapter, which takes as long as the insert."""
    from tests.engine.drawing import end, process, service, start

    steps.deploy(process("calls", start(), service("s", "call"), end()))
    sent = []

    def note(_connection, _cursor, _statement, parameters, _context, many):
        for each in parameters if many else [parameters]:
            sent.extend(each.values() if isinstance(each, dict) else each or ())

    event.listen(engine.database.engine, "before_cursor_execute", note)
    try:
        for _ in range(3):
            steps.start("calls")
    finally:
        event.remove(engine.database.engine, "before_cursor_execute", note)
    assert {"CREATED", "ACTIVE", "INTENDED", "SERVICE_TASK"} <= {each for each in sent if isinstance(each, str)}
    assert [each for each in sent if isinstance(each, str) and type(each) is not str] == []
