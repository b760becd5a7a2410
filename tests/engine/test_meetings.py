"""Commands of two nodes that really meet: one has done all but its commit when the other one begins (`meeting`).

On PostgreSQL only: SQLite has one writer at a time.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count, product

import pytest
from sqlalchemy import create_engine, select

from engine import instances, messages, retention, schema, tenants, timers
from engine.alerts import rules
from engine.contracts import JobContract
from engine.database import Database
from engine.engine import Engine
from engine.errors import NotFound, Rejection, WrongState
from engine.events import outbox, targets
from engine.operations import carrying, migration, modification, plans
from engine.queries import lists
from engine.queries import operations as found
from engine.queries.instances import InstanceFilter
from engine.schema import DEFAULT_TENANT
from engine.work import activation, deadlines, holds, jobs
from tests.engine.drawing import (
    boundary,
    call,
    end,
    message,
    message_of,
    process,
    service,
    start,
    timer,
)
from tests.engine.meeting import meet
from tests.engine.steps import Steps

pytestmark = pytest.mark.postgres
WHY = "They meet."
LONG = timedelta(days=1)
_j = schema.jobs.c


@pytest.fixture
def nodes(postgres_url, clock):
    made = [Engine(postgres_url, clock=clock), Engine(postgres_url, clock=clock)]
    yield made
    for each in made:
        each.close()


@pytest.fixture
def steps(nodes):
    return Steps(nodes[0])


@pytest.fixture
def met(monkeypatch, postgres_url):
    """What two commands give that meet."""
    watching = create_engine(Database(postgres_url).engine.url, isolation_level="AUTOCOMMIT")
    yield lambda first, second: meet(monkeypatch, watching, first, second)
    watching.dispose()


def test_instance_that_is_called_while_its_tree_is_suspended_rests_too(nodes, steps, met):
    # given an instance whose called one is about to call another one
    one, two = nodes
    steps.deploy(process("deep", start(), service("work"), end()), name="deep.bpmn")
    steps.deploy(process("middle", start(), service("first"), call("next", "deep"), end()), name="middle.bpmn")
    steps.deploy(process("top", start(), call("below", "middle"), end()), name="top.bpmn")
    key = steps.start("top")
    [job] = steps.take("first")

    # when
    found = met(lambda: one.execute(jobs.complete, job.key, lock_token=job.lock_token),
                lambda: two.execute(instances.suspend, key, WHY))

    # then
    assert found == (None, None)
    assert steps.take("work") == []

    # and all go on together
    one.execute(instances.resume, key, WHY)
    steps.do("work")
    assert steps.state(key) == "COMPLETED"


def test_node_that_knows_an_instance_notices_that_another_one_suspended_it(nodes, steps):
    one, two = nodes
    steps.deploy(process("p", start(), service("work"), service("next"), end()))
    key = steps.start("p")
    [job] = steps.take("work")
    two.execute(instances.suspend, key, WHY)
    jobs_of(one, jobs.complete, job)
    assert steps.at(key) == ["work"]
    two.execute(instances.resume, key, WHY)
    assert steps.at(key) == ["next"]


def guarded(*more):
    """A job that a message or a timer ends, too; `more` comes after it."""
    after = f"work>{more[0]} {more[0]}>done" if more else "work>done"
    return message_of("m", "stop", "=id"), process(
        "p", start(), service("work"), *map(service, more), end("done"), service("elsewhere"), end("mended"),
        boundary("b1", "work", message("m")), end("told"), boundary("b2", "work", timer("Duration", "PT1H")),
        end("late"), flows=f"start>work {after} elsewhere>mended b1>told b2>late")


def test_any_two_things_that_happen_to_a_job_happen_one_after_the_other(nodes, steps, clock, met):
    # given
    steps.deploy(*guarded())
    newer = steps.deploy(*guarded("after")).definitions[0].key
    acts = {
        "complete": lambda node, key, job: node.execute(jobs.complete, job.key, {"a": 1}, lock_token=job.lock_token),
        "suspend": lambda node, key, _: node.execute(instances.suspend, key, WHY),
        "move": lambda node, key, _: node.execute(modification.move, key, "work", "elsewhere", reason=WHY),
        "migrate": lambda node, key, _: node.execute(migration.migrate, key, newer, reason=WHY),
        "message": lambda node, key, _: node.execute(messages.publish, "stop", steps.variables(key)["id"]),
        "timers": lambda node, *_: node.execute(timers.trigger_due),
    }
    ids = map(str, count())

    def happen(one, other, in_what_way):
        """What comes of two of them: their answers, and how the instance is then."""
        key = steps.start("p", {"id": next(ids)}, version=1)
        [job] = steps.take("work")
        clock.advance(hours=2)      # its timer is due
        answers = in_what_way(*(lambda node=node, name=name: acts[name](node, key, job)
                                for node, name in zip(nodes, (one, other), strict=True)))
        assert all(not isinstance(answer, Exception) or isinstance(answer, Rejection) for answer in answers), answers
        if "timers" in (one, other):
            nodes[0].execute(timers.trigger_due)    # a scheduler passes over what is locked, and looks again
        detail = steps.detail(key)
        with nodes[0].read() as connection:
            told = connection.execute(select(_j.element_id, _j.state, _j.suspended, _j.effect)
                                      .where(_j.instance_key == key).order_by(_j.key)).all()
        if detail.row.state == "ACTIVE":
            nodes[0].execute(instances.cancel, key, WHY)
        said = [type(answer) if isinstance(answer, Exception) else None for answer in answers]
        return said, (detail.row.state, detail.row.version, detail.row.suspended_at is None, steps.history(key), told)

    def in_turn(*both):
        answers = []
        for act in both:
            try:
                answers.append(act())
            except Rejection as error:
                answers.append(error)
        return answers

    # then
    serial = {pair: happen(*pair, in_turn) for pair in product(acts, acts)}
    for one, other in serial:
        said, state = happen(one, other, met)
        turned, other_state = serial[other, one]
        assert (said, state) in [serial[one, other], (turned[::-1], other_state)], (one, other)


def begun_by(*names):
    """A process that any of these messages starts, by what they are about."""
    begins = [start(f"by-{name}", message(name)) for name in names]
    return (*(message_of(name, name) for name in names),
            process("p", *begins, service("work"), end(),
                    flows=" ".join(f"by-{name}>work" for name in names) + " work>end"))


def test_two_messages_about_the_same_start_one_instance(nodes, steps, met):
    steps.deploy(*begun_by("ordered", "paid"))
    one, two = nodes
    first, second = met(lambda: one.execute(messages.publish, "ordered", "7"),
                        lambda: two.execute(messages.publish, "paid", "7"))
    assert [len(each.instance_keys) for each in (first, second)] == [1, 0]
    assert len(steps.take("work", max_jobs=2)) == 1


def test_message_that_comes_when_the_instance_about_the_same_ends_starts_the_next_one(nodes, steps, met):
    steps.deploy(*begun_by("ordered"))
    one, two = nodes
    for turned in (False, True):
        # given an instance that is about to end
        one.execute(messages.publish, "ordered", "7")
        [job] = steps.take("work")
        both = (lambda job=job: jobs_of(one, jobs.complete, job),
                lambda: two.execute(messages.publish, "ordered", "7", time_to_live=LONG))

        # when the next message comes at that moment
        assert not [each for each in met(*(both[::-1] if turned else both)) if isinstance(each, Exception)]

        # then
        steps.do("work")
        assert steps.take("work") == []


def test_two_plans_for_one_instance_change_it_once(nodes, steps, met):
    # given two plans that were made when it was as it is
    one, _ = nodes
    steps.deploy(process("p", start(), service("work"), end()))
    key = steps.start("p")
    keys = [one.execute(plans.plan, kind, {}, InstanceFilter(keys=[key])) for kind in ("SUSPEND", "CANCEL")]
    for made in keys:
        one.execute(plans.judge, made)
        one.execute(plans.judge, made)
        one.execute(plans.apply, made, WHY, consent=True)

    # when two nodes carry them out at once
    todo = [found.items(one, made, limit=2).items[0].key for made in keys]
    assert met(*(lambda node=node, item=item: node.execute(carrying.perform, item)
                 for node, item in zip(nodes, todo, strict=True))) == (True, True)

    # then the second one finds that it changed
    assert [found.items(one, made, limit=2).items[0].state for made in keys] == ["FIXED", "SKIPPED"]
    assert steps.state(key) == "ACTIVE"


def jobs_of(node, command, job, *more):
    return node.execute(command, job.key, *more, lock_token=job.lock_token)


def test_answers_that_come_with_others_are_taken_once(nodes, steps, met):
    # given a worker that answers for what another one has, too
    one, two = nodes
    steps.deploy(process("p", start(), service("work"), end()))
    key = steps.start("p")
    [job] = steps.take("work")

    def answer(tx):
        jobs.fetch(tx, [job.key])
        jobs.complete(tx, job.key, {"a": 1}, lock_token=job.lock_token)

    # then
    first, second = met(lambda: one.execute(answer), lambda: two.execute(answer))
    assert first is None
    assert isinstance(second, WrongState)
    assert steps.state(key) == "COMPLETED"


def test_a_worker_is_refused_whose_job_another_one_takes_at_that_moment(nodes, steps, clock, met):
    one, two = nodes
    steps.deploy(process("p", start(), service("work"), end()))

    def with_others(tx, key, lock_token):
        jobs.fetch(tx, [key])
        jobs.complete(tx, key, lock_token=lock_token)

    for answer in (jobs.complete, with_others):
        # given a worker whose lock ran out
        key = steps.start("p")
        [job] = steps.take("work")
        clock.advance(minutes=1)
        one.execute(jobs.release_expired)

        # then
        taken, late = met(lambda: one.execute(activation.activate, ["work"], "quick", 1),
                          lambda answer=answer, job=job: jobs_of(two, answer, job))
        assert (len(taken), type(late)) == (1, WrongState)
        jobs_of(one, jobs.complete, taken[0])
        assert steps.state(key) == "COMPLETED"


def test_a_job_that_is_answered_while_its_lock_is_found_expired_is_answered(nodes, steps, clock, met):
    one, two = nodes
    steps.deploy(process("p", start(), service("work"), end()))
    for act in (lambda job: jobs_of(one, jobs.complete, job), lambda job: jobs_of(one, jobs.extend_lock, job, LONG)):
        key = steps.start("p")
        [job] = steps.take("work")
        clock.advance(seconds=31)

        # then whoever looks for such locks passes it over
        first, found = met(lambda act=act, job=job: act(job), lambda: two.execute(jobs.release_expired))
        assert not isinstance(first, Exception)
        assert (found, steps.take("work")) == (0, [])
    steps.engine.execute(instances.cancel, key, WHY)


def test_a_job_is_not_given_up_that_is_tried_or_rests_at_that_moment(nodes, steps, clock, met):
    # given a service whose jobs must be taken in five minutes, and be done in an hour
    one, two = nodes
    for node in nodes:
        node.contracts["work"] = JobContract(pickup=timedelta(minutes=5), total=timedelta(hours=1))
    steps.deploy(process("p", start(), service("work", retries=3), end()))

    def tried(tx):
        [job] = activation.activate(tx, ["work"], "quick", 1)
        tx.rows.flush()
        jobs.fail(tx, job.key, "Too busy.", lock_token=job.lock_token, retries=2, retry_in=timedelta(minutes=1))

    acts = {"tried": lambda _: one.execute(tried), "suspended": lambda key: one.execute(instances.suspend, key, WHY)}
    for minutes, look, act in ((6, deadlines.give_up_untaken, "tried"), (6, deadlines.give_up_untaken, "suspended"),
                               (61, deadlines.give_up_overdue, "suspended")):
        key = steps.start("p")
        clock.advance(minutes=minutes)

        # when one node finds that it is late, while on the other one it is not any more
        first, given_up = met(lambda act=act, key=key: acts[act](key), lambda look=look: two.execute(look))

        # then
        assert (first, given_up) == (None, 0), (look, act)
        assert lists.incidents(one).total == 0
        one.execute(instances.cancel, key, WHY)


def test_an_instance_is_started_once_by_a_timer_that_two_schedulers_find(nodes, steps, clock, met):
    steps.deploy(process("p", start(event=timer("Cycle", "R3/PT1H")), service("work"), end()))
    for round in range(1, 4):
        clock.advance(hours=1)
        assert met(*(lambda node=node: node.execute(timers.trigger_due) for node in nodes)) == (1, 0)
        assert len(steps.take("work", max_jobs=10, lock=LONG)) == 1, round


def test_a_tenant_has_no_more_jobs_than_it_may_when_two_nodes_look(nodes, steps, met):
    one, _ = nodes
    one.execute(tenants.change, DEFAULT_TENANT, name="Ours", jobs_at_once=3)
    for node in nodes:
        node.tenants.refresh()
    steps.deploy(process("p", start(), service("work"), end()))
    for _ in range(8):
        steps.start("p")
    taken = met(*(lambda node=node: node.execute(activation.activate, ["work"], "w", 2) for node in nodes))
    assert [len(each) for each in taken] == [2, 1]


def test_a_service_is_held_and_released_by_one_of_two(nodes, met):
    one, two = nodes
    for act in (holds.hold, holds.release):
        first, second = met(lambda act=act: one.execute(act, "pay", "I do."),
                            lambda act=act: two.execute(act, "pay", "No, I."))
        assert first is None
        assert isinstance(second, WrongState)

    # and a breaker opens and closes once
    met(*(lambda node=node: node.execute(holds.open_breaker, "pay", "It fails.", timedelta(1), timedelta(2))
          for node in nodes))
    met(*(lambda node=node: node.execute(holds.close_breaker, "pay") for node in nodes))
    with one.read() as connection:
        said = connection.scalars(select(schema.audit.c.operation).order_by(schema.audit.c.key)).all()
    assert said == ["HOLD", "RELEASE", "OPEN_BREAKER", "CLOSE_BREAKER"]


def test_an_item_of_an_operation_is_done_by_one_of_two_nodes(nodes, steps, clock, met):
    # given
    one, _ = nodes
    steps.deploy(process("p", start(), service("work", retries=1), end()))
    key = steps.start("p")
    [job] = steps.take("work")
    one.execute(jobs.fail, job.key, "no", lock_token=job.lock_token)
    made = one.execute(plans.plan, "RETRY", {}, InstanceFilter(keys=[key]))

    def both(command, *arguments):
        return met(*(lambda node=node: node.execute(command, *arguments) for node in nodes))

    # then each step is taken once
    assert both(plans.judge, made) == (1, 0)
    assert found.operation(one, made).state == "PLANNING"       # the first one was still at it
    assert one.execute(plans.judge, made) == 0
    [item] = found.items(one, made, limit=2).items
    first, second = both(plans.apply, made, WHY)
    assert (first, type(second)) == (None, WrongState)
    assert both(carrying.perform, item.key) == (True, False)
    steps.do("work")
    clock.advance(minutes=1)
    assert both(carrying.verify, item.key) == (True, False)
    both(carrying.finish, made)
    assert found.operation(one, made).state == "DONE"
    assert [each.operation for each in steps.detail(key).audit].count("RESOLVE") == 1


def test_an_operation_that_is_stopped_while_an_item_is_judged_does_not_do_it(nodes, steps, met):
    one, two = nodes
    steps.deploy(process("p", start(), service("work"), end()))
    key = steps.start("p")
    made = one.execute(plans.plan, "SUSPEND", {}, InstanceFilter(keys=[key]))
    assert met(lambda: one.execute(plans.judge, made), lambda: two.execute(plans.stop, made, WHY)) == (1, None)
    [item] = found.items(one, made, limit=2).items
    assert item.state == "NOT_STARTED"
    assert not carrying.has_work(one)


def test_an_event_is_delivered_and_revived_by_one_of_two_nodes(nodes, steps, clock, met):
    # given
    one, two = nodes
    one.execute(targets.add, "audit", "http://127.0.0.1:9/hook")
    clock.advance(seconds=targets.SETTLES.total_seconds())
    two.targets.refresh()
    steps.deploy(process("p", start(), end()))
    steps.start("p")

    # then
    taken = met(*(lambda node=node: node.execute(outbox.claim) for node in nodes))
    assert [len(each) for each in taken] == [1, 0]
    [key] = [event.key for event in taken[0]]
    for act in (outbox.revive, outbox.discard):
        for event in taken[0]:
            one.execute(outbox.failed, event, "no", for_good=True)
        first, second = met(*(lambda node=node, act=act: node.execute(act, key, WHY) for node in nodes))
        assert (first, type(second)) == (None, NotFound)
        clock.advance(hours=2)
        taken = one.execute(outbox.claim), []
    assert key not in [event.key for event in taken[0]]


def test_an_alert_is_told_by_one_of_two_nodes(nodes, met):
    rule = nodes[0].execute(rules.add, "Failures", "incident", channels=["ops"])
    nodes[0].execute(rules.check, rule.key, 1)
    told = met(*(lambda node=node: node.execute(rules.to_tell, rule.key) for node in nodes))
    assert [each and each.name for each in told] == ["Failures", None]


def test_history_is_cleaned_by_two_nodes_at_once(nodes, steps, clock, met):
    steps.deploy(process("p", start(), end()))
    key = steps.start("p")
    clock.advance(days=2)
    deleted, none = met(*(lambda node=node: node.execute(retention.clean, timedelta(days=1)) for node in nodes))
    assert deleted > 0
    assert none == 0
    with pytest.raises(NotFound):
        steps.state(key)
