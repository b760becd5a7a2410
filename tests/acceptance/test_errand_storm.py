"""Nodes are killed over and over while people, messages, timers, services and called processes keep instances going:
what was acknowledged is there once, every instance ends, every effect is there once.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import dataclass

import pytest

from engine.database import Database
from engine.definitions import Resource, deploy
from engine.engine import Engine
from tests.acceptance import errands, histories, invariants
from tests.acceptance.errands import EFFECTS, People
from tests.acceptance.histories import History
from tests.acceptance.mould import Victim
from tests.acceptance.shop import ROOT, environment
from tests.acceptance.test_bad_answers import Book, recorder
from tests.acceptance.test_kill_storm import cutter, free_port, tend

CLIENTS = ["--services", str(ROOT / "tests" / "acceptance" / "recorder_client.py")]
LOCK = 3.0
"""Seconds that a worker holds a job: nobody waits longer for the work of a dead one."""
CALM = 120.0
"""Seconds without any progress after which something hangs."""
TOGETHER = [["serve", *CLIENTS], ["serve", *CLIENTS], ["worker", *CLIENTS]]
APART = [["serve", "--no-scheduler", "--service-threads", "0"], ["worker", *CLIENTS], ["scheduler"]]


@dataclass(frozen=True)
class Weather:
    """How a storm is: it lasts until there are enough blows and errands; the pauses between blows; who is hit."""

    blows: int
    errands: int
    most: int
    pause: tuple[float, float]
    roles: list[list[str]]


WEATHERS = {
    "a gust on SQLite": ("sqlite", Weather(6, 5, 60, (0.2, 1.0), TOGETHER[:2])),
    "a gust on PostgreSQL": ("postgresql", Weather(6, 5, 60, (0.2, 1.0), APART)),
    "a storm on SQLite": ("sqlite", Weather(50, 2000, 4000, (0.2, 2.0), TOGETHER)),
    "a storm on PostgreSQL": ("postgresql", Weather(50, 2000, 4000, (0.2, 2.0), [*APART, *APART])),
}


def rage(weather, victims, cut, people):
    """Kill one after the other, and cut connections, until that was often enough and enough errands were acknowledged.

    A blow falls only when somebody was answered since the last one: on a slow machine, too, it is nodes at work that
    die, and not nodes that never came up.
    """
    chance, hit = random.Random(7), itertools.cycle(victims)
    for blow in itertools.count():
        if people.started >= weather.errands and blow >= weather.blows:
            return
        threading.Event().wait(chance.uniform(*weather.pause))
        answered, since = people.answered, time.monotonic()
        while people.answered == answered and people.started < weather.most:
            assert time.monotonic() < since + CALM, f"nobody is answered after {people.started} errands"
            tend(victims)
            threading.Event().wait(0.02)
        cut() if cut and chance.random() < 0.2 else next(hit).kill()


def settle(database, victims):
    """Wait until nothing is open; fail when nothing moves any more."""
    before, since = None, time.monotonic()
    while (now := errands.open_ones(database))[0]:
        if now != before:
            before, since = now, time.monotonic()
        assert time.monotonic() < since + CALM, f"{now[0]} instances do not go on"
        tend(victims)
        threading.Event().wait(0.1)


@pytest.fixture
def place(request, tmp_path):
    """Makes a database of a kind that knows the diagrams; its address, and what nodes are told of it."""
    def made(kind):
        folder = tmp_path / "data"
        folder.mkdir()
        url = f"sqlite:///{folder / 'partitur.db'}"
        where = {"DATA_DIR": str(folder)}
        if kind == "postgresql":
            url = request.getfixturevalue("postgres_template")()
            where["DATABASE_URL"] = url
        engine = Engine(url)
        engine.execute(deploy, [Resource(name=name, content=content) for name, content in errands.files()])
        engine.close()
        return url, where

    return made


@pytest.mark.parametrize("name", [pytest.param(name, marks=[
    *([pytest.mark.long, pytest.mark.timeout(7_200)] if "storm" in name else []),
    *([pytest.mark.postgres] if "Postgre" in name else [])]) for name in WEATHERS])
def test_killing_nodes_loses_and_repeats_nothing_of_people_messages_timers_and_calls(name, place, mould, tmp_path):
    kind, weather = WEATHERS[name]
    url, where = place(kind)
    book, history, database = Book(tmp_path / "book"), History(), Database(url)
    with recorder(book) as service:
        ports = [str(free_port()) for _ in weather.roles]
        common = environment("", RECORDER=service, **where)
        victims = [Victim(mould, role, {**common, "PORT": port, "NODE_LOG": str(tmp_path / f"node-{port}.log")}, LOCK)
                   for role, port in zip(weather.roles, ports, strict=True)]
        doors = [f"http://127.0.0.1:{port}" for role, port in zip(weather.roles, ports, strict=True)
                 if role[0] == "serve"]
        try:
            # given errands that keep coming
            with People(doors, history, weather.most) as people:
                # when one process after the other is killed
                rage(weather, victims, cutter(url) if kind == "postgresql" else None, people)
                people.enough()
                # and then no more
                settle(database, victims)
        finally:
            for victim in victims:
                victim.end()
        done = book.done

    # then what people saw is what there is
    there = errands.found(database, done)
    database.close()
    invariants.check(url)
    assert histories.problems(history, there) == []
    assert people.faults == []
    assert all(code == 1 for victim in victims for code in victim.left)
    assert kind == "postgresql" or not any(victim.left for victim in victims)
    assert len(there.states) >= weather.errands
    assert set(there.states.values()) == {"COMPLETED"}
    assert len(done) == EFFECTS * len(there.states)
    assert there.happened["pay"].keys() == there.states.keys()
    assert len(there.happened["approve"]) == len(there.states)
    # and what nodes say of lost connections is said in sentences
    logs = {log.name: log.read_text("utf-8", "replace") for log in tmp_path.glob("node-*.log")}
    assert len(logs) == len(victims)
    assert {name: log[log.index("Traceback") - 500:][:5000] for name, log in logs.items() if "Traceback" in log} == {}
