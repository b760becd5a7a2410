"""`partitur effects`, `decide`, `hold` and `release`: what services did, and what operators do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from engine.errors import WrongState
from engine.operations import at_once
from engine.queries import effects, lists, used
from engine.states import EffectState
from engine.work import holds
from web.cli.deploying import read_variables
from web.cli.opening import opened
from web.cli.operating import Reason
from web.cli.terminal import Json, answer, moment, table
from web.cli.watching import Limit, Offset

Service = Annotated[str, typer.Argument(metavar="SERVICE", show_default=False, help="Its name, the job type.")]


class Outcome(StrEnum):
    """What an operator decides about a call in doubt."""

    ASK = "ask"
    REPEAT = "repeat"
    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did-not-happen"


DECISIONS = {Outcome.ASK: "ASK", Outcome.REPEAT: "REPEAT", Outcome.HAPPENED: "HAPPENED",
             Outcome.DID_NOT_HAPPEN: "NOT_HAPPENED"}
"""What the operation that decides calls each of them."""


def list_effects(
    service: Annotated[str | None, typer.Option(help="Of this service only.", show_default=False)] = None,
    state: Annotated[
        list[EffectState] | None,
        typer.Option(help="In this state; several times: any of them.", show_default=False, case_sensitive=False),
    ] = None,
    instance_key: Annotated[
        int | None, typer.Option("--instance", help="Of this instance.", show_default=False)
    ] = None,
    limit: Limit = 50,
    offset: Offset = 0,
    json: Json = False,
) -> None:
    """List what services did, or may have done: the effects ledger, the newest first."""
    with opened() as engine:
        page = effects.effects(
            engine, service=service, states=state or (), instance_key=instance_key, limit=limit, offset=offset
        )
        held = holds.all_of_them(engine)

    def show(console: Console) -> None:
        for hold in held:
            console.print(f"{hold.service} is held by {hold.held_by}: {hold.reason}", markup=False)
        if not page.items:
            console.print("No service was called yet.")
            return
        columns = ["job", "instance", "service", "element", "effect", "attempts", "sent", "settled", "idempotency key"]
        console.print(
            table(
                columns,
                (
                    [
                        row.key,
                        row.instance_key,
                        row.service,
                        row.element_id,
                        row.effect.lower().replace("_", " ") + (", undone" if row.compensated_by else ""),
                        row.attempt,
                        moment(row.sent_at),
                        moment(row.settled_at),
                        row.idempotency_key,
                    ]
                    for row in page.items
                ),
            )
        )

    answer({"total": page.total, "more": page.more, "effects": page.items, "held": held}, show)


def decide(
    key: Annotated[int, typer.Argument(metavar="INCIDENT", show_default=False, help="That of a call in doubt.")],
    outcome: Annotated[Outcome, typer.Argument(show_default=False, help="Ask the service, repeat, or what happened.")],
    reason: Reason,
    variables: Annotated[
        str, typer.Option(metavar="JSON|@FILE", help="With 'happened': what the service would have given.")
    ] = "{}",
    json: Json = False,
) -> None:
    """Decide about a call that may have taken effect and must not be made twice."""
    given = read_variables(variables)
    if given and outcome is not Outcome.HAPPENED:
        raise WrongState("Expected variables only for a call that happened, but they were given for another outcome.")
    with opened() as engine:
        incident = lists.incident(engine, key)
        parameters = {"incident": key, "decision": DECISIONS[outcome], **({"variables": given} if given else {})}
        at_once.act(engine, "DECIDE", parameters, incident.instance_key, reason, consent=True)
    answer(
        {"incident_key": str(key), "instance_key": str(incident.instance_key), "decided": outcome},
        lambda console: console.print(f"Decided: {outcome}. Instance {incident.instance_key} goes on."),
    )


def hold(service: Service, reason: Reason, json: Json = False) -> None:
    """Hand out no more jobs of a service; they wait and lose no attempt."""
    with opened() as engine:
        used.check_known(engine, service)
        at_once.act_on_service(engine, "HOLD", service, reason)
    answer({"service": service, "held": True}, lambda console: console.print(f"{service} is held.", markup=False))


def release(service: Service, reason: Reason, json: Json = False) -> None:
    """Hand out the jobs of a service again, few at first."""
    with opened() as engine:
        at_once.act_on_service(engine, "RELEASE", service, reason)
    answer({"service": service, "held": False}, lambda console: console.print(f"{service} is released.", markup=False))
