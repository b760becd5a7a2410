"""What is summed up of ended instances, once each, on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import instances, schema
from engine.queries import hotspots, reports
from engine.queries.hotspots import Bound
from engine.reports import learning, stays
from engine.reports.parts import Part, shares
from engine.work import jobs
from tests.engine.drawing import catch, end, message, message_of, process, service, start, user

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def minutes(count):
    return timedelta(minutes=count)


def learn(engine, clock):
    clock.advance(minutes=2)
    while learning.learn(engine):
        pass


def all_of(engine, clock):
    return reports.by_process(engine, clock() - timedelta(days=30), clock())


@pytest.fixture
def orders(engine, clock, steps):
    """Ten orders: each waits 1 minute for a worker that takes 2, then 7 minutes for a person; the last is cancelled,
    the third one's service failed once."""
    steps.deploy(process("order", start(), service("work", retries=2), user("check"), end()))
    for number in range(10):
        key = steps.start("order")
        clock.advance(minutes=1)
        [job] = steps.take("work", lock=minutes(10))
        if number == 2:
            engine.execute(jobs.fail, job.key, "again", retries=1)
            [job] = steps.take("work", lock=minutes(10))
        clock.advance(minutes=2)
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
        clock.advance(minutes=7)
        if number == 9:
            engine.execute(instances.cancel, key, "enough")
        else:
            steps.finish()


def test_instances_are_summed_up(engine, clock, orders):
    learn(engine, clock)
    [order] = all_of(engine, clock)
    assert (order.process_id, order.started, order.completed, order.terminated) == ("order", 10, 9, 1)
    assert (order.mean, order.longest, order.retries, order.failures) == (minutes(10), minutes(10), 1, 0)
    assert order.spent == {Part.ENGINE: minutes(0), Part.SERVICE: minutes(20), Part.QUEUE: minutes(10),
                           Part.WAITING: minutes(70)}
    assert abs(order.median - minutes(10)) <= minutes(1)


def test_elements_are_summed_up(engine, clock, orders):
    learn(engine, clock)
    found = {each.element_id: each for each in reports.by_element(
        engine, clock() - timedelta(days=1), clock() + timedelta(days=1), "order")}
    assert (found["work"].completed, found["work"].mean, found["work"].retries) == (10, minutes(3), 1)
    assert (found["check"].completed, found["check"].terminated, found["check"].type) == (9, 1, "USER_TASK")
    [task] = reports.user_tasks(engine, clock() - timedelta(days=1), clock())
    assert (task.element_id, task.mean) == ("check", minutes(7))
    most = reports.most(engine, clock() - timedelta(days=1), clock())
    assert {name: [(each.element_id, each.ended) for each in rows] for name, rows in most.items()} == {
        "retries": [("work", 10)], "failures": [], "undone": []}


def test_nothing_counts_twice(engine, clock, orders, steps, monkeypatch):
    # given slices of three, so that instances that ended together are in different ones
    monkeypatch.setattr(learning, "BATCH", 3)
    monkeypatch.setattr(learning, "STARTS", 3)
    learn(engine, clock)
    learn(engine, clock)
    assert [(each.started, each.ended) for each in all_of(engine, clock)] == [(10, 10)]

    # when more end at one moment
    for _ in range(7):
        steps.start("order")
    for row in reports_live(engine):
        engine.execute(instances.cancel, row, "all")
    learn(engine, clock)

    # then
    assert [(each.started, each.ended) for each in all_of(engine, clock)] == [(17, 17)]


def reports_live(engine):
    with engine.read() as connection:
        rows = connection.execute(schema.instances.select().where(schema.instances.c.state == "ACTIVE"))
        return [row.key for row in rows]


def test_slice_that_another_node_kept_is_left(engine, clock, orders):
    # given two nodes that read the same slice
    clock.advance(minutes=2)
    with engine.read() as connection:
        figures = learning.Figures(learning.Figure)
        rows = learning._ended(connection, learning.Place(NOON - timedelta(days=9000), 0), clock(), figures)
    learn(engine, clock)

    # when the slower one keeps it, too
    engine.execute(learning._keep, "ENDED", None, learning.Place(rows[-1].at, rows[-1].key), figures)

    # then
    assert [(each.started, each.ended) for each in all_of(engine, clock)] == [(10, 10)]


def test_what_happened_just_now_is_left_for_later(engine, clock, steps):
    steps.deploy(process("p", start(), end()))
    learn(engine, clock)
    steps.start("p")
    clock.advance(seconds=30)
    assert learning.learn(engine) == 0
    learn(engine, clock)
    assert [(each.started, each.completed) for each in all_of(engine, clock)] == [(1, 1)]


def test_time_goes_by_hours_and_days(engine, clock, steps):
    steps.deploy(process("p", start(), end()))
    for _ in range(3):
        steps.start("p")
        clock.advance(hours=25)
    learn(engine, clock)
    days = reports.over_time(engine, clock() - timedelta(days=6), clock())
    assert sum(each.started for each in days) == sum(each.completed for each in days) == 3
    assert len(days) in (6, 7)
    assert max(each.started for each in days) == 1
    hours = reports.over_time(engine, clock() - timedelta(hours=26), clock())
    assert len(hours) in (26, 27)
    assert sum(each.completed for each in hours) == 1


def test_sums_outlive_the_instances(engine, clock, orders):
    learn(engine, clock)
    with engine.database.write() as connection:
        for table in (schema.element_instances, schema.jobs, schema.user_tasks, schema.instances):
            connection.execute(table.delete())
    learn(engine, clock)
    assert [each.ended for each in all_of(engine, clock)] == [10]


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 25), st.integers(0, 25), st.sampled_from(Part)), max_size=8))
def test_parts_add_up(intervals):
    begin, end_ = NOON, NOON + minutes(20)
    spent = shares(begin, end_, [(begin + minutes(at), begin + minutes(at + long), part)
                                 for at, long, part in intervals])
    assert sum(spent.values(), timedelta()) == minutes(20)
    # Each minute by itself says the same.
    expected = Counter()
    for minute in range(20):
        expected[min((part for at, long, part in intervals if at <= minute < at + long), default=Part.ENGINE)] += 1
    assert {part: took // minutes(1) for part, took in spent.items() if took} == {
        part: count for part, count in expected.items() if count}


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 1.0]))
def test_share_is_known_to_a_tenth(took, part):
    found = stays.share(Counter(map(stays.class_of, took)), part) / stays.MILLISECOND
    exact = sorted(took)[max(0, -int(-part * len(took) // 1) - 1)]
    assert abs(found - exact) <= max(1, exact * 0.1)


def test_hotspots_are_measured_on_each_database(engine, clock, orders):
    learn(engine, clock)
    found = hotspots.look(engine, clock() - timedelta(days=1), clock())
    measured = {each.bound: each for each in found.measured}
    assert found.total == minutes(100)
    assert measured[Bound.RATE].value * 3600 in range(5, 8)
    # Too few have ended to speak of shares.
    assert measured[Bound.ENGINE_SHARE].value is None
    assert not measured[Bound.ENGINE_SHARE].exceeded
    assert measured[Bound.LOCKS].value == (None if engine.database.is_sqlite else 0)


def test_keys_that_many_wait_for_are_hot(engine, clock, steps):
    steps.deploy(message_of("m", "Paid", "=order"), process("p", start(), catch("wait", message("m")), end()))
    for order in ("A", "A", "A", "B", "B", "C"):
        steps.start("p", {"order": order})
    found = hotspots.look(engine, clock() - timedelta(days=1), clock())
    assert [(each.correlation_key, each.waiting) for each in found.keys] == [("A", 3), ("B", 2)]
