"""Every door that changes something leaves an entry in the audit trail; a door that nobody knows makes this fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from engine import chain, schema
from engine.engine import Engine
from engine.keyring import Keyring
from tests.web.doors import ACTS, ELSEWHERE, OWN, READS, WHY, WORKERS, World
from web.app import create_app
from web.cli import COMMANDS

ROOT = Path(__file__).parents[2]
_a = schema.audit.c
CHANGE_NOTHING = {("REVEAL", "INSTANCE")}
"""Deeds after which everything is as it was: somebody saw something."""


@pytest.fixture(scope="module")
def world(tmp_path_factory, sqlite_template):
    path = tmp_path_factory.mktemp("doors") / "partitur.db"
    shutil.copy(sqlite_template, path)
    engine = Engine(f"sqlite:///{path}", synchronous="OFF")
    engine.keyring = Keyring([Fernet.generate_key().decode()])
    yield World(create_app(engine, secret_key="test"), engine)
    chain.seal_all(engine)
    assert chain.verify(engine).broken is None
    engine.close()


def newest(world):
    """The key of the newest entry; what is written later has a greater one, because one process writes here."""
    with world.engine.read() as connection:
        return connection.scalar(select(func.max(_a.key))) or 0


def written_since(world, key):
    with world.engine.read() as connection:
        return connection.execute(select(schema.audit).where(_a.key > key)).all()


def contents(world):
    """Every row of every table but those of requests, drafts, tried passwords and keys."""
    if counter := world.app.extensions.get("inbound"):
        counter.flush()     # or it writes in the middle of what is looked at
    found = {}
    with world.engine.read() as connection:
        for table in schema.metadata.sorted_tables:
            if table.name not in ("key_sequence", "requests", "task_drafts", "guesses"):
                found[table.name] = sorted(map(repr, connection.execute(select(table))))
    return found


def mutating(app):
    return {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods - {"GET", "HEAD", "OPTIONS"}}


def test_every_door_is_known(world):
    known = {*ACTS, *WORKERS, *OWN, *(each for many in ELSEWHERE.values() for each in many)}
    doors = {each for each in mutating(world.app) if not READS.fullmatch(each)}
    assert doors - known == set(), "Say in tests/web/doors.py how these doors are opened."
    assert known - doors == set(), "These doors are no longer there."


@pytest.mark.parametrize("endpoint", sorted(ACTS))
def test_door_leaves_an_entry(world, endpoint):
    send = ACTS[endpoint]
    marks = []
    client_open = world.client.open

    def opened(*arguments, **more):
        # What a drive prepares is no news: the last request is the one that is looked at.
        if more.get("method", "GET") != "GET":
            marks.append((newest(world), WHY in str(more.get("json") or more.get("data"))))
        return client_open(*arguments, **more)

    world.client.open = opened
    try:
        response = send(world)
    finally:
        world.client.open = client_open
    assert response.status_code < 400, response.text
    mark, asked_why = marks[-1]
    entries = written_since(world, mark)
    assert entries, f"{endpoint} left no entry"
    silent = {(entry.operation, entry.entity) for entry in entries if entry.before is None and entry.after is None}
    assert silent - CHANGE_NOTHING == set(), f"{endpoint} does not tell what it changed"
    assert not asked_why or any(entry.reason == WHY for entry in entries), entries
    actors = {entry.actor for entry in entries}
    wanted = {"camunda7": "Camunda 7 REST", "camunda8": "Camunda 8 REST", "api": "API", "console": "operator",
              "hooks": "inbound hook"}
    assert wanted[endpoint.partition(".")[0]] in actors


@pytest.mark.parametrize("endpoint", sorted(WORKERS))
def test_what_workers_do_is_in_the_ledger_of_jobs(world, endpoint):
    response = WORKERS[endpoint](world)
    assert response.status_code < 400, response.text
    with world.engine.read() as connection:
        row = connection.execute(select(schema.jobs).order_by(schema.jobs.c.changed_at.desc()).limit(1)).one()
        failures = connection.scalars(select(schema.job_failures.c.worker).where(
            schema.job_failures.c.job_key == row.key)).all()
    assert row.sent_at is not None
    assert row.locked_by == "w" or row.state == "COMPLETED" or row.error_code == "E" or failures == ["w"]


@pytest.mark.parametrize("endpoint", sorted(OWN))
def test_what_is_a_persons_own_changes_nothing_else(world, endpoint):
    world.task()
    before, entries = contents(world), newest(world)
    OWN[endpoint](world)
    after = contents(world)
    if not written_since(world, entries):
        assert before == after


def test_reading_doors_change_nothing(world):
    world.wait("R-1")
    before, sent = contents(world), 0
    for rule in world.app.url_map.iter_rules():
        if READS.fullmatch(rule.endpoint) and "nothing" not in rule.endpoint:
            for method in sorted(rule.methods - {"GET", "HEAD", "OPTIONS"}):
                path = rule.rule.replace("<key>", "1").replace("<id>", "1")
                assert world.client.open(path, method=method, json={}).status_code < 500
                sent += 1
    assert sent > 30
    assert contents(world) == before


@pytest.mark.parametrize("path", sorted(ELSEWHERE))
def test_tests_elsewhere_look_at_the_trail(path):
    text = (ROOT / path).read_text()
    assert "audit" in text or "operation" in text


COMMANDS_THAT_ACT = {
    "deploy", "start", "retry", "care", "decide", "hold", "release", "suspend", "resume", "cancel", "modify", "migrate",
    "pause", "unpause", "restart", "operations", "secrets", "drill", "retention", "events", "inbound", "alerts",
    "sessions", "fire", "deliver", "approvals", "tenants", "users", "tokens", "roles", "upgrade",
}
"""Each is called by test_audit_commands."""
COMMANDS_THAT_DO_NOT = {
    "demo", "serve", "worker", "scheduler", "check", "instances", "show", "incidents", "effects", "templates", "audit",
    "feel", "dmn", "doctor",
}
"""They only read, write files of their own machine, or let others act."""


def test_every_command_is_known():
    assert COMMANDS.keys() <= COMMANDS_THAT_ACT | COMMANDS_THAT_DO_NOT, "Say whether the new commands change something."
    assert not COMMANDS_THAT_ACT & COMMANDS_THAT_DO_NOT
