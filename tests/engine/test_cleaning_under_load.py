"""Cleaning while much is going on: what lives is never touched, nobody is held up, and in the end all that ended is
gone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine import instances, retention, schema
from engine.clock import system_clock
from engine.tasks import user_tasks
from engine.work import activation, jobs
from tests.engine.drawing import call, end, process, service, start, user

AT_ONCE = timedelta()
FAMILIES = 15


@pytest.fixture
def engine(engine):
    engine.clock = system_clock
    return engine


def rows(engine, table):
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


@pytest.mark.timeout(600)
def test_cleaning_takes_what_ended_and_never_what_lives(engine, steps, monkeypatch):
    # given trees of instances: each calls another one, does a job, and waits for a person; slices are small
    monkeypatch.setattr(retention, "SLICE", 25)
    monkeypatch.setattr(retention, "TREES", 3)
    steps.deploy(process("child", start(), service("do"), end()))
    steps.deploy(process("parent", start(), call("sub", "child"), user("look"), end()))
    over, deleted, seen = threading.Event(), [], []

    def clean():
        # when everything that has ended is taken away at once, again and again, by two nodes
        while not over.is_set():
            found = engine.execute(retention.clean, AT_ONCE)
            deleted.append(found)
            if not found:
                over.wait(0.005)

    def live(number):
        for name in range(FAMILIES):
            key = engine.execute(instances.start, "parent", variables={"n": name}, business_id=f"{number}-{name}").key
            while not (found := engine.execute(activation.activate, ["do"], f"worker-{number}")):
                pass
            engine.execute(jobs.complete, found[0].key, {"done": True}, lock_token=found[0].lock_token)
            while not (task := open_task(engine, key)):
                pass
            if name % 3:
                engine.execute(user_tasks.complete, task, {"seen": True})
            else:
                seen.append(key)     # stays
        return number

    with ThreadPoolExecutor(5) as crowd:
        cleaners = [crowd.submit(clean) for _ in range(2)]
        lives = [crowd.submit(live, number) for number in range(3)]
        try:
            for each in lives:
                each.result()
        finally:
            over.set()
        for each in cleaners:
            each.result()

    # then those that live are whole
    while engine.execute(retention.clean, AT_ONCE):
        pass
    assert sum(deleted) > 0
    assert len(seen) == 3 * FAMILIES / 3
    for key in seen:
        assert steps.at(key) == ["look"]
        assert steps.variables(key)["n"] % 3 == 0
        assert steps.history(key) == ["start", "sub", "look"]
    assert rows(engine, schema.instances) == 2 * len(seen)
    assert rows(engine, schema.user_tasks) == len(seen)

    # and can end; then nothing is left of anything
    for key in seen:
        engine.execute(user_tasks.complete, open_task(engine, key), {})
    while engine.execute(retention.clean, AT_ONCE):
        pass
    assert {table.name: count for table in (schema.instances, *retention.OF_INSTANCE)
            if (count := rows(engine, table))} == {}


def open_task(engine, key):
    u = schema.user_tasks.c
    with engine.read() as connection:
        return connection.scalar(select(u.key).where(u.instance_key == key, u.ended_at.is_(None)))
