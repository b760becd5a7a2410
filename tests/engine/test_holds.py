"""Services that are held: by an operator, and by a circuit breaker."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import InvalidInput, WrongState
from engine.queries import lists
from engine.work import activation, holds
from tests.engine.drawing import end, process, service, start

MINUTE = timedelta(minutes=1)


@pytest.fixture
def two(steps):
    """An instance that waits for each of two services."""
    for name in ("pay", "ship"):
        steps.deploy(process(f"p_{name}", start(), service(name), end()), name=f"{name}.bpmn")
        steps.start(f"p_{name}")


def trip(engine, service="pay"):
    engine.execute(holds.open_breaker, service, "9 of 10 failed", MINUTE, 3 * MINUTE)


def types(jobs):
    return sorted(job.type for job in jobs)


@pytest.mark.parametrize("wanted", [None, ["pay", "ship"]])
def test_jobs_of_a_held_service_are_not_handed_out_and_keep_their_attempts(engine, two, wanted):
    engine.execute(holds.hold, "pay", "the bank is down")
    assert types(engine.execute(activation.activate, wanted, "w", 10)) == ["ship"]
    assert engine.execute(activation.activate, ["pay"], "w", 10) == []
    [job] = lists.jobs(engine, types=["pay"]).items
    assert (job.state, job.attempt, job.retries) == ("CREATED", 0, 3)


def test_a_released_service_is_used_again(engine, two):
    engine.execute(holds.hold, "pay", "the bank is down")
    engine.execute(holds.release, "pay", "it is up")
    assert types(engine.execute(activation.activate, None, "w", 10)) == ["pay", "ship"]
    assert holds.all_of_them(engine) == ()


def test_hold_and_release_want_a_reason_and_are_audited(engine):
    for act in (holds.hold, holds.release):
        with pytest.raises(InvalidInput):
            engine.execute(act, "pay", " ")
    engine.execute(holds.hold, "pay", "down")
    engine.execute(holds.release, "pay", "up")
    assert [(entry.operation, entry.reason, entry.details) for entry in lists.audit(engine, entity="SERVICE").items] \
        == [("RELEASE", "up", {"name": "pay"}), ("HOLD", "down", {"name": "pay"})]


def test_what_is_held_is_not_held_twice_and_what_is_not_is_not_released(engine):
    engine.execute(holds.hold, "pay", "down")
    with pytest.raises(WrongState):
        engine.execute(holds.hold, "pay", "down")
    with pytest.raises(WrongState):
        engine.execute(holds.release, "ship", "up")


def test_a_breaker_lets_one_call_through_when_the_service_has_rested(engine, clock):
    trip(engine)
    until = clock() + 2 * MINUTE
    assert not engine.execute(holds.claim_trial, "pay", until)
    clock.advance(minutes=1)
    assert engine.execute(holds.claim_trial, "pay", until)
    assert not engine.execute(holds.claim_trial, "pay", until)


def test_each_trial_that_fails_doubles_the_rest_up_to_the_longest(engine, clock):
    rests = []
    for _ in range(4):
        trip(engine)
        [hold] = holds.all_of_them(engine)
        rests.append(hold.trial_at - clock())
    assert rests == [MINUTE, 2 * MINUTE, 3 * MINUTE, 3 * MINUTE]
    assert lists.audit(engine, operation="OPEN_BREAKER").total == 1


def test_a_breaker_does_not_end_what_an_operator_holds(engine):
    trip(engine)
    engine.execute(holds.hold, "pay", "leave it alone")
    trip(engine)
    engine.execute(holds.close_breaker, "pay")
    [hold] = holds.all_of_them(engine)
    assert (hold.kind, hold.reason) == ("OPERATOR", "leave it alone")


def test_a_breaker_closes_when_the_service_works_again(engine):
    trip(engine)
    engine.execute(holds.close_breaker, "pay")
    assert holds.all_of_them(engine) == ()
