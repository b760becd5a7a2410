"""What an instance waits for, for scripts; and letting it happen by hand: fire a timer, deliver a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine import requests
from engine.operations import at_once
from engine.operations.at_once import Outcome
from engine.queries import instance, instance_parts, messages
from engine.queries.paging import Page
from engine.queries.things import SubscriptionRow, TimerRow
from web.answers import engine
from web.api.operation import acting, listing, posting
from web.body import Body

REASON: dict[str, dict[str, Any]] = {
    "reason": {"type": "string", "minLength": 1, "description": "Why; the audit trail keeps it."}}
NOBODY = 0
"""The key of no instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What became of it: `outcome` is the state of the only item of the operation, which has the report."""

    operation_key: int
    instance_key: int
    outcome: str
    sentence: str | None

    @classmethod
    def of(cls, outcome: Outcome) -> Acted:
        """The answer."""
        return cls(operation_key=outcome.operation, instance_key=outcome.instance or NOBODY, outcome=outcome.state,
                   sentence=outcome.sentence)


@listing("/api/instances/<key:key>/timers", "The open timers of an instance, the next due first.", TimerRow)
def instance_timers(limit: int, offset: int, key: int) -> Page[TimerRow]:
    """Its timers."""
    instance.get(engine(), key)
    return instance_parts.rows(engine(), key, "timers", limit=limit, offset=offset)


@listing("/api/instances/<key:key>/subscriptions", "The messages, signals and conditions that an instance waits for.",
         SubscriptionRow)
def instance_subscriptions(limit: int, offset: int, key: int) -> Page[SubscriptionRow]:
    """Its subscriptions."""
    instance.get(engine(), key)
    return instance_parts.rows(engine(), key, "subscriptions", limit=limit, offset=offset)


@posting("/api/timers/<key:key>/firing", "Fire a timer of an instance now, by hand.", REASON, Acted,
         required=["reason"])
def fire_timer(sent: Body, key: int) -> Acted:
    """Fire it; one that repeats keeps its later times."""
    # A repetition gets what came of it, and finds the timer no more.
    owner = NOBODY if requests.repeats() else instance_parts.instance_of_timer(engine(), key)
    return Acted.of(at_once.act(acting(), "FIRE", {"timer": key}, owner, sent.required_text("reason"), consent=True))


@posting("/api/subscriptions/<key:key>/delivery", "Give a message or a signal to one instance that waits, by hand.", {
    **REASON, "variables": {"type": "object", "description": "What comes with it."},
}, Acted, required=["reason"])
def deliver_event(sent: Body, key: int) -> Acted:
    """Deliver it, to this instance alone."""
    owner = NOBODY if requests.repeats() else messages.instance_of(engine(), key)
    parameters = {"subscription": key, "variables": sent.mapping("variables")}
    return Acted.of(at_once.act(acting(), "DELIVER", parameters, owner, sent.required_text("reason"), consent=True))
