"""`partitur retention`."""

from __future__ import annotations

from typing import Annotated

import typer

from engine import retention as keeping
from engine.schema import DEFAULT_TENANT
from web.cli.opening import opened
from web.cli.operating import Reason
from web.cli.tenants import Tenant
from web.cli.terminal import Json, answer

FOR_EVER = "default"


def retention(
    process_id: Annotated[str, typer.Argument(metavar="PROCESS", show_default=False, help="The id of a process.")],
    days: Annotated[
        str, typer.Argument(metavar="DAYS", show_default=False,
                            help=f"A number, or {FOR_EVER!r}: as PARTITUR_HISTORY_DAYS says.")
    ],
    reason: Reason,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Say how long the ended instances of a process are kept."""
    if days != FOR_EVER and not days.isdecimal():
        raise typer.BadParameter(f"Expected a number of days or {FOR_EVER!r}, but found {days!r}.")
    kept = None if days == FOR_EVER else int(days)
    with opened() as engine:
        versions = engine.execute(keeping.set_days, process_id, kept, reason=reason, tenant_id=tenant)
    word = "as long as the default says" if kept is None else f"for {kept} days"
    answer(
        {"processId": process_id, "days": kept, "versions": versions},
        lambda console: console.print(f"Ended instances of {process_id} are kept {word} ({versions} versions)."),
    )
