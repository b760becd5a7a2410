"""Two commands that really meet: the second one begins when the first has done everything but its commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine as SqlEngine
from sqlalchemy import text

from engine import engine as engines
from engine.database import commit

WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
PATIENCE = 20

Act = Callable[[], Any]


def meet(monkeypatch: Any, watching: SqlEngine, first: Act, second: Act) -> tuple[Any, Any]:
    """What two commands give, or the exceptions that they raise; PostgreSQL only.

    The first one stands still before its commit until the second one is done, or waits for a lock. `watching` is an
    engine of SQLAlchemy on their database, in autocommit, that sees whether somebody waits.
    """
    found: list[Any] = [None, None]
    at_commit, go_on, done = threading.Event(), threading.Event(), threading.Event()
    stood = []

    def stand_still(connection: Any) -> None:
        if threading.current_thread() is threads[0] and not stood:
            stood.append(True)
            at_commit.set()
            assert go_on.wait(PATIENCE)
        commit(connection)

    def run(number: int, act: Act) -> None:
        try:
            found[number] = act()
        except Exception as error:
            found[number] = error
        finally:
            (at_commit if number == 0 else done).set()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate((first, second))]
    with monkeypatch.context() as patch, watching.connect() as connection:
        patch.setattr(engines, "commit", stand_still)
        threads[0].start()
        assert at_commit.wait(PATIENCE)
        threads[1].start()
        while not done.wait(0.005) and not connection.scalar(WAITS):
            pass
        go_on.set()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
    return found[0], found[1]
