"""The database goes away and comes back: nothing acknowledged is lost, and nobody has to be started anew."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from engine import instances
from engine.cluster.scheduler import run_once
from engine.engine import Engine
from engine.errors import Unavailable
from engine.queries.instances import InstanceFilter, search
from engine.work import jobs
from tests.engine.drawing import end, process, script, service, start
from tests.engine.steps import Steps
from tests.proxy import Proxy


def found(engine):
    return search(engine, InstanceFilter(), limit=1000).items


@pytest.fixture
def proxy(postgres_template):
    made = Proxy(postgres_template())
    yield made
    made.close()


@pytest.fixture
def far(proxy, clock):
    """An engine behind the proxy, with a process of one job deployed."""
    engine = Engine(proxy.url, clock=clock)
    Steps(engine).deploy(process("work", start(), service("do"), end()))
    yield engine
    engine.close()


@pytest.mark.postgres
def test_command_is_refused_while_the_database_is_away_and_works_again_after(far, proxy):
    proxy.down()
    with pytest.raises(Unavailable, match=r"Expected the database to answer, but: .+ Nothing was changed"):
        far.execute(instances.start, "work")
    with pytest.raises(Unavailable):
        found(far)
    with pytest.raises(Unavailable):
        run_once(far)
    proxy.up()
    far.execute(instances.start, "work")
    assert len(found(far)) == 1


@pytest.mark.postgres
def test_connections_that_were_cut_are_made_anew_without_a_word(far, proxy):
    far.execute(instances.start, "work")
    proxy.cut()
    far.execute(instances.start, "work")
    assert len(found(far)) == 2


@pytest.mark.postgres
def test_transaction_cut_before_its_commit_is_run_again_whole(far, proxy):
    tries = []

    def started(tx):
        instances.start(tx, "work")
        tx.rows.flush()
        tries.append(1)
        if len(tries) == 1:
            proxy.cut()
        tx.connection.execute(text("SELECT 1"))

    far.execute(started)
    assert len(tries) == 2
    assert len(found(far)) == 1


@pytest.mark.postgres
def test_lost_answer_to_a_commit_is_told_as_unknown_and_not_repeated(far, proxy):
    runs = []

    def started(tx):
        runs.append(1)
        proxy.swallow = b"COMMIT\0"
        return instances.start(tx, "work", start_key="once")

    with pytest.raises(Unavailable, match="not known whether") as told:
        far.execute(started)
    assert told.value.in_doubt
    assert runs == [1]

    # asked again under the same key, the instance is there once
    far.execute(instances.start, "work", start_key="once")
    assert len(found(far)) == 1


@pytest.mark.postgres
def test_answer_that_was_given_under_a_lost_commit_counts_once(far, proxy):
    far.execute(instances.start, "work")
    steps = Steps(far)
    [job] = steps.take("do")

    def completed(tx):
        jobs.complete(tx, job.key, {"paid": True}, lock_token=job.lock_token)
        proxy.swallow = b"COMMIT\0"

    with pytest.raises(Unavailable):
        far.execute(completed)
    far.cache._kept.clear()
    [instance] = found(far)
    assert steps.state(instance.key) == "COMPLETED"


def test_full_disk_is_an_outage_and_not_a_fault(tmp_path, clock):
    engine = Engine(f"sqlite:///{tmp_path / 'small.db'}", clock=clock)
    steps = Steps(engine)
    steps.deploy(process("sum", start(), script("s", "=1", "x"), end()))

    def limit(pages: int) -> None:
        # SQLite's own way to say that there is no room: https://sqlite.org/pragma.html#pragma_max_page_count.
        # It is a setting of one connection, the one that writes.
        with engine.database.write() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        for _ in range(500):
            steps.start("sum", {"text": "x" * 5000})

    limit(1)
    with pytest.raises(Unavailable, match="full"):
        fill()
    limit(1_000_000)
    before = len(found(engine))
    steps.start("sum")
    assert len(found(engine)) == before + 1
    engine.close()


def test_fault_of_a_statement_is_no_outage(engine):
    def wrong(tx):
        tx.connection.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(Exception, match="nowhere") as raised:
        engine.execute(wrong)
    assert not isinstance(raised.value, Unavailable)
