"""Nodes on one database, killed over and over at random moments, lose and repeat nothing: every order that was
acknowledged is there once, ends, and has each of its effects once. On PostgreSQL the parts of a node run apart, and
its connections are cut, too.
"""

from __future__ import annotations

import itertools
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import psycopg
import pytest
from sqlalchemy import func, select

from engine import schema
from engine.database import Database
from tests.acceptance import histories, invariants
from tests.acceptance.histories import FAIL, OK, Found, History
from tests.acceptance.mould import Part, Victim
from tests.acceptance.shop import DECLINED, GOOD, environment, services
from tests.examples.order import ORDER_EXAMPLE

CLIENTS = ["--services", str(ORDER_EXAMPLE / "clients.py")]
CALM = 200.0
"""Seconds without any progress after which something hangs: longer than a dead worker's locks last, several times."""
CUT = ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
       "WHERE datname = current_database() AND pid != pg_backend_pid()")


@dataclass
class Weather:
    """How a storm is: its seconds, the pause between two blows, and the roles of nodes that it hits."""

    seconds: float
    pause: tuple[float, float]
    roles: list[list[str]] = field(default_factory=lambda: [["serve", *CLIENTS], ["worker", *CLIENTS],
                                                            ["worker", *CLIENTS]])


APART = [["serve", "--no-scheduler", "--service-threads", "0"], ["worker", *CLIENTS], ["scheduler"]]
WEATHERS = {
    "a gust on SQLite": ("sqlite", Weather(8, (0.5, 2.0), [["serve", *CLIENTS], ["worker", *CLIENTS]])),
    "a gust on PostgreSQL": ("postgresql", Weather(8, (0.5, 2.0), APART)),
    "a storm on SQLite": ("sqlite", Weather(60, (0.5, 4.0))),
    "a storm on PostgreSQL": ("postgresql", Weather(90, (0.2, 2.0), [*APART, *APART])),
}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Customers:
    """People who order one thing after the other, ask again under the same key when they get no answer, and look
    what became of it."""

    def __init__(self, urls, history):
        self._urls, self.history = itertools.cycle(urls), history
        self.faults = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        kinds = itertools.cycle([GOOD, GOOD, DECLINED])
        with httpx.Client(timeout=10) as client:
            for number in itertools.count():
                order, variables = f"S-{number}", next(kinds)
                answered = False
                while not answered and not self._over.is_set():
                    answered = self._order(client, order, {**variables, "orderId": order})
                if self._over.is_set():
                    return

    def _order(self, client, order, variables):
        url = next(self._urls)
        try:
            with self.history.invoke("start", order) as operation:
                answer = client.post(f"{url}/v2/process-instances", headers={"Idempotency-Key": order}, json={
                    "processDefinitionId": "order-fulfilment", "variables": variables})
                if answer.status_code == 503 or answer.status_code == 409:
                    return False
                if not answer.is_success:
                    operation.outcome = FAIL
                    self.faults.append((answer.status_code, answer.text))
                    return True
                operation.outcome, operation.value = OK, answer.json()["processInstanceKey"]
            seen = client.get(f"{url}/v2/process-instances/{operation.value}")
        except httpx.HTTPError:
            self._over.wait(0.05)
            return False
        if seen.is_success:
            self.history.observe(order, seen.json()["state"])
        return operation.outcome == OK


def rage(weather, victims, cut):
    """Kill one after the other, and cut connections."""
    chance = random.Random(7)
    until = time.monotonic() + weather.seconds
    blows = itertools.cycle(victims)
    while time.monotonic() < until:
        threading.Event().wait(chance.uniform(*weather.pause))
        cut() if cut and chance.random() < 0.3 else next(blows).kill()
        tend(victims)


def tend(victims):
    """Start what has ended by itself: a node that finds no database when it comes up says so and leaves."""
    for victim in victims:
        victim.tend()


def cutter(url):
    """Cuts all connections of a database."""
    def cut():
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
            connection.execute(CUT)
    return cut


def settle(database, victims):
    """Wait until nothing is active; fail when nothing moves any more."""
    before, since = None, time.monotonic()
    while (now := progress(database))[0]:
        if now != before:
            before, since = now, time.monotonic()
        assert time.monotonic() < since + CALM, f"{now[0]} instances do not go on"
        tend(victims)
        threading.Event().wait(0.3)


def progress(database):
    """How many instances are active, and how much is written of all."""
    with database.read() as connection:
        return (connection.scalar(select(func.count()).where(schema.instances.c.state == "ACTIVE")),
                connection.scalar(select(func.count()).select_from(schema.element_instances)))


def found_in(database, services_url):
    """What the database and the services say in the end."""
    p, v = schema.instances.c, schema.variables.c
    with database.read() as connection:
        rows = connection.execute(select(v.value, p.state).join(schema.instances, p.key == v.instance_key).where(
            v.name == "orderId", v.scope_key == p.key)).fetchall()
        instances = connection.scalar(select(func.count()).select_from(schema.instances))
        broken = invariants.violations(connection)
    assert broken == {}
    assert len(rows) == instances
    with httpx.Client(base_url=services_url, timeout=30) as client:
        effects = client.get("/effects").json()
    return Found(happened={"start": Counter(row.value for row in rows)}, states={row.value: row.state for row in rows},
                 effects=Counter(f"{effect['kind']} {effect['orderId']}" for effect in effects)), effects


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", [pytest.param(name, marks=[
    *([pytest.mark.long] if "storm" in name else []), *([pytest.mark.postgres] if "Postgre" in name else [])])
    for name in WEATHERS])
def test_killing_nodes_loses_and_repeats_nothing(request, mould, tmp_path, name):
    kind, weather = WEATHERS[name]
    if kind == "sqlite":
        path = tmp_path / "data" / "partitur.db"
        where, url = {"DATA_DIR": str(path.parent)}, f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("postgres_template")()
        where = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path / "data")}
    history = History()
    with services(tmp_path) as services_url:
        common = environment(services_url, **where)
        deploying = Part(mould, ["deploy", str(ORDER_EXAMPLE / "order-fulfilment.bpmn")], common, tmp_path / "deploy")
        assert deploying.wait() == 0
        ports = [str(free_port()) for _ in weather.roles]
        victims = [Victim(mould, role, {**common, "PORT": port})
                   for role, port in zip(weather.roles, ports, strict=True)]
        doors = [f"http://127.0.0.1:{port}" for role, port in zip(weather.roles, ports, strict=True)
                 if role[0] == "serve"]
        database = Database(url)
        try:
            # given orders that keep coming, while one process after the other is killed
            with Customers(doors, history) as customers:
                until = time.monotonic() + CALM
                while not history.of("start", OK):
                    tend(victims)
                    assert time.monotonic() < until, "no node ever answered"
                    threading.Event().wait(0.1)
                rage(weather, victims, cutter(url) if kind == "postgresql" else None)

            # when it is calm again
            settle(database, victims)
        finally:
            for victim in victims:
                victim.end()

        # then what the clients saw is what there is
        found, effects = found_in(database, services_url)
        database.close()
    invariants.check(url)
    assert histories.problems(history, found) == []
    assert customers.faults == []
    assert sum(victim.deaths for victim in victims) >= 3
    assert all(code == 1 for victim in victims for code in victim.left)
    assert kind == "postgresql" or not any(victim.left for victim in victims)
    done = {}
    for effect in effects:
        done.setdefault(effect["orderId"], set()).add(effect["kind"])
    assert all(kinds in ({"reserve", "authorize", "schedule"}, {"reserve", "release"}) for kinds in done.values())
    assert done.keys() == found.states.keys()
