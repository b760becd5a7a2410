"""`partitur serve` and `partitur worker` on one database, killed over and over at random moments, lose and repeat
nothing: every order that was acknowledged ends, and has each of its effects once."""

from __future__ import annotations

import itertools
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import httpx
import pytest
from sqlalchemy import func, select

from engine import schema
from engine.database import Database
from tests.acceptance import invariants
from tests.acceptance.shop import DECLINED, GOOD, ROOT, environment, services
from tests.examples.order import ORDER_EXAMPLE

STORM = 60.0
"""Seconds of killing."""
CALM = 180.0
"""Seconds until everything has to be over: longer than a dead worker's locks last, several times."""


class Victim:
    """A command of ours that is started again whenever it was killed."""

    def __init__(self, arguments, env):
        self.arguments, self.env = arguments, env
        self.process = self._begin()
        self.deaths = 0

    def _begin(self):
        return subprocess.Popen(
            [sys.executable, "-m", "web.cli", *self.arguments], cwd=ROOT, env=self.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.deaths += 1
        self.process = self._begin()

    def end(self):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def keep_ordering(url, until, acknowledged):
    """Start orders one after the other; remember those that were acknowledged."""
    kinds = itertools.cycle([GOOD, GOOD, DECLINED])
    with httpx.Client(base_url=url, timeout=5) as client:
        for number in itertools.count():
            if time.monotonic() > until:
                return
            order = f"S-{number}"
            body = {"processDefinitionId": "order-fulfilment", "variables": {**next(kinds), "orderId": order}}
            try:
                answer = client.post("/v2/process-instances", json=body)
            except httpx.HTTPError:
                threading.Event().wait(0.05)
                continue
            if answer.is_success:
                acknowledged[int(answer.json()["processInstanceKey"])] = order


def ended(database):
    """How many instances there are in each state."""
    counted = select(schema.instances.c.state, func.count()).group_by(schema.instances.c.state)
    with database.read() as connection:
        return dict(connection.execute(counted).tuples().all())


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_storm_of_kills_loses_and_repeats_nothing(tmp_path):
    chance = random.Random(7)
    with services(tmp_path) as services_url:
        port = free_port()
        env = environment(services_url, DATA_DIR=str(tmp_path / "data"), PORT=str(port))
        clients = ["--services", str(ORDER_EXAMPLE / "clients.py")]
        subprocess.run([sys.executable, "-m", "web.cli", "deploy", str(ORDER_EXAMPLE / "order-fulfilment.bpmn")],
                       cwd=ROOT, env=env, check=True, capture_output=True)
        victims = [Victim(["serve", *clients], env), Victim(["worker", *clients], env),
                   Victim(["worker", *clients], env)]
        acknowledged: dict[int, str] = {}
        until = time.monotonic() + STORM
        customer = threading.Thread(
            target=keep_ordering, args=(f"http://127.0.0.1:{port}", until, acknowledged))
        database = Database(f"sqlite:///{tmp_path / 'data' / 'partitur.db'}")
        try:
            # given orders that keep coming, while one process after the other is killed
            customer.start()
            while time.monotonic() < until:
                threading.Event().wait(chance.uniform(0.5, 4.0))
                chance.choice(victims).kill()
            customer.join()

            # when it is calm again
            patience = time.monotonic() + CALM
            while ended(database).get("ACTIVE") and time.monotonic() < patience:
                threading.Event().wait(0.5)
        finally:
            for victim in victims:
                victim.end()

        # then nothing that was acknowledged is missing, and everything has ended
        assert min(victim.deaths for victim in victims) >= 2
        assert len(acknowledged) >= 50
        assert set(ended(database)) == {"COMPLETED"}
        with database.read() as connection:
            rows = connection.execute(select(schema.instances.c.key, schema.instances.c.end_reason)).all()
            assert acknowledged.keys() <= {row.key for row in rows}
            assert invariants.violations(connection) == {}
        # and each order has each of its effects once
        with httpx.Client(base_url=services_url, timeout=30) as client:
            effects = client.get("/effects").json()
        database.close()
    done: dict[str, Counter] = {}
    for effect in effects:
        done.setdefault(effect["orderId"], Counter())[effect["kind"]] += 1
    assert set(acknowledged.values()) <= done.keys()
    paid = {"reserve": 1, "authorize": 1, "schedule": 1}
    assert all(counted in (paid, {"reserve": 1, "release": 1}) for counted in done.values())
    assert len(done) == len(rows)
