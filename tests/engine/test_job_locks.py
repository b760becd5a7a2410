"""Jobs taken by filters, locked and unlocked by hand, and answered after the lock ran out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances
from engine.cluster import scheduler
from engine.errors import InvalidInput, WrongState
from engine.queries import due_jobs, lists
from engine.work import activation, holds, jobs
from engine.work.filters import JobFilter
from tests.engine.drawing import end, process, service, start

MINUTE = timedelta(minutes=1)


@pytest.fixture
def orders(steps):
    """Two orders that wait for their payment: key by business id."""
    steps.deploy(process("order", start(), service("pay"), end()))
    return {name: steps.start("order", {"region": name}, business_id=name) for name in ("north", "south")}


def taken(engine, **filter):
    found = engine.execute(activation.activate, ["pay"], "w", 10, MINUTE, only=JobFilter(**filter))
    return [job.business_id for job in found]


@pytest.mark.parametrize("filter", [{"business_id": "south"}, {"variables": {"region": "south"}}])
def test_a_worker_gets_the_jobs_that_its_filter_lets_through(engine, orders, filter):
    assert taken(engine, **filter) == ["south"]
    assert taken(engine) == ["north"]


@pytest.mark.parametrize("filter", [
    {"process_ids": ["other"]}, {"definition_keys": [1]}, {"version_tag": "v2"}, {"tenant_ids": ["other"]},
    {"process_ids": []},
])
def test_a_worker_gets_nothing_that_its_filter_excludes(engine, orders, filter):
    assert taken(engine, **filter) == []
    assert len(taken(engine, process_ids=["order"], tenant_ids=["<default>"])) == 2


def test_the_next_due_job_is_one_that_the_filter_lets_through(engine, clock, orders):
    # given that only the order from the south failed and waits
    [job] = engine.execute(activation.activate, ["pay"], "w", 1, MINUTE, only=JobFilter(business_id="south"))
    engine.execute(jobs.fail, job.key, "no", retries=1, retry_in=MINUTE, worker="w")

    # then each filter has its own time
    assert due_jobs.next_due_of_any(engine, [("pay", JobFilter(business_id="south"))]) == clock() + MINUTE
    assert due_jobs.next_due_of_any(engine, [("pay", None), ("ship", None)]) == clock()
    assert due_jobs.next_due_of_any(engine, [("ship", None)]) is None


def test_jobs_of_a_held_service_are_not_due(engine, clock, orders):
    engine.execute(holds.hold, "pay", "the bank is closed")
    assert due_jobs.next_due(engine, "pay") is None
    assert due_jobs.next_due_of_any(engine, [("pay", None)]) is None
    engine.execute(holds.release, "pay", "it is open")
    assert due_jobs.next_due(engine, "pay") == clock()


def test_filters_cannot_compare_collections(engine, orders):
    with pytest.raises(InvalidInput):
        taken(engine, variables={"region": ["south"]})


def job_of(engine, instance_key):
    [job] = lists.jobs(engine, instance_key=instance_key).items
    return job


def test_a_job_locked_by_hand_is_answered_by_its_worker_only(engine, steps, orders):
    key = job_of(engine, orders["north"]).key
    engine.execute(jobs.lock, key, "w", MINUTE)
    engine.execute(jobs.lock, key, "w", MINUTE)
    with pytest.raises(WrongState):
        engine.execute(jobs.lock, key, "another", MINUTE)
    with pytest.raises(WrongState):
        engine.execute(jobs.complete, key, worker="another")
    engine.execute(jobs.complete, key, worker="w")
    assert steps.state(orders["north"]) == "COMPLETED"


def test_a_lock_that_ran_out_can_be_taken_by_another_worker(engine, clock, orders):
    key = job_of(engine, orders["north"]).key
    engine.execute(jobs.lock, key, "w", MINUTE)
    clock.advance(minutes=2)
    engine.execute(jobs.lock, key, "another", MINUTE)
    with pytest.raises(WrongState):
        engine.execute(jobs.complete, key, worker="w")


def test_a_job_of_a_suspended_instance_cannot_be_locked(engine, orders):
    engine.execute(instances.suspend, orders["north"], "audit")
    with pytest.raises(WrongState):
        engine.execute(jobs.lock, job_of(engine, orders["north"]).key, "w", MINUTE)


def test_an_unlocked_job_goes_to_others_and_its_worker_is_refused(engine, steps, orders):
    # given a worker with both jobs
    first, second = steps.take("pay", max_jobs=2)

    # when one is unlocked
    engine.execute(jobs.unlock, first.key)

    # then it can be taken again, and whoever had it cannot answer, by name or by token
    for who in ({"worker": "worker"}, {"lock_token": first.lock_token}):
        with pytest.raises(WrongState):
            engine.execute(jobs.complete, first.key, **who)
    assert [job.key for job in steps.take("pay", max_jobs=2)] == [first.key]
    engine.execute(jobs.complete, second.key, worker="worker")


def test_a_job_without_retries_stays_failed_when_it_is_unlocked(engine, steps, orders):
    [job] = steps.take("pay")
    engine.execute(jobs.fail, job.key, "no", retries=0, worker="worker")
    engine.execute(jobs.unlock, job.key)
    assert lists.job(engine, job.key).state == "FAILED"


def test_a_worker_that_is_late_may_answer_as_long_as_nobody_took_the_job(engine, clock, steps, orders):
    # given a worker whose lock ran out, and was released
    [first] = steps.take("pay", worker="slow")
    clock.advance(minutes=2)
    scheduler.run_once(engine)

    # then others cannot answer in its place, but it can
    with pytest.raises(WrongState):
        engine.execute(jobs.complete, first.key, worker="other")
    engine.execute(jobs.complete, first.key, worker="slow")
    assert steps.state(first.instance_key) == "COMPLETED"


def test_what_a_worker_gives_back_or_keeps_longer_is_its_own(engine, clock, steps, orders):
    # given a worker whose lock ran out, and was released
    [first] = steps.take("pay", worker="slow")
    clock.advance(minutes=2)
    scheduler.run_once(engine)
    with pytest.raises(WrongState, match="to be locked, but it is created"):
        engine.execute(jobs.extend_lock, first.key, MINUTE, worker="slow")

    # when another one has the job, and the first one gives it back
    again = {job.key: job for job in steps.take("pay", worker="quick", max_jobs=2)}[first.key]
    engine.execute(jobs.give_back, [first])

    # then it stays with the other one; and once it was answered there is nothing to give back
    assert (lists.job(engine, first.key).state, lists.job(engine, first.key).locked_by) == ("ACTIVATED", "quick")
    engine.execute(jobs.complete, again.key, worker="quick")
    engine.execute(jobs.give_back, [again])
    assert lists.job(engine, first.key).state == "COMPLETED"


def test_local_variables_of_an_answer_do_not_leave_the_element(engine, steps, orders):
    [job] = steps.take("pay")
    engine.execute(jobs.complete, job.key, {"paid": True}, local_variables={"receipt": 7}, worker="worker")
    assert steps.variables(job.instance_key)["paid"] is True
    assert "receipt" not in steps.variables(job.instance_key)


def test_who_ended_a_job_stays_known(engine, steps):
    # given two jobs, one that a worker has
    steps.deploy(process("order", start(), service("work"), end()))
    first, second = steps.start("order"), steps.start("order")
    [job] = steps.take("work", worker="billing-7")

    # when both are completed, the other one by somebody who never took it
    engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
    [other] = [each for each in lists.jobs(engine).items if each.ended_at is None]
    engine.acting_as("erika").execute(jobs.complete, other.key)

    # then
    known = {each.instance_key: (each.locked_by, each.locked_until) for each in lists.jobs(engine).items}
    assert known == {first: ("billing-7", None), second: ("erika", None)}
