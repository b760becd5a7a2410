"""A worker's turns, one by one: what it holds, keeps, gives back, and offers again while the engine refuses."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest
from msgspec import structs

from engine import instances
from engine.errors import Unavailable
from engine.queries import effects as ledger
from engine.queries import lists
from engine.work import activation, holds, jobs
from service_tasks import Breaker, service_task
from service_tasks import worker as worker_module
from service_tasks.errors import NotSent
from service_tasks.held import Held, Stage
from service_tasks.outcome import Completed, Failed
from service_tasks.reporter import Reporter
from service_tasks.threads import Threads
from service_tasks.worker import Worker

FOR_EVER = 1e9
MINUTE = timedelta(minutes=1)
AWAY = Unavailable("the line is cut")


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


def carried_out(coroutine):
    """Run it in a thread of its own: beside a test with a browser, this one has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


@service_task("work", idempotent=True)
def work() -> None:
    """The one that most tests are about."""


@pytest.fixture
def hire(stage, monkeypatch):
    """Gives a worker whose turns the test makes itself, and what it would call: nothing is called meanwhile."""
    monkeypatch.setattr(worker_module, "PAUSE", 0.0)
    leaving = ExitStack()

    def hire(*services, **options):
        worker = Worker(stage.engine, stage.offer(*services or [work]), **options)
        leaving.enter_context(worker._listener)
        leaving.callback(worker._crew.stop)
        begun = []
        monkeypatch.setattr(worker._crew, "submit", lambda call, took: begun.append(call))
        monkeypatch.setattr(worker._loop, "submit", begun.append)
        return worker, begun

    with leaving:
        yield hire


def only(worker):
    [held] = worker._held.values()
    return held


def at_its_call(stage, worker):
    """An instance whose service the worker begins to call: its key, and the job in the worker's hands."""
    key = stage.start()
    worker._turn()
    held = only(worker)
    assert held.begin(time.monotonic() + FOR_EVER)
    return key, held


def job_of(stage, key):
    [job] = lists.jobs(stage.engine, instance_key=key).items
    return job


def taken_by(stage, worker, count=1):
    return stage.engine.execute(activation.activate, ["work"], worker, count, MINUTE)


def test_a_lost_lock_is_noticed_once_and_stays_with_the_other_worker(stage, hire, monkeypatch):
    # given a worker that is at its call, while another one has its job
    worker, _ = hire()
    key, held = at_its_call(stage, worker)
    stage.engine.execute(jobs.unlock, held.job.key)
    [other] = taken_by(stage, "other")
    renewed = []
    monkeypatch.setattr(Reporter, "exchange", lambda self, answers, renewals, *more, told=Reporter.exchange: (
        renewed.append(len(renewals)), told(self, answers, renewals, *more))[1])

    # when it is to renew its lock, three times
    for _ in range(3):
        held.renew_at = 0.0
        worker._turn()

    # then it tried once, does not hurry on account of it, and the lock of the other one ends as it did
    assert (renewed, held.lost) == ([1, 0, 0], True)
    assert worker._patience() > 0
    assert job_of(stage, key).locked_until == other.locked_until


def test_a_lock_that_was_renewed_is_left_alone_for_a_while(stage, hire, clock):
    worker, _ = hire(lock=timedelta(minutes=3))
    key = stage.start()
    worker._turn()
    held = only(worker)
    for _ in range(2):
        held.renew_at, before = 0.0, job_of(stage, key).locked_until
        clock.advance(seconds=30)
        worker._turn()
        assert job_of(stage, key).locked_until - before >= timedelta(seconds=30)
        assert held.renew_at > time.monotonic() + 50


@pytest.mark.parametrize("fault", [AWAY, RuntimeError("a bug")])
def test_a_lock_that_could_not_be_renewed_with_an_answer_is_renewed_at_the_next_turn(stage, hire, faults, clock, fault):
    # given two calls under way, one of which answered while the lock of the other is to be renewed
    worker, _ = hire()
    stage.start(), stage.start()
    worker._turn()
    answering, calling = worker._held.values()
    for each in (answering, calling):
        assert each.begin(time.monotonic() + FOR_EVER)
    calling.renew_at = 0.0
    worker._deliver(answering, Completed())
    clock.advance(seconds=20)

    # when that exchange fails, and the next one does not
    faults.append(fault)
    worker._turn()
    assert calling.renew_at == 0.0
    worker._turn()

    # then the other one has its lock anew, and the answer arrived
    assert lists.job(stage.engine, calling.job.key).locked_until - calling.job.locked_until >= timedelta(seconds=20)
    assert list(worker._held.values()) == [calling]


def test_an_answer_that_could_not_be_written_is_offered_again_and_counted_once(stage, hire, faults):
    worker, _ = hire()
    key, held = at_its_call(stage, worker)
    worker._deliver(held, Completed())
    faults.extend([AWAY, AWAY])
    for _ in range(2):
        assert worker._turn() is True
        assert only(worker) is held
    assert stage.see(key).row.state == "ACTIVE"
    worker._turn()
    assert (stage.see(key).row.state, worker.busy, worker._allowances["work"].running) == ("COMPLETED", 0, 0)
    assert len(worker._watch._health["work"]._seen) == 1


def test_an_answer_that_is_refused_for_ever_is_dropped_and_its_job_left_to_others(stage, hire, faults, monkeypatch):
    monkeypatch.setattr(worker_module, "REPORTS", 3)
    worker, _ = hire()
    key = stage.start()
    worker._turn()
    worker._deliver(only(worker), Completed())
    faults.extend([AWAY] * 3)
    for busy in (1, 1, 0):
        worker._turn()
        assert worker.busy == busy
    assert job_of(stage, key).state == "ACTIVATED"


def test_breakers_that_could_not_be_turned_are_turned_with_the_next_exchange(stage, hire, faults):
    @service_task("work", idempotent=True, breaker=Breaker(least=1))
    def breaks() -> None:
        """It answers what the test says."""

    for fault in (AWAY, RuntimeError("a bug")):
        worker, _ = hire(breaks)
        key = stage.start()
        worker._turn()
        worker._deliver(only(worker), Failed("down"))
        faults.append(fault)
        worker._turn()
        assert holds.all_of_them(stage.engine) == ()
        worker._turn()
        [hold] = holds.all_of_them(stage.engine)
        assert "down" in hold.reason
        stage.engine.execute(holds.release, "work", "next")
        stage.engine.execute(instances.cancel, key, "next")


def test_a_worker_outlives_every_fault_of_its_engine(stage, hire, faults):
    registry = stage.offer(work)
    faults.extend([AWAY, RuntimeError("bug"), AWAY])
    key = stage.start()
    stage.hire(registry)
    assert stage.ended(key).row.state == "COMPLETED"
    assert not faults


@pytest.mark.parametrize("is_async", [False, True])
def test_what_was_given_back_is_not_called_any_more(stage, hire, is_async):
    calls = []

    @service_task("work")
    def plain() -> None:
        calls.append(1)

    @service_task("work")
    async def waiting() -> None:
        calls.append(1)

    worker, begun = hire(waiting if is_async else plain)
    key = stage.start()
    worker._turn()
    worker._stopping.set()
    worker._turn()
    assert (job_of(stage, key).state, worker.busy) == ("CREATED", 0)
    [call] = begun
    carried_out(call) if is_async else call(Threads(0, "none"))
    assert (calls, worker._inbox.qsize()) == ([], 0)


def test_a_hold_gives_back_what_waits_and_leaves_alone_what_is_called_and_what_is_tried(stage, hire):
    worker, _ = hire()
    for _ in range(3):
        stage.start()
    worker._turn()
    called, tried, waiting = worker._held.values()
    assert called.begin(time.monotonic() + FOR_EVER)
    tried.trial = True
    stage.engine.execute(holds.hold, "work", "not now")
    worker._turn()
    assert [each.stage for each in (called, tried, waiting)] == [Stage.CALLING, Stage.WAITING, Stage.ANSWERED]
    worker._turn()
    job = lists.job(stage.engine, waiting.job.key)
    assert (job.state, job.retries) == ("CREATED", waiting.job.retries)
    assert ledger.effect(stage.engine, job.key).effect == "INTENDED"
    assert worker.busy == 2
    assert (worker.resting, worker._allowances["work"].limited) == ({"work"}, False)

    # when it is released, it is used gently at first
    stage.engine.execute(holds.release, "work", "now")
    worker._turn()
    assert (worker.resting, worker._allowances["work"].limited) == (frozenset(), True)


def test_a_breaker_lets_one_job_through_and_waits_until_there_is_one(stage, hire, clock):
    # given a service that has rested, and has no job
    worker, _ = hire()
    stage.engine.execute(holds.open_breaker, "work", "down", timedelta(seconds=10), MINUTE)
    clock.advance(seconds=11)
    worker._turn()
    assert worker.busy == 0

    # when there are some, then one is tried at once, and no other as long as that lasts
    for _ in range(3):
        stage.start()
    for _ in range(2):
        worker._turn()
        assert only(worker).trial


def test_a_breaker_is_opened_once_and_what_is_under_way_costs_no_attempt(stage, hire):
    @service_task("work", idempotent=True, breaker=Breaker(least=2))
    def breaks() -> None:
        """It answers what the test says."""

    worker, _ = hire(breaks)
    stage.start()
    worker._turn()
    held, watch = only(worker), worker._watch
    failed, given_up = Failed("down"), Failed("never", retries=0)
    attempts = held.job.retries
    assert [watch.judge(held, failed, now).retries for now in (0.0, 1.0, 2.0)] == [None, attempts, attempts]
    [trip] = watch.due()
    assert (trip.service, watch.due()) == ("work", [])
    # four more of those under way fail, and one gives up: the service rests no longer for that
    assert [watch.judge(held, failed, 3.0).retries for _ in range(4)] == [attempts] * 4
    assert watch.judge(held, given_up, 3.0).retries == 0
    assert watch.due() == []

    # a call that is let through opens it again or closes it, or says nothing
    held.trial = True
    assert watch.judge(held, failed, 4.0).retries == attempts
    [trip] = watch.due()
    assert "was let through failed" in trip.reason
    watch.judge(held, given_up, 5.0)
    assert watch.due() == []
    watch.judge(held, Completed(), 6.0)
    assert watch.due() == ["work"]
    assert not worker._watch._health["work"]._seen

    # a trial that another node's breaker asked for costs no attempt either, and who is not held pays
    assert watch.look(frozenset()) == {"work"}
    assert watch.judge(held, failed, 7.0).retries == attempts
    held.trial = False
    watch.due(), watch.look(frozenset())
    assert watch.judge(held, failed, 8.0).retries is None


def test_a_worker_that_stops_gives_back_only_what_it_does_not_call(stage, hire):
    worker, _ = hire()
    stage.start(), stage.start()
    worker._turn()
    called, waiting = worker._held.values()
    assert called.begin(time.monotonic() + FOR_EVER)
    stage.start()
    worker._stopping.set()
    worker._turn()
    assert (called.stage, waiting.stage, worker.busy) == (Stage.CALLING, Stage.ANSWERED, 1)


def test_a_job_that_came_back_is_not_dropped_with_its_first_answer(stage, hire):
    worker, _ = hire()
    stage.start()
    worker._turn()
    first = only(worker)
    stage.engine.execute(jobs.unlock, first.job.key)
    worker._turn()
    second = only(worker)
    assert second is not first
    worker._deliver(first, Completed())
    worker._turn()
    assert only(worker) is second


def test_an_answer_is_given_once_and_each_step_taken_once(stage, hire):
    worker, _ = hire()
    stage.start()
    worker._turn()
    held = only(worker)
    assert not held.answer(only_from=Stage.CALLING)
    assert [held.begin(1.0), held.begin(2.0), held.give_up_at] == [True, False, 1.0]
    assert not held.answer(only_from=Stage.WAITING)
    assert [worker._deliver(held, Completed()) for _ in range(2)] == [True, False]
    assert not held.begin(3.0)
    assert worker._inbox.qsize() == 1


def test_services_with_limits_share_the_room_with_the_others(stage, hire):
    @service_task("a", concurrency=100)
    def a() -> None:
        """More at once than there is room for."""

    @service_task("b", concurrency=3)
    def b() -> None:
        """Fewer."""

    worker, _ = hire(work, a, b, threads=4, held=6)

    def wanted():
        wants = worker._wants(0.0)
        return {want.types[0]: want.count for want in wants.each}, wants.room, wants.each[0].types[0]

    # each may have all the room, whoever has jobs, and each is the first to ask for it
    found = [wanted() for _ in range(3)]
    assert {first for *_, first in found} == {"work", "a", "b"}
    assert all((each, room) == ({"work": 4, "a": 4, "b": 3}, 4) for each, room, _ in found)
    # together they take no more than that, also where one has nothing to do
    for _ in range(9):
        stage.start()
    worker._turn()
    assert worker.busy == 4
    worker._turn()
    assert worker.busy == 4
    # what waits counts, and it holds no more than it may, however quick it is: six, and what it answers in this turn
    worker._pace = 1000
    assert wanted()[1] == 6 + 1000 - 4


def test_a_call_may_outlast_its_timeout_a_little(stage, hire):
    worker, _ = hire()
    stage.start()
    worker._turn()
    held = only(worker)
    timeout = held.contract.policy.timeout.total_seconds()
    assert worker._give_up_time(held) - time.monotonic() > timeout


def test_a_call_that_never_left_leaves_the_doubt_about_the_one_before_it(stage, hire):
    worker, _ = hire()
    stage.start()
    [job] = taken_by(stage, "w")
    for in_doubt, effect in ((False, "INTENDED"), (True, "IN_DOUBT")):
        held = Held(structs.replace(job, in_doubt=in_doubt), worker._contracts["work"])
        assert (held.doubtful, held.of_error(NotSent("refused")).effect) == (False, effect)


def test_a_service_that_gives_up_before_its_time_is_told_in_its_own_words(stage, hire):
    @service_task("work", timeout=3600)
    async def waiting() -> None:
        raise TimeoutError("the bank is closed")

    worker, begun = hire(waiting)
    stage.start()
    worker._turn()
    carried_out(*begun)
    assert "the bank is closed" in worker._inbox.get(timeout=30)[1].message
