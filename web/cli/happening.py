"""`partitur fire` and `partitur deliver`: let happen by hand what an instance waits for."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.operations import at_once
from engine.operations.at_once import Outcome
from engine.queries import instance, instance_parts
from engine.queries.things import SubscriptionRow
from web.cli.deploying import read_variables
from web.cli.group import Refused
from web.cli.opening import opened
from web.cli.operating import Reason
from web.cli.terminal import Json, answer
from web.cli.watching import Key

At = Annotated[str | None, typer.Option("--at", metavar="ELEMENT", show_default=False, help="Only at this element.")]
MOST = 1_000


def fire(
    key: Key, reason: Reason, at: At = None,
    timer: Annotated[int | None, typer.Option(show_default=False, help="Only the timer with this key.")] = None,
    json: Json = False,
) -> None:
    """Fire the timers that an instance waits for now; one that repeats keeps its later times."""
    given = {name: value for name, value in (("element", at), ("timer", timer)) if value is not None}
    with opened() as engine:
        instance.get(engine, key)
        outcome = at_once.act(engine, "FIRE", given, key, reason, consent=True)
    told(outcome, key, "Fired")


def deliver(
    key: Key,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="Of the message or the signal.")],
    reason: Reason, at: At = None,
    variables: Annotated[str, typer.Option(metavar="JSON|@FILE", help="What comes with it: an object.")] = "{}",
    json: Json = False,
) -> None:
    """Give a message or a signal to one instance that waits for it, whatever its correlation key."""
    content = read_variables(variables)
    with opened() as engine:
        instance.get(engine, key)
        rows: tuple[SubscriptionRow, ...] = tuple(instance_parts.rows(engine, key, "subscriptions", limit=MOST).items)
        parameters = {"subscription": _chosen(rows, name, at), "variables": content}
        outcome = at_once.act(engine, "DELIVER", {name: value for name, value in parameters.items() if value}, key,
                              reason, consent=True)
    told(outcome, key, "Delivered to")


def _chosen(rows: tuple[SubscriptionRow, ...], name: str, at: str | None) -> int:
    """The key of the one subscription that is meant. Raises Refused."""
    meant = [row for row in rows if row.name == name and at in (None, row.element_id)]
    if len(meant) == 1:
        return meant[0].key
    if meant:
        places = ", ".join(sorted({row.element_id for row in meant}))
        raise Refused(f"Expected one element that waits for {name!r}, but {len(meant)} do: {places}. Use --at.")
    waits = ", ".join(sorted({f"{row.name} at {row.element_id}" for row in rows})) or "nothing that can be delivered"
    raise Refused(f"Expected the instance to wait for {name!r}, but it waits for {waits}.")


def told(outcome: Outcome, key: int, word: str) -> None:
    """What became of a deed, and where its report is; exit code 1 if it was not done or failed again."""
    done = outcome.state in ("FIXED", "WATCHING")
    state = outcome.state.lower().replace("_", " ")
    sentence = f"{word} instance {key}." if done else f"Instance {key}: {state}."
    answer(
        {"key": str(key), "operation": str(outcome.operation), "outcome": outcome.state, "sentence": outcome.sentence},
        lambda console: console.print(
            f"{sentence} {outcome.sentence or ''} Report: partitur operations show {outcome.operation}", markup=False),
    )
    if not done:
        raise typer.Exit(1)
