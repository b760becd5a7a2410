import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from engine.work import jobs
from service_tasks import (
    BpmnError,
    Call,
    Data,
    GiveUp,
    Registry,
    Retry,
    RetryLater,
    Sensitive,
    service_task,
    threads,
    worker,
)
from tests.service_tasks.stage import LONG, hanging

AT_ONCE = Retry(attempts=5, backoff="fixed", first=0, jitter=0)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request):
    if request.param == "postgres":
        return request.getfixturevalue("postgres_template")()
    return request.getfixturevalue("sqlite_url")


class Result(Data):
    work_done: str


def test_a_result_becomes_variables_and_the_process_goes_on(stage):
    @service_task("work")
    def work(order_id: str) -> Result:
        return Result(work_done=f"for {order_id}")

    stage.serve(work)

    key = stage.start(orderId="A-1")

    assert stage.ended(key).row.state == "COMPLETED"
    assert stage.variables(key) == {"orderId": "A-1", "workDone": "for A-1"}


def test_an_async_function_is_served_as_well(stage):
    @service_task("work")
    async def work(order_id: str) -> Result:
        return Result(work_done=order_id)

    stage.serve(work)

    assert stage.ended(stage.start(orderId="A-1")).row.state == "COMPLETED"


def test_a_service_is_told_who_calls_and_why(stage):
    calls = []

    @service_task("work", timeout=7)
    def work(*, call: Call) -> None:
        calls.append(call)

    stage.serve(work)
    seen = stage.ended(stage.start())

    [call] = calls
    assert call.instance_key == seen.row.key
    assert (call.element_id, call.attempt, call.timeout) == ("Work", 1, 7)
    assert call.correlation_id == seen.row.correlation_id
    assert call.headers()["Idempotency-Key"] == call.idempotency_key


def test_a_failed_call_is_repeated_with_the_same_key(stage):
    calls = []

    @service_task("work", retry=AT_ONCE)
    def work(*, call: Call) -> None:
        calls.append(call)
        if len(calls) < 4:
            raise ValueError("not yet")

    stage.serve(work)

    assert stage.ended(stage.start()).row.state == "COMPLETED"
    assert [call.attempt for call in calls] == [1, 2, 3, 4]
    assert len({call.idempotency_key for call in calls}) == 1
    assert len({call.traceparent for call in calls}) == 4


def test_calls_of_different_jobs_have_different_keys(stage):
    keys = []

    @service_task("work")
    def work(*, call: Call) -> None:
        keys.append(call.idempotency_key)

    stage.serve(work)
    for key in [stage.start(), stage.start()]:
        stage.ended(key)

    assert len(set(keys)) == 2


def test_when_all_attempts_failed_there_is_an_incident_with_the_last_error(stage):
    @service_task("work", retry=Retry(attempts=2, first=0))
    def work(*, call: Call) -> None:
        raise ValueError(f"attempt {call.attempt} failed")

    stage.serve(work)

    assert stage.incident(stage.start()).message == "ValueError: attempt 2 failed"


def test_a_service_that_gives_up_is_not_called_again(stage):
    calls = []

    @service_task("work", retry=AT_ONCE)
    def work(*, call: Call) -> None:
        calls.append(call)
        raise GiveUp("This order cannot be served.")

    stage.serve(work)

    assert stage.incident(stage.start()).message == "This order cannot be served."
    assert len(calls) == 1


def test_a_job_waits_as_long_as_the_service_asks(stage, clock):
    calls = []

    @service_task("work", retry=AT_ONCE)
    def work(*, call: Call) -> None:
        calls.append(call)
        if len(calls) == 1:
            raise RetryLater(3600)

    stage.serve(work)
    key = stage.start()
    [job] = stage.until(lambda: [job for job in stage.see(key).jobs if job.error_message])
    assert job.due_at > clock() + timedelta(minutes=59)

    clock.advance(hours=1)

    assert stage.ended(key).row.state == "COMPLETED"


def test_an_incident_does_not_repeat_what_is_hidden(stage):
    @service_task("work", retry=Retry(attempts=1))
    def work(iban: str, secret_word: Sensitive[str], amount: int) -> None:
        raise ValueError(f"cannot take {amount} from {iban}, {secret_word}, password=abc")

    stage.serve(work)

    assert stage.incident(stage.start(iban="DE02120300", secretWord="open sesame", amount=1234)).message == (
        "ValueError: cannot take 1234 from ••••••, ••••••, password=••••••")


def test_a_business_error_that_nothing_catches_is_an_incident_with_its_code(stage):
    @service_task("work", errors={"NO_MONEY": "There is none."})
    def work() -> None:
        raise BpmnError("NO_MONEY", "The account is empty.")

    stage.serve(work)

    incident = stage.incident(stage.start())
    assert incident.type == "UNHANDLED_ERROR_EVENT"
    assert "NO_MONEY" in incident.message


def test_a_bad_result_is_an_incident_that_names_the_field(stage):
    @service_task("work", retry=AT_ONCE)
    def work() -> Result:
        return {"done": "yes"}

    stage.serve(work)

    assert "'workDone'" in stage.incident(stage.start()).message


def test_a_missing_variable_is_an_incident_that_names_it_and_nothing_is_called(stage):
    calls = []

    @service_task("work", retry=AT_ONCE)
    def work(order_id: str) -> None:
        calls.append(order_id)

    stage.serve(work)

    assert "'orderId'" in stage.incident(stage.start(other=1)).message
    assert calls == []


def test_a_result_that_the_database_cannot_hold_is_an_incident_and_holds_up_nobody(stage):
    @service_task("work", retry=AT_ONCE)
    def work(bad: bool) -> dict[str, str]:
        return {"text": "\0" if bad else "fine"}

    stage.serve(work)
    wrong, right = stage.start(bad=True), stage.start(bad=False)

    assert stage.ended(right).row.state == "COMPLETED"
    assert "NUL" in stage.incident(wrong).message


def test_the_late_answer_of_a_worker_that_lost_its_lock_is_refused(stage, clock):
    # given a worker that hangs in its call
    with hanging() as first_may_answer, hanging() as second_may_answer:
        calls, returned = [], []

        @service_task("work", idempotent=True)
        def work(*, call: Call) -> Result:
            calls.append(call)
            if len(calls) == 1:
                first_may_answer.wait(LONG)
                returned.append(call)
                return Result(work_done="by the first")
            second_may_answer.wait(LONG)
            return Result(work_done="by the second")

        registry = stage.offer(work)
        zombie = stage.hire(registry, threads=1)
        key = stage.start()
        stage.until(lambda: calls)

        # when its lock runs out and another worker takes the job, and then the first one answers
        clock.advance(minutes=10)
        stage.engine.execute(jobs.release_expired)
        stage.hire(registry)
        stage.until(lambda: len(calls) == 2)
        first_may_answer.set()
        stage.until(lambda: returned and zombie.busy == 0)
        assert stage.see(key).row.state == "ACTIVE"
        second_may_answer.set()
        seen = stage.ended(key)

    # then the answer of the second one stands, and the service could tell that it was the same effect
    assert seen.row.state == "COMPLETED"
    assert stage.variables(key) == {"workDone": "by the second"}
    assert [call.attempt for call in calls] == [1, 2]
    assert len({call.idempotency_key for call in calls}) == 1


def test_a_call_that_must_not_be_repeated_is_in_doubt_when_its_worker_vanished(stage, clock):
    with hanging() as event:
        calls = []

        @service_task("work", idempotent=False, retry=AT_ONCE)
        def work(*, call: Call) -> None:
            calls.append(call)
            event.wait(LONG)

        stage.serve(work)
        key = stage.start()
        stage.until(lambda: calls)

        clock.advance(minutes=10)
        stage.engine.execute(jobs.release_expired)

        assert "not known" in stage.incident(key).message
    assert len(calls) == 1


def test_the_lock_is_renewed_while_a_call_lasts(stage):
    with hanging() as event:
        @service_task("work")
        def work() -> None:
            event.wait(LONG)

        stage.serve(work, lock=timedelta(seconds=0.3))
        key = stage.start()

        ends = set()
        stage.until(lambda: ends.add(stage.see(key).jobs[0].locked_until) or len(ends) > 3)
        assert stage.engine.execute(jobs.release_expired) == 0
        event.set()
        assert stage.ended(key).row.state == "COMPLETED"


def test_a_service_that_hangs_past_its_timeout_is_called_again_with_the_same_key(stage, monkeypatch):
    monkeypatch.setattr(worker, "GRACE", 0.01)
    with hanging() as event:
        calls = []

        @service_task("work", timeout=0.05, idempotent=True, retry=AT_ONCE)
        def work(*, call: Call) -> Result:
            calls.append(call)
            if len(calls) == 1:
                event.wait(10 * LONG)
            return Result(work_done=str(call.attempt))

        stage.serve(work, threads=1, name="hanger")

        key = stage.start()

        assert stage.ended(key).row.state == "COMPLETED"
        assert stage.variables(key) == {"workDone": "2"}
    assert len({call.idempotency_key for call in calls}) == 1
    # and the thread that took the place of the one that hung goes when that one is back
    stage.until(lambda: sum(thread.name.startswith("service-hanger") and "quick" not in thread.name
                            for thread in threading.enumerate()) == 1)


def test_a_service_that_never_waits_is_called_in_one_thread_once_that_is_known(stage, monkeypatch):
    monkeypatch.setattr(threads, "QUICK", float("inf"))
    names = []

    @service_task("work")
    def work() -> None:
        names.append(threading.current_thread().name)

    stage.serve(work)
    for _ in range(2):
        assert stage.ended(stage.start()).row.state == "COMPLETED"
    assert [name.endswith("quick-1") for name in names] == [False, True]


def test_an_async_service_is_stopped_at_its_timeout(stage):
    import asyncio

    @service_task("work", timeout=0.02, retry=Retry(attempts=1))
    async def work() -> None:
        await asyncio.sleep(LONG)

    stage.serve(work)

    assert "0.02 s" in stage.incident(stage.start()).message


def test_a_worker_that_stops_lets_calls_finish_and_gives_back_what_it_did_not_begin(stage):
    # given a worker which took more jobs after the first went fast, and whose two threads now hang: the one for what is
    # quick, and the only other one
    with hanging() as event:
        begun = set()

        @service_task("work")
        def work(number: int) -> None:
            begun.add(number)
            if number in (1, 2):
                event.wait(LONG)

        registry = stage.offer(work)
        keys = [stage.start(number=number) for number in range(4)]
        leaver = stage.hire(registry, threads=1)
        stage.until(lambda: leaver.busy == 3 and begun == {0, 1, 2})

        # when it is asked to stop
        stopped = []
        leaving = threading.Thread(target=lambda: stopped.append(leaver.stop(timedelta(seconds=LONG))))
        leaving.start()
        waiting = stage.until(lambda: _free_job(stage, keys[3]))
        event.set()
        leaving.join()

    # then nothing is lost, and no attempt was counted for what was not begun
    assert stopped == [True]
    assert [stage.see(key).row.state for key in keys] == ["COMPLETED", "COMPLETED", "COMPLETED", "ACTIVE"]
    assert (waiting.retries, begun) == (3, {0, 1, 2})


def _free_job(stage, key):
    [job] = stage.see(key).jobs
    return job if job.state == "CREATED" else None


def test_a_worker_that_cannot_wait_any_longer_leaves(stage):
    with hanging() as event:
        begun = threading.Event()

        @service_task("work")
        def work() -> None:
            begun.set()
            event.wait(LONG)

        leaver = stage.serve(work)
        stage.start()
        assert begun.wait(LONG)

        assert leaver.stop(timedelta(seconds=0.01)) is False


def test_a_service_is_called_by_no_more_than_its_concurrency_at_once(stage):
    lock, running, most, two = threading.Lock(), 0, 0, threading.Barrier(2, timeout=LONG)

    @service_task("work", concurrency=2)
    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        two.wait()      # each of the ten has another one beside it, however slow the machine is
        with lock:
            running -= 1

    stage.serve(work, threads=8)
    for key in [stage.start() for _ in range(10)]:
        stage.ended(key)

    assert most == 2


def test_two_workers_share_the_work_and_do_nothing_twice(stage):
    calls = []

    @service_task("work")
    def work(number: int) -> None:
        calls.append(number)

    stage.serve(work)
    registry = Registry()
    registry.add(work)
    stage.hire(registry)

    for key in [stage.start(number=number) for number in range(30)]:
        stage.ended(key)

    assert sorted(calls) == list(range(30))


@pytest.mark.parametrize("attempts", [1, 4])
def test_the_contract_says_how_many_attempts_there_are(stage, attempts):
    @service_task("work", retry=Retry(attempts=attempts, first=0))
    def work() -> None:
        raise ValueError("never")

    stage.serve(work)
    key = stage.start()
    stage.incident(key)

    assert stage.see(key).jobs[0].attempt == attempts


MANY = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="D" targetNamespace="t"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:modeler="http://camunda.org/schema/modeler/1.0"
  modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.9.0">
  <bpmn:process id="many" isExecutable="true"><bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="F1" sourceRef="Start" targetRef="Work"/>
    <bpmn:serviceTask id="Work"><bpmn:extensionElements><zeebe:taskDefinition type="work"/></bpmn:extensionElements>
      <bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>
        <zeebe:loopCharacteristics inputCollection="=items" inputElement="item"/>
      </bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>
    <bpmn:sequenceFlow id="F2" sourceRef="Work" targetRef="End"/><bpmn:endEvent id="End"/>
  </bpmn:process></bpmn:definitions>"""


def test_what_a_service_does_to_its_arguments_is_not_seen_by_other_calls(stage):
    # given a service that changes the collections which it was given, and all of whose calls are given the same ones
    seen = []

    @service_task("work")
    def work(item: int, items: Any, about: dict[str, Any]) -> None:
        seen.append((len(items), sorted(about["tags"])))
        items.append(item)
        about["tags"].append("seen")

    stage.serve(work)
    stage.deploy("many.bpmn", MANY.encode())

    # when it is called for each of them
    key = stage.start("many", items=[1, 2, 3, 4], about={"tags": ["new"]})

    # then each call saw them as they are
    assert stage.ended(key).row.state == "COMPLETED"
    assert seen == [(4, ["new"])] * 4


def test_only_those_variables_are_read_that_a_service_takes(stage):
    """The others may be many, and large: each is read, and its JSON parsed, for nothing."""
    read = []

    def note(connection, cursor, statement, parameters, context, many):
        if "RECURSIVE" in statement.upper():
            read.append(parameters)

    @service_task("work")
    def work(order_id: str, note: str = "none") -> Result:
        return Result(work_done=f"{order_id} {note}")

    event.listen(stage.engine.database.engine, "before_cursor_execute", note)
    try:
        stage.serve(work)
        key = stage.start(orderId="A-1", note="with care", large=["x" * 1000] * 100)
        assert stage.ended(key).row.state == "COMPLETED"
    finally:
        event.remove(stage.engine.database.engine, "before_cursor_execute", note)

    assert stage.variables(key)["workDone"] == "A-1 with care"
    names = [each.values() if isinstance(each, dict) else each for each in read]
    assert names
    assert all({"orderId", "order_id", "note"} <= {*each} and "large" not in each for each in names)


def test_a_service_that_takes_nothing_is_called(stage):
    @service_task("work")
    def work() -> Result:
        return Result(work_done="anyway")

    stage.serve(work)
    key = stage.start(orderId="A-1")

    assert stage.ended(key).row.state == "COMPLETED"
    assert stage.variables(key) == {"orderId": "A-1", "workDone": "anyway"}
