"""`partitur pause` and `partitur unpause`: new starts of a process."""

from __future__ import annotations

from typing import Annotated

import typer

from engine import pausing
from engine.schema import DEFAULT_TENANT
from web.cli.opening import opened
from web.cli.operating import Reason
from web.cli.tenants import Tenant
from web.cli.terminal import Json, answer

ProcessId = Annotated[str, typer.Argument(metavar="PROCESS", show_default=False, help="The id of a process.")]


def pause(process_id: ProcessId, reason: Reason, tenant: Tenant = DEFAULT_TENANT, json: Json = False) -> None:
    """Take no new starts of a process: whoever starts is refused, messages, signals and timers are held."""
    with opened() as engine:
        engine.execute(pausing.pause, process_id, reason, tenant_id=tenant)
    answer({"processId": process_id, "paused": True},
           lambda console: console.print(f"New starts of {process_id} are paused. Instances under way go on."))


def unpause(process_id: ProcessId, reason: Reason, tenant: Tenant = DEFAULT_TENANT, json: Json = False) -> None:
    """Take new starts of a process again; what was held starts first."""
    with opened() as engine:
        started = pausing.resume(engine, process_id, reason, tenant_id=tenant)
    answer({"processId": process_id, "paused": False, "started": started},
           lambda console: console.print(f"New starts of {process_id} are taken again. Held events that started an "
                                         f"instance: {started}."))
