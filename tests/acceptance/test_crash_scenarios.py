"""Whatever a process waits for: a node that dies before or after any commit or call loses and repeats nothing.

Each scenario runs once undisturbed, then once for every place where a node can die (a few of them in the ordinary
suite), each time followed by a second life. State, variables, history, jobs, incidents, audit trail and outbox are the
same, and the service's own book has one effect per key. On SQLite the second life goes on from what a death at each
place leaves behind, kept in the undisturbed life; on PostgreSQL, and in the ordinary suite, a process really dies.
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
            return ask(mould, url, scenario, books[-1], deaths)

    return living


def ask(mould, url, scenario, book, deaths=(), **more):
    """What each life said, and the lines of the book."""
    request = {"url": url, "scenario": scenario, "book": str(book), "deaths": [*deaths, NEVER], **more}
    mould.stdin.write(json.dumps(request) + "\n")
    mould.stdin.flush()
    lives = json.loads(mould.stdout.readline())
    for code, said in lives:
        assert code is not None, f"a life of {request} did not come to an end"
        assert "error" not in said, f"{request}\n{said['error']}"
    return lives, book.read_text().splitlines() if book.exists() else []


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
        check_second_life(last, again, expected, lines, place)


def check_second_life(last, again, expected, lines, place):
    """Nothing tells the difference, but that what was called and not noted is called again under its key."""
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
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("scenario", ALL)
def test_whatever_a_death_leaves_behind_on_sqlite_the_instance_ends_as_if_there_was_none(
        mould, sqlite_template, tmp_path, scenario):
    # given what is there before and after each commit and call
    shutil.copy(sqlite_template, tmp_path / "crash.db")
    [(_, undisturbed)], lines = ask(mould, f"sqlite:///{tmp_path / 'crash.db'}", scenario, tmp_path / "book",
                                    remains=str(tmp_path / "remains"))
    expected = undisturbed["outcome"]
    assert all(state != "ACTIVE" for _, _, state, *_ in expected["instances"])
    assert len(lines) == len(set(lines)), "asked twice although nothing happened"
    everywhere = places(undisturbed["seen"])
    assert len(everywhere) == len(list((tmp_path / "remains").iterdir())) >= 4

    for place in everywhere:
        # when another node comes up there
        remains = tmp_path / "remains" / " ".join(map(str, place))
        [(_, last)], again = ask(mould, f"sqlite:///{remains / 'crash.db'}", scenario, remains / "book")

        # then
        check_second_life(last, again, expected, lines, place)
        shutil.rmtree(remains)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("fresh", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("scenario", ALL)
def test_at_every_single_place_where_a_node_can_die_on_postgresql_the_instance_ends_as_if_it_had_not(live, scenario):
    check(live, scenario)


@pytest.mark.long
@pytest.mark.timeout(3_600)
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
