from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from service_tasks import (
    BpmnError,
    Data,
    GiveUp,
    InDoubt,
    NotSent,
    Retry,
    RetryLater,
    UnknownOutcome,
    outcome,
    service_task,
)
from service_tasks.contract import Policy, contract_of
from service_tasks.errors import JobError
from service_tasks.outcome import Attempt, Completed, Failed, Thrown

TWICE_IS_FINE = Policy(name="reserve", retry=Retry(first=2, jitter=0), idempotent=True)
ONCE_ONLY = Policy(name="transfer", retry=Retry(first=2, jitter=0), idempotent=False)
FIRST = Attempt()


class Receipt(Data):
    receipt_id: str
    amount: Decimal


@service_task("pay")
def pay(order_id: str, amount: Decimal = Decimal(1)) -> Receipt:
    raise NotImplementedError


PAY = contract_of(pay)


@pytest.mark.parametrize("name", ["orderId", "order_id"])
def test_an_input_is_found_in_either_spelling(name):
    assert outcome.arguments(PAY, {name: "A-1", "unrelated": 1}) == {"order_id": "A-1", "amount": Decimal(1)}


def test_a_missing_variable_is_named_and_no_retry_is_asked_for():
    with pytest.raises(GiveUp, match="'orderId'"):
        outcome.arguments(PAY, {"amount": 1})


def test_a_result_becomes_json_variables_in_camel_case():
    assert outcome.of_result(PAY, Receipt(receipt_id="P-1", amount=Decimal("9.50"))) == Completed(
        {"receiptId": "P-1", "amount": "9.50"}
    )


def test_a_result_that_breaks_the_contract_is_an_incident_that_names_the_field():
    failed = outcome.of_result(PAY, {"amount": 3})

    assert failed.retries == 0
    assert "'receiptId'" in failed.message
    assert "'pay'" in failed.message


def test_a_model_that_was_made_without_checking_is_checked_when_it_is_written():
    failed = outcome.of_result(PAY, Receipt.model_construct(receipt_id=[1], amount=Decimal(1)))

    assert failed.retries == 0
    assert "receipt" in failed.message


def test_a_result_over_the_limit_is_refused():
    @service_task("dump", max_result_bytes=100)
    def dump() -> dict[str, str]:
        raise NotImplementedError

    failed = outcome.of_result(contract_of(dump), {"text": "x" * 100})

    assert (failed.retries, failed.effect) == (0, "IN_DOUBT")
    assert "100 bytes" in failed.message
    assert outcome.of_result(contract_of(dump), {"text": "x" * 89}) == Completed({"text": "x" * 89})


def test_a_service_that_promises_nothing_gives_nothing():
    @service_task("notify")
    def notify() -> None: ...

    assert outcome.of_result(contract_of(notify), {"ignored": 1}) == Completed({})


def test_a_business_error_is_thrown_with_its_code_and_variables():
    error = BpmnError("DECLINED", "No money.", {"limit": 5})

    assert outcome.of_error(TWICE_IS_FINE, error, FIRST) == Thrown("DECLINED", "No money.", {"limit": 5})


@pytest.mark.parametrize("error", [GiveUp("broken"), InDoubt("broken")])
def test_giving_up_asks_an_operator_at_once(error):
    failed = outcome.of_error(TWICE_IS_FINE, error, FIRST)
    assert (failed.message, failed.retries) == ("broken", 0)


@pytest.mark.parametrize(("error", "effect"), [
    (ValueError("no"), "FAILED"), (GiveUp("no"), "FAILED"), (NotSent("no"), "INTENDED"),
    (UnknownOutcome("?"), "IN_DOUBT"), (TimeoutError(), "IN_DOUBT"), (ConnectionResetError(), "IN_DOUBT"),
    (InDoubt("?"), "IN_DOUBT"),
])
def test_an_error_tells_what_is_known_of_the_effect(error, effect):
    assert outcome.of_error(TWICE_IS_FINE, error, FIRST).effect == effect


@pytest.mark.parametrize("error", [ValueError("broken"), NotSent("broken"), UnknownOutcome("broken")])
def test_a_technical_failure_is_tried_again_after_the_wait_of_the_contract(error):
    failed = outcome.of_error(TWICE_IS_FINE, error, Attempt(failures=2))

    assert failed.retries is None
    assert failed.retry_in == timedelta(seconds=8)
    assert "broken" in failed.message


@pytest.mark.parametrize(("after", "wait"), [(30, 30), (0, 2)])
def test_the_service_may_ask_for_a_longer_wait_but_not_for_a_shorter_one(after, wait):
    assert outcome.of_error(TWICE_IS_FINE, RetryLater(after), FIRST).retry_in == timedelta(seconds=wait)


@pytest.mark.parametrize("error", [UnknownOutcome("reply lost"), TimeoutError(), ConnectionResetError()])
def test_a_call_that_must_not_be_repeated_is_in_doubt_when_its_outcome_is_unknown(error):
    failed = outcome.of_error(ONCE_ONLY, error, FIRST)

    assert failed.retries == 0
    assert "not known" in failed.message
    assert "'transfer'" in failed.message


def caught(inner, outer):
    """An exception that was raised while another one was handled."""
    outer.__context__ = inner
    return outer


def status(code):
    request = httpx.Request("POST", "http://bank")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(code, request=request))


@pytest.mark.parametrize("error", [
    httpx.ReadTimeout("no answer"), httpx.RemoteProtocolError("closed"), httpx.WriteError("closed"), status(502),
    caught(TimeoutError(), RuntimeError("the bank is slow")), caught(httpx.ReadError("closed"), ValueError("bank")),
])
def test_a_client_s_own_exceptions_leave_a_call_in_doubt_too(error):
    failed = outcome.of_error(ONCE_ONLY, error, FIRST)

    assert (failed.retries, failed.effect) == (0, "IN_DOUBT")
    assert outcome.of_error(TWICE_IS_FINE, error, FIRST).effect == "IN_DOUBT"


@pytest.mark.parametrize(("error", "effect"), [
    (httpx.ConnectError("refused"), "INTENDED"), (caught(TimeoutError(), httpx.ConnectTimeout("slow")), "INTENDED"),
    (status(404), "FAILED"), (caught(KeyError("x"), ValueError("y")), "FAILED"),
])
def test_a_client_s_own_exceptions_that_tell_that_nothing_happened_cost_an_attempt(error, effect):
    failed = outcome.of_error(ONCE_ONLY, error, FIRST)

    assert (failed.retries, failed.effect) == (None, effect)


def test_a_wait_that_no_calendar_has_is_cut():
    assert outcome.of_error(ONCE_ONLY, RetryLater(10**13), FIRST).retry_in == timedelta(days=365)


@pytest.mark.parametrize("error", [NotSent("no connection"), ValueError("no"), RetryLater(1)])
def test_a_call_that_must_not_be_repeated_is_repeated_when_it_surely_had_no_effect(error):
    assert outcome.of_error(ONCE_ONLY, error, FIRST).retries is None


def test_nothing_is_tried_after_the_total_time():
    policy = Policy(name="slow", retry=Retry(total=60), idempotent=True)

    failed = outcome.of_error(policy, ValueError("broken"), Attempt(elapsed=timedelta(seconds=61)))

    assert failed.retries == 0


def test_a_long_error_message_is_cut():
    assert len(outcome.of_error(TWICE_IS_FINE, ValueError("x" * 10_000), FIRST).message) <= outcome.MAX_MESSAGE


def test_a_service_that_can_be_asked_is_asked_before_an_operator_is():
    policy = Policy(name="transfer", probe=lambda: None)
    failed = outcome.of_error(policy, UnknownOutcome("reply lost"), FIRST)
    assert (failed.retries, failed.effect) == (None, "IN_DOUBT")
    failed = outcome.of_probe_error(policy, ConnectionRefusedError("down"), FIRST)
    assert (failed.retries, failed.effect) == (None, "IN_DOUBT")


def test_an_answer_that_may_have_acted_says_so_whatever_it_asks_for():
    for in_doubt, effect in ((False, "FAILED"), (True, "IN_DOUBT")):
        refused, again = BpmnError("NO"), JobError("no", retries=4)
        refused.in_doubt = again.in_doubt = in_doubt
        assert outcome.of_error(ONCE_ONLY, refused, FIRST).effect == effect
        assert outcome.of_error(TWICE_IS_FINE, again, FIRST) == Failed("no", retries=4, effect=effect)
        once = outcome.of_error(ONCE_ONLY, again, FIRST)
        assert (once.retries, once.effect) == ((0, effect) if in_doubt else (4, effect))


def test_what_the_service_asked_for_holds_for_a_wait_that_the_diagram_states_too():
    assert outcome.of_error(TWICE_IS_FINE, RetryLater(30), FIRST).at_least == timedelta(seconds=30)
