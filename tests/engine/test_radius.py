"""What a new version would mean for the instances of the older ones, and whether that is what a migration then says."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from bpmn import parser
from engine import instances
from engine.operations import migration, radius
from tests.engine.drawing import end, file, process, service, start, user
from tests.engine.test_migration import WHY, deploy
from tests.engine.test_migration_corners import fork, many
from tests.engine.test_modification import NESTED


def read(*parts):
    model, _ = parser.read(file(*parts).content, "test.bpmn")
    return model.processes[0]


def line(*nodes):
    return process("p", start(), *nodes, end())


def test_each_version_tells_how_many_could_go_on_and_why_the_others_cannot(engine, steps):
    deploy(steps, line(service("a"), user("look"), service("b")))
    keys = [steps.start("p") for _ in range(4)]
    for _ in range(3):
        steps.do("a")
    engine.execute(instances.cancel, keys[-1], WHY)
    deploy(steps, line(service("a"), user("look"), service("c")))
    steps.start("p")
    newest, older = radius.of(engine, read(line(service("a"), user("check"), service("d"))))
    assert (newest.version, newest.live, newest.fit, newest.reasons) == (2, 1, 1, ())
    assert (older.version, older.live) == (1, 3)
    assert older.stuck == sum(
        row.element_id == "look" and row.state == "ACTIVE" for key in keys for row in steps.detail(key).elements)
    [reason] = older.reasons
    assert (reason.element, reason.instances) == ("look", older.stuck)
    assert "a counterpart of" in reason.message


def test_what_was_probably_renamed_can_be_counted_in(engine, steps):
    look = user("look").replace('name="look"', 'name="Look at it"')
    deploy(steps, line(look))
    steps.start("p")
    new = read(line(look.replace('id="look"', 'id="check"')))
    assert radius.of(engine, new)[0].stuck == 1
    assert radius.of(engine, new, guess=True)[0].stuck == 0


def test_instance_with_several_reasons_is_counted_once(engine, steps):
    deploy(steps, fork())
    steps.start("f")
    [found] = radius.of(engine, read(process("f", start(), service("other"), end())))
    assert (found.live, found.stuck) == (1, 1)
    assert {reason.element for reason in found.reasons} == {"a", "b"}


def test_process_that_nobody_runs_has_no_radius(engine, steps):
    deploy(steps, line(service("a")))
    assert radius.of(engine, read(line(service("b")))) == []


CHANGES = {
    "join": (fork(), fork().replace('"a_join"', '"x"'), ["a"], 1),
    "loop": (many(), many(sequential=True), [], 1),
    "scope": (NESTED, process("n", start(), service("deep"), service("next"), service("after"), end()), [], 1),
    "same": (NESTED, NESTED.replace('name="N"', 'name="M"'), [], 0),
    "kind": (line(service("a")), line(user("a")), [], 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_radius_says_what_the_plan_says_afterwards(engine, steps, name):
    old, new, done, stuck = CHANGES[name]
    deploy(steps, old)
    key = steps.start(old.split('"')[1])
    for type in done:
        steps.do(type)
    [found] = radius.of(engine, read(new))
    [planned] = migration.plan(engine, [key], deploy(steps, new))
    assert found.stuck == stuck
    assert {(reason.element, reason.message) for reason in found.reasons} == {
        (obstacle.element, obstacle.message) for obstacle in planned.obstacles}


def test_figures_cost_the_same_however_many_instances_there_are(engine, steps):
    def statements():
        seen = []

        def listener(connection, cursor, statement, *more):
            seen.append(statement)
        event.listen(engine.database.engine, "before_cursor_execute", listener)
        try:
            radius.of(engine, read(line(service("b"))))
        finally:
            event.remove(engine.database.engine, "before_cursor_execute", listener)
        return len(seen)
    deploy(steps, line(service("a")))
    steps.start("p")
    once = statements()
    for _ in range(5):
        steps.start("p")
    assert statements() == once
