"""The thread that takes old history away."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import func, select

from engine import schema
from engine.cluster import cleaner
from engine.cluster.cleaner import Cleaner
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


def _instances(engine):
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(schema.instances))
