"""Circuit breakers: the window that opens them, and workers that hold, try and resume."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.queries import lists
from engine.states import EffectState
from engine.work import holds
from service_tasks import Breaker, GiveUp, Retry, outcome, service_task
from service_tasks.contract import Policy
from service_tasks.health import Health
from service_tasks.limits import Allowance
from service_tasks.outcome import Completed, Failed, Thrown

SENSITIVE = Breaker(least=4, rate=0.5, window=10, rest=60)


def reasons(*outcomes, apart=1.0):
    health = Health(SENSITIVE)
    return [health.note(n * apart, each) is not None for n, each in enumerate(outcomes)]


NO, YES = Failed("no"), Completed()


def test_a_breaker_opens_when_enough_calls_of_enough_failed():
    assert reasons(NO, NO, NO, NO) == [False, False, False, True]
    assert reasons(YES, YES, YES, NO, NO, NO) == [False] * 5 + [True]
    assert not any(reasons(YES, YES, YES, NO, YES, NO))


def test_old_calls_are_forgotten():
    assert not any(reasons(NO, NO, NO, NO, apart=4.0))
    assert not any(reasons(NO, NO, NO, YES, YES, YES, NO, apart=3.0))
    # one that is as old as the window is
    assert not any(reasons(NO, NO, NO, NO, apart=10 / 3))
    assert any(reasons(NO, NO, NO, NO, apart=3.0))


def test_a_success_opens_nothing_and_what_opened_one_does_not_count_again():
    assert not any(reasons(NO, NO, YES, YES))
    assert reasons(*[NO] * 8) == [False, False, False, True] * 2


def test_a_call_in_doubt_is_a_failure_of_the_service_though_an_operator_is_asked():
    assert any(reasons(*[Failed("lost", retries=0, effect=EffectState.IN_DOUBT)] * 4))


@pytest.mark.parametrize("other", [Thrown("NO_STOCK", ""), Failed("a variable is missing", retries=0)])
def test_what_is_no_fault_of_the_service_opens_nothing(other):
    assert not any(reasons(*[other] * 9))


def test_giving_up_is_about_one_call():
    assert not any(reasons(*[outcome.of_error(Policy(name="x"), GiveUp("no"), outcome.Attempt())] * 9))


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"rate": 1.5}, {"least": 0}, {"rest": 0}])
def test_a_breaker_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        Breaker(**wrong)


def test_a_service_that_was_held_gets_twice_as_many_calls_each_second():
    allowance = Allowance(Policy(name="x"))
    allowance.resume(100.0)
    assert [allowance.available(100.0 + seconds, 50) for seconds in (0, 1, 2, 5)] == [1, 2, 4, 32]
    allowance.begin()
    assert allowance.available(101.0, 50) == 1
    allowance.available(109.0, 50)
    assert not allowance.limited


def test_a_broken_service_is_held_and_its_jobs_keep_their_attempts(stage, clock):
    # given a service that fails
    works, calls = [], []

    @service_task("work", idempotent=True, retry=Retry(attempts=50, first=timedelta(0), jitter=0), breaker=SENSITIVE)
    def work() -> None:
        calls.append(1)
        if not works:
            raise RuntimeError("down")

    registry = stage.offer(work)
    keys = [stage.start() for _ in range(6)]
    stage.hire(registry, threads=1, held=1)

    # then its breaker opens after a few calls, and no attempt is made any more
    [hold] = stage.until(lambda: holds.all_of_them(stage.engine))
    assert "down" in hold.reason
    stage.until(lambda: all(job.state == "CREATED" for job in lists.jobs(stage.engine).items))
    before = len(calls)
    assert before <= SENSITIVE.least + 2
    lost = sum(50 - job.retries for job in lists.jobs(stage.engine).items)

    # when it rested, one call is let through; it costs no attempt, and the service rests for twice as long
    clock.advance(seconds=61)
    stage.until(lambda: len(calls) > before and holds.all_of_them(stage.engine)[0].trials == 1)
    assert len(calls) == before + 1
    assert sum(50 - job.retries for job in lists.jobs(stage.engine).items) == lost

    # when it works again, the next one closes the breaker and all go on
    works.append(1)
    clock.advance(seconds=121)
    for key in keys:
        assert stage.ended(key).row.state == "COMPLETED"
    assert holds.all_of_them(stage.engine) == ()


def test_a_worker_heeds_what_an_operator_holds(stage):
    called = []

    @service_task("work")
    def work() -> None:
        called.append(1)

    registry = stage.offer(work)
    stage.engine.execute(holds.hold, "work", "not now")
    key = stage.start()
    worker = stage.hire(registry)
    stage.until(lambda: worker.resting == {"work"})
    assert not called
    stage.engine.execute(holds.release, "work", "now")
    assert stage.ended(key).row.state == "COMPLETED"
