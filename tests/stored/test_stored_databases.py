"""What an earlier release left behind goes on: its databases are upgraded, and every instance in them is finished.

`tests/stored/<release>` was made by `tests.stored.maker` with that release's code and is never changed. What later
versions do better on purpose stands in a file of its own, `corrections.json`.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from engine import messages, pausing, schema, timers, upgrade
from engine.cluster import scheduler
from engine.engine import Engine
from engine.errors import WrongSchema
from tests.acceptance import invariants
from tests.scenarios.catalogue import Scenario
from tests.scenarios.office import Office, OfficeClock

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RELEASES = sorted(path.name for path in HERE.iterdir() if (path / "instances.json").exists())
STORED = {release: json.loads((HERE / release / "instances.json").read_text()) for release in RELEASES}
EVERY_WAIT = {"SERVICE_TASK", "USER_TASK", "INTERMEDIATE_CATCH_EVENT", "CALL_ACTIVITY", "SUB_PROCESS",
              "EVENT_BASED_GATEWAY", "EVENT_SUB_PROCESS", "MULTI_INSTANCE_BODY", "PARALLEL_GATEWAY",
              "AD_HOC_SUB_PROCESS", "TRANSACTION"}


class Left:
    """The database of a release, upgraded, and what is known of its instances."""

    def __init__(self, release, url):
        self.known = STORED[release]
        corrections = HERE / release / "corrections.json"
        self.corrections = json.loads(corrections.read_text()) if corrections.exists() else {}
        self.url = url
        self.clock = OfficeClock(datetime.fromisoformat(self.known["made_at"]))
        with pytest.raises(WrongSchema, match="partitur upgrade") if self.is_old() else nullcontext():
            Engine(url).close()
        subprocess.run([sys.executable, "-m", "web.cli", "upgrade"], cwd=ROOT, check=True, capture_output=True,
                       env={**os.environ, "DATABASE_URL": url})
        self.engine = Engine(url, clock=self.clock, synchronous="OFF")
        # Now, because a signal reaches more than one instance.
        self.at = {office.id: sorted(map(list, office.at()))
                   for name in self.known["scenarios"] for office in self.offices(name)}

    def is_old(self):
        return self.known["schema"] != upgrade.HEAD

    def is_paused(self, process_id):
        with self.engine.read() as connection:
            return process_id in connection.scalars(select(schema.pauses.c.process_id)).all()

    def expected(self, name, id):
        """What an instance of a scenario ends as. What had ended before stays as it was written then."""
        [parked] = [each for each in self.known["instances"] if each["id"] == id]
        better = self.corrections.get(name, {}) if parked["at"] else {}
        return {**self.known["ends"][name], **better}

    def offices(self, name):
        said = self.known["scenarios"][name]
        scenario = Scenario(files=(), answers=said.get("answers", {}), fires=said.get("fires", {}),
                            acts=said.get("acts", {}))
        return [Office(self.engine, self.clock, each["id"], scenario)
                for each in self.known["instances"] if each["scenario"] == name]


def loaded_sqlite(release, folder):
    path = folder / "stored.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(gzip.decompress((HERE / release / "sqlite.sql.gz").read_bytes()).decode())
    connection.close()
    return f"sqlite:///{path}"


def loaded_postgres(release, url):
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.execute(gzip.decompress((HERE / release / "postgresql.sql.gz").read_bytes()))
    return url


@pytest.fixture(scope="module", params=RELEASES)
def release(request):
    return request.param


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def left(request, release, tmp_path_factory):
    if request.param == "sqlite":
        url = loaded_sqlite(release, tmp_path_factory.mktemp("stored"))
    else:
        url = loaded_postgres(release, request.getfixturevalue("postgres_template")())
    made = Left(release, url)
    yield made
    made.engine.close()
    invariants.check(url)


@pytest.mark.parametrize("release", RELEASES, scope="module")
def test_a_release_left_an_instance_at_every_kind_of_wait(release):
    at = {type for each in STORED[release]["instances"] for _, type in each["at"]}
    assert at >= EVERY_WAIT


def test_an_upgraded_database_is_in_order_and_its_tokens_are_where_they_were(left):
    invariants.check(left.url)
    assert left.at == {each["id"]: sorted(each["at"]) for each in left.known["instances"]}


@pytest.mark.parametrize("which", ["some", pytest.param("others", marks=pytest.mark.long)])
def test_what_was_left_at_any_place_ends_as_it_would_have(left, which):
    """Some of each scenario, here and there those of other places; the long tests finish the others, too."""
    offices = [(name, office, (number % 2 + place) % 3 == (not left.engine.database.is_sqlite))
               for number, name in enumerate(left.known["scenarios"])
               for place, office in enumerate(left.offices(name))]
    others = {}
    for name, office, is_some in offices:
        if is_some != (which == "some"):
            continue
        # when
        left.clock.now = datetime.fromisoformat(left.known["made_at"])
        office.finish()

        # then
        outcome = office.outcome()
        expected = left.expected(name, office.id)
        if found := {part: outcome[part] for part in expected if outcome[part] != expected[part]}:
            others[office.id] = (found, expected)
    assert offices
    assert others == {}


def test_processes_go_on_to_start_by_their_timers_and_messages(left):
    # given
    engine = left.engine
    armed = select(schema.timers.c.key, schema.timers.c.due_at).where(schema.timers.c.instance_key.is_(None))
    with engine.read() as connection:
        [timer] = connection.execute(armed).fetchall()

    # when
    left.clock.now = max(left.clock.now, timer.due_at)
    assert engine.execute(timers.trigger, timer.key, None)
    told = engine.execute(messages.publish, "begin")

    # then
    assert len(told.instance_keys) == 1
    started = select(schema.instances.c.process_id).where(
        schema.instances.c.process_id.in_(("every_day", "when_told"))).order_by(schema.instances.c.process_id)
    with engine.read() as connection:
        assert list(connection.scalars(started)) == ["every_day", "when_told"]
        assert connection.execute(armed).one().due_at > timer.due_at
    scheduler.run_once(engine)


def test_what_was_held_while_starts_were_paused_starts_when_they_are_resumed(left):
    if not left.is_paused("when_resumed"):
        pytest.skip("this release paused nothing")
    count = select(func.count()).where(schema.instances.c.process_id == "when_resumed")
    with left.engine.read() as connection:
        assert connection.scalar(count) == 0
    assert pausing.resume(left.engine, "when_resumed", "it goes on") == 1
    with left.engine.read() as connection:
        assert connection.scalar(count) == 1
