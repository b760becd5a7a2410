"""`partitur alerts`: rules on what is measured, told to people."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from engine.alerts import rules
from engine.alerts.measures import MEASURES
from engine.alerts.rules import AlertRule
from engine.engine import Engine
from web.cli.naming import named
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, table


class Action(StrEnum):
    """What to do with rules."""

    LIST = "list"
    ADD = "add"
    DISABLE = "disable"
    ENABLE = "enable"
    REMOVE = "remove"


def alerts(
    action: Annotated[Action, typer.Argument(show_default=False, help="What to do.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", show_default=False, help="Whose.")] = None,
    measure: Annotated[
        str | None, typer.Option(metavar="MEASURE", show_default=False, help=f"With add: {', '.join(MEASURES)}.")
    ] = None,
    query: Annotated[
        str | None, typer.Option("--of", metavar="QUERY", show_default=False, help="With --measure list: the address "
                                 "of a list, such as '/tasks?view=overdue'. With --measure metric: a metric, such as "
                                 "'partitur_jobs_answered_total{outcome=\"retried\"}', a percentile such as "
                                 "'p95 of partitur_job_latency_seconds', or the ratio of two with / between them.")
    ] = None,
    within: Annotated[float, typer.Option(help="With --measure metric: the minutes in which a counter grows, or in "
                                          "which the mean or percentile of a histogram is taken.")] = 5,
    above: Annotated[float, typer.Option(help="With add: the limit; more than that is one too many.")] = 0,
    minutes: Annotated[float, typer.Option(help="With add: for how long before anybody is told.")] = 0,
    process: Annotated[str | None, typer.Option(metavar="ID", show_default="all", help="Only of this process.")] = None,
    channels: Annotated[
        list[str] | None, typer.Option("--channel", metavar="SECRET", show_default=False,
                                       help="Name of a stored secret with an Apprise address. Several times.")
    ] = None,
    quiet: Annotated[
        str | None, typer.Option(metavar="22:00-06:00", show_default=False, help="When nobody is to be told.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the audit trail.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Tell people when something is wrong, and when it is over (docs/ALERTS.md)."""
    with opened() as engine:
        if action is Action.LIST:
            return _list(engine)
        name = named(name, "an alert")
        match action:
            case Action.ADD:
                begin, _, stop = (quiet or "").partition("-")
                from web.console import watching  # the lists of the pages, which nothing else here needs

                engine.execute(rules.add, name, measure or "", above=above, for_=timedelta(minutes=minutes),
                               process_id=process, query=watching.checked(engine, measure or "", query),
                               within=timedelta(minutes=within), channels=channels or (),
                               quiet=(begin, stop) if quiet else None)
            case Action.DISABLE | Action.ENABLE:
                engine.execute(rules.switch, name, disabled=action is Action.DISABLE, reason=reason or "")
            case Action.REMOVE:
                engine.execute(rules.remove, name, reason or "")
    answer({"alert": name, "done": action.value},
           lambda console: console.print(f"{name}: {action.value} is done.", markup=False))


def _list(engine: Engine) -> None:
    found = rules.all_of_them(engine)

    def show(console: Console) -> None:
        if not found:
            console.print("There is no alert. `partitur alerts add NAME --measure incident --channel SECRET` makes "
                          "one.", markup=False)
            return
        rows = ([rule.name, f"{rule.query or rule.measure} > {rule.above:g}", _standing(rule), rule.trouble or ""]
                for rule in found)
        console.print(table(["alert", "when", "standing", "trouble"], rows))

    answer({"alerts": found}, show)


def _standing(rule: AlertRule) -> str:
    if rule.disabled:
        return "disabled"
    return f"on since {moment(rule.fired_at)}" if rule.fired_at else "off"
