"""Nodes say that they are alive; what nobody serves, and what is late, can be seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from engine import schema, timers
from engine.cluster import nodes, partitions, sweeping
from engine.cluster.nodes import Node, Pulse
from engine.cluster.partitions import PARTITIONS, partition_of
from engine.engine import Engine
from engine.errors import InvalidInput
from engine.queries.standing import standing
from engine.work import activation
from tests.engine.drawing import catch, end, process, service, start, timer
from tests.engine.steps import Steps


def grow_silent(engine, clock, **duration):
    """Let the time pass in which nodes say nothing, by the clock that counts."""
    clock.advance(**duration)
    if not engine.database.is_sqlite:
        ago = timedelta(**duration)
        with engine.database.write() as connection:
            connection.execute(text("UPDATE nodes SET seen_at = seen_at - :ago"), {"ago": ago})


def test_node_is_alive_until_it_leaves(engine):
    pulse = Pulse(engine, Node(roles=["web", "scheduler"], services=["pay"], address="http://localhost:1"))
    pulse.start()
    [node] = standing(engine).nodes
    assert (node.roles, node.services, node.address) == (("web", "scheduler"), ("pay",), "http://localhost:1")
    assert node.is_alive
    pulse.stop()
    assert standing(engine).nodes == ()


def test_node_that_says_nothing_is_taken_for_dead_and_later_forgotten(engine, clock):
    dead = engine.execute(nodes.join, Node(roles=["scheduler"]))
    grow_silent(engine, clock, seconds=36)
    other = engine.execute(nodes.join, Node(roles=["web"]))
    seen = standing(engine)
    assert [(node.key, node.is_alive) for node in seen.nodes] == [(dead, False), (other, True)]
    assert not seen.has("scheduler")
    assert seen.unserved is None
    grow_silent(engine, clock, days=1, seconds=1)
    engine.execute(nodes.beat, other, [])
    assert [node.key for node in standing(engine).nodes] == [other]


def test_node_that_was_forgotten_joins_again(engine, clock):
    pulse = Pulse(engine, Node(roles=["web"]))
    pulse._beat()
    [first] = standing(engine).nodes
    with engine.database.write() as connection:
        connection.execute(schema.nodes.delete())
    pulse._beat()
    [second] = standing(engine).nodes
    assert second.key != first.key


def test_partitions_that_nobody_serves_are_named(engine, database_url, clock):
    for chosen in ("0-99", "50-1000,1002"):
        other = Engine(database_url, clock=clock)
        other.partitions = partitions.parse(chosen)
        other.execute(nodes.join, Node(roles=["scheduler"]))
        other.close()
    assert standing(engine).unserved == "1001,1003-1023"
    engine.execute(nodes.join, Node(roles=["scheduler"]))
    assert standing(engine).unserved == ""


def test_services_that_nobody_calls_in_some_partitions_are_named(engine, database_url, clock):
    for chosen, roles, services in (("0-511", ["worker"], ["charge", "ship"]), ("512-1023", ["worker"], ["ship"]),
                                    ("0-1023", ["web"], ["charge"]), (None, ["scheduler"], [])):
        other = Engine(database_url, clock=clock)
        other.partitions = chosen and partitions.parse(chosen)
        other.execute(nodes.join, Node(roles=roles, services=services))
        other.close()
    seen = standing(engine)
    assert (seen.unserved, seen.uncalled) == ("", {"charge": "512-1023"})
    # when another one comes that is alive
    engine.execute(nodes.join, Node(roles=["worker"], services=["charge"]))
    assert standing(engine).uncalled == {}


def test_late_timers_and_stuck_locks_are_seen(engine, clock):
    steps = Steps(engine)
    steps.deploy(process("t", start(), catch("later", timer("Duration", "PT1M")), end()),
                 process("w", start("s2"), service("do"), end("e2")))
    steps.start("t")
    steps.start("w")
    steps.take("do")
    assert (standing(engine).timer_lag, standing(engine).stuck_locks) == (timedelta(), 0)
    clock.advance(minutes=10)
    seen = standing(engine)
    assert timedelta(minutes=8, seconds=59) < seen.timer_lag < timedelta(minutes=9, seconds=1)
    assert seen.stuck_locks == 1


@pytest.mark.postgres
def test_long_transactions_are_seen(postgres_template, monkeypatch):
    from engine.queries import standing as module

    engine = Engine(postgres_template())
    monkeypatch.setattr(module, "LONG", timedelta(0))
    with engine.database.write() as connection:
        connection.execute(text("SELECT 1"))
        [slow] = standing(engine).long_transactions
        assert slow.who == "partitur"
        assert slow.state == "idle in transaction"
    assert standing(engine).long_transactions == ()
    assert abs(standing(engine).clock_ahead) < timedelta(seconds=5)
    engine.close()


def test_worker_and_scheduler_serve_their_partitions_only(engine, clock):
    steps = Steps(engine)
    steps.deploy(process("t", start(), catch("later", timer("Duration", "PT1M")), end()),
                 process("w", start("s2"), service("do"), end("e2")))
    timed = [steps.start("t") for _ in range(20)]
    worked = [steps.start("w") for _ in range(20)]
    clock.advance(minutes=2)
    half = frozenset(range(PARTITIONS // 2))
    mine = [key for key in timed if partition_of(key) in half]
    assert 0 < len(mine) < 20  # keys are spread over the partitions
    assert engine.execute(timers.trigger_due, half) == len(mine)
    assert {key for key in timed if steps.state(key) == "COMPLETED"} == set(mine)
    # what is late elsewhere is no matter of its scheduler, which would tell of it in its log over and over
    assert sweeping.oldest(engine) is not None
    engine.partitions = half
    assert sweeping.oldest(engine) is None
    taken = engine.execute(activation.activate, ["do"], "me", 100, partitions=half)
    assert {job.instance_key for job in taken} == {key for key in worked if partition_of(key) in half}
    with engine.read() as connection:
        assert connection.scalars(select(schema.jobs.c.partition_key).where(schema.jobs.c.state == "CREATED")).all()


@given(st.frozensets(st.integers(0, PARTITIONS - 1), min_size=1))
def test_partitions_are_read_as_they_are_written(chosen):
    assert partitions.parse(partitions.words(chosen)) == chosen


@pytest.mark.parametrize("wrong", ["", "5-4", "1024", "-1", "a", "1,,2", "0-1024", "1;2", "٣"])
def test_what_names_no_partitions_is_refused(wrong):
    with pytest.raises(InvalidInput, match=r"Expected partitions such as 0-63,128"):
        partitions.parse(wrong)
