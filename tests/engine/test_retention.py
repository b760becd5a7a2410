"""How long ended instances are kept, and that nothing else goes with them."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine import decisions, definitions, instances, retention, schema
from engine.errors import InvalidInput, NotFound
from engine.queries import lists
from engine.tasks import comments as task_comments
from engine.tasks import drafts as task_drafts
from tests.engine.drawing import call, end, process, script, service, start, user

MONTH = timedelta(days=30)
DECISION = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="file-{id}" name="d" namespace="{id}"
    xmlns:c="http://camunda.org/schema/1.0/dmn"><decision id="{id}" name="{id}" {more}>
    <literalExpression><text>1</text></literalExpression></decision></definitions>"""


def rows(engine, table):
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def everything(engine):
    """How many rows each table has that speaks of instances."""
    return {table.name: rows(engine, table) for table in (schema.instances, *retention.OF_INSTANCE)}


def clean(engine, default=None):
    total = 0
    while found := engine.execute(retention.clean, default):
        total += found
    return total


@pytest.fixture
def family(steps, clock):
    """An ended instance that called another one, with a job, variables and an incident behind it; and a live one."""
    steps.deploy(process("child", start(), service("inner"), end()))
    steps.deploy(process("parent", start(), script("add", "1 + 1", "sum"), call("sub", "child"), user("look"), end()))
    for _ in range(2):
        key = steps.start("parent", {"a": 1})
        steps.do("inner", {"b": 2})
    over, alive = sorted(task.instance_key for task in lists.user_tasks(steps.engine).items)
    steps.engine.execute(instances.cancel, over, "Not needed.")
    assert key == alive
    clock.advance(days=31)
    return over, alive


def test_everything_of_what_was_kept_long_enough_goes_and_nothing_else(engine, steps, family):
    over, alive = family
    before = everything(engine)
    audit = rows(engine, schema.audit)
    assert clean(engine, MONTH) > 0
    after = everything(engine)
    assert after["instances"] == 2
    assert {name: count * 2 for name, count in after.items() if name != "user_tasks"} == \
        {name: count for name, count in before.items() if name != "user_tasks"}
    with pytest.raises(NotFound):
        steps.detail(over)
    assert rows(engine, schema.audit) == audit
    steps.finish()
    assert steps.state(alive) == "COMPLETED"
    assert clean(engine, MONTH) == 0


def test_what_people_typed_and_wrote_at_a_task_goes_with_it(engine, steps, clock):
    # given drafts and comments of two people at a task that ends, and at one that stays open
    steps.deploy(process("p", start(), user("look"), end()))
    for _ in range(2):
        steps.start("p")
    over, alive = sorted(lists.user_tasks(engine).items, key=lambda task: task.key)
    for task in (over, alive):
        for name in ("ada", "bob"):
            person = engine.acting_as(name)
            person.execute(task_comments.add, task.key, "Call them back.")
            person.execute(task_drafts.keep, task.key, {"note": "private"}, {})
    engine.execute(instances.cancel, over.instance_key, "Not needed.")
    clock.advance(days=31)

    # when the history is cleaned
    assert clean(engine, MONTH) > 0

    # then only those of the open task are left
    for table in (schema.task_drafts, schema.task_comments):
        with engine.read() as connection:
            assert set(connection.scalars(select(table.c.task_key))) == {alive.key}


def test_what_was_typed_at_many_tasks_goes_a_slice_at_a_time(engine, steps, clock, monkeypatch):
    # given an instance of six tasks, at each of which two people typed
    steps.deploy(process("p", start(), '<bpmn:parallelGateway id="fork"/>', *map(user, "abcdef"),
                         flows="start>fork " + " ".join(f"fork>{each}" for each in "abcdef")))
    key = steps.start("p")
    for task in lists.user_tasks(engine, instance_key=key).items:
        for name in ("ada", "bob"):
            engine.acting_as(name).execute(task_drafts.keep, task.key, {"note": "private"}, {})
    engine.execute(instances.cancel, key, "Not needed.")
    clock.advance(days=31)
    monkeypatch.setattr(retention, "SLICE", 2)
    seen = [12]
    while engine.execute(retention.clean, MONTH):
        seen.append(rows(engine, schema.task_drafts))
    assert max(before - after for before, after in itertools.pairwise(seen)) == 4
    assert (seen[-1], rows(engine, schema.instances)) == (0, 0)


def test_every_table_that_speaks_of_a_task_is_known():
    told = {table for table in schema.metadata.sorted_tables if "task_key" in table.c}
    assert told == {schema.task_comments, *retention.OF_TASK}


def test_nothing_goes_before_its_time_or_without_a_rule(engine, family, clock):
    assert clean(engine) == 0
    assert clean(engine, timedelta(days=32)) == 0
    assert rows(engine, schema.instances) == 4


def test_rule_of_the_outermost_process_counts_and_beats_the_default(engine, steps, family):
    assert engine.execute(retention.set_days, "child", 1) == 1
    assert clean(engine) == 0  # a called instance goes with its caller
    assert engine.execute(retention.set_days, "parent", 365, reason="The law says so.") == 1
    assert clean(engine, MONTH) == 0
    engine.execute(retention.set_days, "parent", 30)
    assert clean(engine) > 0
    assert rows(engine, schema.instances) == 2


def test_diagram_says_how_long(engine, steps, clock):
    # Camunda 7 manual, "History Time To Live"
    drawn = process("p", start(), end())
    drawn = drawn.replace('<bpmn:process id="p"', '<bpmn:process camunda:historyTimeToLive="P5D" id="p"')
    steps.deploy7(drawn)
    steps.start("p")
    clock.advance(days=4)
    assert clean(engine) == 0
    clock.advance(days=2)
    assert clean(engine) > 0
    assert rows(engine, schema.instances) == 0


def test_large_history_goes_in_slices_and_the_instance_last(engine, steps, clock, monkeypatch):
    steps.deploy(process("p", start(), script("add", "1 + 1", "sum"), end()))
    keys = [steps.start("p") for _ in range(5)]
    clock.advance(days=31)
    monkeypatch.setattr(retention, "SLICE", 4)
    seen = []
    while found := engine.execute(retention.clean, MONTH):
        assert found <= 4 + len(keys)
        seen.append((rows(engine, schema.element_instances), rows(engine, schema.instances)))
    assert len(seen) > 3
    assert any(elements and count == len(keys) for elements, count in seen)
    assert everything(engine) == dict.fromkeys(everything(engine), 0)


def test_what_decisions_said_by_themselves_goes_by_their_own_rule(engine, steps, clock, monkeypatch):
    # given three decisions, asked now and a month later: one says 5 days, one nothing, one what cannot be read
    monkeypatch.setattr(retention, "SLICE", 2)
    drawn = {"short": 'c:historyTimeToLive="P5D"', "silent": "", "odd": 'c:historyTimeToLive="P1M"'}
    found = engine.execute(definitions.deploy, [definitions.Resource(name=f"{id}.dmn", content=DECISION.format(
        id=id, more=more).encode()) for id, more in drawn.items()])
    assert [each.message for each in found.problems] == [
        "Expected historyTimeToLive to be days such as 30 or P30D, but it is 'P1M': what it says is kept as long as "
        "the server says."]
    for _ in range(2):
        for id in drawn:
            for _ in range(3):
                engine.execute(decisions.evaluate, id)
        clock.advance(days=31)
    e = schema.decision_evaluations.c

    def left():
        with engine.read() as connection:
            return dict(connection.execute(select(e.decision_id, func.count()).group_by(e.decision_id)).fetchall())

    # when, then
    assert clean(engine) == 6
    assert left() == {"silent": 6, "odd": 6}
    assert clean(engine, timedelta(days=40)) == 6
    assert left() == {"silent": 3, "odd": 3}


def test_a_diagram_that_wants_to_be_kept_longer_than_there_were_years_holds_up_no_other(engine, steps, family):
    for_ever = process("long", start(), end()).replace(
        '<bpmn:process id="long"', '<bpmn:process camunda:historyTimeToLive="P999999999D" id="long"')
    steps.deploy7(for_ever)
    steps.start("long")
    assert clean(engine, MONTH) > 0
    assert rows(engine, schema.instances) == 3


@pytest.mark.parametrize("days", [-1, 36_501])
def test_days_that_cannot_be_are_refused(engine, steps, days):
    steps.deploy(process("p", start(), end()))
    with pytest.raises(InvalidInput, match="0 to 36500 days"):
        engine.execute(retention.set_days, "p", days)


def test_process_that_is_not_there_is_named(engine):
    with pytest.raises(NotFound, match="'nobody'"):
        engine.execute(retention.set_days, "nobody", 1)
