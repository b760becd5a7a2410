"""Three ways in which a job can be late: nobody takes it, its worker vanished, all attempts take too long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import incidents, instances
from engine.cluster import scheduler
from engine.contracts import JobContract
from engine.errors import WrongState
from engine.queries import effects as ledger
from engine.queries import lists
from engine.work import holds, jobs
from tests.engine.drawing import end, process, service, start

MINUTE = timedelta(minutes=1)


@pytest.fixture
def late(engine, steps):
    """Starts an instance whose service has limits; gives its key."""
    def make(**limits):
        engine.contracts["slow"] = JobContract(**limits)
        steps.deploy(process("late", start(), service("slow"), end()))
        return steps.start("late")
    return make


def messages(engine, clock, minutes):
    clock.advance(minutes=minutes)
    scheduler.run_once(engine)
    return [incident.message for incident in lists.incidents(engine).items]


def test_a_job_that_nobody_takes_is_an_incident(engine, clock, steps, late):
    late(pickup=5 * MINUTE)
    assert messages(engine, clock, 4) == []
    assert messages(engine, clock, 1) == ["Expected a worker to take the job within 300 s, but none did."]

    # when an operator lets it wait once more, and a worker takes it
    steps.resolve()
    assert messages(engine, clock, 4) == []
    steps.take("slow")
    assert messages(engine, clock, 0.1) == []


def test_a_job_of_a_held_service_may_wait(engine, clock, late):
    late(pickup=5 * MINUTE)
    engine.execute(holds.hold, "slow", "maintenance")
    assert messages(engine, clock, 60) == []

    # when it is released, workers have as much time as ever
    engine.execute(holds.release, "slow", "done")
    assert messages(engine, clock, 4) == []
    assert len(messages(engine, clock, 1)) == 1


def test_a_job_whose_attempts_take_too_long_together_is_an_incident(engine, clock, steps, late):
    late(total=10 * MINUTE)
    [job] = steps.take("slow", lock=timedelta(hours=1))
    assert messages(engine, clock, 9) == []
    [message] = messages(engine, clock, 1)
    assert "all attempts together" in message

    # then its worker is refused, and what it did is in doubt
    with pytest.raises(WrongState):
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
    assert ledger.effect(engine, job.key).effect == "IN_DOUBT"

    # when an operator lets it begin anew, so does its time
    [incident] = lists.incidents(engine).items
    engine.execute(incidents.resolve, incident.key)
    assert messages(engine, clock, 9) == []
    assert len(messages(engine, clock, 1)) == 1


def test_a_worker_that_gives_no_sign_of_life_is_told_apart(engine, clock, steps, late):
    late(pickup=5 * MINUTE, total=timedelta(hours=1))
    [job] = steps.take("slow")
    assert messages(engine, clock, 1) == []
    assert lists.job(engine, job.key).error_code == "LOCK_EXPIRED"


def test_nothing_of_a_suspended_instance_is_given_up(engine, clock, late):
    key = late(pickup=5 * MINUTE, total=timedelta(hours=9))
    engine.execute(instances.suspend, key, "audit")
    assert messages(engine, clock, 60) == []

    # when it is resumed, workers have as much time as ever
    engine.execute(instances.resume, key, "done")
    assert messages(engine, clock, 4) == []
    assert len(messages(engine, clock, 1)) == 1


def test_the_scheduler_knows_when_a_job_is_to_be_given_up(engine, clock, late):
    late(total=10 * MINUTE)
    assert scheduler.next_due(engine) == clock() + 10 * MINUTE
