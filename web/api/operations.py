"""Operations for scripts: plan, look, apply, pause, go on, stop."""

from __future__ import annotations

from typing import Any

from flask import request

from engine.errors import InvalidInput
from engine.operations import freezing, plans
from engine.operations.deeds import KINDS
from engine.operations.plans import ItemState, OperationState
from engine.queries import operations as found
from engine.queries.instances import InstanceFilter
from engine.queries.operations import ItemRow, OperationRow
from engine.queries.paging import Page
from web.answers import engine
from web.api.operation import Parameter, acting, getting, listing, posting
from web.body import Body, key_of
from web.console.instance_query import Query
from web.console.operation_forms import MOST_CHOSEN

REASON = {"reason": {"type": "string", "minLength": 1, "description": "Why; the audit trail keeps it."}}


def _one_of(words: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [str(word) for word in words]}


@posting(
    "/api/operations", "Plan an operation: freeze the instances and find out what would change.", {
        "kind": _one_of(KINDS),
        "parameters": {"type": "object", "description": "Those of the kind, see docs/OPERATING.md."},
        "filter": {"type": "string", "description": "Instances: the query of the address of their list, such as "
                                                    "state=incident&process=order."},
        "keys": {"type": "array", "maxItems": MOST_CHOSEN, "items": {"type": "string", "pattern": "^[0-9]+$"},
                 "description": "Instances: their keys, instead of a filter."},
        "repeats": {"type": "string", "pattern": "^[0-9]+$",
                    "description": "Instead of all that: an operation whose failed and not started items are meant."},
    }, OperationRow,
)
def plan_operation(sent: Body) -> OperationRow:
    """The plan; it is PLANNING until each instance was looked at."""
    repeats = sent.key("repeats")
    if repeats is not None:
        key = freezing.plan_again(acting(), repeats)
    else:
        kind, query = sent.required_text("kind"), sent.text("filter")
        key = freezing.plan(acting(), kind, sent.mapping("parameters"), _selected(sent, kind, query),
                            query=Query.parse(query).address if query else "")
    return found.operation(engine(), key)


def _selected(sent: Body, kind: str, query: str | None) -> InstanceFilter | None:
    keys = sent.content.get("keys")
    if kind in KINDS and not KINDS[kind].on_instances:
        return None
    if (query is None) == (keys is None):
        raise InvalidInput("Expected either 'filter' or 'keys' to say which instances are meant.")
    if query is not None:
        return checked(query).filter()
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_CHOSEN:
        raise InvalidInput(f"Expected 'keys' to be a list of 1 to {MOST_CHOSEN:,} keys.")
    return InstanceFilter(keys=[key_of(key, "keys") for key in keys])


def checked(query: str) -> Query:
    """The filter that the query of an address says. Raises InvalidInput for what is no filter: it would find too much.
    """
    parsed = Query.parse(query)
    unknown = Query.unknown(query)
    if unknown:
        raise InvalidInput(f"Expected filters of the list of instances, but found {', '.join(unknown)[:100]!r}.")
    return parsed


@listing(
    "/api/operations", "Operations, newest first.", OperationRow,
    Parameter(name="kind", description="Of this kind.", schema=_one_of(KINDS)),
    Parameter(name="state", description="In any of these.", schema=_one_of(OperationState), many=True),
    Parameter(name="author", description="Planned by."),
)
def operations(limit: int, offset: int) -> Page[OperationRow]:
    """The list of the page `/operations`."""
    return found.operations(engine(), kind=request.args.get("kind") or None, states=request.args.getlist("state"),
                            author=request.args.get("author") or None, limit=limit, offset=offset)


@getting("/api/operations/<key:key>", "One operation.", OperationRow)
def operation(key: int) -> OperationRow:
    """The operation, with how many items are in each state."""
    return found.operation(engine(), key)


@listing(
    "/api/operations/<key:key>/items", "The items of an operation, in their order.", ItemRow,
    Parameter(name="state", description="In any of these.", schema=_one_of(ItemState), many=True),
)
def operation_items(limit: int, offset: int, key: int) -> Page[ItemRow]:
    """What would change in each instance, and what became of it."""
    found.operation(engine(), key)
    return found.items(engine(), key, states=request.args.getlist("state"), limit=limit, offset=offset)


@posting("/api/operations/<key:key>/apply", "Let a plan be carried out in the background.", {
    **REASON, "consent": {"type": "boolean", "description": "You know that it cannot be taken back, or that a service "
                                                            "may act twice."},
}, OperationRow, required=["reason"], waits=lambda row: row.state == OperationState.WAITING)
def apply_operation(sent: Body, key: int) -> OperationRow:
    """The operation; it is RUNNING, or WAITING (status 202) for another person's approval."""
    acting().execute(plans.apply, key, sent.required_text("reason"), consent=sent.flag("consent") or False)
    return found.operation(engine(), key)


@posting("/api/operations/<key:key>/pause", "Begin no more items for now.", REASON, OperationRow, required=["reason"])
def pause_operation(sent: Body, key: int) -> OperationRow:
    """The operation; it is PAUSED."""
    acting().execute(plans.pause, key, sent.required_text("reason"))
    return found.operation(engine(), key)


@posting("/api/operations/<key:key>/resume", "Go on with a paused operation.", REASON, OperationRow,
         required=["reason"])
def resume_operation(sent: Body, key: int) -> OperationRow:
    """The operation; it is RUNNING."""
    acting().execute(plans.go_on, key, sent.required_text("reason"))
    return found.operation(engine(), key)


@posting("/api/operations/<key:key>/stop", "Begin no more items, for good; withdraw a plan.", REASON, OperationRow,
         required=["reason"])
def stop_operation(sent: Body, key: int) -> OperationRow:
    """The operation; it is STOPPED."""
    acting().execute(plans.stop, key, sent.required_text("reason"))
    return found.operation(engine(), key)
