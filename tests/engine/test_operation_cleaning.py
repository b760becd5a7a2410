"""What operations did is kept as long as the engine keeps history, and then goes with all that hangs on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine import retention, schema, upkeep
from engine.approvals import deciding
from engine.errors import NotFound
from engine.operations import carrying, cleaning, plans
from engine.queries import lists
from engine.queries import operations as found
from engine.queries.instances import InstanceFilter
from engine.work import jobs
from tests.engine.drawing import end, process, service, start, user

MONTH = timedelta(days=30)
WHY = "They are not needed."
TABLES = (schema.operations, schema.operation_items, schema.operation_parts, schema.approvals)


def clean(engine, default=MONTH):
    total = 0
    while gone := engine.execute(retention.clean, default):
        total += gone
    return total


def rows(engine, *tables):
    with engine.read() as connection:
        return [connection.scalar(select(func.count()).select_from(table)) for table in tables or TABLES]


def left(engine):
    return sorted(row.key for row in found.operations(engine).items)


def planned(engine, kind, keys, parameters=None):
    key = engine.execute(plans.plan, kind, parameters or {}, InstanceFilter(keys=keys))
    while engine.execute(plans.judge, key):
        pass
    return key


def done(engine, kind, keys, parameters=None):
    key = planned(engine, kind, keys, parameters)
    engine.execute(plans.apply, key, WHY, consent=True)
    while carrying.work(engine):
        pass
    return key


@pytest.fixture
def keys(steps):
    steps.deploy(process("p", start(), user("look"), end()))
    return [steps.start("p") for _ in range(5)]


def test_operations_go_when_they_ended_long_enough_ago_and_the_trail_stays(engine, keys, clock):
    # given one that ended long ago, one that ended just now, and one for each way in which it did not end
    old = done(engine, "SUSPEND", keys)
    paused, planning, running = (planned(engine, "RESUME", keys) for _ in range(3))
    for key in (paused, running):
        engine.execute(plans.apply, key, WHY, consent=True)
    engine.execute(plans.pause, paused, WHY)
    begun = engine.execute(plans.plan, "CANCEL", {}, InstanceFilter(keys=keys))
    parts = engine.execute(plans.plan, "CANCEL", {}, InstanceFilter(keys=keys), most=2)
    clock.advance(days=29)
    young = engine.execute(plans.plan, "CANCEL", {}, InstanceFilter(keys=keys))
    engine.execute(plans.stop, young, WHY)
    trail = lists.audit(engine, limit=1).total

    # when it is looked a moment too early, where history stays for ever, and later
    clock.advance(days=1)
    assert (clean(engine), clean(engine, None)) == (0, 0)
    clock.advance(seconds=1)
    assert clean(engine, None) == 0
    assert clean(engine) == 2 * (1 + len(keys))

    # then the old one is gone, and a plan that nobody applied
    assert left(engine) == sorted([paused, running, begun, parts, young])
    with pytest.raises(NotFound):
        found.operation(engine, old)
    assert not found.is_there(engine, planning)
    assert len(found.items(engine, young).items) == len(keys)
    assert rows(engine, schema.instances) == [len(keys)]
    assert lists.audit(engine, limit=1).total == trail
    assert {each.operation for each in lists.audit(engine, entity="OPERATION", entity_key=old).items} == {
        "PLAN", "APPLY"}
    assert clean(engine) == 0

    # and what was under way goes on to its end
    engine.execute(plans.go_on, paused, WHY)
    while carrying.work(engine):
        pass
    assert {row.state for row in found.operations(engine).items} == {"DONE", "PLANNED", "STOPPED"}


def test_large_ones_go_in_slices_and_each_after_its_items(engine, keys, clock, monkeypatch):
    monkeypatch.setattr(retention, "SLICE", 3)
    monkeypatch.setattr(cleaning, "LOOKED_AT", 2)
    for kind in ("SUSPEND", "RESUME", "SUSPEND"):
        done(engine, kind, keys)
    clock.advance(days=31)
    seen = [tuple(rows(engine, schema.operations, schema.operation_items))]
    while gone := engine.execute(retention.clean, MONTH):
        assert gone <= 3 + 3
        seen.append(tuple(rows(engine, schema.operations, schema.operation_items)))
    assert seen[0] == (3, 15)
    assert seen[1] == (3, 12)
    assert seen[-1] == (0, 0)


def test_one_whose_items_are_still_watched_stays(engine, steps, clock):
    # given an operation that was stopped while what came of one item was watched
    steps.deploy(process("p", start(), service("pay", retries=1), end()))
    keys = [steps.start("p") for _ in range(2)]
    for job in steps.take("pay", max_jobs=2):
        engine.execute(jobs.fail, job.key, "The bank is away.", lock_token=job.lock_token, retries=0)
    key = planned(engine, "RETRY", keys)
    engine.execute(plans.apply, key, WHY, consent=True)
    first, _ = found.items(engine, key).items
    carrying.carry_out(engine.acting_as("ann"), first.key)
    engine.execute(plans.stop, key, WHY)
    assert found.operation(engine, key).watching == 1

    # when history is not kept at all
    clock.advance(seconds=1)
    assert clean(engine, timedelta()) == 0

    # then it goes once its outcome is known
    clock.advance(minutes=5)
    carrying.watch(engine)
    assert found.operation(engine, key).watching == 0
    clean(engine, timedelta())
    assert left(engine) == []


def test_a_plan_that_may_still_be_applied_stays_for_a_week_however_short_history_is(engine, keys, clock):
    key = planned(engine, "SUSPEND", keys)
    clock.advance(days=7)
    assert clean(engine, timedelta()) == 0
    clock.advance(seconds=1)
    assert clean(engine, timedelta()) == 1 + len(keys)
    with pytest.raises(NotFound):
        engine.execute(plans.apply, key, WHY)


def test_its_approval_goes_with_it_and_one_that_waits_stays(engine, keys, clock):
    engine.four_eyes = frozenset({"operations"})
    ann, bob = engine.acting_as("ann"), engine.acting_as("bob")
    approvals = []
    for _ in range(2):
        key = planned(ann, "SUSPEND", keys)
        ann.execute(plans.apply, key, WHY)
        approvals.append(key)
    with engine.read() as connection:
        request = connection.scalar(select(schema.approvals.c.key).where(
            schema.approvals.c.operation_key == approvals[0]))
    bob.execute(deciding.approve, request, WHY)
    while carrying.work(engine):
        pass
    clock.advance(days=31)
    clean(engine)
    assert left(engine) == approvals[1:]
    with engine.read() as connection:
        assert list(connection.scalars(select(schema.approvals.c.operation_key))) == approvals[1:]


def test_the_doctor_knows_of_those_that_nobody_cleans(engine, keys, clock):
    done(engine, "SUSPEND", keys)
    clock.advance(days=30, hours=23)
    assert upkeep.look(engine, MONTH).overdue is None
    clock.advance(days=3)
    assert upkeep.look(engine, MONTH).overdue == timedelta(days=3, hours=23)
    assert upkeep.look(engine, None).overdue is None
