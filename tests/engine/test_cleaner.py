"""The thread that takes old history away."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from engine import chain, schema
from engine.cluster import cleaner
from engine.cluster.cleaner import Cleaner
from engine.errors import Unavailable
from tests.engine.drawing import end, process, start


def test_thread_cleans_by_the_default_of_its_engine(engine, steps, clock, monkeypatch):
    monkeypatch.setattr(cleaner, "EVERY", timedelta(milliseconds=5))
    engine.history = timedelta(days=30)
    steps.deploy(process("p", start(), end()))
    for _ in range(3):
        steps.start("p")
    clock.advance(days=31)
    thread = Cleaner(engine)
    thread.start()
    try:
        end_by = time.monotonic() + 30
        while _instances(engine):
            assert time.monotonic() < end_by
            time.sleep(0.01)
    finally:
        thread.stop()


def test_what_fails_holds_up_nothing_else_and_a_database_that_is_away_is_a_sentence(engine, steps, clock, monkeypatch):
    # given history that is old enough, and a trail to be sealed
    monkeypatch.setattr(cleaner, "EVERY", timedelta())
    engine.history = timedelta(days=30)
    steps.deploy(process("p", start(), end()))
    steps.start("p")
    clock.advance(days=31)
    made = Cleaner(engine)
    made._due = 0.0

    # when something before it fails
    monkeypatch.setattr(cleaner.requests, "forget", lambda _: 1 / 0)
    made.turn()

    # then it is cleaned all the same
    assert _instances(engine) == 0
    assert chain.head(engine).position > 0

    # and when the database is away, the part says so, as it does of everything that a part of a node does
    monkeypatch.setattr(engine.database, "write", lambda: _gone())
    made._due = made._seal_at = 0.0
    with pytest.raises(Unavailable):
        made.turn()


def _gone():
    raise Unavailable("it is gone")


def _instances(engine):
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(schema.instances))
