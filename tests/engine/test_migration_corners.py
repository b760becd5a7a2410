"""Migration where it is hard: joins, many at once, events that changed, compensation, plans that must not lie."""

from __future__ import annotations

import pytest

from engine import messages
from engine.cluster import scheduler
from engine.errors import InvalidInput, WrongState
from engine.operations import migration
from engine.queries import lists
from engine.work import jobs
from tests.engine.drawing import boundary, end, error, error_of, message, message_of, process, service, start, timer
from tests.engine.test_migration import WHY, deploy
from tests.engine.test_modification import at, open_jobs
from tests.engine.test_modification_corners import FORK, HANDLED


@pytest.fixture
def migrate(engine):
    def do(key, definition, **mapping):
        engine.execute(migration.migrate, key, definition, mapping, reason=WHY)
        engine.cache._kept.clear()      # every next step from what was saved
    return do


def fork(*more, joined=("a", "b")):
    tasks = ["a", "b", *more]
    flows = [*(f"fork>{task}" for task in tasks), *(f"{task}>join" for task in joined)]
    loose = [task for task in tasks if task not in joined]
    flows += [f"{task}>end" for task in loose]
    return process("f", start(), '<bpmn:parallelGateway id="fork"/>', *map(service, tasks),
                   '<bpmn:parallelGateway id="join"/>', service("after"), end(),
                   flows=f"start>fork {' '.join(flows)} join>after after>end")


def test_token_at_a_join_waits_there_for_the_others(steps, migrate):
    deploy(steps, FORK)
    key = steps.start("f")
    steps.do("a")
    migrate(key, deploy(steps, FORK.replace('name="F"', 'name="G"')))
    assert at(steps, key) == ["b", "join"]
    steps.do("b")
    assert at(steps, key) == ["after"]


@pytest.mark.parametrize("kind", ["parallel", "inclusive"])
def test_join_that_need_not_wait_any_more_fires(steps, migrate, kind):
    def drawn(*joined):
        return fork(joined=joined).replace('<bpmn:parallelGateway id="join"', f'<bpmn:{kind}Gateway id="join"')
    deploy(steps, drawn("a", "b"))
    key = steps.start("f")
    steps.do("a")
    assert at(steps, key) == ["b", "join"]
    migrate(key, deploy(steps, drawn("a")))
    assert at(steps, key) == ["after", "b"]
    steps.do("b")
    steps.do("after")
    assert steps.state(key) == "COMPLETED"


def test_token_at_a_join_came_by_a_flow_that_was_renamed(steps, migrate):
    deploy(steps, FORK)
    key = steps.start("f")
    steps.do("a")
    newer = deploy(steps, FORK.replace('"a_join"', '"renamed"'))
    with pytest.raises(WrongState, match="a_join"):
        migrate(key, newer)
    migrate(key, newer, a_join="renamed")
    steps.do("b")
    assert at(steps, key) == ["after"]


def many(output="", sequential=False, over='inputCollection="=[1, 2, 3]"'):
    return process("m", start(), service("each").replace("</bpmn:serviceTask>", (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}"><bpmn:extensionElements>'
        f'<zeebe:loopCharacteristics {over} inputElement="item" {output}/></bpmn:extensionElements>'
        "</bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>")), service("after"), end())


@pytest.mark.parametrize("sequential", [False, True])
def test_results_that_only_the_new_version_collects(steps, migrate, sequential):
    deploy(steps, many(sequential=sequential))
    key = steps.start("m")
    steps.do("each", {"r": 1})
    migrate(key, deploy(steps, many('outputCollection="all" outputElement="=r"', sequential)))
    steps.do("each", {"r": 2})
    steps.do("each", {"r": 3})
    assert at(steps, key) == ["after"]
    assert sorted(steps.variables(key)["all"], key=str) == [2, 3, None]


def test_sequence_of_many_goes_on_where_it_was(steps, migrate):
    deploy(steps, many(sequential=True))
    key = steps.start("m")
    steps.do("each")
    migrate(key, deploy(steps, many(sequential=True, over='inputCollection="=[7, 8, 9]"')))
    [job] = steps.take("each")
    assert job.variables["item"] == 2


def test_compensation_after_migration_calls_the_handler_of_the_new_version(steps, migrate):
    deploy(steps, HANDLED)
    key = steps.start("h")
    steps.do("book")
    migrate(key, deploy(steps, HANDLED.replace('id="unbook"', 'id="cancelBooking"').replace(
        'targetRef="unbook"', 'targetRef="cancelBooking"')), unbook="cancelBooking")
    steps.do("next")
    assert at(steps, key) == ["call", "cancelBooking", "throw"]
    steps.do("call")
    steps.do("last")
    assert steps.state(key) == "COMPLETED"


def test_handler_that_runs_within_the_sub_process_that_it_undoes_is_migrated(steps, migrate):
    booked = (HANDLED.split("<bpmn:serviceTask id=\"book\"")[1]).split("<bpmn:serviceTask id=\"next\"")[0]
    def drawn(name):
        inner = f'<bpmn:subProcess id="trip">{start("s0")}<bpmn:serviceTask id="book"{booked}{end("x0")}' \
            '<bpmn:sequenceFlow id="s0_book" sourceRef="s0" targetRef="book"/>' \
            '<bpmn:sequenceFlow id="book_x0" sourceRef="book" targetRef="x0"/></bpmn:subProcess>'
        throw = ('<bpmn:intermediateThrowEvent id="throw"><bpmn:compensateEventDefinition/>'
                 "</bpmn:intermediateThrowEvent>")
        return process("t", start(), inner, throw, service("last"), end()).replace('name="T"', f'name="{name}"')
    deploy(steps, drawn("one"))
    key = steps.start("t")
    steps.do("book")
    assert at(steps, key) == ["call", "throw", "unbook"]
    migrate(key, deploy(steps, drawn("two")))
    steps.do("call")
    steps.do("last")
    assert steps.state(key) == "COMPLETED"


def guarded(host, event, name="g", id="late"):
    return process("g", start(), service("a"), service("b"), boundary(id, host, event), end(), end("e2"),
                   flows=f"start>a a>b b>end {id}>e2").replace('name="G"', f'name="{name}"')


def test_boundary_event_that_moved_to_another_activity_guards_only_that(engine, steps, migrate, clock):
    hour = timer("Duration", "PT1H")
    deploy(steps, guarded("a", hour))
    at_a, at_b = steps.start("g"), steps.start("g")
    first, second = steps.take("a", max_jobs=2)
    engine.execute(jobs.complete, next(job for job in (first, second) if job.instance_key == at_b).key, {},
                   lock_token=next(job for job in (first, second) if job.instance_key == at_b).lock_token)
    newer = deploy(steps, guarded("b", hour))
    migrate(at_a, newer)
    migrate(at_b, newer)
    assert len(steps.detail(at_a).timers) == 0
    assert len(steps.detail(at_b).timers) == 1
    clock.advance(hours=2)
    scheduler.run_once(engine)
    assert (steps.state(at_a), steps.state(at_b)) == ("ACTIVE", "COMPLETED")


def test_boundary_event_of_another_kind_waits_for_what_it_now_is(engine, steps, migrate, clock):
    deploy(steps, guarded("a", timer("Duration", "PT1H")))
    key = steps.start("g", {"id": "1"})
    migrate(key, deploy(steps, message_of("m", "Stop", "=id"), guarded("a", message("m"))))
    assert steps.detail(key).timers == ()
    engine.execute(messages.publish, "Stop", "1")
    assert steps.state(key) == "COMPLETED"


def test_boundary_event_that_went_off_is_not_armed_again(engine, steps, migrate, clock):
    def drawn(name):
        return process("g", start(), service("a"), boundary("late", "a", timer("Duration", "PT1H"), False),
                       end(), end("e2"), flows="start>a a>end late>e2").replace('name="G"', f'name="{name}"')
    deploy(steps, drawn("one"))
    key = steps.start("g")
    clock.advance(hours=2)
    scheduler.run_once(engine)
    migrate(key, deploy(steps, drawn("two")))
    assert steps.detail(key).timers == ()


def test_event_that_cannot_be_waited_for_refuses_the_migration(engine, steps, migrate):
    deploy(steps, process("g", start(), service("a"), service("b"), end(), end("e2"), flows="start>a a>b b>end"))
    key = steps.start("g")      # without the variable that the key of the message is made of
    newer = deploy(steps, message_of("m", "Stop", "=id"), guarded("a", message("m")))
    with pytest.raises(WrongState, match="correlation key"):
        migrate(key, newer)
    [planned] = migration.plan(engine, [key], newer)
    assert "correlation key" in planned.obstacles[0].message
    assert at(steps, key) == ["a"]
    assert steps.detail(key).row.version == 1


def test_job_with_an_incident_is_guarded_by_a_new_boundary_event(engine, steps, migrate, clock):
    deploy(steps, process("g", start(), service("a"), service("b"), end(), end("e2"), flows="start>a a>b b>end"))
    key = steps.start("g")
    [job] = steps.take("a")
    engine.execute(jobs.fail, job.key, "broken", retries=0, lock_token=job.lock_token)
    migrate(key, deploy(steps, error_of("er", "No"), guarded("a", timer("Duration", "PT1H"))))
    assert len(steps.detail(key).timers) == 1
    steps.resolve()
    [again] = steps.take("a")
    assert len(steps.detail(key).timers) == 1
    clock.advance(hours=2)
    scheduler.run_once(engine)
    assert steps.state(key) == "COMPLETED"
    assert again.key == job.key


RACE = (message_of("m1", "One", "=id"), message_of("m2", "Two", "=id"))


def race(*order, name="r"):
    events = {"one": message("m1"), "two": message("m2")}
    catches = [f'<bpmn:intermediateCatchEvent id="{id}">{events[id]}</bpmn:intermediateCatchEvent>' for id in order]
    return process("r", start(), '<bpmn:eventBasedGateway id="which"/>', *catches, service("after1"),
                   service("after2"), end(), flows="start>which " + " ".join(f"which>{id}" for id in order)
                   + " one>after1 two>after2 after1>end after2>end").replace('name="R"', f'name="{name}"')


def test_events_of_a_gateway_do_not_change_places(engine, steps, migrate):
    deploy(steps, *RACE, race("one", "two"))
    key = steps.start("r", {"id": "1"})
    newer = deploy(steps, *RACE, race("two", "one"))
    with pytest.raises(WrongState, match="same events"):
        migrate(key, newer)
    engine.execute(messages.publish, "One", "1")
    assert at(steps, key) == ["after1"]


def test_plan_refuses_what_the_migration_would(engine, steps):
    deploy(steps, process("p", start(), service("a"), end()))
    key = steps.start("p")
    newer = deploy(steps, process("p", start(), service("a"), service("b"), end()))
    with pytest.raises(InvalidInput, match="'y'"):
        migration.plan(engine, [key], newer, {"a": "y"})
    [planned] = migration.plan(engine, [key], newer, {"x": "b"})
    assert "an element 'x'" in planned.obstacles[0].message


def test_end_that_an_instance_was_started_for_is_found_by_its_new_name(engine, steps, migrate):
    deploy(steps, process("p", start(), service("a"), service("b"), end()))
    key = steps.start("p", terminate_after=["a"])
    migrate(key, deploy(steps, process("p", start(), service("a2", "a"), service("b"), end())), a="a2")
    steps.do("a")
    assert steps.state(key) == "TERMINATED"
    assert open_jobs(engine, key) == []


def test_error_boundary_event_of_the_new_version_catches(engine, steps, migrate):
    deploy(steps, process("g", start(), service("a"), service("b"), end(), end("e2"), flows="start>a a>b b>end"))
    key = steps.start("g")
    [job] = steps.take("a")
    migrate(key, deploy(steps, error_of("er", "No"), guarded("a", error("er"))))
    engine.execute(jobs.throw_error, job.key, "No", "no", {}, lock_token=job.lock_token)
    assert steps.history(key)[-1] == "e2"
    assert steps.state(key) == "COMPLETED"


def test_history_of_elements_that_the_new_version_does_not_have_stays(engine, steps, migrate):
    deploy(steps, process("p", start("s"), service("old"), service("a"), end()))
    key = steps.start("p")
    steps.do("old")
    migrate(key, deploy(steps, process("p", start("new"), service("a"), end())))
    assert steps.history(key) == ["s", "old", "a"]
    assert lists.jobs(engine, instance_key=key).total == 2


def test_a_start_key_belongs_to_the_process_that_was_started(steps, migrate):
    """Asked again after the move, the start is not repeated; and the key is free in the other process."""
    def drawn(id):
        return process(id, start(), service("work"), end())

    deploy(steps, drawn("old"))
    target = deploy(steps, drawn("new"))
    moved, other = (steps.start(id, start_key="order-1") for id in ("old", "new"))
    migrate(moved, target)
    assert steps.start("old", start_key="order-1") == moved
    assert steps.start("new", start_key="order-1") == other
