"""Migration: what waits keeps waiting, at the counterpart of its element in the other definition."""

from __future__ import annotations

import pytest

from bpmn import comparing
from engine import instances, messages
from engine.cluster import scheduler
from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import migration
from engine.queries import lists
from engine.work import activation, jobs
from tests.engine.drawing import (
    boundary,
    call,
    catch,
    end,
    message,
    message_of,
    process,
    service,
    start,
    timer,
    user,
)
from tests.engine.test_modification import NESTED, at, sub

WHY = "The law has changed."


@pytest.fixture
def migrate(engine):
    def do(key, definition, **mapping):
        engine.execute(migration.migrate, key, definition, mapping, reason=WHY)
    return do


def deploy(steps, *parts):
    return steps.deploy(*parts).definitions[0].key


def test_job_goes_on_in_the_new_version_with_its_worker(engine, steps, migrate):
    deploy(steps, process("p", start(), service("a"), end()))
    key = steps.start("p", {"x": 1})
    [job] = steps.take("a")
    newer = deploy(steps, process("p", start(), service("a"), service("b"), end()))
    migrate(key, newer)
    row = steps.detail(key).row
    assert (row.version, row.definition_key) == (2, newer)
    engine.execute(jobs.complete, job.key, {"y": 2}, lock_token=job.lock_token)
    assert at(steps, key) == ["b"]
    steps.do("b")
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key) == {"x": 1, "y": 2}
    [entry] = [row for row in steps.detail(key).audit if row.operation == "MIGRATE"]
    assert (entry.details["from"]["version"], entry.details["to"]["version"], entry.reason) == (1, 2, WHY)


def test_element_that_was_renamed_is_found_by_the_mapping(engine, steps, migrate):
    deploy(steps, process("p", start(), user("look"), end()))
    key = steps.start("p")
    newer = deploy(steps, process("p", start(), user("review"), service("b"), end()))
    with pytest.raises(WrongState, match="a counterpart of"):
        migrate(key, newer)
    migrate(key, newer, look="review")
    [task] = lists.user_tasks(engine, instance_key=key).items
    assert (task.element_id, task.process_id) == ("review", "p")
    assert at(steps, key) == ["review"]
    steps.finish()
    assert at(steps, key) == ["b"]


def test_names_that_change_places_do_not_get_mixed_up(engine, steps, migrate):
    deploy(steps, process("p", start(), service("a"), service("b"), end()))
    first, second = steps.start("p"), steps.start("p")
    steps.do("a")
    newer = deploy(steps, process("p", start(), service("b"), service("a"), end()))
    for key in (first, second):
        migrate(key, newer, a="b", b="a")
    assert sorted([*at(steps, first), *at(steps, second)]) == ["a", "b"]
    assert {job.element_id for job in lists.jobs(engine, instance_key=second).items if job.ended_at is None} == {"b"}


def test_new_boundary_events_begin_to_wait_and_old_ones_stop(engine, steps, migrate, clock):
    late = boundary("late", "a", timer("Duration", "PT1H"))
    soon = boundary("soon", "a", timer("Duration", "PT1M"))
    flows = "start>a a>end {0}>e2"
    deploy(steps, process("p", start(), service("a"), late, end(), end("e2"), flows=flows.format("late")))
    key = steps.start("p")
    newer = deploy(steps, process("p", start(), service("a"), soon, end(), end("e2"), flows=flows.format("soon")))
    migrate(key, newer)
    [waiting] = steps.detail(key).timers
    assert waiting.element_id == "soon"
    clock.advance(minutes=2)
    scheduler.run_once(engine)
    assert steps.state(key) == "COMPLETED"
    assert "e2" in steps.history(key)


def test_boundary_event_that_stays_keeps_its_time(engine, steps, migrate, clock):
    def drawn(*more):
        late = boundary("late", "a", timer("Duration", "PT1H"))
        return process("p", start(), service("a"), late, end(), end("e2"), flows="start>a a>end late>e2")
    deploy(steps, drawn())
    key = steps.start("p")
    [before] = steps.detail(key).timers
    clock.advance(minutes=30)
    newer = deploy(steps, drawn().replace('name="P"', 'name="Q"'))
    migrate(key, newer)
    [after] = steps.detail(key).timers
    assert (after.key, after.due_at) == (before.key, before.due_at)


def test_message_is_correlated_after_the_migration(engine, steps, migrate):
    parts = (message_of("m", "Paid", "=id"),)
    deploy(steps, *parts, process("p", start(), catch("wait", message("m")), end()))
    key = steps.start("p", {"id": "1"})
    newer = deploy(steps, *parts, process("p", start(), catch("wait2", message("m")), service("b"), end()))
    migrate(key, newer, wait="wait2")
    engine.execute(messages.publish, "Paid", "1")
    assert at(steps, key) == ["b"]


def test_sub_process_keeps_its_scope_and_what_is_in_it(engine, steps, migrate):
    deploy(steps, NESTED)
    key = steps.start("n")
    newer = deploy(steps, NESTED.replace('name="N"', 'name="M"'))
    migrate(key, newer)
    steps.do("deep")
    steps.do("next")
    steps.do("after")
    assert steps.state(key) == "COMPLETED"


def test_element_that_moved_into_a_sub_process_is_an_obstacle(engine, steps, migrate):
    deploy(steps, process("p", start(), service("a"), end()))
    key = steps.start("p")
    newer = deploy(steps, process("p", start(), sub("s", start("s1"), service("a"), end("x1")), end()))
    with pytest.raises(WrongState, match="to be in 'p'"):
        migrate(key, newer)
    assert at(steps, key) == ["a"]
    assert steps.detail(key).row.version == 1
    steps.do("a")
    assert steps.state(key) == "COMPLETED"


def test_called_instance_comes_back_to_the_migrated_caller(engine, steps, migrate):
    deploy(steps, process("child", start(), service("inside"), end()))
    deploy(steps, process("p", start(), call("c", "child"), end()))
    key = steps.start("p")
    newer = deploy(steps, process("p", start(), call("c", "child"), service("b"), end()))
    migrate(key, newer)
    steps.do("inside")
    assert at(steps, key) == ["b"]


def test_incident_is_resolved_in_the_new_version(engine, steps, migrate):
    deploy(steps, process("p", start(), service("a"), end()))
    key = steps.start("p")
    [job] = steps.take("a")
    engine.execute(jobs.fail, job.key, "broken", retries=0, lock_token=job.lock_token)
    newer = deploy(steps, process("p", start(), service("a2", "a"), end()))
    migrate(key, newer, a="a2")
    assert lists.incidents(engine, instance_key=key).items[0].element_id == "a2"
    steps.resolve()
    steps.do("a")
    assert steps.state(key) == "COMPLETED"


def test_suspended_instance_is_migrated_and_stays_suspended(engine, steps, migrate):
    deploy(steps, process("p", start(), service("a"), end()))
    key = steps.start("p")
    engine.execute(instances.suspend, key, WHY)
    soon = boundary("soon", "a", timer("Duration", "PT1M"))
    newer = deploy(steps, process("p", start(), service("a"), soon, end(), end("e2"), flows="start>a a>end soon>e2"))
    migrate(key, newer)
    assert steps.take("a") == []
    assert len(steps.detail(key).timers) == 1
    engine.execute(instances.resume, key, WHY)
    steps.do("a")
    assert steps.state(key) == "COMPLETED"


def test_plan_says_what_would_happen_and_changes_nothing(engine, steps):
    deploy(steps, process("p", start(), service("a"), user("u"), end()))
    fits, stuck, over = steps.start("p"), steps.start("p"), steps.start("p")
    steps.do("a")
    engine.execute(instances.cancel, over, WHY)
    newer = deploy(steps, process("p", start(), service("a"), end()))
    planned = {each.instance_key: each for each in migration.plan(engine, [fits, stuck, over, 4711], newer)}
    ways = sorted((bool(planned[key].obstacles), planned[key].elements) for key in (fits, stuck))
    assert ways == [(False, (("a", "a"),)), (True, ())]
    assert "it is terminated" in planned[over].obstacles[0].message
    assert "there is none" in planned[4711].obstacles[0].message
    assert {steps.detail(key).row.version for key in (fits, stuck)} == {1}


def test_what_cannot_be_asked_for_is_refused(engine, steps, migrate):
    older = deploy(steps, process("p", start(), service("a"), end()))
    key = steps.start("p")
    newer = deploy(steps, process("p", start(), service("a"), service("b"), end()))
    with pytest.raises(InvalidInput, match="already"):
        migrate(key, older)
    with pytest.raises(InvalidInput, match="an element 'x'"):
        migrate(key, newer, x="b")
    with pytest.raises(InvalidInput, match="an element 'y'"):
        migrate(key, newer, a="y")
    with pytest.raises(NotFound):
        migrate(key, 4711)
    with pytest.raises(NotFound):
        migrate(4711, newer)
    with pytest.raises(InvalidInput, match="reason"):
        engine.execute(migration.migrate, key, newer, reason="")


def test_counterparts_are_guessed_by_name_and_neighbours(engine, steps):
    older = deploy(steps, process("p", start(), service("a"), service("b"), end()))
    newer = deploy(steps, process("p", start(), service("a"), service("b2"), user("u"), end()))
    with engine.read() as connection:
        old, new = (engine.programs.get(connection, key).process for key in (older, newer))
    found = comparing.counterparts(old, new)
    assert (found["a"].id, found["a"].sure) == ("a", True)
    assert "b" not in found or not found["b"].sure
    difference = comparing.compare(old, new)
    assert {"b2", "u"} <= set(difference.added)
    assert "b" in difference.removed
    assert comparing.compare(old, old).is_empty


def test_another_worker_may_take_the_job_after_the_migration(engine, steps, migrate):
    deploy(steps, process("p", start(), service("a"), end()))
    key = steps.start("p")
    newer = deploy(steps, process("p", start(), service("a"), service("b"), end()))
    migrate(key, newer)
    [job] = engine.execute(activation.activate, ["a"], "worker", 1)
    assert job.definition_key == newer


def test_job_that_threw_an_error_that_nothing_caught_is_put_back_in_the_new_version(engine, steps, migrate):
    # found by chance: resolving put the job back into the old version
    deploy(steps, process("p", start(), service("a"), end()))
    key = steps.start("p")
    [job] = steps.take("a")
    engine.execute(jobs.throw_error, job.key, "E", "no", {}, lock_token=job.lock_token)
    newer = deploy(steps, process("p", start(), service("a2", "a"), end()))
    migrate(key, newer, a="a2")
    steps.resolve()
    [again] = [job for job in lists.jobs(engine, instance_key=key).items if job.ended_at is None]
    assert (again.element_id, again.key) == ("a2", job.key)
    [taken] = steps.take("a")
    assert taken.definition_key == newer
