"""Messages that reached nobody are kept, explained by whom they nearly reached, and delivered by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances, messages, strays
from engine.cluster import scheduler
from engine.errors import InvalidInput, NotFound, WrongState
from engine.queries import lists, misses
from engine.queries import messages as found
from engine.queries.misses import Kind
from tests.engine.drawing import catch, end, message, message_of, process, start

MINUTE = timedelta(minutes=1)


@pytest.fixture
def wait(steps):
    """Starts an instance that waits for the message "Payment Received" with a key."""
    steps.deploy(message_of("m", "Payment Received", "=orderId"),
                 process("p", start(), catch("paid", message("m")), end()))
    return lambda key="4711", **more: steps.start("p", {"orderId": key}, **more)


def publish(engine, key="4711", name="Payment Received", **more):
    return engine.execute(messages.publish, name, key, {"amount": 10}, **more).key


def kinds(engine, key):
    return [[each.kind for each in miss.differences] for miss in misses.near_misses(engine, found.message(engine, key))]


def test_message_that_nobody_waits_for_is_kept_as_a_stray(engine, clock):
    key = publish(engine, message_id="m-1")
    [row] = found.strays(engine).items
    assert (row.key, row.name, row.correlation_key, row.message_id) == (key, "Payment Received", "4711", "m-1")
    assert (row.variables, row.kept, row.expires_at, row.delivered_to) == ({"amount": 10}, False, clock(), None)
    assert found.counts(engine) == found.Counts(kept=0, stray=1, waiting=0)


def test_message_that_reaches_somebody_is_none(engine, wait):
    wait()
    publish(engine)
    assert found.strays(engine).items == ()


def test_message_that_expires_without_reaching_anybody_becomes_one(engine, clock, wait):
    kept = publish(engine, time_to_live=MINUTE)
    reached = publish(engine, key="1", time_to_live=MINUTE)
    wait("1")
    assert [row.key for row in found.kept(engine).items] == [reached, kept]
    clock.advance(minutes=2)
    scheduler.run_once(engine)
    assert [row.key for row in found.strays(engine).items] == [kept]
    assert found.kept(engine).items == ()


def test_message_that_came_too_early_says_by_how_much(engine, clock, wait):
    key = publish(engine)
    clock.advance(seconds=3)
    wait()
    [miss] = misses.near_misses(engine, found.message(engine, key))
    [difference] = miss.differences
    assert (difference.kind, difference.apart, miss.distance) == (Kind.LATE, timedelta(seconds=3), 0)


def test_many_messages_expire_a_slice_at_a_time(engine, clock, monkeypatch):
    monkeypatch.setattr(messages, "SLICE", 2)
    for number in range(5):
        publish(engine, str(number), time_to_live=MINUTE)
    clock.advance(seconds=61)
    assert [engine.execute(messages.expire) for _ in range(4)] == [2, 2, 1, 0]
    assert {row.correlation_key for row in found.strays(engine).items} == set("01234")


def test_message_that_expired_too_early_says_by_how_much(engine, clock, wait):
    key = publish(engine, time_to_live=MINUTE)
    clock.advance(seconds=90)
    scheduler.run_once(engine)
    wait()
    [miss] = misses.near_misses(engine, found.message(engine, key))
    [difference] = miss.differences
    assert (difference.kind, difference.apart) == (Kind.EXPIRED, timedelta(seconds=30))


@pytest.mark.parametrize(("ours", "theirs", "kind"), [
    ("4711 ", "4711", Kind.BLANK), ("\t4711", "4711", Kind.BLANK), ("ab-1", "AB-1", Kind.CASE),
    ('"4711"', "4711", Kind.QUOTES), ("4711.0", "4711", Kind.NUMBER), ("04711", "4711", Kind.NUMBER),
    ("47\u200b11", "4711", Kind.INVISIBLE), (None, "4711", Kind.NO_KEY),
    ("order-berlin-4711", "order-berlln-4711", Kind.KEY_ALIKE),
])
def test_keys_that_nearly_fit_say_how_they_differ(engine, wait, ours, theirs, kind):
    wait(theirs)
    assert kinds(engine, publish(engine, key=ours)) == [[kind]]


@pytest.mark.parametrize(("ours", "theirs"), [("4711", "4712"), ("order-1000001", "order-1000002"), ("a", "b")])
def test_keys_of_others_are_no_near_misses(engine, wait, ours, theirs):
    wait(theirs)
    assert kinds(engine, publish(engine, key=ours)) == []


@pytest.mark.parametrize(("name", "kind"), [
    ("paymentReceived", Kind.NAME_WRITTEN), ("payment-received", Kind.NAME_WRITTEN),
    ("Payment Recieved", Kind.NAME_ALIKE),
])
def test_names_that_nearly_fit_say_how_they_differ(engine, wait, name, kind):
    wait()
    assert kinds(engine, publish(engine, name=name)) == [[kind]]


def test_names_of_others_are_no_near_misses(engine, wait):
    wait()
    assert kinds(engine, publish(engine, name="Goods Shipped")) == []


def test_message_that_is_kept_says_which_process_had_it(engine, wait):
    key = publish(engine, time_to_live=MINUTE)
    wait()
    wait()
    assert kinds(engine, key) == [[Kind.HAD_IT]]


def test_closest_come_first(engine, clock, wait):
    key = publish(engine, key="AB-1 x")
    clock.advance(seconds=1)
    for theirs in ("ab-1 X", "AB-1 x"):
        wait(theirs)
    assert kinds(engine, key) == [[Kind.LATE], [Kind.CASE, Kind.LATE]]


def test_right_key_is_found_among_very_many_others(engine, wait, monkeypatch):
    monkeypatch.setattr(misses, "CANDIDATES", 5)
    wait("4711")
    for number in range(20):
        wait(f"other-{number}")
    assert kinds(engine, publish(engine, key="4711 ")) == [[Kind.BLANK]]


def subscription(engine, instance):
    return next(row.key for row in found.waiting(engine).items if row.instance_key == instance)


def test_message_is_delivered_by_hand(engine, steps, wait):
    instance = wait("4711")
    key = publish(engine, key="4712")
    reached = engine.acting_as("ann").execute(strays.deliver, key, subscription(engine, instance), "It is a typo.")
    assert reached == instance
    assert (steps.state(instance), steps.variables(instance)["amount"]) == ("COMPLETED", 10)
    row = found.message(engine, key)
    assert (row.delivered_to, found.counts(engine).stray) == (instance, 0)
    [act] = lists.audit(engine, operation="DELIVER", entity_key=key).items
    assert (act.actor, act.reason, act.instance_key) == ("ann", "It is a typo.", instance)
    assert act.after == {"delivered_to": str(instance)}
    with pytest.raises(WrongState, match="by hand"):
        engine.execute(strays.deliver, key, subscription(engine, wait()), "Again.")


def test_message_that_is_kept_reaches_no_other_instance_of_the_process_after_that(engine, steps, wait):
    instance = wait("4711")
    key = publish(engine, key="4712", time_to_live=MINUTE)
    engine.execute(strays.deliver, key, subscription(engine, instance), "It is a typo.")
    assert steps.state(wait("4712")) == "ACTIVE"


def test_delivering_wants_a_reason_a_message_and_somebody_who_waits(engine, wait):
    instance = wait("1")
    waiting, key = subscription(engine, instance), publish(engine)
    with pytest.raises(InvalidInput, match="reason"):
        engine.execute(strays.deliver, key, waiting, " ")
    with pytest.raises(NotFound, match="message with key 17"):
        engine.execute(strays.deliver, 17, waiting, "why")
    with pytest.raises(NotFound, match="subscription 17"):
        engine.execute(strays.deliver, key, 17, "why")
    engine.execute(instances.suspend, instance, "rest")
    with pytest.raises(WrongState, match="suspended"):
        engine.execute(strays.deliver, key, waiting, "why")
    assert found.message(engine, key).delivered_to is None
    engine.execute(instances.resume, instance, "go")


def test_only_the_newest_strays_are_kept_and_not_for_ever(engine, clock, monkeypatch):
    monkeypatch.setattr(strays, "OLDEST_KEPT", strays.OLDEST_KEPT.offset(2))
    keys = []
    for _ in range(5):
        keys.append(publish(engine))
        clock.advance(seconds=1)
    assert engine.execute(strays.forget) == 2
    assert [row.key for row in found.strays(engine).items] == keys[:1:-1]
    clock.advance(days=31)
    assert engine.execute(strays.forget) == 3
    assert engine.execute(strays.forget) == 0


def test_filter_finds_a_key_whatever_its_blanks_and_capitals(engine):
    key = publish(engine, key=" Ab-1 ")
    publish(engine, key="ab-2")
    assert [row.key for row in found.strays(engine, correlation_key="ab-1").items] == [key]
    assert [row.key for row in found.strays(engine, name="Payment Received").items][-1] == key
    assert found.strays(engine, name="other").total == 0
