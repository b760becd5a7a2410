"""A node that is frozen for longer than its locks last does no harm when it goes on.

A worker that is stopped during its call is in test_effects.py; here a whole node stands still inside a transaction,
holding the lock of the instance in PostgreSQL.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from engine import schema
from engine.engine import Engine
from engine.work import jobs
from tests.acceptance.shop import ROOT
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps


@pytest.fixture
def node(postgres_template, clock):
    made = Engine(postgres_template(), clock=clock)
    yield made
    made.close()


@pytest.mark.postgres
def test_a_node_that_froze_while_it_held_an_instance_holds_nobody_up_and_its_late_answer_is_refused(node, clock):
    # given a node that freezes in the transaction in which it answers a job
    steps = Steps(node)
    steps.deploy(process("p", start(), service("work"), service("next"), end()))
    key = steps.start("p")
    [job] = steps.take("work")
    url = node.database.engine.url.render_as_string(hide_password=False)
    zombie = subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance.zombie", url, str(job.key), str(job.lock_token), "0.5"], cwd=ROOT,
        stdout=subprocess.PIPE, text=True)
    try:
        assert zombie.stdout.readline() == "holding\n"

        # when the lock runs out, and another worker does the job
        clock.advance(seconds=31)
        until = time.monotonic() + 30
        while not node.execute(jobs.release_expired):
            assert time.monotonic() < until, "the frozen node is still in the way"
            threading.Event().wait(0.05)
        [again] = steps.take("work")
        node.execute(jobs.complete, again.key, {"by": "another"}, lock_token=again.lock_token)
        assert steps.at(key) == ["next"]

        # then the zombie is told, and nothing of what it did is there
        zombie.send_signal(signal.SIGCONT)
        assert zombie.stdout.readline().startswith("refused: ")
        assert zombie.wait(30) == 0
    finally:
        zombie.kill()
        zombie.wait()
        zombie.stdout.close()
    assert steps.variables(key) == {"by": "another"}
    assert steps.history(key) == ["start", "work", "next"]
    steps.do("next")
    with node.read() as connection:
        assert len(connection.execute(schema.jobs.select()).fetchall()) == 2
    assert steps.left_behind() == {}
