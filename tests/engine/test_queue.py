"""What is due reaches a node that does it, on both databases; on PostgreSQL through the queue between nodes."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from engine import execution, instances, schema, timers
from engine.clock import system_clock
from engine.cluster import queue, scheduler, sweeping
from engine.cluster.queue import Entry, Kind
from engine.cluster.queue_postgres import HEARTBEAT, LARGEST_NOTE, entrypoint, notes
from engine.cluster.scheduler import Scheduler
from engine.cluster.sweeping import Handling
from engine.cluster.wakeup import ended_topic, jobs_topic
from engine.engine import Engine
from engine.work import jobs
from tests.engine.drawing import catch, end, process, service, start, timer
from tests.engine.steps import Steps
from tests.engine.test_budget import BUDGET, counting
from tests.engine.test_long_runs import LOOP
from tests.proxy import Proxy

PATIENCE = 20


@pytest.fixture
def nodes(database_url):
    """Two engines on one database, by the real clock."""
    made = [Engine(database_url), Engine(database_url)]
    yield made
    for each in made:
        each.close()


@pytest.fixture
def pair(postgres_url):
    made = [Engine(postgres_url), Engine(postgres_url)]
    yield made
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def nothing_is_fired_only_because_it_is_late(monkeypatch):
    monkeypatch.setattr(scheduler, "LATE", timedelta(hours=1))


@contextmanager
def scheduling(engine):
    made = Scheduler(engine)
    engine.queue.start(engine.wakeup, made.handle, made.groups)
    if not engine.database.is_sqlite:
        wait_until(engine, "", lambda: engine.queue.is_live)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        engine.queue.stop()


@contextmanager
def listening(engine):
    engine.queue.start(engine.wakeup, None, ())
    try:
        yield
    finally:
        engine.queue.stop()


def wait_until(engine, topic, reached):
    """Wait for a condition, woken by a topic, or from time to time."""
    with engine.wakeup.listen([topic]) as listener:
        for _ in range(PATIENCE * 10):
            if reached():
                return
            listener.wait(0.1)
    assert reached()


def waiting(id="wait", duration="PT0.2S"):
    return process(id, start(), catch("later", timer("Duration", duration)), end())


def queued(engine):
    with engine.read() as connection:
        return [tuple(row) for row in connection.execute(text(
            "SELECT entrypoint, status::text, convert_from(payload, 'UTF8') FROM partitur_pgqueuer ORDER BY id"
        ))]


# --- on both databases ---


def test_timer_that_one_node_armed_is_fired_by_a_scheduler_elsewhere(nodes):
    one, two = nodes
    steps = Steps(one)
    steps.deploy(waiting())
    with scheduling(two):
        key = steps.start("wait")
        wait_until(two, ended_topic(key), lambda: steps.state(key) == "COMPLETED")


def test_job_whose_pause_ends_wakes_who_waits_for_it(nodes):
    one, _ = nodes
    steps = Steps(one)
    steps.deploy(process("work", start(), service("do"), end()))
    steps.start("work")
    with scheduling(one), one.wakeup.listen([jobs_topic("do")]) as listener:
        [job] = steps.take("do")
        one.execute(jobs.fail, job.key, "not yet", retry_in=timedelta(seconds=0.3), lock_token=job.lock_token)
        assert listener.wait(PATIENCE)
        assert len(steps.take("do")) == 1


def test_instance_that_a_dead_node_left_on_the_move_is_taken_on(nodes):
    one, two = nodes
    steps = Steps(one)
    steps.deploy(LOOP)
    started, _ = one._attempt(lambda tx: instances.start(tx, "L", variables={"i": 0, "n": 3000}))
    with scheduling(two):
        wait_until(two, ended_topic(started.key), lambda: steps.state(started.key) == "COMPLETED")


def test_instance_that_somebody_moves_is_left_to_them(engine, steps, clock):
    # given an instance on the move, seen by a scheduler of another process
    steps.deploy(LOOP)
    started, _ = engine._attempt(lambda tx: instances.start(tx, "L", variables={"i": 0, "n": 20_000}))
    made = Scheduler(engine)
    assert made._stuck() == [started.key]  # at its first look it cannot know, and takes on what there is
    for _ in range(3):
        clock.advance(seconds=2)
        engine._attempt(lambda tx: tx.resume(started.key, instances.Go()))
        assert made._stuck() == []
    clock.advance(seconds=2)
    assert made._stuck() == [started.key]


def test_timers_that_another_node_is_firing_are_passed_over(nodes):
    one, two = nodes
    if one.database.is_sqlite:
        pytest.skip("SQLite has one writer, which nobody can pass")
    steps = Steps(one)
    steps.deploy(waiting(duration="PT0S"))
    keys = [steps.start("wait") for _ in range(3)]

    def while_the_first_is_held(tx):
        tx.select(select(schema.instances.c.key).where(schema.instances.c.key == keys[0]).with_for_update())
        return two.execute(timers.trigger_due)

    assert one.execute(while_the_first_is_held) == 2
    assert [steps.state(key) for key in keys] == ["ACTIVE", "COMPLETED", "COMPLETED"]
    assert one.execute(timers.trigger_due) == 1


# --- the queue of PostgreSQL ---

postgres = pytest.mark.postgres


@postgres
def test_entry_is_committed_with_the_command_and_rolled_back_with_it(pair):
    one, _ = pair
    steps = Steps(one)
    steps.deploy(waiting())

    def started_in_vain(tx):
        instances.start(tx, "wait")
        execution.run(tx)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        one.execute(started_in_vain)
    assert queued(one) == []
    steps.start("wait")
    [(name, status, _)] = queued(one)
    assert name.startswith("timers.")
    assert status == "queued"


@postgres
def test_timer_far_away_is_no_burden_to_the_queue_until_a_sweep_finds_it_near(pair):
    one, _ = pair
    steps = Steps(one)
    steps.deploy(waiting("far", "PT10M"))
    keys = [steps.start("far") for _ in range(5)]
    assert queued(one) == []
    assert one.execute(sweeping.sweep) == 0
    moved = system_clock() + timedelta(seconds=30)
    with one.database.write() as connection:
        connection.execute(schema.timers.update().values(due_at=moved))
    groups = {row.partition_key // 64 for row in timers_of(one, keys)}
    assert one.execute(sweeping.sweep) == len(groups)  # one entry for all timers of a group in a moment
    one.execute(sweeping.sweep)
    assert len(queued(one)) == len(groups)


def timers_of(engine, keys):
    with engine.read() as connection:
        return connection.execute(select(schema.timers).where(schema.timers.c.instance_key.in_(keys))).fetchall()


@postgres
def test_sweep_puts_back_what_a_crash_took_from_the_queue(pair):
    one, two = pair
    steps = Steps(one)
    steps.deploy(waiting())
    key = steps.start("wait")
    with one.database.write() as connection:
        connection.execute(text("TRUNCATE partitur_pgqueuer"))
    with scheduling(two):
        wait_until(two, ended_topic(key), lambda: steps.state(key) == "COMPLETED")


@postgres
def test_entry_whose_node_died_while_it_handled_it_goes_to_another(pair, monkeypatch):
    one, two = pair
    steps = Steps(one)
    steps.deploy(waiting())
    key = steps.start("wait")
    # given an entry that a node took, whose last sign of life is older than is allowed; no sweep makes another one
    with one.database.write() as connection:
        connection.execute(text("UPDATE partitur_pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(),"
                                " execute_after = now(), heartbeat = now() - make_interval(secs => :silent)"),
                           {"silent": HEARTBEAT.total_seconds() + 1})
    monkeypatch.setattr(sweeping, "sweep", lambda tx: 0)
    # then the living node handles it, and nothing is left of it
    with scheduling(two):
        wait_until(two, ended_topic(key), lambda: steps.state(key) == "COMPLETED")
        wait_until(two, "", lambda: queued(one) == [])


@postgres
def test_resumed_instance_with_an_overdue_timer_is_found_at_once(pair):
    one, two = pair
    steps = Steps(one)
    steps.deploy(waiting(duration="PT0.1S"))
    with scheduling(two), listening(one):
        wait_until(two, "", lambda: two.queue.is_live)
        key = steps.start("wait")
        one.execute(instances.suspend, key, "wait")
        wait_until(two, "", lambda: queued(one) == [])
        one.execute(instances.resume, key, "go on")
        wait_until(two, ended_topic(key), lambda: steps.state(key) == "COMPLETED")


@postgres
def test_entry_whose_timer_is_held_comes_again_and_one_whose_timer_is_gone_is_done(pair):
    one, two = pair
    steps = Steps(one)
    steps.deploy(waiting(duration="PT0S"))
    key = steps.start("wait")
    [timer_] = timers_of(one, [key])
    entry = Entry(Kind.TIMERS, "", timer_.partition_key // 64, system_clock())

    def while_held(tx):
        tx.select(select(schema.instances.c.key).where(schema.instances.c.key == key).with_for_update())
        return Handling(two)(entry)

    assert one.execute(while_held) == sweeping.AGAIN
    assert Handling(two)(entry) is None
    assert steps.state(key) == "COMPLETED"
    assert Handling(two)(entry) is None


@postgres
def test_instance_on_the_move_is_taken_on_only_if_nobody_else_moves_it(pair):
    one, two = pair
    steps = Steps(one)
    steps.deploy(LOOP)
    started, _ = one._attempt(lambda tx: instances.start(tx, "L", variables={"i": 0, "n": 5000}))
    [(name, _, payload)] = queued(one)
    entry = Entry(Kind.INSTANCE, payload, int(name.partition(".")[2]), system_clock())

    # given that the one who started it still moves it
    one._attempt(lambda tx: tx.resume(started.key, instances.Go()))
    assert Handling(two)(entry) is None
    assert steps.state(started.key) == "ACTIVE"

    # then it is looked at again, by its new revision
    renewed = Entry(Kind.INSTANCE, queued(one)[-1][2], entry.group, system_clock())
    assert renewed.key != entry.key
    assert Handling(two)(renewed) is None
    assert steps.state(started.key) == "COMPLETED"


@postgres
def test_commit_on_one_node_wakes_who_waits_on_another(pair):
    one, two = pair
    steps = Steps(one)
    steps.deploy(process("work", start(), service("do"), end()))
    with listening(one), listening(two), two.wakeup.listen([jobs_topic("do")]) as listener:
        while listener.wait(0.5):
            pass  # a node that begins to listen wakes everybody once
        steps.start("work")
        assert listener.wait(PATIENCE)


@postgres
def test_node_finds_its_way_back_when_its_connections_are_cut(postgres_url):
    proxy = Proxy(postgres_url)
    far, near = Engine(proxy.url), Engine(postgres_url)
    steps = Steps(near)
    steps.deploy(waiting())
    with scheduling(far):
        wait_until(far, "", lambda: far.queue.is_live)
        proxy.down()
        wait_until(near, "", lambda: not far.queue.is_live)
        key = steps.start("wait")
        proxy.up()
        wait_until(near, "", lambda: steps.state(key) == "COMPLETED")
        wait_until(far, "", lambda: far.queue.is_live)
    far.close()
    near.close()
    proxy.close()


@postgres
def test_planning_stays_within_the_budget(pair):
    one, _ = pair
    steps = Steps(one)
    steps.deploy(process("work", start(), service("do"), catch("later", timer("Duration", "PT5S")), end()))
    steps.start("work")
    [job] = steps.take("do")
    with counting(one) as done:
        one.execute(jobs.complete, job.key, {"x": 1}, lock_token=job.lock_token)
    assert sum("partitur_pgqueuer" in statement for statement in done.statements) == 1
    assert len(done.statements) <= BUDGET
    steps.start("work")
    [job] = steps.take("do")
    with counting(one) as failed:
        one.execute(jobs.fail, job.key, "no", retry_in=timedelta(seconds=1), lock_token=job.lock_token)
    assert sum("partitur_pgqueuer" in statement for statement in failed.statements) == 1
    assert len(failed.statements) <= BUDGET


@postgres
def test_many_timers_of_one_second_are_fired_by_two_nodes_each_once(pair):
    one, two = pair
    steps = Steps(one)
    steps.deploy(waiting(duration="PT1S"))

    def many(tx):
        return [instances.start(tx, "wait").key for _ in range(300)]

    keys = one.execute(many)
    with scheduling(one), scheduling(two), one.wakeup.listen([ended_topic(key) for key in keys]) as listener:
        for _ in range(PATIENCE * 10):
            with one.read() as connection:
                left = connection.scalar(select(schema.timers.c.key).limit(1))
            if left is None:
                break
            listener.wait(0.1)
    with one.read() as connection:
        states = connection.scalars(select(schema.instances.c.state)).all()
        passed = connection.scalars(select(schema.element_instances.c.key).where(
            schema.element_instances.c.element_id == "end")).all()
    assert states == ["COMPLETED"] * 300
    assert len(passed) == 300


@postgres
def test_timer_that_the_queue_does_not_hand_out_is_fired_all_the_same(pair, clock, postgres_url, monkeypatch):
    monkeypatch.setattr(scheduler, "LATE", timedelta(seconds=10))
    engine = Engine(postgres_url, clock=clock)
    steps = Steps(engine)
    steps.deploy(waiting(duration="PT1S"))
    key = steps.start("wait")
    made = Scheduler(engine)
    engine.queue._live.set()  # it says that it is alive, but hands out nothing
    clock.advance(seconds=10)
    made._turn()
    assert steps.state(key) == "ACTIVE"
    clock.advance(seconds=2)
    made._turn()
    assert steps.state(key) == "COMPLETED"
    engine.close()


# --- pieces ---


@given(st.lists(st.text(max_size=300), max_size=200))
def test_notifications_carry_every_topic_and_are_short_enough(topics):
    found = notes("n" * 32, topics)
    assert [topic for note in found for topic in json.loads(note)[1:]] == topics
    assert all(len(note.encode()) < 8000 for note in found)
    assert LARGEST_NOTE < 8000


def test_entries_of_one_moment_are_one():
    now = system_clock()
    entries = [Entry(Kind.TIMERS, "", group, now + timedelta(seconds=seconds))
               for group in (0, 1) for seconds in (-5, -1, 59, 59.0001, 61)]
    found = queue.soon(entries, now)
    assert {entry.group for entry in found} == {0, 1}
    assert 4 <= len(found) <= 6  # two that are near each other may still be of two moments
    assert all(entry.at <= now + queue.HORIZON for entry in found)
    assert entrypoint(Kind.TIMERS, 3) == "timers.3"
