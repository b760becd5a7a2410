"""What a scratch engine asserts, and what a failed assertion says."""

from __future__ import annotations

import pytest

from tests.engine.drawing import boundary, end, file, process, service, start, timer, user


def test_an_answer_that_nobody_asked_for_is_told_when_an_assertion_fails(scratch):
    scratch.deploy(file(process("p", start(), service("pay"), end())))
    scratch.service("pya").returns()
    run = scratch.start("p")

    with pytest.raises(AssertionError, match="told an answer, but never called: 'pya'"):
        run.assert_ended()


@pytest.mark.parametrize(("check", "said"), [
    (lambda run: run.assert_passed("t"), "never passed 't'"),
    (lambda run: run.assert_not_passed("start", "t"), "but it passed 'start'"),
    (lambda run: run.assert_not_passed("start_t"), "but it passed 'start_t'"),
    (lambda run: run.assert_path("start", "end"), "did not pass 'end' after 'start'"),
    (lambda run: run.assert_waits_at("end"), "it waits at 't'"),
    (lambda run: run.assert_waits_at(), "it waits at 't'"),
    (lambda run: run.assert_ended(), "but it is active"),
    (lambda run: run.assert_variables(a=2), "a is 1 and not 2"),
    (lambda run: run.assert_variables(b=2), "there is no b"),
    (lambda run: run.assert_no_variables("a"), "there are 'a'"),
    (lambda run: run.assert_incident("t", message="oh"), "Expected an incident at 't' that says 'oh'"),
    (lambda run: run.complete("start"), "Expected a user task to be open at 'start'"),
    (lambda run: run.resolve(), "Expected an incident, but there is none"),
])
def test_a_failed_assertion_says_where_the_instance_is(scratch, check, said):
    scratch.deploy(file(process(
        "p", start(), user("t", assignment='candidateGroups="sales"'), end(),
        boundary("late", "t", timer("Duration", "PT1H")), end("end2"), flows="start>t t>end late>end2")))
    run = scratch.start("p", a=1)

    with pytest.raises(AssertionError) as failure:
        check(run)

    assert said in str(failure.value)
    assert "at t: waits for a person to do the user task (for sales)" in str(failure.value)
    assert "watches: timer late, due 2030-01-07T10:00:00+00:00" in str(failure.value)


@pytest.mark.parametrize("check", [
    lambda run: run.assert_passed("revew"), lambda run: run.assert_not_passed("revew"),
    lambda run: run.assert_waits_at("revew"), lambda run: run.assert_path("revew"),
    lambda run: run.complete("revew"), lambda run: run.assert_incident("revew"),
])
def test_no_assertion_holds_because_of_a_misspelt_id(scratch, check):
    scratch.deploy(file(process("p", start(), user("review"), end())))
    run = scratch.start("p")

    with pytest.raises(ValueError, match="'revew' is none; did you mean 'review'"):
        check(run)


def test_calls_are_asserted_with_what_was_seen(scratch):
    scratch.deploy(file(process("p", start(), service("pay"), end())))
    pay = scratch.service("pay").returns()
    pay.assert_not_called()
    with pytest.raises(AssertionError, match="All its calls: none"):
        pay.assert_called()
    scratch.start("p", amount=5, items=[1, 2])

    pay.assert_called(items=[1, 2])
    with pytest.raises(AssertionError, match=r"with amount=6, but there were 0. All its calls: #1 at pay \(amount=5"):
        pay.assert_called(amount=6)
    with pytest.raises(AssertionError, match="Expected 0 calls"):
        pay.assert_not_called()
