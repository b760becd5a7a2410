"""Jobs: taken, answered, retried, given up, fenced."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from engine import definitions, schema
from engine.cluster import scheduler
from engine.columns import to_json
from engine.contracts import JobContract
from engine.definitions import Resource
from engine.errors import InvalidInput, NotFound, WrongState
from engine.queries import effects as ledger
from engine.queries import lists
from engine.states import EffectState
from engine.work import activation, effects, jobs
from engine.work.activation import ActivatedJob
from tests.engine.drawing import boundary, end, error, error_of, inside, process, service, start


@pytest.fixture
def order(steps):
    steps.deploy(process("order", start(), service("reserve", retries=2), end()))
    return steps.start("order", {"amount": 5}, business_id="A-1")


def test_job_carries_what_the_worker_needs(engine, steps, order):
    # given an instance at a service task
    # when a worker takes the job
    [job] = steps.take("reserve")

    # then it has the variables and the identities
    assert job.variables == {"amount": 5}
    assert (job.element_id, job.instance_key, job.business_id, job.attempt) == ("reserve", order, "A-1", 1)
    assert len(job.correlation_id) == 32
    assert job.locked_until == engine.clock() + timedelta(seconds=30)


def test_job_is_told_every_column_by_its_own_name(engine, steps, order):
    # given the row of a job and of its instance
    with engine.read() as connection:
        row = connection.execute(select(schema.jobs)).one()
        instance = connection.execute(select(schema.instances)).one()

    # when a worker takes it
    [job] = steps.take("reserve")

    # then each field that has the name of a column has its value (they are handed over by their places)
    changed = {"lock_token": 1, "attempt": 1}
    told = {**instance._mapping, **row._mapping, **changed}
    fields = [name for name in ActivatedJob.__struct_fields__ if name in told and name != "locked_until"]
    assert len(fields) > 20
    assert {name: getattr(job, name) for name in fields} == {name: told[name] for name in fields}


def test_completed_job_lets_the_instance_go_on(steps, order):
    # when the worker answers
    steps.do("reserve", {"reserved": True})

    # then the instance came to its end, and nothing is left behind
    assert steps.state(order) == "COMPLETED"
    assert steps.variables(order) == {"amount": 5, "reserved": True}
    assert steps.history(order) == ["start", "reserve", "end"]
    assert steps.left_behind() == {}


def test_job_goes_to_one_worker_only(steps, order):
    assert len(steps.take("reserve", worker="a")) == 1
    assert steps.take("reserve", worker="b") == []


def test_job_goes_to_another_worker_when_its_lock_runs_out(engine, clock, steps, order):
    # given a worker that took the job and died
    [first] = steps.take("reserve", worker="a")

    # when its lock runs out
    clock.advance(seconds=31)
    scheduler.run_once(engine)

    # then another worker gets the same job, with the same idempotency key
    [second] = steps.take("reserve", worker="b")
    assert second.key == first.key
    assert second.idempotency_key == first.idempotency_key
    assert second.attempt == 2


def test_late_answer_of_a_worker_that_lost_the_job_is_refused(engine, clock, steps, order):
    # given a job that a second worker took after the first one's lock ran out
    [first] = steps.take("reserve", worker="a")
    clock.advance(seconds=31)
    scheduler.run_once(engine)
    [second] = steps.take("reserve", worker="b")

    # when the first one answers
    with pytest.raises(WrongState, match="another worker took it"):
        engine.execute(jobs.complete, first.key, {"by": "a"}, lock_token=first.lock_token)
    with pytest.raises(WrongState, match="'b' does"):
        engine.execute(jobs.fail, first.key, "too late", worker="a")

    # then only the second one's answer counts
    engine.execute(jobs.complete, second.key, {"by": "b"}, lock_token=second.lock_token)
    assert steps.variables(order)["by"] == "b"


def test_job_is_answered_once(engine, steps, order):
    [job] = steps.take("reserve")
    engine.execute(jobs.complete, job.key)
    with pytest.raises(WrongState, match="completed"):
        engine.execute(jobs.complete, job.key)
    with pytest.raises(NotFound):
        engine.execute(jobs.complete, 12345678)


def test_failed_job_is_tried_again_after_its_pause(engine, clock, steps, order):
    # given a job that failed, with a pause
    [job] = steps.take("reserve")
    engine.execute(jobs.fail, job.key, "stock service is down", retry_in=timedelta(seconds=10))

    # then it is not handed out before the pause is over
    assert steps.take("reserve") == []
    clock.advance(seconds=10)
    [again] = steps.take("reserve")
    assert (again.key, again.retries, again.attempt) == (job.key, 1, 2)


def test_job_without_retries_opens_an_incident_and_resolving_it_gives_the_job_back(engine, steps, order):
    # given a job that failed as often as it may
    for _ in range(2):
        [job] = steps.take("reserve")
        engine.execute(jobs.fail, job.key, "stock service is down")

    # then there is one incident about it, and no job to take
    [incident] = lists.incidents(engine).items
    assert (incident.type, incident.message) == ("JOB_NO_RETRIES", "stock service is down")
    assert incident.job_key == job.key
    assert steps.detail(order).row.incident_count == 1
    assert steps.take("reserve") == []

    # when the operator resolves it with three more attempts
    steps.resolve(retries=3)

    # then the same job can be done
    assert lists.incidents(engine).total == 0
    assert steps.detail(order).row.incident_count == 0
    [again] = steps.take("reserve")
    assert (again.key, again.retries, again.idempotency_key) == (job.key, 3, job.idempotency_key)
    engine.execute(jobs.complete, again.key)
    assert steps.state(order) == "COMPLETED"
    assert steps.left_behind() == {}


def test_worker_may_say_how_many_retries_are_left(engine, steps, order):
    [job] = steps.take("reserve")
    engine.execute(jobs.fail, job.key, "never", retries=0)
    assert lists.incidents(engine).total == 1
    with pytest.raises(InvalidInput):
        engine.execute(jobs.fail, job.key, "never", retries=-1)


def test_error_of_a_worker_is_caught_by_the_boundary_event(engine, steps):
    # given a service task with an error boundary event
    steps.deploy(error_of("declined", "DECLINED"), process(
        "pay", start(), service("charge"), end(), boundary("oops", "charge", error("declined")), end("refused"),
        flows="start>charge charge>end oops>refused",
    ))
    key = steps.start("pay")

    # when the worker throws the error
    [job] = steps.take("charge")
    engine.execute(jobs.throw_error, job.key, "DECLINED", "no money", {"left": 3})

    # then the instance goes the other way
    assert steps.state(key) == "COMPLETED"
    assert "refused" in steps.history(key)
    assert steps.variables(key)["left"] == 3
    assert steps.left_behind() == {}


def test_error_that_nothing_catches_is_an_incident_and_can_be_tried_again(engine, steps, order):
    [job] = steps.take("reserve")
    engine.execute(jobs.throw_error, job.key, "NOBODY_CATCHES")
    [incident] = lists.incidents(engine).items
    assert incident.type == "UNHANDLED_ERROR_EVENT"

    # when it is resolved, the job is done again
    steps.resolve()
    steps.do("reserve")
    assert steps.state(order) == "COMPLETED"


def test_lock_can_be_extended_by_its_holder_only(engine, clock, steps, order):
    [job] = steps.take("reserve", worker="a")
    clock.advance(seconds=20)
    until = engine.execute(jobs.extend_lock, job.key, timedelta(seconds=30), worker="a")
    assert until == engine.clock() + timedelta(seconds=30)
    clock.advance(seconds=20)
    scheduler.run_once(engine)
    assert steps.take("reserve", worker="b") == []
    with pytest.raises(WrongState):
        engine.execute(jobs.extend_lock, job.key, timedelta(seconds=30), worker="b")


def test_contract_sets_retries_and_the_expected_time(engine, clock, steps):
    engine.contracts["ship"] = JobContract(expected=timedelta(minutes=5), retries=7)
    steps.deploy(process("shipping", start(), service("ship"), end()))
    steps.start("shipping")
    [job] = steps.take("ship")
    assert job.retries == 7
    assert job.expected_by == engine.clock() + timedelta(minutes=5)


def test_urgent_jobs_come_first_and_the_limit_holds(engine, steps):
    # given a process of Camunda 7, where a task says how urgent its job is
    drawn = (
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t" '
        'xmlns:camunda="http://camunda.org/schema/1.0/bpmn"><bpmn:process id="work" isExecutable="true" '
        'camunda:historyTimeToLive="30"><bpmn:startEvent id="start"/><bpmn:serviceTask id="do" camunda:type="external" '
        'camunda:topic="do" camunda:taskPriority="${urgency}"/><bpmn:sequenceFlow id="f" sourceRef="start" '
        'targetRef="do"/></bpmn:process></bpmn:definitions>'
    )
    engine.execute(definitions.deploy, [Resource(name="work.bpmn", content=drawn.encode())])
    for urgency in (1, 9, 5):
        steps.start("work", {"urgency": urgency})

    # then the most urgent ones are handed out first
    assert [job.variables["urgency"] for job in steps.take("do", max_jobs=2)] == [9, 5]


def test_two_workers_never_get_the_same_job(engine, steps):
    # given thirty jobs
    steps.deploy(process("work", start(), service("do"), end()))
    for _ in range(30):
        steps.start("work")

    # when four workers take them at the same time
    taken: list[int] = []

    def take(worker: str) -> None:
        while found := engine.execute(activation.activate, ["do"], worker, 2, timedelta(minutes=5)):
            taken.extend(job.key for job in found)

    threads = [threading.Thread(target=take, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # then each job was handed out once
    assert len(taken) == 30
    assert len(set(taken)) == 30


def test_answers_given_together_do_not_spoil_each_other(engine, steps):
    # given a sub-process with two jobs, one of whose answers is an error that ends the sub-process
    inner = inside(start("s2"), '<bpmn:parallelGateway id="split"/>', service("a"), service("b"),
                   flows="s2>split split>a split>b")
    steps.deploy(error_of("bad", "BAD"), process(
        "both", start(), f'<bpmn:subProcess id="sub">{inner}</bpmn:subProcess>', end(),
        boundary("oops", "sub", error("bad")), service("mend"), flows="start>sub sub>end oops>mend",
    ))
    key = steps.start("both")
    taken = {job.type: job for job in steps.take(max_jobs=2)}

    # when both are answered in one transaction
    def answer(tx) -> None:
        jobs.throw_error(tx, taken["a"].key, "BAD")
        jobs.complete(tx, taken["b"].key)

    engine.execute(answer)

    # then the instance went the way of the error
    assert steps.at(key) == ["mend"]


ALL_ITEMS = ('<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics '
             'inputCollection="=items" inputElement="item"/></bpmn:extensionElements>'
             '</bpmn:multiInstanceLoopCharacteristics>')
INNER_AMOUNT = '<zeebe:ioMapping><zeebe:input source="=item" target="amount"/></zeebe:ioMapping>'


@pytest.mark.parametrize("at_once", [1, 2, 20])
def test_each_job_sees_its_scopes_however_many_are_taken_together(engine, steps, at_once):
    # given two instances with many jobs each, an inner variable that hides an outer one, and one that is null
    many = service("each", more=INNER_AMOUNT).replace("</bpmn:serviceTask>", f"{ALL_ITEMS}</bpmn:serviceTask>")
    steps.deploy(process("many", start(), many, end()))
    outer = {"items": [1, None, {"a": [2]}], "amount": 9, "nothing": None, "of": "one"}
    steps.start("many", outer)
    steps.start("many", outer | {"of": "two", "items": [4]})

    # when workers take them
    taken = []
    while found := steps.take("each", max_jobs=at_once):
        taken += found

    # then each has what it would have alone, and the ledger knows of each what it was given
    seen = [{name: value for name, value in job.variables.items() if name != "loopCounter"} for job in taken]
    expected = [outer | {"item": item, "amount": item} for item in outer["items"]]
    expected.append(outer | {"of": "two", "items": [4], "item": 4, "amount": 4})
    assert all(each in expected for each in seen)
    assert all(each in seen for each in expected)
    assert len(seen) == len(expected)
    digests = {row.key: row.request_digest for row in ledger.effects(engine, states=tuple(EffectState)).items}
    for job in taken:
        assert digests[job.key] == effects.digest(to_json(dict(sorted(job.variables.items()))))
