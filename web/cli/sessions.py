"""`partitur sessions`: who is logged in in a browser."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from engine import sessions as store
from web.cli.group import Refused
from web.cli.identity import policy
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, table


class Action(StrEnum):
    """What to do with sessions."""

    LIST = "list"
    END = "end"


def sessions(
    action: Annotated[Action, typer.Argument(show_default=False, help="What to do.")],
    key: Annotated[int | None, typer.Argument(metavar="KEY", show_default=False, help="Which one.")] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", show_default=False, help="All of this person.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="All that there are.")] = False,
    json: Json = False,
) -> None:
    """List who is logged in, or end sessions: at once, on every server. Whoever knows a password comes in again."""
    with opened() as engine:
        if action is Action.LIST:
            found = store.present(engine, policy().idle, user)
            rows = ([str(each.key), each.name, moment(each.created_at), moment(each.seen_at), each.address,
                     each.agent[:60]] for each in found)
            return answer({"sessions": found}, lambda console: console.print(
                table(["session", "who", "since", "active", "from", "browser"], rows)))
        if (key is not None) + (user is not None) + everybody != 1:
            raise Refused("Expected either the KEY of a session, --user NAME or --all.")
        if key is not None:
            engine.execute(store.end, key)
            count = 1
        else:
            count = engine.execute(store.end_all, user)

    def show(console: Console) -> None:
        console.print("1 session is over." if count == 1 else f"{count} sessions are over.")

    answer({"ended": count}, show)
