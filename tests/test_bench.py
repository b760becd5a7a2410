"""What `make bench` measures with must measure what it says."""

from __future__ import annotations

import pytest
from sqlalchemy import func, make_url, select

from bench import cases, databases, filling
from bench.figures import Figure
from bench.floor import recording, replay
from engine import schema
from engine.database import Database
from engine.engine import Engine


@pytest.fixture(params=[databases.SQLITE, pytest.param(databases.POSTGRESQL, marks=pytest.mark.postgres)])
def kind(request, monkeypatch) -> str:
    if request.param == databases.POSTGRESQL:
        server = request.getfixturevalue("postgres_server")
        monkeypatch.setattr(databases, "_server", lambda: make_url(server).render_as_string(hide_password=False))
    return request.param


def rows_of(url: str) -> dict[str, list[tuple]]:
    database = Database(url)
    with database.read() as connection:
        found = {table.name: sorted(map(repr, connection.execute(select(table)).fetchall()))
                 for table in schema.metadata.sorted_tables}
    database.close()
    return found


def test_floor_writes_the_very_same_rows(kind):
    [case] = [case for case in cases.CASES if case.name.startswith("user task")]
    url = databases.new_url(kind)
    engine = Engine(url, clock=cases.TurnedClock())
    cases.deploy(engine, case)
    things = case.prepare(engine, 5)
    engine.database.close()
    copy = databases.new_url(kind, like=url)
    with recording(engine) as noted:
        case.run(engine, things)
    engine.close()

    assert len(noted.transactions) == 5
    assert rows_of(copy) != rows_of(url)
    replay(copy, noted)
    assert rows_of(copy) == rows_of(url)
    databases.drop(copy)
    databases.drop(url)


def test_full_database_has_what_it_is_said_to_have(kind):
    url = filling.fill(kind, finished=50, live=100)
    database = Database(url)
    with database.read() as connection:
        def count(table, *conditions) -> int:
            return connection.scalar(select(func.count()).select_from(table).where(*conditions))
        instances = schema.instances.c
        # The originals are there, too: seven that ended, one of them canceled and one called, and five that wait.
        assert count(schema.instances, instances.ended_at.is_not(None)) == 50 + 7
        assert count(schema.instances, instances.state == "TERMINATED") == 1 + 1
        assert count(schema.instances, instances.state == "ACTIVE") == 100 + 5
        assert count(schema.instances, instances.tenant_id == filling.NORTH) == 2 + 2 + 2
        assert count(schema.subscriptions) == 99 + 4
        assert count(schema.timers) == 2 * (99 + 4)
        assert count(schema.incidents) == 1 + 1
        belonging = schema.element_instances.c.instance_key.in_(select(instances.key))
        assert count(schema.element_instances, ~belonging) == 0
        tokens = select(schema.element_instances.c.key)
        assert count(schema.jobs, schema.jobs.c.element_instance_key.not_in(tokens)) == 0
    database.close()
    databases.drop(url)


def test_figure_says_whether_its_target_is_reached():
    def figure(partitur: float, target: str, **more) -> bool | None:
        return Figure(group="g", name="n", unit="ms", partitur=partitur, target=target, **more).reached

    assert figure(3, "≤ 2 × floor", floor=2) is True
    assert figure(5, "≤ 2 × floor", floor=2) is False
    assert figure(1, "≥ 60 ×", stock=61) is True
    assert figure(1, "≥ 60 ×", stock=59) is False
    assert figure(200, "≤ 200 ms") is True
    assert figure(499, "≥ 500") is False
    assert figure(1_000, "≥ 1,000") is True
    assert figure(1, "constant") is None
    assert figure(1, "≤ 2 × floor") is None
