"""Random processes whose instances are modified and migrated on the way: the database stays in order, an engine that
forgets writes what one that remembers does, and a migration to the same process changes nothing that happens."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bpmn.interpreter import Put, Take
from bpmn.model import Dialect
from engine import definitions, instances, schema
from engine.definitions import Resource
from engine.errors import Rejection
from engine.live import Cache
from engine.operations import migration, modification
from tests.acceptance import invariants
from tests.acceptance.test_random_processes import PATHS, QUICK, Office, fresh
from tests.interpreter.random_drawing import Drawing
from tests.interpreter.random_models import models
from tests.interpreter.random_parts import PARTS, SECONDS, try_part

WAITS = "an active instance waits for something or somebody"
"""Not so any more, once somebody took the token that a join waits for."""
FEW = settings(QUICK, max_examples=8, derandomize=True, phases=(Phase.explicit, Phase.generate))
"""The same ones each time, and without shrinking, which takes minutes here: the long test below looks for new ones."""
MANY = 400
__all__ = ["fresh"]


class Movers(Office):
    """One engine, and operators who move what runs in it."""

    moves = 0

    def __init__(self, url, model, dialect, *, forgets, modifies=False):
        self.modifies = modifies
        self.versions = 1
        self.content = Drawing(dialect).file(model)
        super().__init__(url, model, dialect, forgets=forgets)
        [self.elements] = [sorted(definition.process.elements) for definition in [self.definition()]]

    def definition(self):
        with self.engine.read() as connection:
            [row] = self.rows(schema.instances, schema.instances.c.key == self.key)
            return self.engine.programs.get(connection, row.definition_key)

    def look(self):
        if self.forgets:
            self.engine.cache = Cache()
        with self.engine.read() as connection:
            broken = invariants.violations(connection)
        if self.modifies:
            broken.pop(WAITS, None)
        assert not broken, broken

    def disturbances(self):
        return [*super().disturbances(), *([(self.modify,)] * 3 if self.modifies else [])]

    def modify(self, value):
        """Take a token somewhere and put one somewhere else; whatever is refused changes nothing."""
        self.moves += 1
        active = [row.key for row in self.rows(
            schema.element_instances, schema.element_instances.c.state == "ACTIVE",
            schema.element_instances.c.instance_key == self.key)]
        puts = [Put(element=self.elements[(self.moves * 7 + value) % len(self.elements)], after=value == 3)]
        takes = [Take(key=active[self.moves * 5 % len(active)])] if value in (1, 2) and active else []
        before = self.history()
        try:
            self.do(modification.modify, self.key, puts, takes, reason="Because.")
        except Rejection:
            assert self.history() == before

    def migrate(self, deployed):
        self.do(migration.migrate, self.key, deployed, reason="Because.")

    def newer(self):
        """One more version of the same."""
        self.versions += 1
        content = re.sub(rb'id="P"', b'id="P" name="version %d"' % self.versions, self.content, count=1)
        return self.do(definitions.deploy, [Resource(name="p.bpmn", content=content)]).definitions[0].key

    def over_or_stuck(self):
        if not self.is_over():
            self.do(instances.cancel, self.key, "Enough.")
            for _ in range(50):
                if self.is_over():
                    return
                act, *arguments = next(self.ways_on())
                act(*arguments, 0)
            raise AssertionError(f"not cancelled: {self.open_things()}")


class Migrated(Movers):
    """It is migrated to a new version of the same before every step, wherever it is."""

    def step(self):
        [row] = self.rows(schema.instances, schema.instances.c.key == self.key)
        if row.state == "ACTIVE" and self.versions < 8:
            deployed = self.newer()
            try:
                self.migrate(deployed)
            except Rejection as refused:
                if "listeners" not in str(refused):
                    raise

    def ways_on(self):
        self.step()
        return super().ways_on()


def history(office):
    """What was written, but for the audit trail, which tells of the migrations; instance by instance, because the
    places of rows of different ones depend on how often each was saved.
    """
    e = schema.element_instances.c
    elements = select(e.element_id, e.type, e.state, e.flow_id).order_by(e.instance_key, e.position, e.key)
    with office.engine.read() as connection:
        return [[tuple(row) for row in connection.execute(elements)], *office.history()[1:-1]]


def modified(fresh, model, path, dialect):
    histories = []
    for forgets in (False, True):
        office = Movers(fresh(), model, dialect, forgets=forgets, modifies=True)
        try:
            for choice in path:
                if office.is_over():
                    break
                options = [*office.ways_on(), *office.disturbances()]
                act, *arguments = options[choice % len(options)]
                act(*arguments, choice // len(options) % 4)
            office.over_or_stuck()
            histories.append(office.history())
        finally:
            office.engine.close()
    assert histories[0] == histories[1]


def migrated(fresh, model, path, dialect):
    histories = []
    for kind in (Movers, Migrated):
        office = kind(fresh(), model, dialect, forgets=kind is Migrated)
        try:
            office.follow(path)
            histories.append(history(office))
        finally:
            office.engine.close()
    assert histories[0] == histories[1]


@FEW
@given(models(2), PATHS, st.sampled_from(Dialect))
def test_random_modifications_leave_the_database_in_order(fresh, model, path, dialect):
    modified(fresh, model, path, dialect)


@FEW
@given(models(2), PATHS, st.sampled_from(Dialect))
def test_migration_to_the_same_process_changes_nothing_that_happens(fresh, model, path, dialect):
    migrated(fresh, model, path, dialect)


@pytest.mark.long
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("run", [modified, migrated])
def test_many_large_ones_are_moved(fresh, run, part):
    try_part(part, MANY, partial(run, fresh), models(3), PATHS, st.sampled_from(Dialect))
