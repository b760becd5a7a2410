"""What commands that change files tell the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from engine import entrants, second_factors, sessions
from engine.errors import Unavailable, WrongSchema
from web.cli.group import Refused
from web.cli.opening import opened


def tell(operation: str, kind: str, who: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, *,
         end_sessions: bool = False) -> None:
    """Note who may come in now (`engine.entrants`), and end the sessions of servers that read another copy of the file.

    Who may come in is in the file all the same where no database can be reached; it is said then.
    """
    try:
        with opened() as engine:
            engine.execute(entrants.changed, operation, kind, who, before=before, after=after)
            if kind == "USER" and (before is None or after is None):
                # Neither does somebody new have the second factor of whoever had the name before.
                engine.execute(second_factors.forget_user, who)
            if end_sessions:
                engine.execute(sessions.end_all, who)
    except (Refused, Unavailable, WrongSchema) as error:
        Console(stderr=True, highlight=False).print(
            f"The audit trail does not have it, and servers that read another copy of the file may keep {who} until it "
            f"reaches them: {error}", markup=False)
