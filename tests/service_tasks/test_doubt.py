"""Calls that must not be made twice: the service is asked, or an operator decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.queries import effects as ledger
from engine.work import activation, doubts, jobs
from service_tasks import (
    Call,
    ContractError,
    DidNotHappen,
    Happened,
    Registry,
    Retry,
    Unclear,
    UnknownOutcome,
    service_task,
)
from service_tasks.exchange import report
from service_tasks.outcome import Returned

AT_ONCE = Retry(attempts=3, first=timedelta(0), jitter=0)


class Bank:
    """A bank that sees no keys: each transfer acts. Its book tells what happened."""

    def __init__(self, *, books=True, tells=True):
        self.books, self.tells = books, tells
        self.book, self.asked = [], []

    def find(self, amount: int, *, call: Call) -> Happened | DidNotHappen | Unclear:
        """Whether a transfer is in the book."""
        self.asked.append((amount, call.idempotency_key))
        if not self.tells:
            return Unclear("The book is locked.")
        return Happened({"receipt": self.book.index(amount)}) if amount in self.book else DidNotHappen()

    @service_task("work", idempotent=False, retry=AT_ONCE, probe=find)
    def transfer(self, amount: int) -> dict[str, int]:
        """The first answer is lost."""
        first = not self.asked
        if self.books or not first:
            self.book.append(amount)
        if first:
            raise UnknownOutcome("The line was cut.")
        return {"receipt": self.book.index(amount)}


def effect_of(stage, key):
    return ledger.effects(stage.engine, instance_key=key).items[0]


@pytest.mark.parametrize("books", [True, False])
def test_a_service_that_can_tell_is_asked_before_it_is_called_again(stage, books):
    # given a transfer whose answer was lost, after or before it took effect
    bank = Bank(books=books)
    stage.serve(bank)
    key = stage.start(amount=7)

    # then the process goes on by itself, and the money was transferred once
    assert stage.ended(key).row.state == "COMPLETED"
    assert bank.book == [7]
    assert stage.variables(key)["receipt"] == 0
    row = effect_of(stage, key)
    assert row.effect == "CONFIRMED"
    assert bank.asked == [(7, row.idempotency_key)]


def test_a_service_that_cannot_tell_leaves_the_decision_to_an_operator(stage):
    bank = Bank(tells=False)
    stage.serve(bank)
    key = stage.start(amount=7)
    incident = stage.incident(key)
    assert "The book is locked." in incident.message
    assert effect_of(stage, key).needs_decision

    # when it can tell, an operator lets it be asked once more
    bank.tells = True
    stage.engine.execute(doubts.ask, incident.key, "the book is open")
    assert stage.ended(key).row.state == "COMPLETED"
    assert bank.book == [7]


def test_a_probe_that_fails_does_not_let_the_call_be_repeated(stage):
    called = []

    def find() -> Happened:
        raise ConnectionRefusedError("down")

    @service_task("work", idempotent=False, retry=AT_ONCE, probe=find)
    def work() -> None:
        called.append(1)
        raise UnknownOutcome("cut")

    stage.serve(work)
    key = stage.start()
    assert "down" in stage.incident(key).message
    assert called == [1]
    assert effect_of(stage, key).effect == "IN_DOUBT"


def test_an_async_service_is_asked_as_well(stage):
    called = []

    async def find() -> Happened:
        return Happened()

    @service_task("work", idempotent=False, retry=AT_ONCE, probe=find)
    async def work() -> None:
        called.append(1)
        raise UnknownOutcome("cut")

    stage.serve(work)
    assert stage.ended(stage.start()).row.state == "COMPLETED"
    assert called == [1]


def test_an_operator_repeats_a_call_with_the_same_key(stage):
    keys = []

    @service_task("work", idempotent=False, retry=AT_ONCE)
    def work(*, call: Call) -> None:
        keys.append(call.idempotency_key)
        if len(keys) == 1:
            raise UnknownOutcome("cut")

    stage.serve(work)
    key = stage.start()
    stage.engine.execute(doubts.repeat, stage.incident(key).key, "the other side sees keys since today")
    assert stage.ended(key).row.state == "COMPLETED"
    assert keys == [keys[0]] * 2


def test_a_worker_that_stops_before_it_asked_leaves_the_doubt(stage, clock):
    @service_task("work", idempotent=False)
    def work() -> None: ...

    # given a job whose worker vanished, in the hands of a second one that stops before it begins
    stage.offer(work)
    key = stage.start()
    minute = timedelta(minutes=1)
    stage.engine.execute(activation.activate, ["work"], "first", 1, minute)
    clock.advance(minutes=2)
    stage.engine.execute(jobs.release_expired)
    [job] = stage.engine.execute(activation.activate, ["work"], "second", 1, minute)
    stage.engine.execute(report, job, Returned(job.retries, job.in_doubt))

    # then the third one is told
    assert effect_of(stage, key).effect == "IN_DOUBT"
    [job] = stage.engine.execute(activation.activate, ["work"], "third", 1, minute)
    assert job.in_doubt


def test_the_probe_takes_what_the_service_takes():
    def find(other: int) -> Happened: ...

    @service_task("work", probe=find)
    def work(n: int) -> None: ...

    with pytest.raises(ContractError, match="other"):
        Registry().add(work)


def test_service_and_probe_are_both_async_or_both_not():
    async def find() -> Happened: ...

    @service_task("work", probe=find)
    def work() -> None: ...

    with pytest.raises(ContractError, match="async"):
        Registry().add(work)
