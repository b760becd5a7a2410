"""`partitur events`: where events go, and what could not be delivered."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from engine.engine import Engine
from engine.events import outbox, targets
from engine.events.types import TYPES
from web.cli.naming import keyed, named, say_done
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, table


class Action(StrEnum):
    """What to do with targets and dead events."""

    LIST = "list"
    ADD = "add"
    CHANGE = "change"
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    DEAD = "dead"
    RETRY = "retry"
    RESEND = "resend"
    DISCARD = "discard"


def events(
    action: Annotated[Action, typer.Argument(show_default=False, help="dead lists what could not be delivered, resend "
                                             "sends a target all of it again.")],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default=False, help="Of a target, or the key of a dead event.")
    ] = None,
    address: Annotated[
        str | None, typer.Argument(metavar="URL", show_default=False, help="With add and change.")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="PATTERN", show_default="all",
                                       help="Such as 'partitur.incident.*'. May be given several times.")
    ] = None,
    processes: Annotated[
        list[str] | None, typer.Option("--process", metavar="ID", show_default="all",
                                       help="Only of this process. May be given several times.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(show_default=False, help="Name of the stored secret that signs the events.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why; kept in the audit trail.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Send events to webhooks as CloudEvents (docs/EVENTS.md), and look after those that could not be delivered."""
    with opened() as engine:
        match action:
            case Action.LIST:
                return _list(engine)
            case Action.DEAD:
                return _dead(engine)
            case Action.ADD:
                made = engine.execute(targets.add, _named(name), address or "", types=types or (),
                                      processes=processes or (), secret=secret)
                return answer({"target": made}, lambda console: console.print(
                    f"{made.name} gets events from {moment(made.starts_at)} on.", markup=False))
            case Action.CHANGE:
                engine.execute(targets.change, _named(name), reason or "", address=address, types=types,
                               processes=processes, secret=secret)
            case Action.RESEND:
                engine.execute(outbox.revive_all, _named(name), reason or "")
            case Action.PAUSE | Action.RESUME:
                engine.execute(targets.pause, _named(name), paused=action is Action.PAUSE, reason=reason or "")
            case Action.REMOVE:
                engine.execute(targets.remove, _named(name), reason or "")
            case Action.RETRY:
                engine.execute(outbox.revive, _key(name), reason or "")
            case Action.DISCARD:
                engine.execute(outbox.discard, _key(name), reason or "")
    say_done(name, action.value, DONE[action])


_named = partial(named, what="a target")
_key = partial(keyed, what="a dead event", shown_by="partitur events dead")
DONE = {Action.CHANGE: "changed", Action.RESEND: "sent again", Action.PAUSE: "paused", Action.RESUME: "going on",
        Action.REMOVE: "removed", Action.RETRY: "tried again", Action.DISCARD: "discarded"}


def _list(engine: Engine) -> None:
    found, waiting = targets.all_of_them(engine), outbox.counts(engine)

    def show(console: Console) -> None:
        if not found:
            console.print("No target gets events. `partitur events add NAME URL` adds a webhook.", markup=False)
            console.print(f"Types: {', '.join(TYPES)}.", markup=False, style="dim")
            return
        rows = []
        for target in found:
            count = waiting.get(target.key, outbox.Count())
            rows.append([target.name, target.address, "paused" if target.paused else target.last_error or "fine"
                         if target.failures else "fine", str(target.delivered), str(count.waiting), str(count.dead)])
        console.print(table(["target", "address", "standing", "delivered", "waiting", "dead"], rows))

    answer({"targets": [{"target": target, "outbox": waiting.get(target.key, outbox.Count())} for target in found]},
           show)


def _dead(engine: Engine) -> None:
    found = outbox.dead_letters(engine)

    def show(console: Console) -> None:
        if not found:
            console.print("Every event was delivered, or is still being tried.", markup=False)
            return
        rows = ([str(row.key), row.target, row.type, moment(row.created_at), row.error or ""] for row in found)
        console.print(table(["key", "target", "type", "of", "last error"], rows))

    answer({"dead": [{"key": str(row.key), "target": row.target, "type": row.type, "id": row.event_id,
                      "created_at": row.created_at, "attempts": row.attempts, "error": row.error, "event": row.body}
                     for row in found]}, show)
