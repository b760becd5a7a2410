"""The exchanges of a worker with its engine: one that fails, and answers that come too late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from engine import instances
from engine.errors import Unavailable
from engine.queries import effects as ledger
from engine.states import EffectState
from engine.work import activation, jobs
from service_tasks import BpmnError, DidNotHappen, NotSent, service_task
from service_tasks.exchange import Want, Wants, exchange
from service_tasks.held import Held
from service_tasks.outcome import Completed, Failed, Returned, Thrown
from service_tasks.reporter import Reporter

MINUTE = timedelta(minutes=1)
AWAY = Unavailable("the line is cut")


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@service_task("work", idempotent=True)
def work() -> None:
    """What the answers are about."""


def taken_by(stage, worker, count=1):
    return stage.engine.execute(activation.activate, ["work"], worker, count, MINUTE)


@pytest.mark.parametrize(("coming", "states", "unsaved"), [
    # together; one by one: the first, the incident about it, the second
    ([RuntimeError("bug")], ["COMPLETED", "COMPLETED"], []),
    ([RuntimeError("bug"), RuntimeError("bug")], ["ACTIVE", "COMPLETED"], []),
    ([RuntimeError("bug"), RuntimeError("bug"), RuntimeError("bug")], ["ACTIVE", "COMPLETED"], [0]),
    ([RuntimeError("bug"), AWAY], ["ACTIVE", "COMPLETED"], [0]),
    ([AWAY], ["ACTIVE", "ACTIVE"], [0, 1]),
])
def test_one_broken_answer_does_not_hold_up_the_others(stage, faults, coming, states, unsaved):
    stage.offer(work)
    keys = [stage.start(), stage.start()]
    taken = taken_by(stage, "w", 2)
    faults.extend(coming)
    done = Reporter(stage.engine, "w", MINUTE).exchange([(job, Completed()) for job in taken], [], Wants())
    assert [stage.see(key).row.state for key in keys] == states
    assert done.unsaved == {taken[n].key for n in unsaved}
    told = [incident.message for key in keys for incident in stage.see(key).incidents]
    assert told == (["Expected the process to go on after service 'work', but it failed inside the engine: "
                     "RuntimeError: bug"] if len(coming) == 2 and not unsaved else [])


def test_an_exchange_without_answers_that_fails_is_told_and_one_by_one_late_answers_are_refused(stage, faults):
    stage.offer(work)
    stage.start()
    [job] = taken_by(stage, "w")
    reporter = Reporter(stage.engine, "w", MINUTE)
    for fault in (AWAY, RuntimeError("bug")):
        faults.append(fault)
        with pytest.raises(type(fault)):
            reporter.exchange([], [job], Wants())
    stage.engine.execute(jobs.unlock, job.key)
    faults.append(RuntimeError("bug"))
    assert [late.key for late, _ in reporter.exchange([(job, Completed())], [], Wants()).refused] == [job.key]


def test_one_exchange_takes_no_more_than_there_is_room_for(stage):
    stage.offer(work)
    for _ in range(3):
        stage.start()
    wants = Wants([Want(("work",), 1), Want(("none",), 2), Want(("work",), 2), Want(("work",), 2)], 2)
    assert len(stage.engine.execute(exchange, [], [], wants, "w", MINUTE).taken) == 2


@pytest.mark.parametrize(("outcome", "effect"), [
    (Completed({"n": 1}), "CONFIRMED"), (Failed("no"), "FAILED"), (Thrown("NO", "no"), "FAILED"),
    (Failed("lost", effect=EffectState.IN_DOUBT), "IN_DOUBT"),
    (Thrown("NO", "no", effect=EffectState.IN_DOUBT), "IN_DOUBT"),
])
def test_the_ledger_learns_from_an_answer_that_the_process_no_longer_wants(stage, outcome, effect):
    stage.offer(work)
    key = stage.start()
    [job] = taken_by(stage, "w")
    stage.engine.execute(instances.cancel, key, "enough")
    done = stage.engine.execute(exchange, [(job, outcome)], [], Wants(), "w", MINUTE)
    assert len(done.refused) == 1
    assert ledger.effect(stage.engine, job.key).effect == effect


def test_what_an_error_means_depends_on_whether_the_service_was_asked_or_called(stage):
    def find() -> DidNotHappen:
        return DidNotHappen()

    @service_task("work", idempotent=False, probe=find)
    def transfer() -> None:
        """What must not be done twice."""

    registry = stage.offer(transfer)
    stage.start()
    [job] = taken_by(stage, "w")
    held = Held(structs.replace(job, in_doubt=True), registry.contracts["work"])
    assert held._attempt().failures == 0
    # it could not be asked: the doubt stays
    assert held.of_error(ConnectionRefusedError("down")).effect == "IN_DOUBT"
    assert isinstance(held.of_error(BpmnError("NO")), Failed)
    # it was asked, and is called then
    assert held.of_finding(DidNotHappen()) is None
    assert held.of_error(NotSent("down")).effect == "INTENDED"
    assert isinstance(held.of_error(BpmnError("NO")), Thrown)


def test_no_answer_of_any_kind_counts_once_another_worker_has_the_job(stage):
    stage.offer(work)
    stage.start()
    [job] = taken_by(stage, "w")
    stage.engine.execute(jobs.unlock, job.key)
    taken_by(stage, "other")
    for late in (Completed(), Failed("no"), Thrown("NO", "no"), Returned(3)):
        assert len(stage.engine.execute(exchange, [(job, late)], [], Wants(), "w", MINUTE).refused) == 1
