"""A node that is killed just before or after any commit, or any call of a service, loses nothing and repeats nothing.

The order example runs with its real services in a process of their own. First undisturbed, to count its commits and
calls and to see what comes out; then once for every place where it can die, each time followed by a second life.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import sqlite3
import subprocess
import sys
from collections import Counter

import httpx
import pytest

from tests.acceptance import invariants
from tests.acceptance.shop import DECLINED, GOOD, LARGE, NO_CARRIER, ROOT, environment, services

NEVER = ("commit", 0, "before")
SCENARIOS = {
    "fulfilled": (GOOD, None, ["reserve", "authorize", "schedule"]),
    "declined and compensated": (DECLINED, "PAYMENT_DECLINED", ["reserve", "release"]),
    "no carrier, everything compensated": (NO_CARRIER, "NO_CARRIER", ["reserve", "authorize", "void", "release"]),
    "reviewed by a person": (LARGE, None, ["reserve", "authorize", "schedule"]),
}


class Mould:
    """The warm process that forks a node for each life."""

    def __init__(self, services_url):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.crash_node"], cwd=ROOT, env=environment(services_url), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def live(self, url, variables, life=0, death=NEVER):
        request = {"url": url, "variables": variables, "life": life, "death": death}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert not answer["hung"], f"a node did not come to an end: {request}"
        assert "error" not in answer["said"], answer["said"]["error"]
        return answer

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def services_url(tmp_path_factory):
    with services(tmp_path_factory.mktemp("services")) as url:
        yield url


@pytest.fixture(scope="module")
def mould(services_url):
    made = Mould(services_url)
    yield made
    made.close()


@pytest.fixture
def shop(mould, services_url, new_database):
    with httpx.Client(base_url=services_url) as client:
        yield Shop(mould, client, new_database)


class Shop:
    """Takes orders to their end, with or without a death on the way, and looks at what came of them."""

    numbers = itertools.count(1)

    def __init__(self, mould, client, new_database):
        self.mould, self.client, self.new_database = mould, client, new_database

    def order(self, order, *deaths):
        """Run a new order through as many lives as it takes; what came of it, and how the first life went."""
        variables = {**order, "orderId": f"A-{next(self.numbers)}"}
        url = self.new_database()
        lives = []
        for life, death in enumerate([*deaths, NEVER]):
            lives.append(self.mould.live(url, variables, life, death))
            invariants.check(url)
        assert lives[-1]["exit"] == 0
        return Outcome(url, variables["orderId"], self.client), lives


class Outcome:
    """What an order left behind: in the engine's database, and at the services."""

    def __init__(self, url, order, client):
        self.order = order
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            self._rows = connection.execute
            self.engine = self._engine()
            self.keys = {row[0] for row in self._rows("SELECT idempotency_key FROM jobs")}
        self.effects = client.get("/effects", params={"orderId": order}).json()
        self.received = client.get("/recorded", params={"orderId": order}).json()

    def _engine(self):
        """The state, the variables, the history, the audit trail: without keys, times and numbers of attempts."""
        depth = "CASE scope_key WHEN instance_key THEN 'top' ELSE 'inside' END"
        tables = {
            "instance": "SELECT process_id, version, state, end_reason, incident_count FROM instances",
            "variables": f"SELECT name, value, {depth}, ended FROM variables ORDER BY 3, 1",
            "elements": f"SELECT element_id, type, state, flow_id, {depth} FROM element_instances ORDER BY position",
            "jobs": "SELECT element_id, type, state, retries, error_code IS NOT NULL AND error_code != 'LOCK_EXPIRED'"
                    " FROM jobs ORDER BY 1",
            "user_tasks": "SELECT element_id, state FROM user_tasks",
            "audit": "SELECT actor, operation, entity, reason, details FROM audit ORDER BY key",
            "timers": "SELECT element_id FROM timers",
            "definitions": "SELECT process_id, version FROM definitions",
        }
        found = {name: self._rows(statement).fetchall() for name, statement in tables.items()}
        return json.loads(re.sub(r"\b([RPD])-\d+", r"\1-n", json.dumps(found).replace(self.order, "ORDER")))

    @property
    def done(self):
        return [effect["kind"] for effect in self.effects]

    @property
    def calls(self):
        """How often each thing was asked for, by idempotency key."""
        return Counter(
            (re.sub(r"[RPD]-\d+", "n", request["path"]), self._key(request)) for request in self.received)

    def _key(self, request):
        return {name.lower(): value for name, value in request["headers"].items()}["idempotency-key"]


def places(first_life):
    """Every place where a life like this one can end."""
    said = first_life["said"]
    return [(at, number, when) for at in ("commit", "call") for number in range(1, said[at] + 1)
            for when in ("before", "after")]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whenever_a_node_dies_the_order_ends_as_if_it_had_not(shop, scenario):
    # given an order that nothing disturbs
    order, reason, effects = SCENARIOS[scenario]
    expected, [life] = shop.order(order)
    assert expected.engine["instance"][0][2:] == ["COMPLETED", reason, 0]
    assert sorted(expected.done) == sorted(effects)
    assert set(expected.calls.values()) == {1}
    assert life["said"]["call"] == len(expected.received)

    everywhere = places(life)
    assert len(everywhere) >= 2 * (len(expected.engine["jobs"]) * 3 + 2)

    for place in everywhere:
        # when a node dies at this place, and another one comes up
        seen, [first, _] = shop.order(order, place)

        # then it died there, and nothing tells the difference
        assert first["exit"] == 9 or first["said"][place[0]] < place[1], place      # commits may be grouped
        assert_same(seen, expected, place)
        again = 1 if place[0] == "call" and place[2] == "after" else 0
        assert len(seen.received) >= len(expected.received) + again, place


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_however_often_nodes_die_the_order_ends_as_if_they_had_not(shop, scenario):
    # given
    chance = random.Random(scenario)
    order, _, _ = SCENARIOS[scenario]
    expected, [life] = shop.order(order)

    for _ in range(50):
        # when several nodes die, one after the other, each soon after it came up
        deaths = chance.choices(places(life)[:16], k=chance.randint(2, 4))
        seen, _ = shop.order(order, *deaths)

        # then
        assert_same(seen, expected, deaths)


def assert_same(seen, expected, deaths):
    """Nothing tells the difference, and each effect happened once, whatever was asked for twice."""
    assert seen.engine == expected.engine, deaths
    assert sorted(seen.done) == sorted(expected.done), deaths
    assert {path for path, _ in seen.calls} == {path for path, _ in expected.calls}, deaths
    assert len(seen.calls) == len(expected.calls), deaths
    assert {key for _, key in seen.calls} <= seen.keys, deaths
