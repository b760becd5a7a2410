"""Lives of a node that works on one scenario of `tests.scenarios`, each in a process of its own, which may be killed.

Run as a program it is a warm mould: for each line of JSON on standard input it forks a child that opens the engine on
a database and brings the instance to its end, or dies on the way, as if killed; then another one that comes up after
it. Nothing in the product knows of this: commits are counted at the database driver, calls where they are made.

Of a SQLite file it can also keep what each death would leave, in one life in which nobody dies: the file is then what
it is after a kill, and a life less is to be lived for each place.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from engine.engine import Engine
from engine.work.activation import ActivatedJob
from tests import quick
from tests.acceptance import invariants
from tests.scenarios.catalogue import SCENARIOS
from tests.scenarios.office import Office, OfficeClock, last_moment
from tests.scenarios.rarer import RARER

KILLED = 9
ALL = {**SCENARIOS, **RARER}
NEVER = ["commit", 0, "before"]
PATIENCE = 60.0
"""Seconds that a life may take."""


class Death:
    """Dies just before or just after the commit or call of some number."""

    def __init__(self, at: str, number: int, when: str) -> None:
        self.at, self.number, self.when = at, number, when
        self.seen = {"commit": 0, "call": 0}

    def watch(self, engine: Engine) -> None:
        """Count the commits of an engine, but for those that end a mere reading: after them all is as before."""
        sql, reading = engine.database.engine, threading.local()
        commit = sql.dialect.do_commit

        @event.listens_for(sql, "commit")
        def note(connection: Connection) -> None:
            reading.now = connection.get_execution_options().get("read_only", False)

        def do_commit(connection: Any) -> None:
            if reading.now:
                commit(connection)
            else:
                self.around("commit", lambda: commit(connection))

        sql.dialect.do_commit = do_commit  # type: ignore[method-assign]

    def around(self, at: str, act: Callable[[], Any]) -> None:
        """Do something that counts, if it is still to be done."""
        self.seen[at] += 1
        mine = (self.at, self.number) == (at, self.seen[at])
        if mine and self.when == "before":
            os._exit(KILLED)
        act()
        if mine:
            os._exit(KILLED)


class Remains(Death):
    """Nobody dies: keeps, before and after each commit and call, what a death at this place would leave behind.

    Of SQLite that is the file and its log as they are; what a transaction has written is in neither before its commit.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__(*NEVER)
        self._database, self._book = Path(request["url"].removeprefix("sqlite:///")), Path(request["book"])
        self._folder = Path(request["remains"])

    def around(self, at: str, act: Callable[[], Any]) -> None:
        self.seen[at] += 1
        self._keep(f"{at} {self.seen[at]} before")
        act()
        self._keep(f"{at} {self.seen[at]} after")

    def _keep(self, place: str) -> None:
        kept = self._folder / place
        kept.mkdir(parents=True)
        for file in (self._database, self._database.with_name(f"{self._database.name}-wal"), self._book):
            if file.exists():
                shutil.copy(file, kept)


def live(request: dict[str, Any], death: Death) -> dict[str, Any]:
    """One life, from opening the database to the end of the instance."""
    clock = OfficeClock()
    engine = Engine(request["url"], clock=clock, synchronous="OFF")
    clock.not_before(last_moment(engine) + timedelta(seconds=1))
    invariants.check(request["url"])
    death.watch(engine)

    def call(job: ActivatedJob) -> None:
        # The service keeps its own book: a line for each time it is asked.
        with open(request["book"], "a") as book:
            death.around("call", lambda: (book.write(f"{job.type} {job.idempotency_key}\n"), book.flush()))

    office = Office(engine, clock, "I-1", ALL[request["scenario"]], call=call)
    office.deploy()
    office.listen()
    office.start()
    office.finish()
    seen = dict(death.seen)
    outcome = office.outcome()
    engine.close()
    invariants.check(request["url"])
    return {"seen": seen, "outcome": outcome}


def child(request: dict[str, Any], death: Death) -> tuple[int | None, dict[str, Any]]:
    """Fork a process for a life, and wait for its end: exit code (None: it hung), and what it said."""
    mine, its = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(mine)
        try:
            said, code = live(request, death), 0
        except BaseException:
            said, code = {"error": traceback.format_exc()}, 1
        with os.fdopen(its, "w") as answer:
            json.dump(said, answer)
        os._exit(code)
    os.close(its)
    ready, _, _ = select.select([mine], [], [], PATIENCE)
    if not ready:
        os.kill(process, signal.SIGKILL)
    content = b"".join(iter(lambda: os.read(mine, 65536), b""))
    os.close(mine)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status) if ready else None, json.loads(content) if content else {}


def alone(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A life in this process."""
    try:
        return 0, live(request, Remains(request) if request.get("remains") else Death(*NEVER))
    except Exception:
        return 1, {"error": traceback.format_exc()}


def main() -> None:
    """Serve requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)       # what a node logs is no answer
    quick.share()
    quick.keep()
    for line in sys.stdin:
        request = json.loads(line)
        if request["deaths"] == [NEVER]:
            # Nothing ends it early. What it compiles here, those that are forked afterwards need not compile again.
            lives = [alone(request)]
        else:
            lives = [child(request, Death(*death)) for death in request["deaths"]]
        answers.write(json.dumps(lives) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
