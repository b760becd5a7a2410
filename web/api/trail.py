"""The audit trail's chain, and messages, for programs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from engine import chain, requests
from engine.chain import Verdict
from engine.operations import at_once
from engine.queries import messages as found
from engine.queries import misses
from engine.queries.messages import MessageRow, WaitingRow
from engine.queries.misses import Miss
from engine.queries.paging import Page
from web.answers import engine
from web.api.operation import Parameter, acting, getting, listing, posting
from web.body import Body

NAME = Parameter(name="name", description="The name of the message, exactly.")
CORRELATION = Parameter(name="correlation_key", description="The correlation key, whatever its blanks and capitals.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The instance that got a message."""

    instance_key: int


@getting("/api/audit/verification", "Whether the audit trail is as it was sealed, or which entry is not.", Verdict)
def audit_verification() -> Verdict:
    """Follow the chain."""
    return chain.verify(engine())


@listing(
    "/api/messages", "Messages that reached nobody, or that are kept, newest first.", MessageRow, NAME, CORRELATION,
    Parameter(name="view", description="'stray' (reached nobody) if it is not said, or 'kept'.",
              schema={"type": "string", "enum": ["stray", "kept"]}),
)
def messages(limit: int, offset: int) -> Page[MessageRow]:
    """The list of the page `/messages`."""
    listed = found.kept if request.args.get("view") == "kept" else found.strays
    return listed(engine(), name=request.args.get("name") or None,
                  correlation_key=request.args.get("correlation_key") or None, limit=limit, offset=offset)


@listing(
    "/api/message-subscriptions", "Who waits for a message, newest first.", WaitingRow, NAME, CORRELATION,
    Parameter(name="process", description="The id of a process."),
)
def message_subscriptions(limit: int, offset: int) -> Page[WaitingRow]:
    """Open subscriptions."""
    return found.waiting(engine(), name=request.args.get("name") or None,
                         correlation_key=request.args.get("correlation_key") or None,
                         process_id=request.args.get("process") or None, limit=limit, offset=offset)


@listing("/api/messages/<key:key>/near-misses", "Whom a message nearly reached and why not, the closest first.", Miss)
def near_misses(limit: int, offset: int, key: int) -> Page[Miss]:
    """Its near misses."""
    rows = misses.near_misses(engine(), found.message(engine(), key))
    return Page(rows[offset:offset + limit], len(rows))


@posting(
    "/api/messages/<key:key>/delivery", "Give a message to one who waits, by hand.",
    {"subscriptionKey": {"type": ["string", "integer"]}, "reason": {"type": "string", "minLength": 1}}, Delivered,
    required=("subscriptionKey", "reason"),
)
def deliver_message(sent: Body, key: int) -> Delivered:
    """Deliver it."""
    waiting = sent.key("subscriptionKey")
    # A repetition gets what came of it, and finds nobody who waits.
    instance = 0 if requests.repeats() else found.instance_of(engine(), -1 if waiting is None else waiting)
    outcome = at_once.act(acting(), "DELIVER", {"subscription": waiting, "kept": key}, instance,
                          sent.required_text("reason"), consent=True)
    return Delivered(instance_key=outcome.instance or instance)
