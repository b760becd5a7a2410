"""`partitur inbound`: where events come from, and what could not be taken."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from engine.engine import Engine
from engine.inbound import receiving, sources
from engine.inbound.sources import Source
from engine.schema import DEFAULT_TENANT
from web.cli.naming import keyed, named, say_done
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, table


class Action(StrEnum):
    """What to do with sources and with what was set aside."""

    LIST = "list"
    ADD = "add"
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    ASIDE = "aside"
    RETRY = "retry"
    DISCARD = "discard"



def _feel(help: str) -> object:
    return typer.Option(metavar="TEXT", show_default=False, help=help)


def inbound(
    action: Annotated[Action, typer.Argument(show_default=False, help="aside lists what could not be taken.")],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default=False, help="Of a source, or the key of an event.")
    ] = None,
    address: Annotated[
        str | None, typer.Argument(metavar="URL", show_default="a webhook: POST /hooks/NAME",
                                   help="With add: of a broker, such as amqp://host?queue=orders.")
    ] = None,
    message: Annotated[str | None, _feel("With add: the message that it is. FEEL behind '='.")] = None,
    process: Annotated[str | None, _feel("With add: the process to start, instead of a message.")] = None,
    key: Annotated[str | None, _feel("With add: the correlation key, such as '=body.orderId'.")] = None,
    variables: Annotated[str | None, _feel("With add: a context in FEEL, such as '{order: body.id}'.")] = None,
    id: Annotated[str | None, _feel("With add: by what an event is known when it comes twice.")] = None,
    business_id: Annotated[str | None, _feel("With add and --process: the business id.")] = None,
    when: Annotated[str | None, _feel("With add: a condition in FEEL; other events do nothing.")] = None,
    keep: Annotated[
        str | None, typer.Option(metavar="PT1H", show_default="PT1H",
                                 help="With add: how long a message waits for somebody who is not there yet.")
    ] = None,
    proof: Annotated[
        str | None, typer.Option(metavar="KIND", show_default="signature",
                                 help="With add: how senders of a webhook show that they know the secret: signature "
                                      "(Standard Webhooks), hmac or token.")
    ] = None,
    header: Annotated[
        str | None, typer.Option(show_default="X-Hub-Signature-256, or Authorization",
                                 help="With add: the header of hmac or token.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(show_default=False, help="Name of the stored secret: what senders must know, or "
                                                          "user:password of a broker.")
    ] = None,
    tenant: Annotated[
        str, typer.Option(metavar="ID", show_default="the default tenant", help="With add: whose processes get them.")
    ] = DEFAULT_TENANT,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the audit trail.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Take events from webhooks and brokers as messages and starts (docs/EVENTS.md), and what was set aside."""
    with opened() as engine:
        match action:
            case Action.LIST:
                return _list(engine)
            case Action.ASIDE:
                return _aside(engine)
            case Action.ADD:
                made = engine.execute(
                    sources.add, _named(name), address, secret=secret, proof=proof, header=header, tenant_id=tenant,
                    mapping={"message": message, "process": process, "correlation_key": key, "variables": variables,
                             "id": id, "business_id": business_id, "when": when, "keep": keep})
                return answer({"source": made}, lambda console: console.print(
                    f"{made.name} takes events at {made.place}.", markup=False))
            case Action.PAUSE | Action.RESUME:
                engine.execute(sources.pause, _named(name), paused=action is Action.PAUSE, reason=reason or "")
            case Action.REMOVE:
                engine.execute(sources.remove, _named(name), reason or "")
            case Action.RETRY:
                engine.execute(receiving.retry, _key(name), reason or "")
            case Action.DISCARD:
                engine.execute(receiving.discard, _key(name), reason or "")
    say_done(name, action.value, DONE[action])


_named = partial(named, what="a source")
_key = partial(keyed, what="an event", shown_by="partitur inbound aside")
DONE = {Action.PAUSE: "paused", Action.RESUME: "going on", Action.REMOVE: "removed", Action.RETRY: "taken",
        Action.DISCARD: "discarded"}


def _standing(source: Source) -> str:
    return "paused" if source.paused else source.trouble or "fine"


def _list(engine: Engine) -> None:
    found, aside = sources.all_of_them(engine), sources.set_aside_counts(engine)

    def show(console: Console) -> None:
        if not found:
            console.print("Events come from nowhere. `partitur inbound add NAME --secret SECRET` makes a webhook.",
                          markup=False)
            return
        rows = ([each.name, each.place, _standing(each), str(each.received), str(aside.get(each.key, 0))]
                for each in found)
        console.print(table(["source", "place", "standing", "received", "set aside"], rows))

    answer({"sources": [{"source": each, "set_aside": aside.get(each.key, 0)} for each in found]}, show)


def _aside(engine: Engine) -> None:
    found = receiving.all_set_aside(engine)

    def show(console: Console) -> None:
        if not found:
            console.print("Every event that came was taken.", markup=False)
            return
        rows = ([str(row.key), row.source, row.event_id or "", moment(row.received_at), row.error] for row in found)
        console.print(table(["key", "source", "id", "came", "why not"], rows))

    answer({"set_aside": [{"key": str(row.key), "source": row.source, "id": row.event_id, "error": row.error,
                           "received_at": row.received_at, "attempts": row.attempts, "headers": row.headers,
                           "body": row.body} for row in found]}, show)
