"""What a database, a role or an address ask for changes nothing: PostgreSQL as somebody else has set it up."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from sqlalchemy import create_engine, make_url, select, text

from engine import instances, messages, schema, upgrade
from engine.cluster.wakeup import ended_topic
from engine.database import Database
from engine.engine import Engine
from engine.errors import WrongSchema
from tests.engine.drawing import catch, end, message, message_of, process, service, start
from tests.engine.meeting import meet
from tests.engine.steps import Steps
from tests.engine.test_queue import scheduling, wait_until, waiting

pytestmark = pytest.mark.postgres

ODD = {
    "default_transaction_isolation": "repeatable read", "DateStyle": "German, DMY", "IntervalStyle": "sql_standard",
    "TimeZone": "America/St_Johns", "client_encoding": "LATIN1", "bytea_output": "escape", "extra_float_digits": "0",
    "standard_conforming_strings": "off", "lock_timeout": "10ms", "idle_in_transaction_session_timeout": "10ms",
    "plan_cache_mode": "force_generic_plan", "statement_timeout": "200ms",
}


@pytest.fixture
def admin(postgres_url):
    made = create_engine(Database(postgres_url).engine.url, isolation_level="AUTOCOMMIT")
    yield made
    made.dispose()


@pytest.fixture
def odd(postgres_url, admin):
    """An engine on a database whose owner has set everything otherwise."""
    with admin.connect() as connection:
        name = connection.scalar(text("SELECT current_database()"))
        for setting, value in ODD.items():
            connection.exec_driver_sql(f"ALTER DATABASE \"{name}\" SET {setting} = '{value}'")
    admin.dispose()
    made = Engine(postgres_url)
    yield made
    made.close()


def test_values_are_told_as_ever(odd, clock):
    # given
    odd.clock = clock
    steps = Steps(odd)
    steps.deploy(process("p", start(), service("do"), end()))
    said = {"text": "Zoë's π € 漢 \\n \\' %s", "number": 0.1 + 0.2}

    # when
    key = steps.start("p", said)
    [job] = steps.take("do")
    with odd.read() as connection:
        until = connection.scalar(select(schema.jobs.c.locked_until))
        length = connection.scalar(text("SELECT interval '1 day 2 hours'"))

    # then
    assert job.variables == steps.variables(key) == said
    assert (until, until.tzinfo) == (clock() + timedelta(seconds=30), UTC)
    assert length == timedelta(days=1, hours=2)


def test_who_waits_for_a_message_sees_the_one_that_was_published_meanwhile(odd, admin, monkeypatch):
    # given
    steps = Steps(odd)
    steps.deploy(message_of("m", "go", "=id"), process("p", start(), catch("wait", message("m")), end()))

    # when the instance comes to its event while the message is published, and the other way round
    def publish(id):
        return odd.execute(messages.publish, "go", id, time_to_live=timedelta(hours=1))

    def begin(id):
        return odd.execute(instances.start, "p", variables={"id": id}).key

    _, key = meet(monkeypatch, admin, lambda: publish("1"), lambda: begin("1"))
    other, _ = meet(monkeypatch, admin, lambda: begin("2"), lambda: publish("2"))

    # then
    assert [steps.state(each) for each in (key, other)] == ["COMPLETED", "COMPLETED"]


def run_until_the_timer_fired(engine, steps):
    key = steps.start("wait")
    wait_until(engine, ended_topic(key), lambda: steps.state(key) == "COMPLETED")
    return key


def test_timers_go_through_the_queue(odd, postgres_url):
    steps = Steps(odd)
    steps.deploy(waiting())
    with scheduling(odd):
        key = run_until_the_timer_fired(odd, steps)
        # then nothing is left, a moment later: what was done is taken off together with what else was done
        wait_until(odd, ended_topic(key), lambda: left(odd) == (0, timedelta()))


def left(engine):
    with engine.read() as connection:
        return engine.queue.waiting(connection)


def test_address_that_names_a_schema_is_the_queues_too(postgres_url, admin):
    # given
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE SCHEMA other")
    url = make_url(postgres_url).update_query_dict({"options": "-c search_path=other"})
    engine = Engine(url.render_as_string(hide_password=False))

    # when
    steps = Steps(engine)
    steps.deploy(waiting())
    with scheduling(engine):
        run_until_the_timer_fired(engine, steps)

    # then everything is there, and what a connection asks for beside it holds, too
    with admin.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM other.instances")) == 1
        assert connection.scalar(text("SELECT count(*) FROM public.instances")) == 0
    with engine.read() as connection:
        assert connection.scalar(text("SHOW lock_timeout")) == "5s"
    engine.close()


def test_everything_that_is_read_together_is_of_one_moment(engine):
    steps = Steps(engine)
    steps.deploy(process("p", start(), service("do"), end()))
    with engine.read() as connection:
        before = connection.execute(select(schema.instances.c.key)).all()
        steps.start("p")
        assert connection.execute(select(schema.instances.c.key)).all() == before


def test_an_upgrade_takes_as_long_as_it_takes(odd):
    with odd.database.write() as connection:
        odd.database.wait_for_locks(connection)
        connection.execute(text("SELECT pg_sleep(0.25)"))
    with odd.database.write() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "200ms"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_database_that_cannot_hold_every_text_is_not_set_up(postgres_url, admin, encoding):
    # given
    with admin.connect() as connection:
        name = f"{connection.scalar(text('SELECT current_database()'))}_{encoding.lower()}"
        connection.exec_driver_sql(f"CREATE DATABASE \"{name}\" ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    database = Database(make_url(postgres_url).set(database=name).render_as_string(hide_password=False))

    # then
    try:
        for make in (upgrade.open_schema, upgrade.upgrade):
            with pytest.raises(WrongSchema, match=f"Expected a database in UTF8, but it is in {encoding}."):
                make(database)
    finally:
        database.close()
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}"')
