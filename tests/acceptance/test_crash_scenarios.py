"""Whatever a process waits for: a node that dies before or after any commit or call loses and repeats nothing.

Each scenario runs once undisturbed, then once for every place where a node can die (a few of them in the ordinary
suite), each time followed by a second life. State, variables, history, jobs, incidents, audit trail and outbox are the
same, and the service's own book has one effect per key.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.acceptance.crash_scenarios import ALL, KILLED
from tests.acceptance.shop import ROOT
from tests.scenarios.catalogue import SCENARIOS
from tests.scenarios.rarer import RARER

NEVER = ("commit", 0, "before")
SAMPLE = {"sqlite": 2, "postgresql": 1}
"""Places at which a node dies in the ordinary suite, for each scenario."""


@pytest.fixture(scope="module")
def mould():
    process = subprocess.Popen([sys.executable, "-m", "tests.acceptance.crash_scenarios"], cwd=ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    yield process
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def fresh(request, sqlite_template, tmp_path):
    """Lends a fresh database; whoever gives it back has closed everything that was open on it."""
    databases = request.getfixturevalue("postgres_template") if request.param == "postgresql" else None

    @contextmanager
    def lend():
        if databases:
            url = databases()
            yield url
            databases.leave(url)
            return
        path = tmp_path / "crash.db"
        shutil.copy(sqlite_template, path)
        yield f"sqlite:///{path}"
        for left in tmp_path.glob("crash.db*"):
            left.unlink()

    return lend


@pytest.fixture
def live(mould, fresh, tmp_path):
    """Runs a scenario through as many lives as it takes; what came of it."""
    books = []

    def living(scenario, *deaths):
        books.append(tmp_path / f"book-{len(books)}")
        with fresh() as url:
            request = {"url": url, "scenario": scenario, "book": str(books[-1]), "deaths": [*deaths, NEVER]}
            mould.stdin.write(json.dumps(request) + "\n")
            mould.stdin.flush()
            lives = json.loads(mould.stdout.readline())
        for code, said in lives:
            assert code is not None, f"a life of {request} did not come to an end"
            assert "error" not in said, f"{request}\n{said['error']}"
        lines = books[-1].read_text().splitlines() if books[-1].exists() else []
        return lives, lines

    return living


def effects(lines):
    """How often each service acted: once per key, however often it was asked."""
    return Counter(line.split()[0] for line in set(lines))


def places(seen):
    """Every place where a life like this one can end."""
    return [(at, number, when) for at in ("commit", "call") for number in range(1, seen[at] + 1)
            for when in ("before", "after")]


def check(live, scenario, sample=None):
    # given
    [(_, undisturbed)], lines = live(scenario)
    expected = undisturbed["outcome"]
    assert all(state != "ACTIVE" for _, _, state, *_ in expected["instances"])
    assert len(lines) == len(set(lines)), "asked twice although nothing happened"
    everywhere = places(undisturbed["seen"])
    assert undisturbed["seen"]["commit"] >= 2

    for place in everywhere if sample is None else random.Random(scenario).sample(everywhere, sample):
        # when a node dies there and another one comes up
        [(code, _), (_, last)], again = live(scenario, place)

        # then
        assert code == KILLED, place
        assert last["outcome"] == expected, place
        assert effects(again) == effects(lines), place
        assert len(again) - len(lines) in ((1,) if place[::2] == ("call", "after") else (0, 1)), place


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_wherever_a_node_dies_the_instance_ends_as_if_it_had_not(live, scenario, request):
    check(live, scenario, SAMPLE["sqlite" if "sqlite" in request.node.name else "postgresql"])


@pytest.mark.parametrize("fresh", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scenario", RARER)
def test_wherever_a_node_dies_what_is_rarer_ends_as_if_it_had_not(live, scenario):
    check(live, scenario, 1)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", ALL)
def test_at_every_single_place_where_a_node_can_die_the_instance_ends_as_if_it_had_not(live, scenario):
    check(live, scenario)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_however_often_nodes_die_the_instance_ends_as_if_they_had_not(live, scenario):
    # given
    [(_, undisturbed)], lines = live(scenario)
    chance = random.Random(scenario)

    for _ in range(10):
        # when
        deaths = chance.choices(places(undisturbed["seen"])[:8], k=chance.randint(2, 4))
        lives, again = live(scenario, *deaths)

        # then
        assert lives[-1][1]["outcome"] == undisturbed["outcome"], deaths
        assert effects(again) == effects(lines), deaths
