"""What the doctor says of a running installation; each thing that can be wrong fails or warns by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.queries.standing import LongTransaction, NodeRow, Standing
from web.cli import vitals

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NODE = NodeRow(key=1, roles=("web", "worker", "scheduler"), host="one", pid=7, version="0.1.0", address=None,
               partitions=None, services=(), clock_ahead=timedelta(), started_at=NOW, seen_at=NOW, is_alive=True)
WELL = Standing(now=NOW, clock_ahead=timedelta(), nodes=(NODE,), timer_lag=timedelta(), queue_waiting=0,
                queue_lag=timedelta(), stuck_locks=0, long_transactions=(), unserved="")
WEB_ONLY = replace(NODE, key=2, roles=("web",))


def results(seen, monkeypatch):
    monkeypatch.setattr(vitals, "standing", lambda _: seen)
    return {check.name: check.result.value for check in vitals.examine(None)}


def test_all_is_well(monkeypatch):
    assert set(results(WELL, monkeypatch).values()) == {"ok"}


@pytest.mark.parametrize(("seen", "name", "result"), [
    (replace(WELL, nodes=(WEB_ONLY,), unserved=None), "Nodes", "failed"),
    (replace(WELL, nodes=(NODE, replace(NODE, key=3, is_alive=False))), "Nodes", "warning"),
    (replace(WELL, nodes=(NODE, replace(NODE, key=3, version="0.2.0"))), "Nodes", "warning"),
    (replace(WELL, nodes=(replace(NODE, clock_ahead=timedelta(seconds=-2)),)), "Clocks", "warning"),
    (replace(WELL, nodes=(replace(NODE, clock_ahead=timedelta(seconds=-20)),)), "Clocks", "failed"),
    (replace(WELL, clock_ahead=timedelta(hours=1)), "Clocks", "failed"),
    (replace(WELL, unserved="5"), "Partitions", "failed"),
    (replace(WELL, timer_lag=timedelta(minutes=2)), "Timers", "failed"),
    (replace(WELL, nodes=(), unserved=None, timer_lag=timedelta(minutes=2)), "Timers", "warning"),
    (replace(WELL, queue_lag=timedelta(minutes=2)), "Queue", "failed"),
    (replace(WELL, stuck_locks=1), "Locks", "failed"),
    (replace(WELL, long_transactions=(
        LongTransaction(pid=1, who="psql", state="idle in transaction", age=timedelta(hours=3)),)),
     "Transactions", "warning"),
])
def test_what_is_wrong_is_found_and_nothing_else(seen, name, result, monkeypatch):
    found = results(seen, monkeypatch)
    assert found.pop(name) == result
    assert set(found.values()) == {"ok"}


def test_a_database_without_a_queue_has_none_to_look_at(monkeypatch):
    assert "Queue" not in results(replace(WELL, queue_waiting=None, queue_lag=None), monkeypatch)
