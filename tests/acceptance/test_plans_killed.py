"""A node dies while it makes a large plan: the plan is whole all the same, there once, and what the request answers."""

from __future__ import annotations

import itertools

from sqlalchemy import func, select

from engine import instances, schema
from engine.engine import Engine
from engine.operations import carrying, freezing
from engine.queries import operations as found
from tests.acceptance.crash_scenarios import KILLED
from tests.acceptance.dying_planner import BODY
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps
from web.app import create_app

COUNT, PART = 7, 3


def test_wherever_a_node_dies_its_plan_is_made_once(either_url, begin, monkeypatch):
    # given instances, and a node that is to plan for them, a part at a time
    monkeypatch.setattr(freezing, "PART", PART)
    engine = Engine(either_url, synchronous="OFF")
    steps = Steps(engine)
    steps.deploy(process("p", start(), service("nobody-does"), end()))
    meant = [steps.start("p", business_id=f"A-{number}") for number in range(COUNT)]
    client = create_app(engine, secret_key="test").test_client()
    frozen = set()
    for commit in itertools.count(1):
        # when it dies before a commit
        key = f"plan-{commit}"
        node = begin(either_url, key, str(commit), str(PART), module="tests.acceptance.dying_planner")
        died = node.wait() == KILLED
        for row in made(engine):
            frozen.add((row.state, row.frozen))
        later = steps.start("p", business_id="later")
        planned = {row.key for row in made(engine)}
        # and either another node or whoever asks again goes on
        if (commit % 2 == 0) == engine.database.is_sqlite:
            while carrying.work(engine):
                pass
            assert {row.state for row in made(engine)} <= {"PLANNED"}

        # then whoever asks again gets the plan, whole, for those that were meant when it was asked for
        answer = client.post("/api/operations", json=BODY, headers={"Idempotency-Key": key})
        assert answer.status_code == 200, answer.text
        [row] = made(engine)
        assert answer.json["key"] == str(row.key)
        assert planned <= {row.key}
        items = found.items(engine, row.key).items
        wanted = meant if planned else [*meant, later]
        assert [(item.position, item.instance_key) for item in items] == list(enumerate(wanted))
        assert [item.label for item in items][:COUNT] == [f"A-{number}" for number in range(COUNT)]
        while carrying.work(engine):
            pass
        again = found.operation(engine, row.key)
        assert (again.state, again.planned, again.total) == ("PLANNED", len(wanted), len(wanted))
        assert client.post("/api/operations", json=BODY, headers={"Idempotency-Key": key}).json == answer.json
        a = schema.audit.c
        with engine.read() as connection:
            assert connection.scalar(select(func.count()).where(
                a.operation == "PLAN", a.entity_key == row.key)) == 1
            assert connection.execute(select(schema.operation_parts)).all() == []
        answer = client.post(f"/api/operations/{row.key}/stop", json={"reason": "It was a rehearsal."})
        assert answer.status_code == 200, answer.text
        engine.execute(instances.cancel, later, "It came too late.")
        if not died:
            break

    # and it died with each number of parts written down
    assert {count for state, count in frozen if state == "FREEZING"} == {0, PART, 2 * PART}
    engine.close()


def made(engine):
    """The plan that nobody has withdrawn yet."""
    return [row for row in found.operations(engine).items if row.state != "STOPPED"]
