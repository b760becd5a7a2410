"""Timers: dates, durations, cycles; boundary and start events; due ones fire once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine import schedules
from engine.cluster import scheduler
from engine.errors import InvalidTimer
from engine.queries import instances, lists
from engine.queries.instances import InstanceFilter
from tests.engine.drawing import boundary, catch, end, process, service, start, timer

NOW = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("kind", "text", "due"), [
    ("DURATION", "PT15M", "2030-01-31T12:15:00+00:00"),
    ("DURATION", "P1M", "2030-02-28T12:00:00+00:00"),
    ("DURATION", "P1Y2M3DT4H5M6S", "2031-04-03T16:05:06+00:00"),
    ("DURATION", "PT0.5S", "2030-01-31T12:00:00.500000+00:00"),
    ("DURATION", "P2W", "2030-02-14T12:00:00+00:00"),
    ("DURATION", "-PT1H", "2030-01-31T11:00:00+00:00"),
    ("DATE", "2031-01-01T00:00:00Z", "2031-01-01T00:00:00+00:00"),
    ("DATE", "2031-01-01T00:00:00+02:00", "2030-12-31T22:00:00+00:00"),
    ("DATE", "2031-07-01T00:00:00", "2031-06-30T22:00:00+00:00"),
    ("DATE", "2031-07-01T00:00:00[America/New_York]", "2031-07-01T04:00:00+00:00"),
    ("CYCLE", "R3/PT10M", "2030-01-31T12:10:00+00:00"),
    ("CYCLE", "R/2030-02-01T00:00:00Z/P1D", "2030-02-01T00:00:00+00:00"),
    ("CYCLE", "R/2030-01-01T00:00:00Z/P1D", "2030-02-01T00:00:00+00:00"),
    ("CYCLE", "0 0 9 * * MON-FRI", "2030-02-01T08:00:00+00:00"),
    ("CYCLE", "0 0 9 ? * MON-FRI *", "2030-02-01T08:00:00+00:00"),
    ("CYCLE", "*/5 * * * *", "2030-01-31T12:05:00+00:00"),
    ("CYCLE", "@daily", "2030-01-31T23:00:00+00:00"),
])
def test_timer_text_gives_the_time(kind, text, due):
    assert schedules.first(kind, text, NOW, BERLIN).at.isoformat() == due


@pytest.mark.parametrize(("kind", "text"), [
    ("DURATION", "15 minutes"), ("DURATION", "P"), ("DURATION", "PT"), ("DURATION", "P99999999Y"), ("DURATION", ""),
    ("DATE", "tomorrow"), ("DATE", "2030-13-01"), ("DATE", "2030-01-01T00:00:00[Nowhere/Land]"),
    ("CYCLE", "R3"), ("CYCLE", "R0/PT1M"), ("CYCLE", "R/PT0S"), ("CYCLE", "R2/PT1M/PT1M/PT1M"), ("CYCLE", "R2/x/y"),
    ("CYCLE", "61 * * * *"), ("CYCLE", "now and then"),
])
def test_text_that_is_no_timer_is_told(kind, text):
    with pytest.raises(InvalidTimer, match="Expected"):
        schedules.first(kind, text, NOW, UTC)


def test_cycle_fires_as_often_as_it_says():
    due = schedules.first("CYCLE", "R3/PT10M", NOW, UTC)
    times = [due.at]
    while due := schedules.following(due.schedule, due.at, due.repeats_left, UTC, due.at):
        times.append(due.at)
    assert [time - NOW for time in times] == [timedelta(minutes=minutes) for minutes in (10, 20, 30)]


def test_missed_times_of_an_endless_cycle_are_made_up_for_by_one():
    due = schedules.first("CYCLE", "R/PT10M", NOW, UTC)
    late = NOW + timedelta(hours=5, minutes=3)
    following = schedules.following(due.schedule, due.at, due.repeats_left, UTC, late)
    assert following.at == NOW + timedelta(hours=5)


def test_cron_keeps_the_local_hour_over_daylight_saving():
    before = datetime(2030, 3, 30, 12, 0, tzinfo=UTC)
    first = schedules.first("CYCLE", "0 9 * * *", before, BERLIN)
    second = schedules.following(first.schedule, first.at, None, BERLIN, first.at)
    assert [first.at.astimezone(BERLIN).hour, second.at.astimezone(BERLIN).hour] == [9, 9]


def test_catch_event_waits_for_its_time(engine, clock, steps):
    # given an instance that waits an hour
    steps.deploy(process("wait", start(), catch("hour", timer("Duration", "PT1H")), end()))
    key = steps.start("wait")
    [armed] = steps.detail(key).timers
    assert armed.due_at == clock.now + timedelta(hours=1)

    # when the time has not come, nothing happens
    clock.advance(minutes=59)
    assert scheduler.run_once(engine) == 0

    # when it has, the instance goes on
    clock.advance(minutes=1)
    assert scheduler.run_once(engine) == 1
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}
    assert scheduler.run_once(engine) == 0


def test_interrupting_boundary_timer_takes_the_job_away(engine, clock, steps):
    steps.deploy(process(
        "slow", start(), service("work"), end(), boundary("late", "work", timer("Duration", "PT5M")), end("too_late"),
        flows="start>work work>end late>too_late",
    ))
    key = steps.start("slow")
    clock.advance(minutes=5)
    scheduler.run_once(engine)
    assert steps.state(key) == "COMPLETED"
    assert steps.take("work") == []
    assert steps.left_behind() == {}


def test_boundary_timer_is_disarmed_when_the_work_is_done(clock, engine, steps):
    steps.deploy(process(
        "quick", start(), service("work"), service("next"), end(),
        boundary("late", "work", timer("Duration", "PT5M")), end("too_late"),
        flows="start>work work>next next>end late>too_late",
    ))
    key = steps.start("quick")
    steps.do("work")
    assert steps.detail(key).timers == ()
    clock.advance(minutes=5)
    scheduler.run_once(engine)
    assert steps.at(key) == ["next"]


def test_non_interrupting_cycle_fires_again_and_again(engine, clock, steps):
    steps.deploy(process(
        "remind", start(), service("work"), end(),
        boundary("every", "work", timer("Cycle", "R3/PT1H"), interrupting=False), service("nag"), end("e2"),
        flows="start>work work>end every>nag nag>e2",
    ))
    key = steps.start("remind")
    for _ in range(5):
        clock.advance(hours=1)
        scheduler.run_once(engine)
    assert len(steps.take("nag", max_jobs=10)) == 3
    assert steps.detail(key).timers == ()


def test_time_that_cannot_be_read_is_an_incident_and_can_be_mended(engine, clock, steps):
    from engine import variables

    # given a time that comes out of a variable and is no time
    steps.deploy(process("wait", start(), catch("until", timer("Date", "=deadline")), end()))
    key = steps.start("wait", {"deadline": "soon"})
    [incident] = lists.incidents(engine).items
    assert "'soon'" in incident.message

    # when it is mended and resolved
    engine.execute(variables.set, key, {"deadline": "2030-02-01T00:00:00Z"})
    steps.resolve()

    # then the instance waits, and goes on
    assert steps.detail(key).timers[0].due_at == datetime(2030, 2, 1, tzinfo=UTC)
    clock.advance(days=1)
    scheduler.run_once(engine)
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}


def test_timer_start_event_starts_instances_of_the_newest_version_only(engine, clock, steps):
    # given two versions of a process that starts every hour
    for work in ("old", "new"):
        steps.deploy(process("hourly", start(event=timer("Cycle", "R/PT1H")), service(work), end()))

    # when two hours pass
    for _ in range(2):
        clock.advance(hours=1)
        scheduler.run_once(engine)

    # then the newest version was started twice
    found = instances.search(engine, InstanceFilter(process_id="hourly"))
    assert [row.version for row in found.items] == [2, 2]
    assert len(steps.take("new", max_jobs=5)) == 2


def test_due_timer_fires_once_however_many_nodes_look(engine, clock, database_url, steps):
    import threading

    from engine.engine import Engine

    steps.deploy(process("wait", start(), catch("hour", timer("Duration", "PT1H")), service("after"), end()))
    for _ in range(20):
        steps.start("wait")
    clock.advance(hours=1)
    nodes = [engine, Engine(database_url, clock=clock)]
    threads = [threading.Thread(target=scheduler.run_once, args=(node,)) for node in nodes for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(steps.take("after", max_jobs=100)) == 20
    nodes[1].close()


def test_scheduler_is_woken_by_what_falls_due_sooner(sqlite_url, steps):
    import threading

    from engine import definitions, instances
    from engine.cluster.wakeup import ended_topic
    from engine.engine import Engine
    from tests.engine import drawing

    # given a scheduler in the background, with the real clock
    engine = Engine(sqlite_url)
    running = scheduler.Scheduler(engine)
    running.start()
    engine.execute(definitions.deploy, [drawing.file(
        process("wait", start(), service("first"), catch("moment", timer("Duration", "PT0.01S")), end()))])
    key = engine.execute(instances.start, "wait", elements=["moment"]).key

    # then the timer fires without anybody asking
    with engine.wakeup.listen([ended_topic(key)]) as listener:
        from engine.queries import instance

        while instance.get(engine, key).state != "COMPLETED":
            assert listener.wait(10)
    running.stop()
    engine.close()
    assert threading.active_count() >= 1


def test_one_instance_that_breaks_does_not_stop_the_timers_of_others(engine, clock, steps):
    from sqlalchemy import text

    # given two instances that wait, one of which has a state that cannot be read
    steps.deploy(process("wait", start(), catch("hour", timer("Duration", "PT1H")), end()))
    broken, whole = steps.start("wait"), steps.start("wait")
    with engine.database.write() as connection:
        connection.execute(text("UPDATE instances SET tokens = :nonsense, revision = 9 WHERE key = :key"),
                           {"nonsense": b"\xc1", "key": broken})

    # when their time comes
    clock.advance(hours=1)
    scheduler.run_once(engine)

    # then the whole one goes on, and the broken one is tried again later
    assert steps.state(whole) == "COMPLETED"
    [postponed] = steps.detail(broken).timers
    assert postponed.due_at == clock.now + timedelta(minutes=1)


def test_who_waits_for_jobs_is_woken_when_the_pause_before_a_retry_is_over(engine, clock, steps):
    from engine.cluster.wakeup import jobs_topic
    from engine.work import jobs

    # given a job that is tried again in a minute, and a worker that waits for it
    steps.deploy(process("order", start(), service("work"), end()))
    steps.start("order")
    [job] = steps.take("work")
    engine.execute(jobs.fail, job.key, "closed", retry_in=timedelta(minutes=1))
    assert scheduler.next_due(engine) == clock.now + timedelta(minutes=1)
    looked = clock.now
    with engine.wakeup.listen([jobs_topic("work")]) as listener:
        # when it looks before and after the pause is over
        looked = scheduler.wake_for_retries(engine, looked)
        assert not listener.wait(0)
        clock.advance(minutes=1)
        scheduler.wake_for_retries(engine, looked)

        # then it is woken once
        assert listener.wait(0)
        assert not listener.wait(0)


def test_scheduler_is_not_woken_by_what_falls_due_later_than_it_looks(clock):
    from engine.cluster.wakeup import Wakeup, due_topic, jobs_topic

    # given somebody who is going to look in a minute
    wakeup = Wakeup()
    with wakeup.listen_for_due() as listener:
        listener.planned = clock.now + timedelta(minutes=1)

        # then only what falls due sooner wakes it
        wakeup.announce([due_topic(clock.now + timedelta(hours=1)), jobs_topic("work")])
        assert not listener.wait(0)
        wakeup.announce([jobs_topic("work"), due_topic(clock.now + timedelta(seconds=59))])
        assert listener.wait(0)

        # and while it looks, everything does
        listener.planned = None
        wakeup.announce([due_topic(clock.now + timedelta(hours=1))])
        assert listener.wait(0)
