"""What is learned of elements, and who is late by it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import durations
from engine.queries import instance, overview
from engine.queries import instances as lists
from engine.queries.instances import InstanceFilter
from engine.work import jobs
from tests.engine.drawing import end, process, service, start


@pytest.fixture
def seen(engine, clock, steps, monkeypatch):
    """Ten instances whose work took 1 to 10 minutes, which is enough to know; the third one needed a second attempt."""
    monkeypatch.setattr(durations, "ENOUGH", 10)
    steps.deploy(process("p", start(), service("work", retries=2), end()))
    for minutes in range(1, 11):
        steps.start("p")
        [job] = steps.take("work")
        if minutes == 3:
            engine.execute(jobs.fail, job.key, "again", retries=1)
            [job] = steps.take("work")
        clock.advance(minutes=minutes)
        engine.execute(jobs.complete, job.key)
    return clock


def test_how_long_tokens_stay_is_learned(engine, seen):
    assert durations.learn(engine) == 1
    known = durations.known(engine, _definition(engine))
    work = known["work"]
    minute = timedelta(minutes=1)
    assert (work.samples, work.median, work.p95, work.p99) == (10, 5 * minute, 10 * minute, 10 * minute)
    assert (work.retries, work.failures) == (1, 0)
    assert known["start"].median == timedelta()


def test_what_was_learned_lately_is_not_learned_again(engine, seen):
    assert durations.learn(engine) == 1
    assert durations.learn(engine) == 0
    seen.advance(minutes=6)
    assert durations.learn(engine) == 1


def test_instance_is_stalled_when_it_is_later_than_nearly_all_were(engine, seen, steps):
    key = steps.start("p")
    seen.advance(minutes=9)
    durations.learn(engine)
    assert overview.overview(engine).stalled == 0
    seen.advance(minutes=2)
    durations.learn(engine)
    found = lists.search(engine, InstanceFilter(states=["stalled"]))
    assert [row.key for row in found.items] == [key]
    assert instance.get(engine, key).stalled
    assert overview.overview(engine).stalled == found.total == 1
    # It goes on, and is late no more.
    steps.do("work")
    assert overview.overview(engine).stalled == 0


def test_nothing_is_late_of_which_too_little_is_known(engine, seen, steps, monkeypatch):
    monkeypatch.setattr(durations, "ENOUGH", 11)
    steps.start("p")
    seen.advance(days=30)
    durations.learn(engine)
    assert overview.overview(engine).stalled == 0


def _definition(engine):
    return lists.search(engine, InstanceFilter()).items[0].definition_key
