"""Plan, apply, verify: the plan freezes what the list shows, each item is done once, and its outcome is told."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from engine import instances, retention, schema
from engine.contracts import JobContract
from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import carrying, plans
from engine.queries import instance as one
from engine.queries import instances as lists
from engine.queries import lists as things
from engine.queries import operations as found
from engine.queries.instances import ANY, InstanceFilter
from engine.work import holds, jobs
from tests.engine.drawing import end, process, service, start, user

WHY = "The bank is back."
PAY = process("p", start(), service("pay", retries=1), user("look"), end())
LINE = process("line", start(), service("a"), service("b"), end())


@pytest.fixture
def plan(engine):
    """Make a plan and judge it; its key."""
    def do(kind, filter=None, **parameters):
        key = engine.execute(plans.plan, kind, parameters, filter)
        while engine.execute(plans.judge, key):
            pass
        return key
    return do


@pytest.fixture
def carry(engine):
    """Apply a plan and do all that can be done at once."""
    def do(key, consent=True):
        engine.execute(plans.apply, key, WHY, consent=consent)
        work(engine)
        return found.operation(engine, key)
    return do


def work(engine):
    while carrying.work(engine):
        pass


def of(*keys):
    return InstanceFilter(keys=keys)


def fail(engine, steps, message="The bank does not answer.", kind="pay"):
    [job] = steps.take(kind)
    engine.execute(jobs.fail, job.key, message, lock_token=job.lock_token)


def items(engine, key):
    return found.items(engine, key, limit=1000).items


def test_a_retry_is_planned_applied_and_fixed(engine, steps, clock, plan, carry):
    steps.deploy(PAY)
    key = steps.start("p", business_id="A-1")
    fail(engine, steps)
    made = plan("RETRY", InstanceFilter(states=["incident"]))
    [item] = items(engine, made)
    assert (item.state, item.label, item.expected["places"]) == ("PLANNED", "A-1", ["pay"])
    assert item.changes == ["Tries again pay, which failed: The bank does not answer."]
    assert things.incidents(engine).total == 1      # nothing was done yet
    clock.advance(seconds=5)
    row = carry(made)
    assert (row.state, row.watching) == ("RUNNING", 1)
    clock.advance(seconds=5)
    steps.do("pay")
    work(engine)
    row = found.operation(engine, made)
    assert (row.state, row.fixed, row.reason) == ("DONE", 1, WHY)
    assert items(engine, made)[0].sentence == "It is at look."
    [entry] = [each for each in steps.detail(key).audit if each.operation == "RESOLVE"]
    assert (entry.reason, entry.details["operation"]) == (WHY, str(made))


def test_what_fails_again_says_so_and_is_planned_again(engine, steps, clock, plan, carry):
    steps.deploy(PAY)
    steps.start("p")
    fail(engine, steps)
    made = plan("RETRY", InstanceFilter(states=["incident"]))
    clock.advance(seconds=5)
    carry(made)
    clock.advance(seconds=5)
    fail(engine, steps, "Refused.")
    work(engine)
    [item] = items(engine, made)
    assert (item.state, item.sentence) == ("FAILED_AGAIN", "Failed again at pay: Refused.")
    again = engine.execute(plans.plan_again, made)
    assert [each.instance_key for each in items(engine, again)] == [item.instance_key]
    assert found.operation(engine, again).repeats_key == made


def test_what_no_worker_takes_is_not_started(engine, steps, clock, plan, carry):
    steps.deploy(PAY)
    steps.start("p")
    fail(engine, steps)
    made = plan("RETRY", InstanceFilter(states=["incident"]))
    clock.advance(seconds=1)
    carry(made)
    clock.advance(seconds=59)
    work(engine)
    assert items(engine, made)[0].state == "WATCHING"
    clock.advance(seconds=61)
    work(engine)
    [item] = items(engine, made)
    assert item.state == "NOT_STARTED"
    assert "No worker asks for jobs of pay" in item.sentence
    assert found.operation(engine, made).state == "DONE"


def test_a_held_service_is_the_reason_why_it_is_not_started(engine, steps, clock, plan, carry):
    steps.deploy(PAY)
    steps.start("p")
    fail(engine, steps)
    engine.execute(holds.hold, "pay", WHY)
    made = plan("RETRY", InstanceFilter(states=["incident"]))
    carry(made)
    clock.advance(seconds=61)
    work(engine)
    assert "is held by system" in items(engine, made)[0].sentence


def test_what_changed_meanwhile_is_skipped_and_says_what_changed(engine, steps, plan, carry):
    steps.deploy(LINE)
    keys = [steps.start("line") for _ in range(4)]
    made = plan("CANCEL", InstanceFilter(process_id="line"))
    started_later = steps.start("line")
    steps.do("a")       # the first goes on
    engine.execute(instances.cancel, keys[1], WHY)
    engine.execute(instances.suspend, keys[2], WHY)
    row = carry(made)
    assert (row.state, row.total, row.fixed, row.skipped) == ("DONE", 4, 1, 3)
    told = [item.sentence for item in items(engine, made)]
    assert "it was at a, and is at b." in told[0]
    assert "it was cancelled." in told[1]
    assert "it was suspended." in told[2]
    assert [steps.state(key) for key in keys] == ["ACTIVE", "TERMINATED", "ACTIVE", "TERMINATED"]
    assert steps.state(started_later) == "ACTIVE"


def test_what_cannot_be_done_is_told_before_and_not_started(engine, steps, plan, carry):
    steps.deploy(LINE)
    well, suspended = steps.start("line"), steps.start("line")
    engine.execute(instances.suspend, suspended, WHY)
    made = plan("SUSPEND", InstanceFilter(process_id="line"))
    assert [item.state for item in items(engine, made)] == ["PLANNED", "BLOCKED"]
    assert "suspended already" in items(engine, made)[1].sentence
    row = carry(made)
    assert (row.fixed, row.not_started) == (1, 1)
    assert one.get(engine, well).suspended_at is not None


def test_a_plan_changes_nothing(engine, steps, plan):
    steps.deploy(LINE)
    keys = [steps.start("line", {"x": 1}) for _ in range(2)]
    before = everything(engine)
    for kind, parameters in (("CANCEL", {}), ("SUSPEND", {}), ("SET_VARIABLES", {"variables": {"x": 2}}),
                             ("MODIFY", {"moves": [{"source": "a", "target": "b"}]}),
                             ("RESTART", {"elements": ["b"]}), ("SET_RETRIES", {"retries": 7})):
        made = plan(kind, of(*keys), **parameters)
        assert {item.state for item in items(engine, made)} == {"PLANNED"}, kind
        assert all(item.changes for item in items(engine, made)), kind
    assert everything(engine) == before


def everything(engine):
    """Every row but those of operations and the audit trail, which names the plans."""
    left_out = {"operations", "operation_items", "audit", "key_sequence"}
    with engine.read() as connection:
        return {table.name: sorted(map(repr, connection.execute(select(table)).all()))
                for table in schema.metadata.sorted_tables if table.name not in left_out}


def test_plans_say_where_an_instance_would_be(engine, steps, plan, carry):
    steps.deploy(LINE)
    key = steps.start("line", {"x": 1})
    moved = plan("MODIFY", of(key), moves=[{"source": "a", "target": "b"}])
    assert "Goes from a to b." in items(engine, moved)[0].changes
    ending = plan("MODIFY", of(key), moves=[{"source": "a", "target": "end"}])
    assert "It would complete at once." in items(engine, ending)[0].changes
    assert "x: 1 → 2" in items(engine, plan("SET_VARIABLES", of(key), variables={"x": 2}))[0].changes
    unknown = plan("MODIFY", of(key), moves=[{"source": "b", "target": "a"}])
    assert items(engine, unknown)[0].state == "BLOCKED"
    carry(moved)
    assert steps.at(key) == ["b"]


def test_a_step_that_would_fail_at_once_is_told(engine, steps, plan):
    steps.deploy(process("bad", start(), service("a"), service("b", more='<zeebe:ioMapping><zeebe:input '
                                                              'source="=assert(x, x &gt; 1)" target="y"/>'
                                                              '</zeebe:ioMapping>'), end()))
    key = steps.start("bad", {"x": 1})
    [item] = items(engine, plan("MODIFY", of(key), moves=[{"source": "a", "target": "b"}]))
    assert any("would fail at once at b" in each for each in item.changes)
    assert things.incidents(engine).total == 0


def test_effects_that_would_repeat_are_told_and_need_a_word(engine, steps, plan):
    engine.contracts["a"] = JobContract(repeatable=False)
    steps.deploy(LINE)
    key = steps.start("line")
    steps.do("a")
    made = plan("RESTART", of(key), elements=["a"])
    [item] = items(engine, made)
    assert item.risky
    assert [(each["service"], each["idempotent"], each["underWay"]) for each in item.effects] == [("a", False, False)]
    with pytest.raises(InvalidInput, match="your word"):
        engine.execute(plans.apply, made, WHY)
    engine.execute(plans.apply, made, WHY, consent=True)


def test_migration_is_judged_for_each_instance(engine, steps, plan, carry):
    old = steps.deploy(LINE).definitions[0].key
    keys = [steps.start("line"), steps.start("line")]
    steps.do("a")
    new = steps.deploy(LINE.replace('"b"', '"c"')).definitions[0].key
    made = plan("MIGRATE", InstanceFilter(definition_key=old), definitionKey=str(new))
    assert [item.state for item in items(engine, made)] == ["BLOCKED", "PLANNED"]
    carry(made)
    assert [one.get(engine, key).definition_key for key in keys] == [old, new]


def test_messages_restarts_and_services(engine, steps, clock, plan, carry):
    steps.deploy(PAY)
    key = steps.start("p")
    held = plan("HOLD", service="pay")
    assert items(engine, held)[0].changes == ["Open jobs that wait, without losing attempts: 1."]
    assert carry(held).state == "DONE"
    assert [hold.service for hold in holds.all_of_them(engine)] == ["pay"]
    assert items(engine, plan("HOLD", service="pay"))[0].state == "BLOCKED"
    assert carry(plan("RELEASE", service="pay")).fixed == 1
    engine.execute(instances.cancel, key, WHY)
    made = plan("RESTART", of(key))
    carry(made)
    clock.advance(seconds=1)
    steps.do("pay")
    work(engine)
    [item] = items(engine, made)
    assert item.state == "FIXED"
    assert steps.state(int(item.result["made"])) == "ACTIVE"
    assert items(engine, plan("DELIVER", of(key), message="Nobody"))[0].state == "BLOCKED"


def test_pause_go_on_and_stop(engine, steps, plan):
    steps.deploy(LINE)
    keys = [steps.start("line") for _ in range(3)]
    made = plan("SUSPEND", of(*keys))
    engine.execute(plans.apply, made, WHY)
    first = items(engine, made)[0].key
    carrying.carry_out(engine, first)
    engine.execute(plans.pause, made, WHY)
    work(engine)
    assert found.operation(engine, made).ended == 1
    carrying.carry_out(engine, items(engine, made)[1].key)      # a node that had looked before
    assert found.operation(engine, made).ended == 1
    with pytest.raises(WrongState, match="running"):
        engine.execute(plans.pause, made, WHY)
    engine.execute(plans.go_on, made, WHY)
    carrying.carry_out(engine, items(engine, made)[1].key)
    engine.execute(plans.stop, made, WHY)
    work(engine)
    row = found.operation(engine, made)
    assert (row.state, row.fixed, row.not_started) == ("STOPPED", 2, 1)
    assert "stopped by system" in items(engine, made)[2].sentence
    with pytest.raises(WrongState):
        engine.execute(plans.go_on, made, WHY)


def test_an_item_is_done_once(engine, steps, plan):
    steps.deploy(LINE)
    key = steps.start("line", {"n": 0})
    made = plan("SET_VARIABLES", of(key), variables={"n": 1})
    engine.execute(plans.apply, made, WHY)
    [item] = items(engine, made)
    assert engine.execute(carrying.perform, item.key)
    assert not engine.execute(carrying.perform, item.key)
    engine.execute(carrying.refuse, item.key, "Too late.")
    assert len([each for each in steps.detail(key).audit if each.operation == "SET_VARIABLES"]) == 1
    assert items(engine, made)[0].sentence is None


def test_a_command_that_breaks_leaves_nothing_and_others_go_on(engine, steps, plan, carry, monkeypatch):
    steps.deploy(LINE)
    keys = [steps.start("line") for _ in range(3)]
    made = plan("SUSPEND", of(*keys))
    suspend = instances.suspend

    def break_(tx, key, reason):
        suspend(tx, key, reason)
        if key == keys[1]:
            raise RuntimeError("broken")

    monkeypatch.setattr(instances, "suspend", break_)
    row = carry(made)
    assert (row.state, row.fixed, row.not_started) == ("DONE", 2, 1)
    assert one.get(engine, keys[1]).suspended_at is None


def test_a_command_that_breaks_does_not_keep_the_plan_of_others_from_being_made(engine, steps, plan, monkeypatch):
    steps.deploy(LINE)
    keys = [steps.start("line") for _ in range(3)]
    suspend = instances.suspend

    def break_(tx, key, reason):
        suspend(tx, key, reason)
        if key == keys[1]:
            raise RuntimeError("broken")

    monkeypatch.setattr(instances, "suspend", break_)
    assert [item.state for item in items(engine, plan("SUSPEND", of(*keys)))] == ["PLANNED", "BLOCKED", "PLANNED"]


def test_reports_outlive_the_instances_that_were_kept_long_enough(engine, steps, clock, plan, carry):
    steps.deploy(LINE)
    gone, fixed = steps.start("line"), steps.start("line")
    engine.execute(instances.cancel, gone, WHY)
    made, suspended = plan("RESTART", of(gone)), plan("CANCEL", of(fixed))
    carry(suspended)
    engine.execute(retention.set_days, "line", 1)
    clock.advance(days=2)
    while engine.execute(retention.clean, None):
        pass
    row = carry(made)
    assert (row.state, row.skipped) == ("DONE", 1)
    assert "it is gone" in items(engine, made)[0].sentence
    assert [(each.instance_key, each.state) for each in items(engine, suspended)] == [(fixed, "FIXED")]
    assert lists.search(engine, InstanceFilter(operation_key=suspended)).total == 0


@pytest.mark.parametrize(("kind", "parameters", "words"), [
    ("DANCE", {}, "a kind out of"), ("RETRY", {"retries": 0}, "1 to"), ("RETRY", {"other": 1}, "other"),
    ("SET_VARIABLES", {"variables": {}}, "variables to set"), ("MODIFY", {}, "tokens"),
    ("DELIVER", {"message": ""}, "empty"), ("MIGRATE", {}, "definitionKey"), ("SET_RETRIES", {"retries": -1}, "1 to"),
])
def test_parameters_that_fit_nothing_are_refused(engine, steps, kind, parameters, words):
    steps.deploy(LINE)
    steps.start("line")
    with pytest.raises(InvalidInput, match=words):
        engine.execute(plans.plan, kind, parameters, InstanceFilter())
    assert found.operations(engine).total == 0


def test_plans_of_nothing_of_too_much_and_of_what_is_not_there(engine, steps, monkeypatch):
    with pytest.raises(InvalidInput, match="none through"):
        engine.execute(plans.plan, "CANCEL", {}, InstanceFilter())
    with pytest.raises(InvalidInput, match="filter or keys"):
        engine.execute(plans.plan, "CANCEL", {})
    with pytest.raises(NotFound):
        engine.execute(plans.plan, "MIGRATE", {"definitionKey": 7}, InstanceFilter())
    for act in (plans.pause, plans.stop, plans.go_on, plans.apply):
        with pytest.raises(NotFound):
            engine.execute(act, 7, WHY)
    steps.deploy(LINE)
    for _ in range(3):
        steps.start("line")
    monkeypatch.setattr(plans, "MOST", 2)
    with pytest.raises(InvalidInput, match="at most 2 instances"):
        engine.execute(plans.plan, "CANCEL", {}, InstanceFilter())


def test_a_plan_that_is_not_ready_or_without_reason_is_not_applied(engine, steps, plan):
    steps.deploy(LINE)
    steps.start("line")
    made = engine.execute(plans.plan, "SUSPEND", {}, InstanceFilter())
    with pytest.raises(WrongState, match="Wait a moment"):
        engine.execute(plans.apply, made, WHY)
    while engine.execute(plans.judge, made):
        pass
    with pytest.raises(InvalidInput, match="reason"):
        engine.execute(plans.apply, made, " ")
    assert found.operation(engine, made).state == "PLANNED"


VALUES = st.one_of(st.just(ANY), st.sampled_from([1, 2, "x", True, None]))
FILTERS = st.builds(
    InstanceFilter,
    process_id=st.sampled_from([None, None, "p", "line", "none"]), version=st.sampled_from([None, None, 1, 2]),
    states=st.lists(st.sampled_from(["active", "waiting", "retrying", "incident", "suspended", "completed",
                                     "terminated", "held", "stalled", "in_doubt"]), max_size=2, unique=True),
    element_id=st.sampled_from([None, None, "pay", "a", "look"]),
    business_id=st.sampled_from([None, None, None, "B-1"]), error=st.sampled_from([None, None, "bank", "50%_"]),
    variable_name=st.sampled_from([None, None, "v", "w"]), variable_value=VALUES,
)


@settings(max_examples=25, derandomize=True, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_the_set_acted_on_is_the_set_on_screen(engine, steps, clock, data):
    if not lists.search(engine, InstanceFilter()).total:
        _many(engine, steps, clock)
    filter = data.draw(FILTERS)
    listed = lists.search(engine, filter, limit=1000)
    if not listed.total:
        with pytest.raises(InvalidInput, match="none through"):
            engine.execute(plans.plan, "SET_VARIABLES", {"variables": {"z": 1}}, filter)
        return
    made = engine.execute(plans.plan, "SET_VARIABLES", {"variables": {"z": 1}}, filter)
    while engine.execute(plans.judge, made):
        pass
    row = found.operation(engine, made)
    frozen = items(engine, made)
    assert row.total == listed.total == len(frozen)
    assert {each.instance_key for each in frozen} == {each.key for each in listed.items}
    assert lists.search(engine, InstanceFilter(operation_key=made)).total == listed.total
    if row.planned:
        engine.execute(plans.apply, made, WHY)
        work(engine)
        with engine.read() as connection:
            audit = schema.audit.c
            done = connection.scalar(select(func.count()).where(
                audit.operation == "SET_VARIABLES", audit.details.is_not(None), audit.at == clock(),
                audit.instance_key.in_([each.instance_key for each in frozen])))
        assert done >= found.operation(engine, made).fixed == row.planned
    clock.advance(seconds=1)


def _many(engine, steps, clock):
    steps.deploy(PAY, name="p.bpmn")
    steps.deploy(LINE, name="line.bpmn")
    for number in range(12):
        steps.start("p" if number % 2 else "line", {"v": [1, 2, "x", True, None, [1]][number % 6], "w": number},
                    business_id=f"B-{number % 3}")
        clock.advance(seconds=1)
    for _ in range(3):
        fail(engine, steps)
    steps.do("a")
    keys = [row.key for row in lists.search(engine, InstanceFilter()).items]
    engine.execute(instances.suspend, keys[0], WHY)
    engine.execute(instances.cancel, keys[1], WHY)
    clock.advance(minutes=1)
