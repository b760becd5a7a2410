"""`partitur operations`: plan what is done to many instances, look at the plan, apply it, read what became of it."""

from __future__ import annotations

import json as json_module
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from engine.engine import Engine
from engine.operations import carrying, freezing, plans
from engine.operations.deeds import KINDS
from engine.operations.plans import ItemState, OperationState
from engine.queries import operations as found
from engine.queries.instances import InstanceFilter
from engine.queries.operations import ItemRow, OperationRow
from web.cli.group import Refused
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, plain, table
from web.console.instance_query import Query

PAUSE = 0.5
"""Seconds between two looks, while it is waited for what others do."""
SHOWN = 100
"""Items that `show` and `plan` print; `--json` has all."""


class Action(StrEnum):
    """What to do with operations."""

    LIST = "list"
    SHOW = "show"
    PLAN = "plan"
    APPLY = "apply"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


def operations(
    action: Annotated[Action, typer.Argument(show_default=False, help="What to do.")],
    target: Annotated[
        str | None, typer.Argument(metavar="KEY|KIND", show_default=False, help=f"plan: {', '.join(KINDS)}.")
    ] = None,
    filter: Annotated[
        str | None,
        typer.Option(metavar="QUERY", show_default=False,
                     help="plan: the instances, as the address of their list has it: 'state=incident&process=order'."),
    ] = None,
    keys: Annotated[
        list[int] | None, typer.Option("--key", show_default=False, help="plan: this instance; several times.")
    ] = None,
    parameters: Annotated[str, typer.Option(metavar="JSON", help="plan: what the kind takes.")] = "{}",
    repeats: Annotated[
        int | None, typer.Option(show_default=False, help="plan: the failed and not started items of this operation.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; the audit trail keeps it.", show_default=False)] = None,
    consent: Annotated[
        bool, typer.Option("--i-know", help="apply: it cannot be taken back, or a service may act twice.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="apply: carry it out here, too, and wait for the outcome.")
    ] = False,
    json: Json = False,
) -> None:
    """Plan, apply and follow operations on many instances. Exit code 1 after --wait if not every item is fixed."""
    with opened() as engine:
        if action is Action.LIST:
            return _list(engine)
        if action is Action.PLAN:
            return _show(engine, _plan(engine, target, filter, keys or [], parameters, repeats))
        key = _key(target)
        if action is Action.SHOW:
            return _show(engine, key)
        if action is Action.APPLY:
            engine.execute(plans.apply, key, reason or "", consent=consent)
        else:
            _MOVES[action](engine, key, reason or "")
        row = _followed(engine, key) if wait else found.operation(engine, key)
        answer(_dict(row), lambda console: console.print(_sentence(row), markup=False))
    if wait and row.fixed < row.total:
        raise typer.Exit(1)


_MOVES: dict[Action, Callable[[Engine, int, str], None]] = {
    Action.PAUSE: lambda engine, key, reason: engine.execute(plans.pause, key, reason),
    Action.RESUME: lambda engine, key, reason: engine.execute(plans.go_on, key, reason),
    Action.STOP: lambda engine, key, reason: engine.execute(plans.stop, key, reason),
}


def _key(target: str | None) -> int:
    if target is None or not (target.isascii() and target.isdecimal()):
        raise Refused(f"Expected the KEY of an operation, but found {target or 'none'}. "
                      f"`partitur operations list` shows them.")
    return int(target)


def _plan(engine: Engine, kind: str | None, query: str | None, keys: list[int], parameters: str,
          repeats: int | None) -> int:
    if repeats is not None:
        key = freezing.plan_again(engine, repeats)
    else:
        if kind is None:
            raise Refused(f"Expected a KIND out of {', '.join(KINDS)}, but there is none.")
        content = _json(parameters)
        kind = kind.upper().replace("-", "_")
        unknown = Query.unknown(query or "")
        if unknown:
            raise Refused(f"Expected filters of the list of instances, but found {', '.join(unknown)}.")
        wanted: InstanceFilter | None = InstanceFilter(keys=keys) if keys else None
        if query is not None:
            wanted = Query.parse(query).filter()
        key = freezing.plan(engine, kind, content, wanted,
                            query=Query.parse(query).address if query is not None else "")
    while engine.execute(plans.judge, key):
        pass
    # Another node may still judge a part of it.
    while found.operation(engine, key).state == OperationState.PLANNING:
        time.sleep(PAUSE)
        engine.execute(plans.judge, key)
    return key


def _json(text: str) -> dict[str, Any]:
    try:
        content = json_module.loads(text)
    except ValueError as error:
        raise Refused(f"Expected --parameters to be JSON, but {error}.") from None
    if not isinstance(content, dict):
        raise Refused("Expected --parameters to be a JSON object, but it is something else.")
    return content


def _followed(engine: Engine, key: int) -> OperationRow:
    while True:
        busy = carrying.work(engine)
        row = found.operation(engine, key)
        if row.state != OperationState.RUNNING and not row.watching:
            return row
        if not busy:
            time.sleep(PAUSE)


def _dict(row: OperationRow) -> dict[str, Any]:
    return {**plain(row), "ended": row.ended}


def _list(engine: Engine) -> None:
    page = found.operations(engine, limit=SHOWN)

    def show(console: Console) -> None:
        if not page.items:
            console.print("No operation was planned yet. `partitur operations plan KIND --filter QUERY` plans one.",
                          markup=False)
            return
        console.print(table(
            ["key", "kind", "state", "items", "fixed", "failed again", "skipped", "not started", "by", "planned",
             "why"],
            ([row.key, row.kind, row.state, row.total, row.fixed, row.failed_again, row.skipped, row.not_started,
              row.applied_by or row.author, moment(row.planned_at), row.reason] for row in page.items)))

    answer({"operations": [_dict(row) for row in page.items], "total": page.total}, show)


def _show(engine: Engine, key: int) -> None:
    row = found.operation(engine, key)

    def show(console: Console) -> None:
        console.print(_sentence(row), markup=False)
        items = found.items(engine, key, limit=SHOWN).items
        console.print(table(["instance", "", "what changes", "effects that may repeat", "outcome"],
                            (_cells(item) for item in items)))
        if row.total > len(items):
            console.print(f"{len(items)} of {row.total:,}; --json has all.")

    answer({**_dict(row), "items": (plain(item) for item in found.all_items(engine, key))}, show)


def _cells(item: ItemRow) -> list[Any]:
    effects = "\n".join(
        f"{each['service']} at {each['name']}{'' if each['idempotent'] else ' (not safe to repeat)'}"
        for each in item.effects)
    name = item.label if item.instance_key is None else f"{item.instance_key} {item.label or ''}"
    return [name, item.state.lower().replace("_", " "), "\n".join(item.changes), effects, item.sentence]


def _sentence(row: OperationRow) -> str:
    counts = ((ItemState.PLANNED, row.planned), (ItemState.BLOCKED, row.blocked), (ItemState.WATCHING, row.watching),
              (ItemState.FIXED, row.fixed), (ItemState.FAILED_AGAIN, row.failed_again),
              (ItemState.SKIPPED, row.skipped), (ItemState.NOT_STARTED, row.not_started))
    parts = ", ".join(f"{count} {state.lower().replace('_', ' ')}" for state, count in counts if count)
    return f"Operation {row.key}, {row.kind}, is {row.state.lower()}: {parts}."
