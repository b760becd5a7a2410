"""A large plan is frozen in parts: it is ready as a whole, and any node goes on where another one died."""

from __future__ import annotations

import pytest

from engine import instances, schema
from engine.errors import WrongState
from engine.operations import freezing, plans
from engine.queries import lists as things
from engine.queries import operations as found
from engine.queries.instances import InstanceFilter
from tests.engine.test_operations import PAY, WHY, items, work


def test_large_plans_are_frozen_in_parts_and_ready_as_a_whole(engine, steps, monkeypatch):
    steps.deploy(PAY)
    keys = [steps.start("p", business_id=f"A-{number}") for number in range(7)]
    monkeypatch.setattr(freezing, "PART", 3)
    seen = []
    go_on = freezing.go_on

    def looked(tx, key):
        state = found.operation(engine, key).state
        seen.append((state, state == "FREEZING" and not engine.database.is_sqlite and plans.judge(tx, key)))
        return go_on(tx, key)

    monkeypatch.setattr(freezing, "go_on", looked)
    made = freezing.plan(engine, "SUSPEND", {}, InstanceFilter(process_id="p"), query="process=p")
    # while it is frozen nobody judges it
    assert seen == [("FREEZING", 0)] * 3 + [("PLANNING", 0)]
    row = found.operation(engine, made)
    assert (row.state, row.total, row.frozen) == ("PLANNING", 7, 7)
    assert [(item.position, item.instance_key, item.label) for item in items(engine, made)] == [
        (number, key, f"A-{number}") for number, key in enumerate(keys)]
    work(engine)
    engine.execute(plans.apply, made, WHY)
    work(engine)
    again = found.operation(engine, made)
    assert (again.state, again.fixed) == ("DONE", 7)
    assert [row.operation for row in things.audit(engine, entity="OPERATION", entity_key=made).items] == [
        "APPLY", "PLAN"]


def test_a_plan_whose_author_died_is_frozen_by_others(engine, steps, monkeypatch):
    steps.deploy(PAY)
    keys = [steps.start("p", business_id=f"A-{number}") for number in range(7)]
    monkeypatch.setattr(freezing, "PART", 3)
    monkeypatch.setattr(freezing, "_frozen", lambda engine, key: key)
    left = freezing.plan(engine, "SUSPEND", {}, InstanceFilter(process_id="p"))
    # what comes or changes meanwhile is not meant
    steps.start("p")
    engine.execute(instances.cancel, keys[6], WHY)
    with pytest.raises(WrongState, match="Wait a moment"):
        engine.execute(plans.apply, left, WHY)
    work(engine)
    row = found.operation(engine, left)
    assert (row.state, row.total, row.planned, row.blocked) == ("PLANNED", 7, 6, 1)
    assert [(item.position, item.instance_key, item.label) for item in items(engine, left)] == [
        (number, key, f"A-{number}") for number, key in enumerate(keys)]
    assert not engine.execute(freezing.go_on, left)

    # one of an older version, which kept nothing, is withdrawn
    left = freezing.plan(engine, "RESUME", {}, InstanceFilter(process_id="p"))
    with engine.database.write() as connection:
        connection.execute(schema.operation_parts.delete())
    work(engine)
    assert found.operation(engine, left).state == "STOPPED"


def test_a_plan_that_is_withdrawn_while_it_is_frozen_stays_so(engine, steps, monkeypatch):
    steps.deploy(PAY)
    for _ in range(4):
        steps.start("p")
    monkeypatch.setattr(freezing, "PART", 2)
    go_on = freezing.go_on

    def withdrawn(tx, key):
        if plans.get(tx, key)["state"] == "FREEZING":
            plans.stop(tx, key, WHY)
        return go_on(tx, key)

    monkeypatch.setattr(freezing, "go_on", withdrawn)
    made = freezing.plan(engine, "SUSPEND", {}, InstanceFilter(process_id="p"))
    row = found.operation(engine, made)
    assert (row.state, row.frozen) == ("STOPPED", 0)
    with engine.read() as connection:
        assert connection.execute(schema.operation_parts.select()).all() == []
