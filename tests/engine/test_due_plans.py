"""Handing out a job reads the index of jobs that wait, however many others there are."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from engine import tenants, timers
from engine.queries import changes, due_jobs, overview
from engine.work import activation


@pytest.fixture
def plans(engine):
    """Explains what is read from `jobs` and `incidents` as SQLite is going to do it."""
    if engine.database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL sees the values, and takes what index it likes by how much there is.")
    found = []

    def explain(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("SELECT") and re.search(r"\b(jobs|incidents)\b", statement):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.append([row[3] for row in cursor.fetchall()])

    event.listen(engine.database.engine, "before_cursor_execute", explain)
    return found


def test_looking_for_jobs_uses_their_index(engine, plans):
    due_jobs.next_due(engine, "pay")
    due_jobs.next_due_of_any(engine, [("pay", None)])
    for types in (["pay"], ["pay", "ship"]):
        engine.execute(activation.activate, types, "worker", 1)
    assert len(plans) == 5
    for plan in plans:
        assert any("ix_jobs_due" in step for step in plan), plan
        assert not any(step.startswith("SCAN jobs") for step in plan), plan


def test_looking_for_timers_uses_their_index(engine, clock):
    if engine.database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL takes an index for a condition that only means the same.")
    found = []

    def explain(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("SELECT") and " timers" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.append([row[3] for row in cursor.fetchall()])

    event.listen(engine.database.engine, "before_cursor_execute", explain)
    engine.execute(timers.trigger_due)
    timers.due(engine)
    with engine.read() as connection:
        timers.next_due(connection)
    event.remove(engine.database.engine, "before_cursor_execute", explain)
    assert len(found) >= 3
    for plan in found:
        # Those of start events are few, and found by having no instance.
        assert any("ix_timers_due" in step or "ix_timers_instance" in step for step in plan), plan
    assert sum("ix_timers_due" in step for plan in found for step in plan) >= 3


def test_looking_for_the_tenants_that_have_work_uses_the_indexes_too(engine, plans):
    engine.execute(tenants.add, "eu")
    for types in (["pay"], ["pay", "ship"]):
        engine.execute(activation.activate, types, "worker", 1)
    assert len(plans) == 2
    for plan in plans:
        assert sum("ix_jobs_due" in step for step in plan) >= 1, plan
        assert not any(step.startswith("SCAN jobs") for step in plan), plan


def test_counting_what_ended_lately_reads_no_more_than_that(engine, clock, plans):
    overview.overview(engine, ended_from=clock())
    changes.changes(engine, clock())
    assert len(plans) == 2
    for plan in plans:
        assert sum("ix_instances_finished (ended_at>?)" in step for step in plan) == 2, plan
