"""Events that go out: once written they are delivered at least once, in order, and only if what they tell was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances, retention
from engine.errors import Conflict, InvalidInput, NotFound
from engine.events import noting, outbox, targets, types
from engine.queries import lists
from engine.tasks import user_tasks
from engine.work import activation, jobs
from tests.engine.drawing import end, process, service, start, user

ADDRESS = "http://127.0.0.1:9/hook"


@pytest.fixture
def subscribed(engine, clock):
    """A target that wants everything, and has settled."""
    target = engine.execute(targets.add, "audit", ADDRESS)
    clock.advance(seconds=targets.SETTLES.total_seconds())
    return target


@pytest.fixture
def paying(steps):
    steps.deploy(process("paying", start(), service("pay"), end()), name="paying.bpmn")
    return steps


def answer(engine, act=jobs.complete, **arguments):
    [job] = engine.execute(activation.activate, ["pay"], "w")
    values = ["down"] if act is jobs.fail else []
    engine.execute(act, job.key, *values, lock_token=job.lock_token, **arguments)


def deliver(engine, most=100):
    """Everything that waits, in the order in which it may be delivered."""
    told = []
    for _ in range(most):
        taken = engine.execute(outbox.claim)
        if not taken:
            return told
        told += taken
        engine.execute(outbox.delivered, taken)
    raise AssertionError("there is always something more")


def test_a_run_is_told_in_order_and_once(engine, subscribed, paying):
    key = paying.start("paying", business_id="order-7")
    answer(engine, jobs.fail, retries=1, retry_in=timedelta())
    answer(engine)
    told = deliver(engine)
    assert [event.type for event in told] == [
        types.INSTANCE_STARTED, types.ELEMENT_COMPLETED, types.ELEMENT_ENTERED, types.JOB_CREATED, types.JOB_RETRIED,
        types.JOB_COMPLETED, types.ELEMENT_COMPLETED, types.ELEMENT_COMPLETED, types.INSTANCE_COMPLETED,
    ]
    assert len({event.event_id for event in told}) == len(told)
    body = told[-1].body
    assert (body["specversion"], body["subject"], body["id"]) == ("1.0", str(key), told[-1].event_id)
    assert body["data"] == {"processInstanceKey": str(key), "rootInstanceKey": str(key), "processId": "paying",
                            "businessId": "order-7", "reason": None}
    [now] = targets.all_of_them(engine)
    assert now.delivered == len(told)


def test_two_that_deliver_never_have_two_events_of_one_instance(engine, subscribed, paying):
    one, two = paying.start("paying"), paying.start("paying")
    first = engine.execute(outbox.claim)
    assert sorted(event.instance_key for event in first) == sorted([one, two])
    assert engine.execute(outbox.claim) == []
    engine.execute(outbox.delivered, first)
    assert sorted(event.instance_key for event in engine.execute(outbox.claim)) == sorted([one, two])


def test_what_a_dead_node_took_is_delivered_by_another_with_the_same_id(engine, clock, subscribed, paying):
    paying.start("paying")
    [lost] = engine.execute(outbox.claim)
    clock.advance(seconds=outbox.LOCK.total_seconds())
    [again] = engine.execute(outbox.claim)
    assert (again.event_id, again.body) == (lost.event_id, lost.body)
    # The first node wakes up: it must not take from the outbox what the other one holds.
    engine.execute(outbox.failed, lost, "too late")
    engine.execute(outbox.give_back, [lost])
    clock.advance(seconds=outbox.LOCK.total_seconds() / 2)
    assert engine.execute(outbox.claim) == []
    engine.execute(outbox.delivered, [lost])
    engine.execute(outbox.give_back, [again])
    [again] = engine.execute(outbox.claim)
    assert (again.event_id, again.attempts) == (lost.event_id, 0)
    engine.execute(outbox.delivered, [again])
    assert lost.event_id not in {event.event_id for event in deliver(engine)}


def test_what_is_rolled_back_is_told_to_nobody(engine, subscribed, paying):
    def start_and_fail(tx):
        instances.start(tx, "paying")
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError):
        engine.execute(start_and_fail)
    assert deliver(engine) == []


def test_an_event_that_fails_holds_back_its_instance_only(engine, clock, subscribed, paying):
    one, two = paying.start("paying"), paying.start("paying")
    taken = {event.instance_key: event for event in engine.execute(outbox.claim)}
    engine.execute(outbox.failed, taken[one], "HTTP 500")
    engine.execute(outbox.delivered, [taken[two]])
    rest = deliver(engine)
    assert {event.instance_key for event in rest} == {two}
    clock.advance(seconds=outbox.pause(0).total_seconds())
    assert deliver(engine)[0].event_id == taken[one].event_id


def test_target_that_is_down_rests(engine, clock, subscribed, paying):
    for _ in range(3):
        paying.start("paying")
    taken = engine.execute(outbox.claim)
    engine.execute(outbox.failed, taken[0], "no connection", target_is_down=True)
    engine.execute(outbox.give_back, taken[1:])
    assert engine.execute(outbox.claim) == []
    assert targets.all_of_them(engine)[0].last_error == "no connection"
    clock.advance(seconds=outbox.pause(0).total_seconds())
    assert len(engine.execute(outbox.claim)) == 3


def test_after_so_many_attempts_an_event_is_dead_and_lets_the_others_pass(engine, clock, subscribed, paying):
    paying.start("paying")
    for _ in range(outbox.ATTEMPTS):
        [event] = engine.execute(outbox.claim)
        engine.execute(outbox.failed, event, "HTTP 500")
        clock.advance(seconds=outbox.LONGEST_PAUSE.total_seconds())
    [dead] = outbox.dead_letters(engine)
    assert (dead.event_id, dead.error, dead.attempts) == (event.event_id, "HTTP 500", outbox.ATTEMPTS)
    assert len(deliver(engine)) == 3
    with pytest.raises(InvalidInput):
        engine.execute(outbox.revive, dead.key, " ")
    engine.execute(outbox.revive, dead.key, "the target is mended")
    assert [event.event_id for event in deliver(engine)] == [event.event_id]
    with pytest.raises(NotFound):
        engine.execute(outbox.discard, dead.key, "no use")


def test_refusal_for_good_is_dead_at_once_and_can_be_discarded(engine, subscribed, paying):
    paying.start("paying")
    [event] = engine.execute(outbox.claim)
    engine.execute(outbox.failed, event, "HTTP 410", for_good=True)
    [dead] = outbox.dead_letters(engine)
    engine.execute(outbox.discard, dead.key, "gone is gone")
    assert outbox.dead_letters(engine) == []


def test_targets_get_what_they_want(engine, clock, paying):
    paying.deploy(process("other", start(), end()), name="other.bpmn")
    engine.execute(targets.add, "ends", ADDRESS, types=["partitur.instance.*"], processes=["other"])
    engine.execute(targets.add, "jobs", ADDRESS, types=["partitur.job.created"])
    clock.advance(seconds=targets.SETTLES.total_seconds())
    paying.start("paying")
    paying.start("other")
    told = deliver(engine)
    assert [(event.target, event.type) for event in sorted(told, key=lambda event: (event.target, event.key))] == [
        ("ends", types.INSTANCE_STARTED), ("ends", types.INSTANCE_COMPLETED), ("jobs", types.JOB_CREATED),
    ]


def test_two_targets_get_one_event_under_one_id(engine, clock, paying):
    for name in ("a", "b"):
        engine.execute(targets.add, name, ADDRESS, types=[types.INSTANCE_STARTED])
    clock.advance(seconds=targets.SETTLES.total_seconds())
    paying.start("paying")
    one, two = deliver(engine)
    assert one.event_id == two.event_id
    assert one.key != two.key


def test_new_target_gets_nothing_until_every_node_has_heard_of_it(engine, paying):
    engine.execute(targets.add, "early", ADDRESS)
    paying.start("paying")
    assert deliver(engine) == []


def test_paused_target_gets_everything_later(engine, subscribed, paying):
    engine.execute(targets.pause, "audit", paused=True, reason="moving house")
    paying.start("paying")
    assert engine.execute(outbox.claim) == []
    engine.execute(targets.pause, "audit", paused=False, reason="moved")
    assert len(deliver(engine)) == 4


def test_removed_target_leaves_nothing_behind(engine, subscribed, paying):
    paying.start("paying")
    engine.execute(targets.remove, "audit", "nobody reads it")
    assert outbox.counts(engine) == {}
    paying.start("paying")
    assert deliver(engine) == []
    assert [entry.operation for entry in lists.audit(engine, entity="EVENT_TARGET").items] == ["DELETE", "CREATE"]


def test_user_tasks_are_told_with_what_was_done(engine, clock, steps):
    steps.deploy(process("asking", start(), user("ask", assignment='candidateGroups="sales"'), end()))
    engine.execute(targets.add, "tasks", ADDRESS, types=["partitur.user-task.*"])
    clock.advance(seconds=targets.SETTLES.total_seconds())
    key = steps.start("asking")
    task = steps.task()
    for act, values in ((user_tasks.claim, ["ann"]), (user_tasks.delegate, ["bob"]), (user_tasks.resolve, []),
                        (user_tasks.unclaim, []), (user_tasks.change, [{"priority": 70}]), (user_tasks.assign, ["eve"]),
                        (user_tasks.complete, [])):
        engine.execute(act, task, *values)
    other = steps.start("asking")
    engine.execute(instances.cancel, other, "no need")
    told = deliver(engine)
    mine = [event for event in told if event.instance_key == key]
    assert [(event.type, event.body["data"].get("action")) for event in mine] == [
        (types.TASK_CREATED, None), (types.TASK_ASSIGNED, "claim"), (types.TASK_ASSIGNED, "delegate"),
        (types.TASK_ASSIGNED, "resolve"), (types.TASK_ASSIGNED, "unclaim"), (types.TASK_CHANGED, "update"),
        (types.TASK_ASSIGNED, "assign"), (types.TASK_COMPLETED, None)]
    assigned = [event.body["data"] for event in mine if event.type == types.TASK_ASSIGNED]
    assert [(data["formerAssignee"], data["assignee"]) for data in assigned] == [
        (None, "ann"), ("ann", "bob"), ("bob", "ann"), ("ann", None), (None, "eve")]
    assert {data["elementId"] for data in assigned} == {"ask"}
    assert {event.type for event in told} - {event.type for event in mine} == {types.TASK_CANCELED}


def test_what_nobody_wants_is_not_even_made(engine, clock, paying, monkeypatch):
    engine.execute(targets.add, "ends", ADDRESS, types=["partitur.instance.completed"])
    clock.advance(seconds=targets.SETTLES.total_seconds())
    asked = []
    for kind, maker in list(noting.MAKERS.items()):
        monkeypatch.setitem(noting.MAKERS, kind, noting.Maker(
            maker.types, lambda live, entry, make=maker.make: asked.append(type(entry).__name__) or make(live, entry)))
    paying.start("paying")
    answer(engine)
    assert asked == ["Completed"]
    assert [event.type for event in deliver(engine)] == [types.INSTANCE_COMPLETED]


@pytest.mark.parametrize(("arguments", "words"), [
    (("a/b", ADDRESS), "name"), (("ok", "ftp://host"), "webhook"), (("ok", "http://me:pw@host/"), "user name"),
    (("", ADDRESS), "name"), (("ok", "amqp://h"), "queue= or"), (("ok", "amqp://u:p@h?queue=q"), "secret"),
    (("ok", "redis://h/x?stream=s"), "number"), (("ok", "nats://h?subject=a.*"), "subject"),
    (("ok", "kafka://h:99999?topic=t"), "host"), (("ok", "kafka://h?topic=t&sasl=GSS"), "sasl"),
    (("ok", "redis://a,b?stream=s"), "one host"), (("ok", "amqp://h?queue=q&ack=no"), "'ack'"),
])
def test_targets_that_cannot_be_are_refused(engine, arguments, words):
    with pytest.raises(InvalidInput, match=words):
        engine.execute(targets.add, *arguments)
    assert targets.all_of_them(engine) == ()


def test_unknown_types_and_known_names_are_refused(engine, subscribed):
    with pytest.raises(InvalidInput, match=r"partitur\.instance\.started"):
        engine.execute(targets.add, "typo", ADDRESS, types=["partitur.instances.*"])
    with pytest.raises(Conflict):
        engine.execute(targets.add, "audit", ADDRESS)


def test_dead_events_of_a_target_that_is_mended_are_sent_again_in_their_order(engine, clock, subscribed, paying):
    # given two instances of which nothing was taken, for good
    keys = [engine.execute(instances.start, "paying").key for _ in range(2)]
    while taken := engine.execute(outbox.claim):
        for event in taken:
            engine.execute(outbox.failed, event, "410 Gone", for_good=True)
    [count] = outbox.counts(engine).values()
    assert (count.waiting, count.dead) == (0, 8)

    # when its address is mended, and all of them are sent again
    engine.execute(targets.change, "audit", "They moved.", address="https://new.example/hook", types=["partitur.*"])
    assert engine.execute(outbox.revive_all, "audit", "They moved.") == 8

    # then they go to the new address, each instance's in order
    told = deliver(engine)
    assert {event.address for event in told} == {"https://new.example/hook"}
    for key in keys:
        assert [event.type for event in told if event.instance_key == key] == [
            types.INSTANCE_STARTED, types.ELEMENT_COMPLETED, types.ELEMENT_ENTERED, types.JOB_CREATED]
    [changed] = lists.audit(engine, operation="CHANGE").items
    assert (changed.before, changed.after) == (
        {"address": ADDRESS, "types": []}, {"address": "https://new.example/hook", "types": ["partitur.*"]})


@pytest.mark.parametrize(("arguments", "error"), [
    ({"address": "ftp://x"}, InvalidInput), ({"types": ["partitur.nothing"]}, InvalidInput), ({}, InvalidInput),
    ({"address": ADDRESS}, InvalidInput), ({"name": "nobody", "secret": "a"}, NotFound),
    ({"reason": " ", "secret": "a"}, InvalidInput),
])
def test_targets_are_not_changed_into_what_cannot_be(engine, subscribed, arguments, error):
    given = {"name": "audit", "reason": "They moved.", **arguments}
    with pytest.raises(error):
        engine.execute(targets.change, given.pop("name"), given.pop("reason"), **given)
    assert targets.all_of_them(engine) == (subscribed,)


def test_what_was_not_told_yet_outlives_the_history_of_its_instance(engine, clock, subscribed, paying):
    # given an instance that is over, while its target is away
    key = paying.start("paying")
    answer(engine)

    # when its history goes
    clock.advance(days=2)
    while engine.execute(retention.clean, timedelta(days=1)):
        pass
    with pytest.raises(NotFound):
        paying.detail(key)

    # then its target still learns all of it, in order
    told = [event.type for event in deliver(engine)]
    assert (told[0], told[-1]) == (types.INSTANCE_STARTED, types.INSTANCE_COMPLETED)
    assert types.JOB_COMPLETED in told
