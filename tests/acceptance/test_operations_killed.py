"""Nodes that carry out an operation are killed: others go on, each instance is done once, and the report is whole."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from sqlalchemy import func, select

from engine import instances, schema
from engine.engine import Engine
from engine.operations import plans
from engine.queries import operations as found
from engine.queries.instances import InstanceFilter
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps

PATIENCE = 120
COUNT = 150
WHY = "The shop sent the wrong parcels."


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request):
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_template_url")


@pytest.fixture
def postgres_template_url(request):
    return request.getfixturevalue("postgres_template")()


def until(reached, what):
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.05)


def test_killed_nodes_do_each_item_once(url, begin, tmp_path):
    # given many ended instances, and a plan to start each of them anew
    engine = Engine(url, synchronous="OFF")
    steps = Steps(engine)
    steps.deploy(process("p", start(), service("nobody-does"), end()))
    ended = [steps.start("p", business_id=f"A-{number}") for number in range(COUNT)]
    for key in ended:
        engine.execute(instances.cancel, key, WHY)
    operation = engine.execute(plans.plan, "RESTART", {}, InstanceFilter(states=["terminated"]))

    def row():
        return found.operation(engine, operation)

    def node(name):
        return begin("scheduler", "--json", DATABASE_URL=url, DATA_DIR=str(tmp_path / name))

    # when the nodes that plan and carry it out are killed, again and again
    killed = node("first")
    until(lambda: row().frozen < COUNT, "no node began to plan")
    killed.kill()
    killed.wait()
    planning = node("second")
    until(lambda: row().state == "PLANNED", "the plan did not get ready")
    assert row().planned == COUNT
    engine.execute(plans.apply, operation, WHY)
    until(lambda: begun(row()) > 0, "no node began")
    planning.kill()
    planning.wait()
    at_the_kill = begun(row())
    many = [node("third"), node("fourth")]
    until(lambda: begun(row()) > at_the_kill, "nobody went on")
    many[0].kill()
    many[0].wait()
    until(lambda: begun(row()) == COUNT, "the operation was not finished")

    # then each ended instance has exactly one successor, and the trail names the operation once for each
    r, a = schema.instances.c, schema.audit.c
    with engine.read() as connection:
        successors = Counter(connection.scalars(select(r.business_id).where(r.state == "ACTIVE")).all())
        details = connection.scalars(select(a.details).where(a.operation == "RESTART")).all()
        states = connection.execute(select(schema.operation_items.c.state, func.count()).group_by(
            schema.operation_items.c.state)).all()
    assert successors == {f"A-{number}": 1 for number in range(COUNT)}
    assert Counter(each["operation"] for each in details) == {str(operation): 2 * COUNT}
    assert {state for state, _ in states} <= {"WATCHING", "NOT_STARTED"}
    assert {int(item.result["made"]) for item in found.all_items(engine, operation)}.isdisjoint(ended)

    engine.close()


def begun(row):
    return row.watching + row.ended
