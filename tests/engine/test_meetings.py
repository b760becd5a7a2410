"""Commands of two nodes that really meet: one has done all but its commit when the other one begins (`meeting`).

On PostgreSQL only: SQLite has one writer at a time.
"""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from engine import instances
from engine.database import Database
from engine.engine import Engine
from engine.work import jobs
from tests.engine.drawing import call, end, process, service, start
from tests.engine.meeting import meet
from tests.engine.steps import Steps

pytestmark = pytest.mark.postgres
WHY = "They meet."


@pytest.fixture
def nodes(postgres_url, clock):
    made = [Engine(postgres_url, clock=clock), Engine(postgres_url, clock=clock)]
    yield made
    for each in made:
        each.close()


@pytest.fixture
def steps(nodes):
    return Steps(nodes[0])


@pytest.fixture
def met(monkeypatch, postgres_url):
    """What two commands give that meet."""
    watching = create_engine(Database(postgres_url).engine.url, isolation_level="AUTOCOMMIT")
    yield lambda first, second: meet(monkeypatch, watching, first, second)
    watching.dispose()


def test_instance_that_is_called_while_its_tree_is_suspended_rests_too(nodes, steps, met):
    # given an instance whose called one is about to call another one
    one, two = nodes
    steps.deploy(process("deep", start(), service("work"), end()), name="deep.bpmn")
    steps.deploy(process("middle", start(), service("first"), call("next", "deep"), end()), name="middle.bpmn")
    steps.deploy(process("top", start(), call("below", "middle"), end()), name="top.bpmn")
    key = steps.start("top")
    [job] = steps.take("first")

    # when
    found = met(lambda: one.execute(jobs.complete, job.key, lock_token=job.lock_token),
                lambda: two.execute(instances.suspend, key, WHY))

    # then
    assert found == (None, None)
    assert steps.take("work") == []

    # and all go on together
    one.execute(instances.resume, key, WHY)
    steps.do("work")
    assert steps.state(key) == "COMPLETED"
