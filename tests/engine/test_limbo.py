"""The checker that runs after every test finds what is in limbo, and explains everything else."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, text, update

from engine import instances, schema
from engine.testing import Scratch
from tests import limbo, overseen
from tests.engine.drawing import call, catch, end, file, inside, process, service, start, timer, user

SUB = f'<bpmn:subProcess id="part">{inside(start("s"), user("ask"), end("e"))}</bpmn:subProcess>'


def found(engine):
    with engine.read() as connection:
        return limbo.violations(connection)


def broken(engine, statement):
    with engine.database.write() as connection:
        connection.execute(statement)
    return found(engine)


@pytest.fixture
def waiting(steps):
    """An instance that waits in several ways at once."""
    steps.deploy(process("child", start("cs"), service("inner"), end("ce")), process(
        "p", start(), '<bpmn:parallelGateway id="fork"/>', service("work"), SUB,
        catch("later", timer("Duration", "PT1H")), call("sub", "child"), service("quick"),
        '<bpmn:parallelGateway id="join"/>', end(),
        flows="start>fork fork>work fork>part fork>later fork>sub fork>quick work>join part>join later>join sub>join "
              "quick>join join>end"))
    key = steps.start("p")
    steps.do("quick")
    return key


def test_what_waits_in_any_way_is_explained(engine, steps, waiting):
    assert {"work", "part", "ask", "later", "sub", "join"} <= set(steps.at(waiting))
    assert found(engine) == []
    engine.execute(instances.suspend, waiting, "a holiday")
    assert found(engine) == []


@pytest.mark.breaks_database("to see that it is found")
@pytest.mark.parametrize(("table", "element"), [
    (schema.jobs, "work"), (schema.user_tasks, "ask"), (schema.timers, "later"), (schema.jobs, "inner")])
def test_a_token_whose_wait_is_gone_is_in_limbo(engine, waiting, table, element):
    [sentence, *_] = broken(engine, delete(table).where(table.c.element_id == element))
    assert f"at {element!r}" in sentence
    assert "waits for nothing that is known" in sentence


@pytest.mark.breaks_database("to see that it is found")
def test_two_explanations_at_once_are_found(engine, waiting):
    e = schema.element_instances
    job = update(schema.jobs).where(schema.jobs.c.element_id == "work").values(
        element_instance_key=e.select().with_only_columns(e.c.key).where(e.c.element_id == "later").scalar_subquery())
    twice = "explained in more than one way: for a worker, for an event"
    assert any(twice in sentence for sentence in broken(engine, job))


@pytest.mark.breaks_database("to see that it is found")
def test_an_instance_that_is_nowhere_and_one_that_waits_only_for_itself_are_found(engine, waiting):
    only_the_join = text("UPDATE element_instances SET state = 'COMPLETED' WHERE element_id NOT IN ('join', 'inner')")
    assert any("waits only for itself: ['join']" in sentence for sentence in broken(engine, only_the_join))
    assert any("is at no element" in sentence for sentence in broken(
        engine, text("UPDATE element_instances SET state = 'COMPLETED'")))


@pytest.mark.breaks_database("to see that it is found")
@pytest.mark.parametrize(("statement", "sentence"), [
    ("UPDATE jobs SET suspended = true WHERE element_id = 'work'", "at 'work' (SERVICE_TASK) waits for nothing"),
    ("UPDATE timers SET suspended = true WHERE element_id = 'later'", "waits for nothing that is known"),
    ("UPDATE jobs SET partition_key = partition_key + 1 WHERE element_id = 'work'", "at 'work' (SERVICE_TASK) waits"),
    ("UPDATE instances SET parent_element_instance_key = 1 WHERE parent_key IS NOT NULL", "nobody waits for it"),
    ("UPDATE element_instances SET state = 'COMPLETED' WHERE element_id = 'sub'", "nobody waits for it"),
    ("UPDATE jobs SET element_instance_key = (SELECT key FROM element_instances WHERE element_id = 'work') "
     "WHERE element_id = 'inner'", "has 2 of what there is one of: job")])
def test_what_nobody_will_ever_act_on_explains_nothing(engine, waiting, statement, sentence):
    assert any(sentence in each for each in broken(engine, text(statement))), found(engine)


@pytest.mark.breaks_database("to see that it is found")
def test_what_is_suspended_needs_something_to_go_on_with(engine, waiting):
    engine.execute(instances.suspend, waiting, "a holiday")
    [sentence] = broken(engine, delete(schema.user_tasks))
    assert "at 'ask' (USER_TASK) waits for nothing that is known" in sentence


@pytest.mark.breaks_database("to see that it is found after a test")
@pytest.mark.parametrize("rule", ["limbo", "invariants"])
def test_what_a_test_leaves_broken_fails_it_though_the_engine_was_open_before(engine, waiting, rule):
    # given an engine of several tests, the one before it being over
    overseen.look_over()

    # when this one breaks something
    breaking = delete(schema.timers) if rule == "limbo" else text("UPDATE instances SET incident_count = 7")
    with engine.database.write() as connection:
        connection.execute(breaking)

    # then it is found, once
    sentence = "waits for nothing that is known" if rule == "limbo" else "knows how many incidents it has"
    with pytest.raises(AssertionError, match=sentence):
        overseen.look_over()
    overseen.look_over()


@pytest.mark.breaks_database("to see that it is found when it closes")
def test_a_scratch_engine_is_looked_over_before_it_is_gone(monkeypatch):
    monkeypatch.setattr(overseen, "_spared", [])
    scratch = Scratch()
    scratch.deploy(file(process("p", start(), user("ask"), end())))
    scratch.start("p")
    with scratch.engine.database.write() as connection:
        connection.execute(delete(schema.user_tasks))
    with pytest.raises(AssertionError, match="an active instance waits for something"):
        scratch.close()
    scratch.engine.close()
