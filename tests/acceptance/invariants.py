"""What must be so in every database at every moment between two transactions, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import (
    Connection,
    Select,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.exc import DBAPIError

from engine import outages, schema
from engine.database import Database
from tests import limbo
from tests.databases import keeper

P, E, J, U = schema.instances.c, schema.element_instances.c, schema.jobs.c, schema.user_tasks.c
T, S, N, D, V = schema.timers.c, schema.subscriptions.c, schema.incidents.c, schema.deferred.c, schema.variables.c
CHILD = schema.instances.alias("child")
ENDED = P.state != "ACTIVE"


def _of_ended(table, column, *more) -> Select:
    """Rows of a table that are open although their instance has ended."""
    return select(table.c.key).join(schema.instances, P.key == column).where(ENDED, *more)


OPEN_JOB = exists().where(J.instance_key == P.key, J.ended_at.is_(None))
OPEN_TASK = exists().where(U.instance_key == P.key, U.ended_at.is_(None))
OPEN_TIMER = exists().where(T.instance_key == P.key)
OPEN_SUBSCRIPTION = exists().where(S.instance_key == P.key)
OPEN_CHILD = exists().where(CHILD.c.parent_key == P.key, CHILD.c.state == "ACTIVE")
OPEN_INCIDENT = exists().where(N.instance_key == P.key, N.state == "ACTIVE")
COUNTED = select(func.count()).where(N.instance_key == P.key, N.state == "ACTIVE").scalar_subquery()
LIVE_ELEMENT = exists().where(E.key == J.element_instance_key, E.state == "ACTIVE")

RULES: dict[str, Select] = {
    "an ended instance has no open job": _of_ended(schema.jobs, J.instance_key, J.ended_at.is_(None)),
    "an ended instance has no open user task": _of_ended(schema.user_tasks, U.instance_key, U.ended_at.is_(None)),
    "an ended instance has no timer": _of_ended(schema.timers, T.instance_key),
    "an ended instance has no subscription": _of_ended(schema.subscriptions, S.instance_key),
    "an ended instance has no open incident": _of_ended(schema.incidents, N.instance_key, N.state == "ACTIVE"),
    "an ended instance has nothing to do later": _of_ended(schema.deferred, D.instance_key),
    "an ended instance is at no element": _of_ended(schema.element_instances, E.instance_key, E.state == "ACTIVE"),
    "a called instance ends before its caller": select(CHILD.c.key).join(
        schema.instances, P.key == CHILD.c.parent_key).where(ENDED, CHILD.c.state == "ACTIVE"),
    "an ended instance keeps no tokens, an active one does, and each has its times": select(P.key).where(or_(
        and_(ENDED, or_(P.tokens.is_not(None), P.ended_at.is_(None))),
        and_(~ENDED, or_(P.tokens.is_(None), P.ended_at.is_not(None))))),
    "an active instance waits for something or somebody": select(P.key).where(
        ~ENDED, P.steps == 0, P.suspended_at.is_(None), ~or_(
            OPEN_JOB, OPEN_TASK, OPEN_TIMER, OPEN_SUBSCRIPTION, OPEN_CHILD, OPEN_INCIDENT)),
    "an instance knows how many incidents it has": select(P.key).where(P.incident_count != COUNTED),
    "an open job belongs to an element that is active, or says farewell to one": select(J.key).where(
        J.ended_at.is_(None), ~LIVE_ELEMENT, J.listener_event.is_distinct_from(literal_column("'CANCELING'"))),
    "a job that a worker holds has a lock, and no other has": select(J.key).where(
        or_(and_(J.state == "ACTIVATED", or_(J.locked_until.is_(None), J.locked_by.is_(None))),
            and_(J.state != "ACTIVATED", J.locked_until.is_not(None)))),
    "an element that is over has its time": select(E.key).where(
        or_(and_(E.state == "ACTIVE", E.ended_at.is_not(None)), and_(E.state != "ACTIVE", E.ended_at.is_(None)))),
    "an element has an incident as long as it is open": select(E.key).join(
        schema.incidents, N.key == E.incident_key).where(N.state != "ACTIVE"),
    "an effect has one idempotency key": select(J.idempotency_key).group_by(J.idempotency_key).having(
        func.count() > 1),
    "a job that was done has a confirmed effect, and no open one has": select(J.key).where(J.attempt > 0, or_(
        and_(J.state == "COMPLETED", J.effect != "CONFIRMED"),
        and_(J.state.not_in(("COMPLETED", "CANCELED")), J.effect == "CONFIRMED"))),
    "a job in the hands of a worker was sent or is in doubt": select(J.key).where(
        J.state == "ACTIVATED", or_(J.effect.not_in(("SENT", "IN_DOUBT")), J.sent_at.is_(None))),
    "what is settled has its time": select(J.key).where(
        J.effect.in_(("CONFIRMED", "FAILED")), J.attempt > 0, J.settled_at.is_(None)),
    "a call that must not be repeated is not left in the open": select(J.key).where(
        ~J.repeatable, J.effect == "SENT", J.state != "ACTIVATED"),
    "what is open is in the definition that its instance is in": select(P.key).where(P.state == "ACTIVE", or_(
        exists().where(J.instance_key == P.key, J.ended_at.is_(None), J.definition_key != P.definition_key),
        exists().where(E.instance_key == P.key, E.state == "ACTIVE", E.definition_key != P.definition_key))),
    "a variable lives no longer than the element that owns it": select(V.key).join(
        schema.element_instances, E.key == V.scope_key).where(E.state != "ACTIVE", ~V.ended),
}


def _some(rule: str, statement: Select) -> Select:
    """Some of the keys that break a rule, each with the name of the rule."""
    keys = statement.limit(5).subquery()
    return select(literal(rule).label("rule"), cast(keys.c[0], Text).label("key"))


ALL = union_all(*(_some(rule, statement) for rule, statement in RULES.items()))
FULL = select(or_(*(exists().select_from(table) for table in (
    schema.instances, schema.element_instances, schema.jobs, schema.user_tasks, schema.timers, schema.subscriptions,
    schema.incidents, schema.deferred, schema.variables))))
"""Whether there is a row in any of the tables that the rules begin with."""


def violations(connection: Connection) -> dict[str, list[str]]:
    """The rules that are broken, each with some of the keys that break it."""
    found: dict[str, list[str]] = {}
    for rule, key in limbo.rows_of(connection, ALL):
        found.setdefault(rule, []).append(key)
    return found


def check(url: str) -> None:
    """Assert that nothing is broken in the database at an address."""
    with _connected(url) as connection:
        if connection.dialect.name != "sqlite":     # one moment for all rules, though somebody may be at work
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        [[full]] = limbo.rows_of(connection, FULL)
        broken, unexplained = (violations(connection), limbo.violations(connection)) if full else ({}, [])
    assert not broken, f"{url}: {broken}"
    assert not unexplained, f"{url}: {' '.join(unexplained)}"


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    if (kept := keeper(url)) is not None:
        try:
            with kept.connect() as connection:
                yield connection
                connection.commit()     # not rolled back: the driver would forget what it has prepared
        except DBAPIError as error:
            if (outage := outages.of(error)) is None:
                raise
            raise outage from error
        return
    database = Database(url)
    try:
        with database.read() as connection:
            yield connection
    finally:
        database.close()
