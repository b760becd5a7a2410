"""Lives of a node that starts instances by timers, messages and signals, each in a process of its own, which may be
killed. Run as a program it is a warm mould, as `tests.acceptance.crash_scenarios` is, for requests of a database and of
the deaths that its lives die on it.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from engine import definitions, messages, requests, schema, signals
from engine.cluster import scheduler
from engine.engine import Engine
from tests import quick
from tests.acceptance import crash_scenarios, invariants
from tests.acceptance.crash_scenarios import NEVER, Death
from tests.engine.drawing import end, file, message, message_of, process, service, signal, signal_of, start, timer
from tests.scenarios.office import OfficeClock, last_moment

TICKS = 3
FILE = file(
    message_of("m", "go"), signal_of("g", "all"),
    process("hourly", start("tick", timer("Cycle", f"R{TICKS}/PT1H")), service("a"), end("e1")),
    process("told", start("heard", message("m")), service("b"), end("e2")),
    process("called", start("called_by", signal("g")), service("c"), end("e3")),
    process("quickly", start("at_once", signal("g")), end("e4")))


def live(request: dict[str, Any], death: Death) -> dict[str, Any]:
    """One life, until every timer has fired."""
    clock = OfficeClock()
    engine = Engine(request["url"], clock=clock, synchronous="OFF")
    clock.not_before(last_moment(engine) + timedelta(seconds=1))
    death.watch(engine)
    engine.execute(definitions.deploy, [FILE])
    with requests.under(requests.Request("told", "told")):
        engine.execute(messages.publish, "go", "", {"by": "message"})
    with requests.under(requests.Request("called", "called")):
        engine.execute(signals.broadcast, "all", {"by": "signal"})
    due = select(func.min(schema.timers.c.due_at)).where(schema.timers.c.instance_key.is_(None))
    while (at := _first(engine, due)) is not None:
        clock.not_before(at)
        scheduler.run_once(engine)
    seen = dict(death.seen)
    i, v = schema.instances.c, schema.variables.c
    with engine.read() as connection:
        outcome = {
            "instances": [list(row) for row in connection.execute(
                select(i.process_id, i.version, i.state, func.count()).group_by(
                    i.process_id, i.version, i.state).order_by(i.process_id))],
            "variables": [list(row) for row in connection.execute(select(i.process_id, v.name, v.value).join(
                schema.instances, i.key == v.instance_key).order_by(i.process_id, v.name))],
            "jobs": [list(row) for row in connection.execute(
                select(schema.jobs.c.type, func.count()).group_by(schema.jobs.c.type).order_by(schema.jobs.c.type))],
        }
    engine.close()
    invariants.check(request["url"])
    return {"seen": seen, "outcome": outcome}


def _first(engine: Engine, statement: Any) -> Any:
    with engine.read() as connection:
        return connection.scalar(statement)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)       # what a node logs is no answer
    quick.share()
    quick.keep()
    vars(crash_scenarios)["live"] = live
    for line in sys.stdin:
        told = json.loads(line)
        if told["deaths"] == [NEVER]:
            # What it compiles here, those that are forked afterwards need not compile again.
            lives = [crash_scenarios.alone(told)]
        else:
            lives = [crash_scenarios.child(told, Death(*each)) for each in told["deaths"]]
        answers.write(json.dumps(lives) + "\n")
        answers.flush()
