"""The effects ledger, and what operators do about calls in doubt."""

from __future__ import annotations

from datetime import timedelta
from uuid import RFC_4122, UUID

import pytest

from engine import incidents, instances
from engine.cluster import scheduler
from engine.contracts import JobContract
from engine.errors import InvalidInput, WrongState
from engine.queries import effects as ledger
from engine.queries import lists
from engine.states import EffectState
from engine.work import doubts, effects, jobs
from engine.work.activation import LOCK_EXPIRED
from tests.engine.drawing import boundary, end, process, service, start, timer


@pytest.fixture
def payment(engine, steps):
    """An order that waits for a payment which must not be made twice."""
    engine.contracts["pay"] = JobContract(repeatable=False, askable=True, inputs=frozenset({"amount"}))
    steps.deploy(process("order", start(), service("pay"), end()))
    return steps.start("order", {"amount": 7, "note": "a"})


def effect_of(engine, instance_key):
    [row] = ledger.effects(engine, instance_key=instance_key, states=tuple(EffectState)).items
    return row


def doubt(engine, steps):
    """The call is made and its outcome lost; the incident."""
    [job] = steps.take("pay")
    engine.execute(jobs.fail, job.key, "reply lost", retries=0, effect=EffectState.IN_DOUBT)
    [incident] = lists.incidents(engine).items
    return incident


def test_an_effect_is_intended_then_sent_then_confirmed(engine, clock, steps, payment):
    assert effect_of(engine, payment).effect == "INTENDED"
    [job] = steps.take("pay")
    assert effect_of(engine, payment).effect == "SENT"
    clock.advance(seconds=3)
    engine.execute(jobs.complete, job.key, {"receipt": 1}, lock_token=job.lock_token)

    row = effect_of(engine, payment)
    assert (row.effect, row.attempt, row.idempotency_key) == ("CONFIRMED", 1, job.idempotency_key)
    assert row.settled_at - row.sent_at == timedelta(seconds=3)
    assert row.request_digest
    assert row.response_digest


def test_the_digest_of_a_request_covers_what_the_service_takes_and_nothing_else(engine, steps, payment):
    others = [steps.start("order", {"amount": 7, "note": "b"}), steps.start("order", {"amount": 8, "note": "a"})]
    steps.take("pay", max_jobs=3)
    first, same, other = (effect_of(engine, key).request_digest for key in (payment, *others))
    assert first == same != other


def test_a_business_error_and_a_failure_are_known_to_have_had_no_effect(engine, steps, payment):
    [job] = steps.take("pay")
    engine.execute(jobs.fail, job.key, "no", retries=1)
    assert effect_of(engine, payment).effect == "FAILED"
    [job] = steps.take("pay")
    assert effect_of(engine, payment).effect == "SENT"
    engine.execute(jobs.throw_error, job.key, "BROKE")
    assert effect_of(engine, payment).effect == "FAILED"


@pytest.mark.parametrize(("repeatable", "effect"), [(True, "SENT"), (False, "IN_DOUBT")])
def test_a_worker_that_vanishes_leaves_in_doubt_what_cannot_be_repeated(engine, clock, steps, payment, repeatable,
                                                                        effect):
    engine.contracts["pay"] = JobContract(repeatable=repeatable)
    steps.take("pay")
    clock.advance(hours=1)
    engine.execute(jobs.release_expired)
    assert effect_of(engine, payment).effect == effect

    # whoever takes it next asks first, so it stays in doubt
    [job] = steps.take("pay")
    assert job.in_doubt
    assert effect_of(engine, payment).effect == effect


def test_asking_about_a_doubtful_call_is_no_new_call(engine, clock, steps, payment):
    # given a call whose worker vanished
    steps.take("pay", lock=timedelta(seconds=30))
    sent_at = effect_of(engine, payment).sent_at
    clock.advance(seconds=31)
    scheduler.run_once(engine)

    # when another worker takes the job to ask what came of it
    [job] = steps.take("pay")
    assert job.in_doubt

    # then the ledger still says when the one call was made
    assert effect_of(engine, payment).sent_at == sent_at


@pytest.mark.parametrize(("repeatable", "code"), [(True, None), (False, LOCK_EXPIRED)])
def test_a_job_that_is_taken_from_its_worker_is_doubtful_too(engine, steps, payment, repeatable, code):
    engine.contracts["pay"] = JobContract(repeatable=repeatable)
    [job] = steps.take("pay")
    engine.execute(jobs.unlock, job.key)
    assert lists.job(engine, job.key).error_code == code


def test_a_call_that_the_process_no_longer_waits_for_is_in_doubt(engine, clock, steps, payment):
    steps.take("pay")
    engine.execute(instances.cancel, payment, "enough")
    assert effect_of(engine, payment).effect == "IN_DOUBT"


def test_what_was_never_sent_is_not_in_doubt_when_the_process_ends(engine, steps, payment):
    engine.execute(instances.cancel, payment, "enough")
    assert effect_of(engine, payment).effect == "INTENDED"


def test_a_job_that_never_reached_its_worker_is_intended_again(engine, steps, payment):
    taken = steps.take("pay")
    engine.execute(jobs.give_back, taken)
    assert effect_of(engine, payment).effect == "INTENDED"


def test_a_compensation_is_linked_to_what_it_undid(engine, steps):
    # given two bookings of which each is undone by its own handler
    steps.deploy(process(
        "trip", start(), service("hotel"), service("flight"), end(),
        '<bpmn:boundaryEvent id="c1" attachedToRef="hotel"><bpmn:compensateEventDefinition/></bpmn:boundaryEvent>',
        service("cancel_hotel").replace("<bpmn:serviceTask ", '<bpmn:serviceTask isForCompensation="true" '),
        '<bpmn:association id="a1" associationDirection="One" sourceRef="c1" targetRef="cancel_hotel"/>',
        '<bpmn:intermediateThrowEvent id="undo"><bpmn:compensateEventDefinition/></bpmn:intermediateThrowEvent>',
        flows="start>hotel hotel>flight flight>undo undo>end",
    ))
    key = steps.start("trip")
    steps.do("hotel")
    steps.do("flight")
    [undo] = steps.take("cancel_hotel")
    assert not any(row.compensated_by for row in ledger.effects(engine, instance_key=key).items)

    # when the compensation is done
    engine.execute(jobs.complete, undo.key)

    # then the ledger says which effect is undone by which job
    undone = {row.element_id: row.compensated_by for row in ledger.effects(engine, instance_key=key).items}
    assert undone == {"hotel": undo.key, "flight": None, "cancel_hotel": None}


def test_a_call_in_doubt_is_not_simply_retried(engine, steps, payment):
    incident = doubt(engine, steps)
    with pytest.raises(WrongState, match="in doubt"):
        engine.execute(incidents.resolve, incident.key)
    assert ledger.effect(engine, incident.job_key).needs_decision


def test_an_operator_lets_the_service_be_asked(engine, steps, payment):
    incident = doubt(engine, steps)
    engine.execute(doubts.ask, incident.key, "they are up again")
    [job] = steps.take("pay")
    assert job.in_doubt
    assert effect_of(engine, payment).effect == "IN_DOUBT"


def test_a_service_without_a_probe_cannot_be_asked(engine, steps, payment):
    engine.contracts["pay"] = JobContract(repeatable=False)
    incident = doubt(engine, steps)
    with pytest.raises(WrongState, match="probe"):
        engine.execute(doubts.ask, incident.key, "try")


def test_an_operator_lets_the_call_be_repeated_with_the_same_key(engine, steps, payment):
    incident = doubt(engine, steps)
    before = lists.job(engine, incident.job_key).idempotency_key
    engine.execute(doubts.repeat, incident.key, "the bank promises to see the key")
    [job] = steps.take("pay")
    assert not job.in_doubt
    assert job.idempotency_key == before
    assert effect_of(engine, payment).effect == "SENT"


def test_an_operator_records_that_it_happened_and_the_process_goes_on(engine, steps, payment):
    incident = doubt(engine, steps)
    engine.execute(doubts.record, incident.key, happened=True, evidence="receipt 17", variables={"receipt": 17})
    assert steps.state(payment) == "COMPLETED"
    assert steps.variables(payment)["receipt"] == 17
    row = effect_of(engine, payment)
    assert (row.effect, row.evidence) == ("CONFIRMED", "receipt 17")
    assert lists.incidents(engine).total == 0


def test_an_operator_records_that_it_did_not_happen_and_the_service_is_called_again(engine, steps, payment):
    incident = doubt(engine, steps)
    engine.execute(doubts.record, incident.key, happened=False, evidence="no booking at the bank")
    [job] = steps.take("pay")
    assert not job.in_doubt
    assert effect_of(engine, payment).evidence == "no booking at the bank"


@pytest.mark.parametrize(("act", "operation"), [
    (lambda e, key, why: e.execute(doubts.ask, key, why), "ASK_SERVICE"),
    (lambda e, key, why: e.execute(doubts.repeat, key, why), "REPEAT_CALL"),
    (lambda e, key, why: e.execute(doubts.record, key, happened=True, evidence=why), "RECORD_OUTCOME"),
])
def test_each_action_wants_a_reason_and_is_audited(engine, steps, payment, act, operation):
    incident = doubt(engine, steps)
    with pytest.raises(InvalidInput):
        act(engine, incident.key, " ")
    act(engine, incident.key, "because")
    [entry] = lists.audit(engine, operation=operation).items
    assert (entry.reason, entry.entity_key, entry.instance_key) == ("because", incident.job_key, payment)


def test_what_is_not_in_doubt_is_not_decided(engine, steps, payment):
    [job] = steps.take("pay")
    engine.execute(jobs.fail, job.key, "no", retries=0)
    [incident] = lists.incidents(engine).items
    with pytest.raises(WrongState, match="resolve it instead"):
        engine.execute(doubts.repeat, incident.key, "try")


def test_the_figures_of_a_service_tell_how_often_it_failed_and_how_long_it_took(engine, clock, steps, payment):
    for seconds in (1, 2, 9):
        steps.start("order", {"amount": 1})
        [job] = steps.take("pay")
        clock.advance(seconds=seconds)
        engine.execute(jobs.complete, job.key)
    [job] = steps.take("pay")
    engine.execute(jobs.fail, job.key, "no", retries=1)

    found = ledger.figures(engine, "pay")
    assert (found.settled, found.failed, found.error_rate) == (4, 1, 0.25)
    assert (found.typical, found.slow) == (timedelta(seconds=2), timedelta(seconds=9))


def test_an_interrupting_timer_leaves_the_call_in_doubt_until_its_answer_comes(engine, clock, steps):
    steps.deploy(process("late", start(), service("slow"), end(), boundary("b", "slow", timer("Duration", "PT1M")),
                         end("e2"), flows="start>slow slow>end b>e2"))
    key = steps.start("late")
    [job] = steps.take("slow")
    clock.advance(minutes=2)
    scheduler.run_once(engine)
    assert steps.state(key) == "COMPLETED"
    assert ledger.effect(engine, job.key).effect == "IN_DOUBT"

    engine.execute(effects.settle_late, job.key, job.lock_token - 1, EffectState.FAILED)     # of a worker before it
    engine.execute(effects.settle_late, job.key, job.lock_token, EffectState.CONFIRMED, {"x": 1})
    assert ledger.effect(engine, job.key).effect == "CONFIRMED"


def test_idempotency_keys_are_random_uuids():
    keys = {effects.new_idempotency_key() for _ in range(2_000)}

    assert len(keys) == 2_000
    assert {(str(UUID(key)), UUID(key).version, UUID(key).variant) for key in keys} == {
        (key, 4, RFC_4122) for key in keys}
