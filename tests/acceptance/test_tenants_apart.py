"""Several processes on one PostgreSQL: the flood of one tenant leaves the other its share, whoever serves them."""

from __future__ import annotations

import os
from collections import Counter

from sqlalchemy import func, select

from engine import definitions, instances, schema, tenants
from engine.engine import Engine
from engine.states import JobState
from engine.work import activation, jobs
from tests import forked
from tests.engine import drawing

PROCESSES, AT_ONCE, FLOOD, FEW = 3, 3, 90, 12
_j = schema.jobs.c
HELD = select(func.count()).where(_j.tenant_id == "us", _j.state == JobState.ACTIVATED.value)
OPEN = select(func.count()).where(_j.ended_at.is_(None))
ENDED = select(_j.tenant_id).where(_j.ended_at.is_not(None)).order_by(_j.ended_at, _j.key)


def node(url, name):
    """A worker that takes two jobs at a time until there are none; it fails where one tenant has more than it may."""
    engine = Engine(url)
    left = 1
    while left:
        taken = engine.execute(activation.activate, ["do"], name, 2)
        with engine.read() as connection:
            held, left = connection.scalar(HELD), connection.scalar(OPEN)
        assert held <= AT_ONCE, held
        for job in taken:
            engine.execute(jobs.complete, job.key)
    engine.close()


def test_three_processes_serve_both_tenants_and_keep_their_limits(postgres_url):
    # given a tenant whose jobs all came before those of the other
    engine = Engine(postgres_url)
    engine.execute(tenants.add, "us", jobs_at_once=AT_ONCE)
    engine.execute(tenants.add, "eu")
    drawn = drawing.process("work", drawing.start(), drawing.service("do"), drawing.end())
    for id, count in (("us", FLOOD), ("eu", FEW)):
        engine.execute(definitions.deploy, [drawing.file(drawn)], tenant_id=id)
        for _ in range(count):
            engine.execute(instances.start, "work", tenant_id=id)
    engine.close()

    # when three processes work
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            forked.be(lambda name=f"w{number}": node(postgres_url, name))
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * PROCESSES

    # then the other was done long before, and nobody had more at once than he may (see `node`)
    engine = Engine(postgres_url)
    with engine.read() as connection:
        order = list(connection.scalars(ENDED))
    engine.close()
    assert Counter(order) == {"us": FLOOD, "eu": FEW}
    last = len(order) - order[::-1].index("eu")
    assert last <= 3 * FEW, order
