"""Random processes through the whole engine: after every transaction the database is in order, at the end nothing is
left, and an engine that forgets every instance between two steps writes the same history as one that remembers."""

from __future__ import annotations

import itertools
import shutil
from datetime import timedelta
from functools import cache, partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import and_, select

from bpmn.model import Dialect
from engine import definitions, incidents, instances, messages, schema, signals
from engine import variables as variables_
from engine.cluster import scheduler
from engine.definitions import Resource
from engine.engine import Engine
from engine.live import Cache
from engine.tasks import user_tasks
from engine.work import activation, jobs
from tests.acceptance import invariants
from tests.bpmn.diagrams import diagram, el, end, flows, start
from tests.conftest import TurnedClock
from tests.interpreter.random_drawing import Drawing
from tests.interpreter.random_models import models
from tests.interpreter.random_parts import PARTS, SECONDS, try_part
from tests.interpreter.random_run import VARIABLES

PATHS = st.lists(st.integers(0, 1_000), min_size=8, max_size=40)
QUICK = settings(deadline=None, max_examples=20, print_blob=True, suppress_health_check=list(HealthCheck))
CALLED = diagram(start("S"), el("userTask", id="Answer"), end("E"), flows("S > Answer > E"), id="Q",
                 platform="Camunda Platform", camunda__historyTimeToLive="1")
MANY = 1_000
STEPS = 300
LOCK = timedelta(minutes=1)
ACTIVE = schema.instances.c.state == "ACTIVE"
UNSOLVED = schema.incidents.c.state == "ACTIVE"
FREE = schema.jobs.c.ended_at.is_(None) & (schema.jobs.c.state == "CREATED")
UNDECIDED = schema.user_tasks.c.ended_at.is_(None)
AWAITED = and_(schema.subscriptions.c.instance_key.is_not(None), schema.subscriptions.c.kind != "CONDITION",
               ~schema.subscriptions.c.attached)
RUNNING = ~schema.timers.c.attached


@cache
def asked(table, *conditions):
    """Rows in the order of their keys. The same question is made once."""
    return select(table).where(*conditions).order_by(table.c.key)


class Office:
    """One engine, and everybody who works with it: workers, people, clocks, senders, operators."""

    def __init__(self, url, model, dialect, *, forgets):
        self.clock = TurnedClock()
        self.engine = Engine(url, clock=self.clock, synchronous="OFF")
        self.forgets = forgets
        self.dialect = dialect
        files = [Resource(name="p.bpmn", content=Drawing(dialect).file(model)),
                 Resource(name="q.bpmn", content=CALLED)]
        self.do(definitions.deploy, files)
        self.key = self.do(instances.start, "P", variables=VARIABLES).key

    def do(self, command, *arguments, **options):
        result = self.engine.execute(command, *arguments, **options)
        self.look()
        return result

    def look(self):
        if self.forgets:
            self.engine.cache = Cache()
        with self.engine.read() as connection:
            broken = invariants.violations(connection)
        assert not broken, broken

    def rows(self, table, *conditions):
        with self.engine.read() as connection:
            return connection.execute(asked(table, *conditions)).all()

    def is_over(self):
        return self.rows(schema.instances, ACTIVE) == []

    def follow(self, path):
        for choice in path:
            if self.is_over():
                return
            options = [*self.ways_on(), *self.disturbances()]
            act, *arguments = options[choice % len(options)]
            act(*arguments, choice // len(options) % 4)
        for number in range(STEPS):
            if self.is_over():
                return
            way = next(self.ways_on(), None)
            assert way, f"nothing can happen: {self.open_things()}"
            act, *arguments = way
            act(*arguments, number % 4)
        raise AssertionError(f"not over after {STEPS} steps: {self.open_things()}")

    def ways_on(self):
        """What brings a token on its way."""
        yield from ((self.resolve, row.key) for row in self.rows(schema.incidents, UNSOLVED))
        yield from ((self.work, row.key) for row in self.rows(schema.jobs, FREE))
        yield from ((self.decide, row.key) for row in self.rows(schema.user_tasks, UNDECIDED))
        yield from ((self.send, row.name) if row.kind == "MESSAGE" else (self.signal,)
                    for row in self.rows(schema.subscriptions, AWAITED))
        yield from ((self.wait, row.due_at) for row in self.rows(schema.timers, RUNNING))

    def open_things(self):
        """What is there, for whoever has to find out why it does not go on."""
        return {
            "elements": [(row.element_id, row.instance_key) for row in self.rows(
                schema.element_instances, schema.element_instances.c.state == "ACTIVE")],
            "jobs": [(row.element_id, row.state) for row in self.rows(
                schema.jobs, schema.jobs.c.ended_at.is_(None))],
            "subscriptions": [(row.element_id, row.kind) for row in self.rows(schema.subscriptions)],
        }

    def disturbances(self):
        """What may happen besides."""
        open_jobs = self.rows(schema.jobs, FREE)
        return [*((self.refuse, row.key) for row in open_jobs), *((self.give_up, row.key) for row in open_jobs),
                *((self.send, row.name) for row in self.rows(schema.subscriptions) if row.kind == "MESSAGE"),
                *((self.wait, row.due_at) for row in self.rows(schema.timers)), (self.signal,), (self.flag,)]

    # -- what they do
    def take(self, key):
        [job] = [job for job in self.do(activation.activate, None, "worker", 100, LOCK) if job.key == key]
        return job

    def work(self, key, value):
        self.do(jobs.complete, key, {"c": value}, lock_token=self.take(key).lock_token)
        self.release()

    def refuse(self, key, value):
        self.do(jobs.throw_error, key, "e", "no", {"c": value}, lock_token=self.take(key).lock_token)
        self.release()

    def give_up(self, key, value):
        self.do(jobs.fail, key, "It broke.", retries=0, lock_token=self.take(key).lock_token)
        self.release()

    def release(self):
        """The worker that took more jobs than it did is gone."""
        self.clock.now += LOCK
        self.do(jobs.release_expired)

    def decide(self, key, value):
        self.do(user_tasks.complete, key, {"c": value})

    def resolve(self, key, value):
        self.do(incidents.resolve, key)

    def send(self, name, value):
        if self.dialect == Dialect.CAMUNDA_8:
            self.do(messages.publish, name, "A-1", {"c": value})
        else:
            self.do(messages.correlate, name, instance_key=self.key, variables={"c": value}, all=True)

    def signal(self, value):
        self.do(signals.broadcast, "s", {"c": value})

    def flag(self, value):
        self.do(variables_.set, self.key, {"flag": value})

    def wait(self, due, value):
        self.clock.now = max(self.clock.now, due)
        scheduler.run_once(self.engine)
        self.look()

    def history(self):
        """Everything that was written, without keys and times."""
        e, v, j, n = (table.c for table in (
            schema.element_instances, schema.variables, schema.jobs, schema.incidents))
        statements = [
            select(e.element_id, e.type, e.state, e.flow_id).order_by(e.position, e.key),
            select(v.name, v.value).where(v.scope_key == v.instance_key).order_by(v.instance_key, v.name),
            select(j.element_id, j.state, j.attempt).order_by(j.key),
            select(n.element_id, n.type, n.message, n.state).order_by(n.key),
            select(schema.audit.c.operation, schema.audit.c.entity).order_by(schema.audit.c.key),
        ]
        with self.engine.read() as connection:
            return [[tuple(row) for row in connection.execute(statement)] for statement in statements]


@pytest.fixture(scope="module")
def fresh(sqlite_template, tmp_path_factory):
    """Makes fresh databases, each of which stays until the one after the next is made."""
    folder = tmp_path_factory.mktemp("random")
    numbers = itertools.count()

    def new():
        number = next(numbers)
        for left in folder.glob(f"{number - 2}.db*"):
            left.unlink()
        shutil.copy(sqlite_template, folder / f"{number}.db")
        return f"sqlite:///{folder / f'{number}.db'}"

    return new


def run(fresh, model, path, dialect):
    histories = []
    for forgets in (False, True):
        office = Office(fresh(), model, dialect, forgets=forgets)
        try:
            office.follow(path)
            histories.append(office.history())
        finally:
            office.engine.close()
    assert histories[0] == histories[1]


@QUICK
@given(models(2), PATHS, st.sampled_from(Dialect))
def test_the_database_is_in_order_after_every_step_of_a_random_process(fresh, model, path, dialect):
    run(fresh, model, path, dialect)


@pytest.mark.long
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("part", PARTS)
def test_the_database_is_in_order_after_every_step_of_many_large_ones(fresh, part):
    try_part(part, MANY, partial(run, fresh), models(3), PATHS, st.sampled_from(Dialect))
