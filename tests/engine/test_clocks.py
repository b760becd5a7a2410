"""Clocks that are wrong: nodes an hour apart agree on the database's time, and a clock that jumps loses nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances
from engine.clock import system_clock
from engine.cluster import agreed, nodes
from engine.cluster.agreed import NOTICED, AgreedClock
from engine.cluster.nodes import Node, Pulse
from engine.cluster.scheduler import run_once
from engine.database import Database
from engine.engine import Engine
from engine.errors import Unavailable
from engine.queries.standing import standing
from engine.work import activation, jobs
from tests.engine.drawing import catch, end, process, service, start, timer
from tests.engine.steps import Steps
from tests.proxy import Proxy

HOUR = timedelta(hours=1)
NEAR = timedelta(minutes=1)
"""Clocks that agree differ by less on the slowest machine."""


def ahead(by):
    return lambda: system_clock() + by


class Ticks:
    """A monotonic clock that is turned by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def apart(postgres_url):
    """Two nodes whose machines are two hours apart."""
    made = [Engine(postgres_url), Engine(postgres_url)]
    for engine, by in zip(made, (HOUR, -HOUR), strict=True):
        engine.clock = AgreedClock(engine.database, ahead(by))
    yield made
    for engine in made:
        engine.close()


@pytest.mark.postgres
def test_nodes_whose_machines_are_hours_apart_agree(apart):
    one, two = apart
    assert abs(one.clock() - two.clock()) < NEAR
    assert abs(one.clock() - system_clock()) < NEAR     # the server is on this machine


@pytest.mark.postgres
@pytest.mark.parametrize("armed_by", [0, 1])
def test_timer_fires_neither_early_nor_late_whichever_node_looks(apart, armed_by):
    # given
    steps = Steps(apart[armed_by])
    steps.deploy(process("wait", start(), catch("later", timer("Duration", "PT30M")), end()))
    key = steps.start("wait")

    # when nodes look whose machines think that it is an hour later, or earlier
    for node in apart:
        run_once(node)

    # then it waits
    assert steps.at(key) == ["later"]

    # and when its time has come by the clock of all
    for node in apart:
        clock = node.clock
        node.clock = lambda clock=clock: clock() + timedelta(minutes=31)
    run_once(apart[1 - armed_by])
    assert steps.state(key) == "COMPLETED"


@pytest.mark.postgres
@pytest.mark.parametrize("holder", [0, 1])
def test_lock_of_a_job_holds_against_nodes_with_another_time(apart, holder):
    mine, other = apart[holder], apart[1 - holder]
    steps = Steps(mine)
    steps.deploy(process("work", start(), service("do"), end()))
    key = steps.start("work")
    [job] = mine.execute(activation.activate, ["do"], worker="mine", lock=timedelta(minutes=5))
    assert other.execute(jobs.release_expired) == 0
    assert other.execute(activation.activate, ["do"], worker="other") == []
    mine.execute(jobs.complete, job.key, {}, lock_token=job.lock_token)
    assert steps.state(key) == "COMPLETED"


@pytest.mark.postgres
def test_nodes_tell_how_wrong_the_clocks_of_their_machines_are(apart):
    keys = [engine.execute(nodes.join, Node(roles=["web"])) for engine in apart]
    seen = {node.key: node.clock_ahead for node in standing(apart[0]).nodes}
    assert abs(seen[keys[0]] - HOUR) < NEAR
    assert abs(seen[keys[1]] + HOUR) < NEAR
    assert abs(standing(apart[0]).clock_ahead - HOUR) < NEAR
    assert standing(apart[0]).timer_lag == timedelta()


@pytest.mark.postgres
def test_clock_of_a_machine_that_is_set_moves_nothing(postgres_url):
    database, ticks, by = Database(postgres_url), Ticks(), [timedelta()]
    clock = AgreedClock(database, lambda: system_clock() + by[0], ticks)
    before = clock()
    for jump in (HOUR, -HOUR, timedelta(days=400)):
        by[0] = jump
        assert clock() == before
    ticks.now += 2.5
    assert clock() == before + timedelta(seconds=2.5)
    database.close()


@pytest.mark.postgres
def test_clock_follows_the_database_s_when_ticks_went_missing(postgres_url):
    # given a machine that slept for a week: its ticks stood still
    database, ticks = Database(postgres_url), Ticks()
    slept = timedelta(days=7)
    clock = AgreedClock(database, system_clock, ticks)
    clock._set_to = clock() - slept, ticks.now

    # when it beats
    moved = clock.agree()

    # then it is awake
    assert abs(moved - slept) < NEAR
    assert abs(clock() - system_clock()) < NEAR
    assert clock.agree() == timedelta()
    database.close()


class Shown:
    """A database whose clock shows what a test says, after so long on the way."""

    def __init__(self, ticks, shows, way):
        self.ticks, self.shows, self.way = ticks, shows, iter(way)

    def read(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def clock(self, connection, now):
        self.ticks.now += next(self.way)
        return self.shows(), timedelta()


def test_difference_that_the_way_explains_is_none():
    ticks, machine = Ticks(), system_clock()
    clock = AgreedClock(Shown(ticks, lambda: machine + timedelta(seconds=4), [10, 12, 11]), lambda: machine, ticks)
    assert clock() == machine + timedelta(seconds=33)


def test_quickest_answer_counts():
    ticks, machine = Ticks(), system_clock()
    shows = iter([machine + 2 * HOUR, machine + HOUR, machine + 3 * HOUR])
    clock = AgreedClock(Shown(ticks, lambda: next(shows), [10, 2, 10]), lambda: machine, ticks)
    assert clock() == machine + HOUR + timedelta(seconds=11)


def test_least_difference_is_not_followed():
    ticks, machine = Ticks(), system_clock()
    assert AgreedClock(Shown(ticks, lambda: machine + NOTICED, [0] * 3), lambda: machine, ticks)() == machine
    more = NOTICED + timedelta(milliseconds=1)
    assert AgreedClock(Shown(ticks, lambda: machine + more, [0] * 3), lambda: machine, ticks)() == machine + more


@pytest.mark.postgres
def test_clock_goes_on_while_the_database_is_away_and_agrees_again_after(postgres_url):
    proxy = Proxy(postgres_url)
    engine = Engine(proxy.url)
    engine.clock = clock = AgreedClock(engine.database, ahead(HOUR))
    pulse = Pulse(engine, Node(roles=["web"]))
    proxy.down()
    with pytest.raises(Unavailable):
        clock.agree()
    pulse._beat()   # says so in the log, and stays
    assert abs(clock() - system_clock()) < NEAR
    clock._set_to = clock() + HOUR, clock._set_to[1]
    proxy.up()
    pulse._beat()
    assert abs(clock() - system_clock()) < NEAR
    pulse.stop()
    engine.close()
    proxy.close()


def test_sqlite_goes_by_the_clock_of_its_one_machine(sqlite_url):
    engine = Engine(sqlite_url)
    agreed.join(engine)
    assert engine.clock is system_clock
    engine.close()


# --- a clock that jumps, on both databases ---


def test_clock_that_jumps_back_delays_but_loses_and_repeats_nothing(engine, steps, clock):
    # given a timer, a job under way, and a job that is to be tried again
    steps.deploy(process("wait", start(), catch("later", timer("Duration", "PT10M")), end()))
    steps.deploy(process("work", start(), service("do"), end()))
    steps.deploy(process("retry", start(), service("again"), end()))
    waiting, working, retrying = (steps.start(name) for name in ("wait", "work", "retry"))
    [job] = steps.take("do")
    [tried] = steps.take("again")
    engine.execute(jobs.fail, tried.key, "not now", retry_in=timedelta(minutes=5), lock_token=tried.lock_token)

    # when the clock jumps an hour back
    clock.advance(hours=-1)
    during = engine.execute(instances.start, "wait").key
    run_once(engine)

    # then nothing is taken from anybody, nothing fires
    assert [steps.at(key) for key in (waiting, working, retrying, during)] == [["later"], ["do"], ["again"], ["later"]]
    assert steps.take("do") == steps.take("again") == []
    engine.execute(jobs.complete, job.key, {}, lock_token=job.lock_token)
    assert steps.state(working) == "COMPLETED"

    # and what is armed now falls due in its time, what was armed before in its own
    clock.advance(minutes=11)
    run_once(engine)
    assert (steps.state(during), steps.state(waiting)) == ("COMPLETED", "ACTIVE")
    clock.advance(hours=1)
    run_once(engine)
    assert steps.state(waiting) == "COMPLETED"
    steps.do("again")
    assert steps.state(retrying) == "COMPLETED"
    assert steps.left_behind() == {}


def test_clock_that_jumps_ahead_and_back_fires_each_timer_once(engine, steps, clock):
    steps.deploy(process("wait", start(), catch("later", timer("Duration", "PT10M")), service("do"), end()))
    key = steps.start("wait")
    clock.advance(hours=1)
    run_once(engine)
    [job] = steps.take("do")
    clock.advance(hours=-1)
    run_once(engine)
    clock.advance(minutes=11)
    run_once(engine)
    assert steps.take("do") == []
    engine.execute(jobs.complete, job.key, {}, lock_token=job.lock_token)
    assert steps.state(key) == "COMPLETED"
    assert steps.history(key) == ["start", "later", "do", "end"]
