"""What the doctor says of a running installation; each thing that can be wrong fails or warns by name."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner
from werkzeug.test import Client

from engine import outages
from engine.cluster.nodes import Node, Pulse
from engine.engine import Engine
from engine.errors import Unavailable
from engine.queries.standing import LongTransaction, NodeRow, Standing
from engine.work import holds
from engine.work.holds import Hold
from web.app import create_app
from web.cli import app, vitals
from web.health import without_pages

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NODE = NodeRow(key=1, roles=("web", "worker", "scheduler"), host="one", pid=7, version="0.1.0", address=None,
               partitions=None, services=(), clock_ahead=timedelta(), started_at=NOW, seen_at=NOW, is_alive=True)
WELL = Standing(now=NOW, clock_ahead=timedelta(), nodes=(NODE,), timer_lag=timedelta(), queue_waiting=0,
                queue_lag=timedelta(), stuck_locks=0, long_transactions=(), unserved="")
WEB_ONLY = replace(NODE, key=2, roles=("web",))


def checks(seen, monkeypatch, held=()):
    monkeypatch.setattr(vitals, "standing", lambda _: seen)
    monkeypatch.setattr(vitals.holds, "all_of_them", lambda _: held)
    return {check.name: check for check in vitals.examine(None)}


def results(seen, monkeypatch, held=()):
    return {name: check.result.value for name, check in checks(seen, monkeypatch, held).items()}


def test_all_is_well(monkeypatch):
    assert set(results(WELL, monkeypatch).values()) == {"ok"}


@pytest.mark.parametrize(("seen", "name", "result"), [
    (replace(WELL, nodes=(WEB_ONLY,), unserved=None), "Nodes", "failed"),
    (replace(WELL, nodes=(NODE, replace(NODE, key=3, is_alive=False))), "Nodes", "warning"),
    (replace(WELL, nodes=(NODE, replace(NODE, key=3, version="0.2.0"))), "Nodes", "warning"),
    (replace(WELL, nodes=(replace(NODE, is_alive=False, seen_at=NOW - timedelta(minutes=59)),), unserved=None),
     "Nodes", "warning"),
    (replace(WELL, nodes=(replace(NODE, clock_ahead=timedelta(seconds=-2)),)), "Clocks", "warning"),
    (replace(WELL, nodes=(replace(NODE, clock_ahead=timedelta(seconds=-20)),)), "Clocks", "failed"),
    (replace(WELL, clock_ahead=timedelta(hours=1)), "Clocks", "failed"),
    (replace(WELL, unserved="5"), "Partitions", "failed"),
    (replace(WELL, uncalled={"charge": "5"}), "Partitions", "failed"),
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


def test_a_node_that_was_killed_is_told_for_an_hour(monkeypatch):
    def killed(ago):
        node = replace(NODE, key=3, host="two", is_alive=False, seen_at=NOW - ago)
        return checks(replace(WELL, nodes=(NODE, node)), monkeypatch)["Nodes"]

    assert killed(timedelta(minutes=59)).result == "warning"
    assert killed(timedelta(minutes=59)).found == "gone without leaving: two:7 (web+worker+scheduler) 59 min ago"
    assert killed(timedelta(minutes=61)).result == "ok"
    assert "two" not in killed(timedelta(minutes=61)).found


def test_nodes_that_were_all_killed_long_ago_are_no_nodes(monkeypatch):
    node = replace(NODE, is_alive=False, seen_at=NOW - timedelta(hours=20))
    assert checks(replace(WELL, nodes=(node,), unserved=None), monkeypatch)["Nodes"].found == "none is running"


def held(**said):
    return Hold(**{"key": 1, "service": "pay", "kind": "OPERATOR", "reason": "the bank is closed", "held_by": "ann",
                   "held_at": NOW - timedelta(hours=3), "trials": 0, "trial_at": None, **said})


def test_services_that_are_held_are_named_with_who_and_why(monkeypatch):
    check = checks(WELL, monkeypatch, (held(),))["Services"]
    assert (check.result, check.found) == ("warning", "pay is held by ann for 3 h: the bank is closed")
    assert "partitur release" in check.advice
    assert "breaker" not in check.advice


@pytest.mark.parametrize(("trials", "next_in", "said"), [
    (0, 30, "(the next in 30 s)"),
    (1, 30, "(1 trial failed, the next in 30 s)"),
    (4, -5, "(4 trials failed, the next is due)")])
def test_open_breakers_say_how_often_they_tried(trials, next_in, said, monkeypatch):
    breaker = held(kind="BREAKER", reason="12 of 12 calls failed", held_by="system", held_at=NOW - timedelta(minutes=4),
                   trials=trials, trial_at=NOW + timedelta(seconds=next_in))
    check = checks(WELL, monkeypatch, (held(service="ship"), breaker))["Services"]
    assert check.result == "warning"
    assert check.found.endswith(f"; pay: breaker open for 4 min {said}: 12 of 12 calls failed")
    assert "partitur release" in check.advice
    assert "closes the breaker" in check.advice


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_the_command_tells_of_a_held_service_of_a_real_database(kind, request, tmp_path, monkeypatch):
    # given
    url = request.getfixturevalue("sqlite_url") if kind == "sqlite" else request.getfixturevalue("postgres_template")()
    engine = Engine(url)
    engine.execute(holds.hold, "charge-card", "the bank asked for it")
    engine.close()
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", url)

    # when
    result = CliRunner().invoke(app, ["doctor", "--json"])

    # then
    [check] = [each for each in json.loads(result.stdout)["checks"] if each["name"] == "Services"]
    assert check["result"] == "warning"
    assert check["found"].startswith("charge-card is held by ")
    assert check["found"].endswith(": the bank asked for it")
    names = {each["name"] for each in json.loads(result.stdout)["checks"]}
    assert names >= {"Database", "Clocks", "Timers", "Locks", "Services", "Transactions", "Nodes"}
    assert ("Queue" in names) is (kind == "postgresql")


@pytest.mark.postgres
def test_commands_that_only_read_do_so_on_a_replica(postgres_url, tmp_path, monkeypatch):
    # given a database that takes no writes, as a standby of PostgreSQL
    engine = Engine(postgres_url)
    engine.execute(holds.hold, "charge-card", "the bank asked for it")
    engine.close()
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    only = "options=-c%20default_transaction_read_only%3Don"
    monkeypatch.setenv("DATABASE_URL", f"{postgres_url}{'&' if '?' in postgres_url else '?'}{only}")

    # then it can be looked into, and nothing is changed in it
    for command in (["instances"], ["incidents"], ["effects"], ["audit", "export", str(tmp_path / "trail.jsonl")]):
        result = CliRunner().invoke(app, [*command, "--json"])
        assert result.exit_code == 0, (command, result.output)
    assert "the bank asked for it" in (tmp_path / "trail.jsonl").read_text()
    refused = CliRunner().invoke(app, ["release", "charge-card", "--reason", "It is over.", "--json"])
    assert refused.exit_code == 1
    assert "read-only" in refused.output
    writing = said()["Writing"]
    assert (writing["result"], "read-only" in writing["found"]) == ("failed", True)

    # and a node that cannot say that it is alive is not ready, which it is when it can
    engine = Engine(os.environ["DATABASE_URL"])
    client, pulse = create_app(engine, secret_key="test").test_client(), Pulse(engine, Node(roles=["web"]))
    pageless = Client(without_pages(engine))
    for each in (client, pageless):
        assert each.get("/health/ready").status_code == 200
    pulse._beat()
    for each in (client, pageless):
        answer = each.get("/health/ready")
        assert (answer.status_code, answer.json["status"]) == (503, "DOWN")
        assert "read-only" in answer.json["detail"]
        assert each.get("/health/live").status_code == 200
    assert client.get("/instances").status_code == 200
    pulse._engine = Engine(postgres_url)
    pulse._beat()
    pulse._engine.close()
    engine.cannot_write = pulse._engine.cannot_write
    assert client.get("/health/ready").status_code == 200

    # one that only waits for a connection of its own has much to do, and that is all
    pulse._engine = engine
    monkeypatch.setattr(engine, "execute", refuse_for(outages.BUSY))
    pulse._beat()
    assert engine.cannot_write is None
    monkeypatch.setattr(engine, "execute", refuse_for("the disk is full"))
    pulse._beat()
    assert engine.cannot_write == "the disk is full"
    engine.close()


def refuse_for(why):
    def refuse(*_):
        raise Unavailable(why)
    return refuse


def said():
    """What the doctor says, by name."""
    return {each["name"]: each for each in json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)["checks"]}


def test_a_key_of_secrets_that_is_gone_is_missed(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    runner = CliRunner()
    assert "Secrets" not in said()
    assert runner.invoke(app, ["secrets", "set", "bank"], input="geheim").exit_code == 0
    assert said()["Secrets"]["result"] == "ok"
    key = (tmp_path / "secrets_key").rename(tmp_path / "elsewhere")
    found = said()["Secrets"]
    assert (found["result"], "1 of 1 cannot be opened" in found["found"]) == ("failed", True)
    assert found["found"].endswith(": bank")
    # another key does not help, for those that were stored before
    assert runner.invoke(app, ["secrets", "set", "shop"], input="geheimer").exit_code == 0
    assert "1 of 2 cannot be opened" in said()["Secrets"]["found"]
    (tmp_path / "secrets_key").write_text((tmp_path / "secrets_key").read_text() + key.read_text())
    assert said()["Secrets"]["result"] == "ok"
    monkeypatch.setenv("PARTITUR_SECRETS_KEY", "short")
    assert said()["Secrets"]["result"] == "failed"
    assert "short" not in said()["Secrets"]["found"]


@pytest.mark.parametrize(("number", "advice"), [(errno.ENOSPC, "Free some"), (errno.EACCES, "this user may write")])
def test_a_folder_that_takes_nothing_is_told_from_one_that_may_not_be_written(number, advice, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_text", refuse)
    disk = said()["Disk"]
    assert (disk["result"], disk["advice"].startswith(advice) or advice in disk["advice"]) == ("failed", True)
