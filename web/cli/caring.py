"""`partitur care`: who takes care of an incident, or of all that are open with a fingerprint."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from engine import care as commands
from engine.engine import Engine
from engine.errors import InvalidInput
from engine.queries.failures import outage
from web.cli.group import Refused
from web.cli.opening import opened
from web.cli.terminal import Json, answer

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def care(
    which: Annotated[
        str, typer.Argument(metavar="KEY", show_default=False, help="The key of an incident, or a fingerprint.")
    ],
    acknowledge: Annotated[
        bool | None, typer.Option("--acknowledge/--withdraw", help="Somebody has seen it; or not.", show_default=False)
    ] = None,
    assign: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Whose it is; '' for nobody's.", show_default=False)
    ] = None,
    snooze: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="It calls nobody for 30m, 4h, 2d or 1w; 0 ends that.", show_default=False),
    ] = None,
    ticket: Annotated[
        str | None, typer.Option(metavar="TICKET", help="An address or number; '' for none.", show_default=False)
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A note, for all to read.", show_default=False)
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; the audit trail keeps it.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Acknowledge, assign, snooze or note an incident, or all open ones with a fingerprint."""
    if acknowledge is None and assign is None and snooze is None and ticket is None and note is None:
        raise Refused("Expected something to do: --acknowledge, --withdraw, --assign, --snooze, --ticket or --note.")
    with opened() as engine:
        target = _meant(engine, which)
        pause = None if snooze is None else _span(snooze)
        count = 0
        if acknowledge is not None:
            count = engine.execute(commands.acknowledge if acknowledge else commands.withdraw, target, reason)
        if assign is not None:
            count = engine.execute(commands.assign, target, assign, reason)
        if pause is not None:
            count = engine.execute(commands.snooze, target, engine.clock() + pause if pause else None, reason)
        if ticket is not None:
            count = engine.execute(commands.set_ticket, target, ticket, reason)
        if note is not None:
            count = engine.execute(commands.annotate, target, note)
    answer({"incidents": count}, lambda console: console.print(
        f"Done, for {count} {'incident' if count == 1 else 'incidents'}."))


def _meant(engine: Engine, which: str) -> int | str:
    """A fingerprint may be all digits; then it is one if incidents have it."""
    if which.isdecimal() and len(which) < 19 and outage(engine, which) is None:
        return int(which)
    return which


def _span(text: str) -> timedelta:
    """How long; nothing if it is to end. Raises InvalidInput."""
    if text == "0":
        return timedelta()
    found = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", text.strip())
    if found is None:
        raise InvalidInput(f"Expected a time such as 30m, 4h, 2d or 1w, or 0, but found {text[:40]!r}.")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
