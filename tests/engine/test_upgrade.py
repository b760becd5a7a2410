"""The schema: set up by itself, checked at start, upgraded on request only."""

from __future__ import annotations

import os
import re
import socket
import threading
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text, update

from engine import schema, upgrade
from engine.clock import system_clock
from engine.cluster import nodes
from engine.database import Database
from engine.engine import Engine
from engine.errors import WrongSchema

WITH_EXPRESSIONS = ("ix_jobs_due", "ix_instances_duration", "ix_instances_tags", "ix_instances_by_duration",
                    "ix_instances_by_tags", "ix_variables_number")


def test_fresh_database_sets_itself_up(tmp_path):
    engine = Engine(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.read() as connection:
        assert upgrade.revision(connection) == upgrade.HEAD
    engine.close()


def test_revisions_make_the_tables_that_the_engine_uses(engine):
    with engine.database.write() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        # Alembic cannot compare indexes that have an expression in them; test_instance_orders does.
        # PgQueuer's tables are not ours to describe.
        differences = [change for change in compare_metadata(context, schema.metadata)
                       if not any(name in str(change) for name in (*WITH_EXPRESSIONS, "partitur_pgqueuer"))]
    assert differences == []


def test_head_is_the_newest_revision():
    assert ScriptDirectory(str(upgrade.REVISIONS)).get_current_head() == upgrade.HEAD


@pytest.mark.parametrize(("revision", "hint"), [("0001", "partitur upgrade"), ("9999", "a newer one made it")])
def test_database_of_another_version_is_refused(engine, clock, database_url, revision, hint):
    with engine.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    with pytest.raises(WrongSchema, match=hint):
        Engine(database_url, clock=clock)


def test_upgrade_brings_nothing_new_to_a_database_that_is_up_to_date(engine):
    assert upgrade.upgrade(engine.database) == (upgrade.HEAD, upgrade.HEAD)


def test_database_of_a_newer_version_is_not_touched(engine):
    with engine.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WrongSchema, match="9999"):
        upgrade.upgrade(engine.database)


def test_tables_do_not_change_under_nodes_that_know_the_old_ones(either_url, monkeypatch):
    # given a database of before that a node serves
    engine = Engine(either_url)
    engine.execute(nodes.join, nodes.Node(roles=["web"]))
    migrated = []
    monkeypatch.setattr(upgrade, "_migrate", migrated.append)
    with engine.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0033'"))

    # then it is not upgraded, and the node is named
    with pytest.raises(WrongSchema, match=re.escape(f"{socket.gethostname()}:{os.getpid()} (web)")):
        upgrade.upgrade(engine.database)
    assert not migrated

    # but it is when the node was killed a while ago
    with engine.database.write() as connection:
        connection.execute(update(schema.nodes).values(seen_at=system_clock() - nodes.DEAD - timedelta(seconds=5)))
    assert upgrade.upgrade(engine.database) == ("0033", upgrade.HEAD)
    assert len(migrated) == 1
    with engine.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": upgrade.HEAD})
    engine.close()


def test_database_with_tables_of_somebody_else_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE jobs (x INTEGER)"))
    database.close()
    with pytest.raises(WrongSchema, match="'jobs'"):
        Engine(url)


def test_two_processes_may_set_up_a_database_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'new.db'}"
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            Engine(url).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
