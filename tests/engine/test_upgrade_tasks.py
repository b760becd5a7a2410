"""User tasks that were open before candidates had rows of their own are found by their candidates afterwards."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from engine import upgrade
from engine.database import Database
from engine.engine import Engine
from engine.queries import tasks
from engine.queries.tasks import TaskCriteria

TASK = """INSERT INTO user_tasks (key, instance_key, element_instance_key, definition_key, process_id, element_id,
    partition_key, tenant_id, state, candidate_users, candidate_groups, priority, created_at, ended_at)
    VALUES (:key, 1, :key, 1, 'p', 't', 0, '<default>', :state, '["ada"]', '["sales", "sales", "law"]', 50, 0,
    :ended)"""


def test_candidates_of_open_tasks_become_rows(tmp_path):
    # given a database of before, with a task that is open and one that is over
    url = f"sqlite:///{tmp_path / 'old.db'}"
    database = Database(url)
    with database.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(upgrade.REVISIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(text(TASK), [{"key": 1, "state": "CREATED", "ended": None},
                                        {"key": 2, "state": "COMPLETED", "ended": 1}])

    # when
    upgrade.upgrade(database)

    # then
    with database.read() as connection:
        rows = {tuple(row) for row in connection.execute(text("SELECT * FROM task_candidates"))}
    assert rows == {(1, "USER", "ada"), (1, "GROUP", "sales"), (1, "GROUP", "law")}
    database.close()
    engine = Engine(url)
    assert tasks.counts(engine, [TaskCriteria(candidate_group="law"), TaskCriteria(candidate_group="it")]) == [1, 0]
    engine.close()
