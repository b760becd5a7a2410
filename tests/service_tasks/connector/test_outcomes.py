"""What answers and failures mean for the process: retries, BPMN errors, incidents, and calls in doubt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.queries import effects
from engine.work import activation, jobs
from service_tasks.connector.expressions import FUNCTIONS, Ignored, variables_of, verdict_of
from service_tasks.errors import BpmnError, InDoubt, JobError


def effect_of(rest, key):
    [effect] = effects.effects(rest.stage.engine, instance_key=key).items
    return effect


def drop(handler, sent):
    return None


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422])
def test_a_refusal_costs_an_attempt_and_is_repeated(rest, service, status):
    service.answers["/thing"] = (status, {}, {"detail": "no"})
    message = rest.incident({"method": "POST"}, retries=2)
    assert f"answered {status}" in message
    assert len(service.received) == 2
    assert len({sent.headers["Idempotency-Key"] for sent in service.received}) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("answer", [(500, {}, {}), drop])
def test_an_idempotent_call_of_unknown_outcome_is_repeated_with_its_key(rest, service, method, answer):
    def once(handler, sent):
        return (answer(handler, sent) if callable(answer) else answer) if len(service.received) == 1 else (200, {}, {})

    service.answers["/thing"] = once
    key = rest.run({"method": method}, retries=2)
    assert rest.stage.ended(key).row.state == "COMPLETED"
    assert len({sent.headers["Idempotency-Key"] for sent in service.received}) == 1
    assert len(service.received) == 2
    assert effect_of(rest, key).effect == "CONFIRMED"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("answer", [(500, {}, {}), drop])
def test_another_one_is_in_doubt_at_once(rest, service, method, answer):
    service.answers["/thing"] = answer
    key = rest.run({"method": method}, retries=3)
    assert "not known whether" in rest.stage.incident(key).message
    assert len(service.received) == 1
    assert (effect_of(rest, key).effect, effect_of(rest, key).repeatable) == ("IN_DOUBT", False)


def test_a_post_may_be_declared_idempotent(rest, service):
    service.answers["/thing"] = lambda handler, sent: (500, {}, {}) if len(service.received) == 1 else (200, {}, {})
    key = rest.run({"method": "POST"}, {"idempotent": "true"}, retries=2)
    assert rest.stage.ended(key).row.state == "COMPLETED"
    assert len(service.received) == 2


def test_a_post_that_was_never_sent_may_be_repeated(rest, service):
    service.stop()
    key = rest.run({"method": "POST"}, retries=2)
    assert "no connection" in rest.stage.incident(key).message
    assert effect_of(rest, key).effect == "INTENDED"


def test_a_service_that_is_busy_says_when_to_come_again(rest, service):
    service.answers["/thing"] = lambda handler, sent: (
        (503, {"Retry-After": "0"}, {}) if len(service.received) == 1 else (200, {}, {}))
    assert rest.completed({"method": "POST"}, retries=2) is not None
    assert len(service.received) == 2


def test_the_error_expression_makes_a_bpmn_error_of_a_status(rest, service):
    service.answers["/thing"] = (404, {}, {"code": "NO_SUCH", "id": 7})
    key = rest.run({"method": "POST"}, {"errorExpression": (
        '=if error.code = "404" then bpmnError("GONE", "It is gone: " + error.message, '
        "{missing: error.variables.response.body.id}) else null")})
    seen = rest.stage.ended(key)
    assert [row.element_id for row in seen.elements if row.element_id == "Refused"] == ["Refused"]
    assert rest.stage.variables(key)["missing"] == 7
    assert effect_of(rest, key).effect == "FAILED"


def test_the_error_expression_may_look_at_a_success(rest, service):
    service.answers["/thing"] = (200, {}, {"declined": True})
    key = rest.run({}, {"errorExpression": '=if response.body.declined then bpmnError("DECLINED", "no") else null'})
    assert "Refused" in {row.element_id for row in rest.stage.ended(key).elements}


def test_a_timeout_that_the_diagram_catches_stays_in_doubt_in_the_ledger(rest, service):
    service.answers["/thing"] = drop
    late = '=if error.code = "408" then bpmnError("LATE", "x") else null'
    key = rest.run({"method": "POST"}, {"errorExpression": late})
    assert "Refused" in {row.element_id for row in rest.stage.ended(key).elements}
    assert effect_of(rest, key).effect == "IN_DOUBT"


def test_a_job_error_says_how_many_attempts_are_left(rest, service):
    service.answers["/thing"] = (409, {}, {})
    expression = '=jobError("busy (" + string(job.retries) + ")", {tried: true}, job.retries - 1, duration("PT0S"))'
    message = rest.incident({}, {"errorExpression": expression}, retries=3)
    assert message == "busy (1)"
    assert len(service.received) == 3


def test_a_job_error_repeats_no_call_that_is_in_doubt(rest, service):
    service.answers["/thing"] = drop
    message = rest.incident({"method": "POST"}, {"errorExpression": '=jobError("again", {}, 5)'}, retries=3)
    assert "not known whether" in message
    assert len(service.received) == 1


def test_an_error_may_be_ignored(rest, service):
    service.answers["/thing"] = (404, {}, {})
    variables = rest.completed({}, {"errorExpression": "=ignoreError({found: false})", "resultVariable": "r"})
    assert variables["found"] is False
    assert "r" not in variables


@pytest.mark.parametrize(("headers", "words"), [
    ({"resultExpression": "=response.status"}, "result expression to give a context"),
    ({"errorExpression": '="text"'}, "error expression to give a context"),
    ({"errorExpression": "=bpmnError(404)"}, "a text as `errorCode` of bpmnError"),
    ({"errorExpression": '=jobError("x", {}, 1.5)'}, "whole number of retries"),
    ({"errorExpression": '={errorType: "unheardOf"}'}, "'unheardOf'"),
])
def test_an_expression_that_makes_no_sense_is_an_incident(rest, headers, words):
    assert words in rest.incident({}, headers)


def test_the_functions_are_known_in_error_expressions_only(rest):
    assert set(rest.completed({}, {"resultExpression": '=bpmnError("X", "y")'})) <= {"authentication", "method", "url"}


def test_retry_backoff_is_how_long_to_wait(rest, service):
    service.answers["/thing"] = (409, {}, {})
    key = rest.run({}, {"retryBackoff": "PT1H"}, retries=2)
    [job] = rest.stage.until(lambda: [job for job in rest.stage.see(key).jobs if job.retries == 1])
    assert 3500 < (job.due_at - rest.stage.engine.clock()).total_seconds() <= 3600


@pytest.mark.parametrize(("method", "effect"), [("POST", "IN_DOUBT"), ("GET", "SENT")])
def test_a_worker_that_vanished_leaves_a_post_in_doubt_and_a_get_not(rest, method, effect):
    rest.deploy({"method": method})
    key = rest.stage.start("rest")
    rest.stage.engine.execute(activation.activate, ["io.camunda:http-json:1"], "gone", lock=timedelta(seconds=1))
    rest.stage.engine.clock.advance(seconds=2)
    rest.stage.engine.execute(jobs.release_expired)
    assert effect_of(rest, key).effect == effect


@pytest.mark.parametrize(("expression", "found"), [
    ('bpmnError("C")', ("C", "", {})), ('bpmnError("C", "m")', ("C", "m", {})),
    ('bpmnError("C", "m", {a: 1})', ("C", "m", {"a": 1})), ('bpmnError(code: "C", message: "m")', ("C", "m", {})),
    ('bpmnError(errorCode: "C", variables: {a: 1})', ("C", "", {"a": 1})),
    ('{code: "C", message: "m"}', ("C", "m", {})),
])
def test_ways_to_write_a_bpmn_error(expression, found):
    verdict = verdict_of({"errorExpression": "=" + expression}, {"error": {}}, 3)
    assert isinstance(verdict, BpmnError)
    assert (verdict.code, verdict.message, verdict.variables) == found


@pytest.mark.parametrize("expression", ["null", "{}", 'bpmnError("")', "if false then bpmnError(\"X\") else null"])
def test_no_error_is_meant(expression):
    assert verdict_of({"errorExpression": "=" + expression}, {"status": 200}, 3) is None


def test_a_job_error_without_more_is_an_incident():
    verdict = verdict_of({"errorExpression": '=jobError("m")'}, {"status": 200}, 3)
    assert isinstance(verdict, JobError)
    assert (verdict.retries, verdict.retry_in, verdict.variables) == (0, None, {})
    assert verdict_of({"errorExpression": "=ignoreError()"}, {}, 1) == Ignored({})


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_calls_with_arguments_that_there_are_not_fail(name):
    with pytest.raises(InDoubt):
        verdict_of({"errorExpression": f"={name}(nonsense: 1)"}, {}, 1)
    with pytest.raises(InDoubt):
        verdict_of({"errorExpression": f'={name}("a", "b", "c", "d", "e")'}, {}, 1)


def test_result_variable_and_expression_both_count():
    response = {"status": 200, "headers": {}, "body": {"a": 1}}
    assert variables_of({"resultVariable": "r", "resultExpression": "={b: body.a + 1}"}, response) == {
        "r": response, "b": 2}
    assert variables_of({"resultVariable": " ", "resultExpression": ""}, response) == {}
