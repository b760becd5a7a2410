"""An instance that moves for long without waiting shares the engine with the others, and survives a crash."""

from __future__ import annotations

import threading

from sqlalchemy import event, select

from engine import audit, execution, instances, schema
from engine.cluster.scheduler import left_behind
from engine.engine import Engine
from engine.queries import lists
from tests.engine import drawing

LOOP = drawing.process(
    "L", drawing.start("s"), '<bpmn:exclusiveGateway id="m"/>', drawing.script("a", "=i + 1", "i"),
    '<bpmn:exclusiveGateway id="g" default="g_e"/>', drawing.end("e"), flows="s>m m>a a>g g>e",
).replace("</bpmn:process>", """<bpmn:sequenceFlow id="g_m" sourceRef="g" targetRef="m">
  <bpmn:conditionExpression>=i &lt; n</bpmn:conditionExpression></bpmn:sequenceFlow></bpmn:process>""")


def test_another_command_gets_its_turn_while_a_long_loop_runs(engine, steps):
    # given that a second command is queued as soon as the first slice of the loop is saved
    steps.deploy(LOOP)
    order = []
    started = threading.Event()

    def note(tx):
        audit.record(tx, "MEANWHILE", "TEST", 1)
        order.append("other")

    other = threading.Thread(target=engine.execute, args=(note,))

    def after_commit(connection):
        if not started.is_set():
            started.set()
            other.start()

    next(engine.keys)
    event.listen(engine.database.engine, "commit", after_commit)

    # when the loop of 60,000 steps runs
    key = steps.start("L", {"i": 0, "n": 20_000})
    order.append("loop")
    other.join(30)

    # then the other command was done before the loop was
    assert order == ["other", "loop"]
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key)["i"] == 20_000


def test_what_a_dead_process_left_on_the_move_is_taken_on(engine, steps, database_url):
    # given that the process dies after the first slice
    steps.deploy(LOOP)
    started, unfinished = engine._attempt(lambda tx: instances.start(tx, "L", variables={"i": 0, "n": 5_000}))
    assert unfinished == {started.key}
    assert steps.state(started.key) == "ACTIVE"

    # when another one looks
    other = Engine(database_url, clock=engine.clock)
    try:
        assert left_behind(other) == [started.key]
        other.finish(left_behind(other))
    finally:
        other.close()

    # then it ends, with every round in its history once
    assert steps.state(started.key) == "COMPLETED"
    assert left_behind(engine) == []
    with engine.read() as connection:
        rounds = connection.execute(select(schema.element_instances.c.key).where(
            schema.element_instances.c.instance_key == started.key,
            schema.element_instances.c.element_id == "a")).fetchall()
    assert len(rounds) == 5_000


def test_a_loop_without_end_is_stopped_with_an_incident_and_a_retry_gives_it_another_budget(engine, steps):
    steps.deploy(LOOP, drawing.process("Q", drawing.start("s2"), drawing.end("e2")))
    engine.step_budget = 5_000
    key = steps.start("L", {"i": 0, "n": 1_000_000_000})
    [incident] = lists.incidents(engine).items
    assert "used up its step budget" in incident.message
    assert steps.state(steps.start("Q")) == "COMPLETED"

    # when somebody mends the variable and retries
    engine.execute(execution_variables, key)
    steps.resolve()
    assert steps.state(key) == "COMPLETED"


def execution_variables(tx, key):
    from engine import variables

    variables.set(tx, key, {"n": 0})


def test_a_suspended_instance_does_not_move_on(engine, steps):
    steps.deploy(LOOP)
    started, _ = engine._attempt(lambda tx: instances.start(tx, "L", variables={"i": 0, "n": 5_000}))
    engine.execute(instances.suspend, started.key, "look at it")
    assert left_behind(engine) == []
    engine.finish([started.key])
    assert steps.state(started.key) == "ACTIVE"
    engine.execute(instances.resume, started.key, "go on")
    assert steps.state(started.key) == "COMPLETED"
    with engine.read() as connection:
        assert execution.unfinished(connection) == []
