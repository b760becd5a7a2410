"""What starts by itself, by a timer, a message or a signal, starts once, wherever a node dies."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.acceptance.crash_scenarios import KILLED, NEVER
from tests.acceptance.shop import ROOT
from tests.acceptance.starting_node import TICKS


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.long])])
def live(request, sqlite_template, tmp_path):
    """Runs lives on a fresh database; how each of them ended, and what it said."""
    process = subprocess.Popen([sys.executable, "-m", "tests.acceptance.starting_node"], cwd=ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    databases = request.getfixturevalue("postgres_template") if request.param == "postgresql" else None

    def living(number, *deaths):
        path = tmp_path / f"starts-{number}.db"
        if not databases:
            path.write_bytes(sqlite_template.read_bytes())
        url = databases() if databases else f"sqlite:///{path}"
        process.stdin.write(json.dumps({"url": url, "deaths": [*deaths, NEVER]}) + "\n")
        process.stdin.flush()
        lives = json.loads(process.stdout.readline())
        for code, said in lives:
            assert code is not None, f"a life of {deaths} did not come to an end"
            assert "error" not in said, f"{deaths}\n{said['error']}"
        if databases:
            databases.leave(url)
        return lives

    yield living
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def test_wherever_a_node_dies_what_starts_by_itself_starts_once(live):
    # given
    [(_, undisturbed)] = live(0)
    expected = undisturbed["outcome"]
    assert expected["instances"] == [["called", 1, "ACTIVE", 1], ["hourly", 1, "ACTIVE", TICKS],
                                     ["quickly", 1, "COMPLETED", 1], ["told", 1, "ACTIVE", 1]]
    commits = undisturbed["seen"]["commit"]
    assert commits >= 3 + TICKS

    for number in range(1, commits + 1):
        # when a node dies before a commit, or after the last one, and another one comes up
        for when in ("before", "after") if number == commits else ("before",):
            [(code, _), (_, last)] = live(f"{number}-{when}", ["commit", number, when])

            # then
            assert code == KILLED, (number, when)
            assert last["outcome"] == expected, (number, when)
