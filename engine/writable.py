"""Tries out whether the database takes what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from engine import schema
from engine.errors import Unavailable

if TYPE_CHECKING:
    from engine.engine import Engine

_q = schema.sequence.c
NOTHING = update(schema.sequence).values(next=_q.next)


class _TakenBack(Exception):
    """What was tried out is not to stay."""


def trouble(engine: Engine) -> str | None:
    """Why nothing can be written; None if it can. Nothing is changed."""
    try:
        with engine.database.write() as connection:
            connection.execute(NOTHING)
            raise _TakenBack
    except _TakenBack:
        return None
    except Unavailable as error:
        return error.why
