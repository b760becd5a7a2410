"""What belongs to some instances: looked up by their keys if these are few, asked of each if they are many."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from engine import schema
from engine.database import Database
from engine.queries.criteria import Criterion, Special, condition
from engine.queries.paging import COUNTED
from engine.wording import one_of

_i, _d = schema.instances.c, schema.definitions.c


def among(database: Database, of: ColumnElement[Any], belonging: Select[int],
           each: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an instance is among those that something belongs to: few are named by their keys; where there are many,
    each is asked. The databases cannot know which is the case."""
    with database.read() as connection:
        keys = connection.scalars(belonging.limit(COUNTED + 1)).all()
        return each if len(keys) > COUNTED else one_of(of, {*keys}, connection)


def of_process(of: ColumnElement[Any], known: ColumnElement[Any], own: ColumnElement[Any]) -> Special:
    """What definitions know of the instances to which something belongs: if these are few, they are known by their
    keys; if they are many, each is asked."""
    def made(database: Database, criterion: Criterion) -> ColumnElement[bool]:
        definitions = select(_d.key).where(condition(known, criterion))
        return among(database, of, select(_i.key).where(_i.definition_key.in_(definitions)), condition(own, criterion))
    return made
