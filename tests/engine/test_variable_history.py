"""What variables held before: who set them, when, and what an instance looked like at any past moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from engine import retention, schema, variables
from engine.queries import past, variable_history
from tests.engine.drawing import end, inside, process, script, service, start, user
from tests.engine.test_budget import counting

WORK = process("work", start(), service("pay"), script("sum", "=total + 1", "total"), user("look"), end())


def told(engine, key, name, scope=None, **more):
    versions, _ = variable_history.versions(engine, key, scope or key, name, **more)
    return [(each.value if each.exists else "removed", each.element_id, each.act and each.act.actor)
            for each in versions]


def rows(engine, key):
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(schema.variable_history).where(
            schema.variable_history.c.instance_key == key))


def test_each_value_is_told_with_who_set_it_and_when(engine, steps, clock):
    # given
    steps.deploy(WORK)
    key = steps.start("work", {"total": 1, "note": "new"})
    clock.advance(minutes=1)

    # when a service answers, a script changes it in the same transaction, and later a person does
    steps.do("pay", {"total": 5})
    clock.advance(minutes=1)
    engine.acting_as("ann").execute(variables.set, key, {"total": "seven"}, reason="The customer called.")

    # then values that were only passed through are not kept
    assert told(engine, key, "total") == [("seven", None, "ann"), (6, "sum", None), (1, None, "system")]
    newest, middle, first = variable_history.versions(engine, key, key, "total")[0]
    assert newest.act.reason == "The customer called."
    assert newest.until is None
    assert middle.until == newest.since
    assert first.since == clock() - timedelta(minutes=2)
    # and a variable that was set once costs no row
    assert told(engine, key, "note") == [("new", None, "system")]
    assert rows(engine, key) == 2


def test_a_removed_variable_keeps_its_past_and_may_come_back(engine, steps, clock):
    steps.deploy(WORK)
    key = steps.start("work", {"a": 1})
    for act in (lambda: variables.set, lambda: variables.remove, lambda: variables.set):
        clock.advance(seconds=1)
        command = act()
        engine.acting_as("bob").execute(command, key, ["a"] if command is variables.remove else {"a": 2})
    clock.advance(seconds=1)
    engine.execute(variables.set, key, {"a": 3})
    assert told(engine, key, "a") == [(3, None, "system"), (2, None, "bob"), ("removed", None, "bob"), (2, None, "bob"),
                                      (1, None, "system")]
    with engine.read() as connection:
        revision = connection.scalar(select(schema.instances.c.revision).where(schema.instances.c.key == key))
        held = [variable_history.values_at(connection, key, n).get((key, "a")) for n in range(1, revision + 1)]
    assert held == [1, 2, None, 2, 3]


def test_the_same_value_again_is_no_change_of_type_only_if_it_is_the_same(engine, steps):
    steps.deploy(WORK)
    key = steps.start("work", {"a": 1})
    engine.execute(variables.set, key, {"a": True})
    engine.execute(variables.set, key, {"a": None})
    engine.execute(variables.set, key, {"a": [1, {"b": "é"}]})
    assert [value for value, *_ in told(engine, key, "a")] == [[1, {"b": "é"}], None, True, 1]
    engine.cache._kept.clear()
    engine.execute(variables.set, key, {"a": 2})
    assert [value for value, *_ in told(engine, key, "a")][:2] == [2, [1, {"b": "é"}]]


def test_a_long_history_comes_in_pages(engine, steps):
    steps.deploy(WORK)
    key = steps.start("work", {"a": 0})
    for number in range(1, 8):
        engine.execute(variables.set, key, {"a": number})
    engine.execute(variables.remove, key, ["a"])
    engine.execute(variables.set, key, {"a": 9})
    found, before, pages = [], None, 0
    while before is not None or not pages:
        part, before = variable_history.versions(engine, key, key, "a", limit=2, before=before)
        found += [each.value if each.exists else "removed" for each in part]
        pages += 1
    assert found == [9, "removed", 7, 6, 5, 4, 3, 2, 1, 0]
    assert pages > 3


def test_many_values_cost_one_statement(engine, steps):
    steps.deploy(WORK)
    key = steps.start("work", {f"v{n}": 0 for n in range(50)})
    with counting(engine) as few:
        engine.execute(variables.set, key, {"v1": 1})
    with counting(engine) as many:
        engine.execute(variables.set, key, {f"v{n}": 2 for n in range(50)})
    assert len(many.statements) == len(few.statements)
    assert sum("INTO variable_history" in text for text in many.statements) == 1


def test_history_goes_with_its_instance(engine, steps, clock):
    steps.deploy(WORK)
    key = steps.start("work", {"total": 1})
    steps.do("pay", {"total": 5})
    steps.finish()
    assert rows(engine, key) == 1
    clock.advance(days=2)
    while engine.execute(retention.clean, timedelta(days=1)):
        pass
    assert rows(engine, key) == 0


def test_an_instance_is_seen_as_it_was_at_each_moment(engine, steps, clock):
    # given
    steps.deploy(WORK)
    key = steps.start("work", {"total": 1})
    clock.advance(minutes=1)
    steps.do("pay", {"total": 5, "paid": True})
    clock.advance(minutes=1)
    steps.finish({"total": 0})

    # then
    def seen(number):
        moment = past.moment(engine, key, number=number)
        way = past.path(engine, key, moment)
        held = {name: value for (_, name), value in past.variables(engine, key, moment).items()}
        return [count.element_id for count in way.tokens], sorted(way.completed), held

    assert seen(1) == (["start"], [], {"total": 1})
    assert seen(2) == (["pay"], ["start"], {"total": 1})
    assert seen(3) == (["sum"], ["pay", "start"], {"total": 6, "paid": True})
    assert seen(4) == (["look"], ["pay", "start", "sum"], {"total": 6, "paid": True})
    assert seen(5) == (["end"], ["look", "pay", "start", "sum"], {"total": 0, "paid": True})
    assert seen(99) == seen(5)
    assert past.moment(engine, key, at=clock() - timedelta(seconds=30)).number == 4
    assert past.moment(engine, key, at=clock() - timedelta(days=1)).number == 1
    assert [row.state for row in past.entries(engine, key, limit=10, moment=past.moment(engine, key, number=2))] == [
        "COMPLETED", "ACTIVE"]


def test_a_time_between_two_steps_shows_what_people_had_set_by_then(engine, steps, clock):
    steps.deploy(WORK)
    key = steps.start("work", {"total": 1})
    for value in (2, 3):
        clock.advance(minutes=1)
        engine.execute(variables.set, key, {"total": value, f"new{value}": True})
    seen = []
    for minutes in (2, 1, 0):
        moment = past.moment(engine, key, at=clock() - timedelta(minutes=minutes))
        seen.append({name: value for (_, name), value in past.variables(engine, key, moment).items()})
        assert [count.element_id for count in past.path(engine, key, moment).tokens][-1] == "pay"
    assert seen == [{"total": 1}, {"total": 2, "new2": True}, {"total": 3, "new2": True, "new3": True}]


def test_inside_a_sub_process_the_scopes_around_are_there(engine, steps):
    steps.deploy(process("outer", start(), '<bpmn:subProcess id="sub">' + inside(
        start("in"), script("one", "=1", "x"), end("out")) + "</bpmn:subProcess>", end()))
    key = steps.start("outer")
    assert steps.state(key) == "COMPLETED"
    rows = past.entries(engine, key, limit=10)
    number = [row.element_id for row in rows].index("one") + 1
    moment = past.moment(engine, key, number=number)
    assert {count.element_id for count in past.path(engine, key, moment).tokens} == {"sub", "one"}


@pytest.fixture
def one_engine(engine, steps):
    steps.deploy(WORK)
    return engine, lambda: steps.start("work")


@settings(derandomize=True, max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, 1, 2, "x", "remove"])), max_size=12))
def test_any_series_of_changes_can_be_told_backwards(one_engine, series):
    # given what a plain dictionary would have held after each transaction
    engine, key_of = one_engine
    key = key_of()
    held = [{}]
    for name, value in series:
        if value == "remove":
            engine.execute(variables.remove, key, [name])
            held.append({other: each for other, each in held[-1].items() if other != name})
        else:
            engine.execute(variables.set, key, {name: value})
            held.append({**held[-1], name: value})
    with engine.read() as connection:
        for number, expected in enumerate(held):
            found = variable_history.values_at(connection, key, number + 1)
            assert {name: value for (_, name), value in found.items()} == expected
