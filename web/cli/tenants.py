"""`partitur tenants`: who shares one installation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from engine import tenants as store
from engine.engine import Engine
from engine.schema import DEFAULT_TENANT
from web.cli.group import Refused
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, table

Tenant = Annotated[
    str, typer.Option("--tenant", metavar="ID", help="Of this tenant (`partitur tenants list`).", show_default=False),
]
"""The option that names a tenant; the default one without it."""


class Action(StrEnum):
    """What to do with tenants."""

    LIST = "list"
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


def tenants(
    action: Annotated[Action, typer.Argument(show_default=False, help="What to do.")],
    id: Annotated[str | None, typer.Argument(metavar="ID", show_default=False, help="Which; 1 to 31 letters, digits, "
                                                                                    "'_', '.' and '-'.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.", show_default=False)] = None,
    description: Annotated[str | None, typer.Option(help="Who or what it is.", show_default=False)] = None,
    starts_per_second: Annotated[
        int | None, typer.Option(help="How many instances start for it in a second on request; 0: as many as come.",
                                 show_default=False),
    ] = None,
    jobs_at_once: Annotated[
        int | None, typer.Option(help="How many of its jobs workers have at a time; 0: as many as they take.",
                                 show_default=False),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why it is removed; kept in the audit trail.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """List, add, change or remove tenants. One that anything belongs to is not removed."""
    with opened() as engine:
        if action is Action.LIST:
            return _list(engine)
        if id is None:
            raise Refused("Expected the ID of a tenant, but there is none.")
        if action is Action.REMOVE:
            engine.execute(store.remove, id, reason or "")
            return answer({"tenant": id, "removed": True},
                          lambda console: console.print(f"{id} is removed.", markup=False))
        if action is Action.ADD:
            made = engine.execute(store.add, id, name=name, description=description,
                                  starts_per_second=starts_per_second or None, jobs_at_once=jobs_at_once or None)
        else:
            known = store.get(engine, id)
            made = engine.execute(
                store.change, id, name=name or known.name,
                description=known.description if description is None else description,
                starts_per_second=known.starts_per_second if starts_per_second is None else starts_per_second or None,
                jobs_at_once=known.jobs_at_once if jobs_at_once is None else jobs_at_once or None)
    word = "added" if action is Action.ADD else "changed"
    answer(made, lambda console: console.print(f"{made.id} is {word}.", markup=False))


def _list(engine: Engine) -> None:
    found = store.all_of_them(engine)

    def show(console: Console) -> None:
        rows = ([tenant.id, tenant.name, tenant.description or "", tenant.starts_per_second or "any",
                 tenant.jobs_at_once or "any", moment(tenant.created_at), tenant.created_by] for tenant in found)
        console.print(table(["tenant", "name", "description", "starts/s", "jobs at once", "added", "by"], rows))
        if len(found) == 1:
            console.print(f"There is {DEFAULT_TENANT} alone. `partitur tenants add ID` adds one.", markup=False)

    answer({"tenants": found}, show)
