"""`partitur approvals`: what one person asked for and another one has to approve."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from engine.approvals import deciding
from engine.approvals.asking import ApprovalState
from engine.engine import Engine
from engine.queries import approvals as found
from engine.queries.approvals import ApprovalRow
from web.cli.group import Refused
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, plain, table

SHOWN = 100


class Action(StrEnum):
    """What to do with requests."""

    LIST = "list"
    APPROVE = "approve"
    DECLINE = "decline"


def approvals(
    action: Annotated[Action, typer.Argument(show_default=False, help="What to do.")],
    key: Annotated[int | None, typer.Argument(show_default=False, help="approve, decline: the request.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; the audit trail keeps it.", show_default=False)] = None,
    all: Annotated[bool, typer.Option("--all", help="list: those that were decided, too.")] = False,
    json: Json = False,
) -> None:
    """List, approve and decline what needs two people. Who asked cannot approve it, but withdraws it by `decline`."""
    with opened() as engine:
        if action is Action.LIST:
            return _list(engine, all)
        if key is None:
            raise Refused("Expected the KEY of a request, but there is none. `partitur approvals list` shows them.")
        if action is Action.APPROVE:
            engine.execute(deciding.approve, key, reason or "")
        else:
            engine.execute(deciding.decline, key, reason or "")
        row = found.approval(engine, key)
    answer(plain(row), lambda console: console.print(f"Request {key} is {row.state.lower()}.", markup=False))


def _list(engine: Engine, all: bool) -> None:
    page = found.approvals(engine, states=() if all else (ApprovalState.WAITING,), limit=SHOWN)

    def show(console: Console) -> None:
        if not page.items:
            console.print("Nothing waits for an approval.")
            return
        console.print(table(["key", "what", "state", "asked for by", "when", "why", "decided by", "because"],
                            (_cells(row) for row in page.items)))

    answer({"approvals": [plain(row) for row in page.items], "total": page.total}, show)


def _cells(row: ApprovalRow) -> list[Any]:
    if row.operation_key is not None:
        what = f"operation {row.operation_key}: {row.content['kind']} of {row.content['items']}"
    else:
        what = "deploy " + ", ".join(f"{each['id']} {each['version']}" for each in row.content["new"])
    return [row.key, what, row.state.lower(), row.requester, moment(row.requested_at), row.reason, row.decided_by,
            row.decision]
