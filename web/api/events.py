"""Events, for programs: where they go and what could not be delivered, where they come from and what was set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request

from engine.errors import InvalidInput
from engine.events import outbox, targets
from engine.events.targets import EventTarget
from engine.inbound import receiving, sources
from engine.inbound.proofs import Proof
from engine.inbound.receiving import Outcome
from engine.inbound.sources import Source
from engine.queries import deliveries as found
from engine.queries.deliveries import Delivery, SetAside
from engine.queries.paging import Page
from engine.schema import DEFAULT_TENANT
from web.answers import engine
from web.api.operation import Parameter, acting, getting, listing, posting, written
from web.body import Body

NULLABLE = {"type": ["string", "null"]}
TEXT = {"type": "string", "minLength": 1}
WHY = {"reason": {**TEXT, "description": "Why; the audit trail keeps it."}}
LIST = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A target and what is in the outbox for it; the oldest is of `since`."""

    target: EventTarget
    waiting: int
    dead: int
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A source, where its events come in, and how many were set aside."""

    source: Source
    place: str
    set_aside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What was acted upon."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """The target, and how many events are sent to it again."""

    name: str
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """What was acted upon."""

    key: int


def _texts(sent: Body, name: str) -> list[str]:
    value = sent.content.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidInput(f"Expected {name!r} to be a list of texts.")
    return value


@getting("/api/events/targets", "Where events go, and how each target stands.",
         schema={"type": "object", "required": ["items"], "properties": {"items": {"type": "array"}}})
def event_targets() -> dict[str, Any]:
    """The list of the page `/events`."""
    counts = outbox.counts(engine())
    rows = []
    for target in targets.all_of_them(engine()):
        count = counts.get(target.key, outbox.Count())
        rows.append(TargetRow(target=target, waiting=count.waiting, dead=count.dead, since=count.since))
    return {"items": [written(row) for row in rows]}


@posting("/api/events/targets", "Send events to a webhook or a broker from some seconds from now on.", {
    "name": TEXT, "address": {**TEXT, "examples": ["https://example.com/hook", "amqp://rabbit.internal?queue=events"]},
    "types": {**LIST, "description": "Patterns such as partitur.incident.*; none: all."},
    "processes": {**LIST, "description": "Their ids; none: all."},
    "secret": {**NULLABLE, "description": "Name of the stored secret that signs, or that logs in at a broker."},
}, EventTarget, required=("name", "address"))
def add_event_target(sent: Body) -> EventTarget:
    """The target."""
    return acting().execute(targets.add, sent.required_text("name"), sent.required_text("address"),
                            types=_texts(sent, "types"), processes=_texts(sent, "processes"),
                            secret=sent.text("secret"))


@posting("/api/events/targets/<name>/pause", "Send a target nothing for now; what comes meanwhile waits.", WHY, Named,
         required=("reason",))
def pause_event_target(sent: Body, name: str) -> Named:
    """The target's name."""
    acting().execute(targets.pause, name, paused=True, reason=sent.required_text("reason"))
    return Named(name=name)


@posting("/api/events/targets/<name>/resume", "Send a target what waits, and what comes.", WHY, Named,
         required=("reason",))
def resume_event_target(sent: Body, name: str) -> Named:
    """The target's name."""
    acting().execute(targets.pause, name, paused=False, reason=sent.required_text("reason"))
    return Named(name=name)


@posting("/api/events/targets/<name>/change", "Give a target another address, other types, or another secret.", {
    "address": NULLABLE, "types": {"type": ["array", "null"], "items": {"type": "string"}},
    "processes": {"type": ["array", "null"], "items": {"type": "string"}},
    "secret": {**NULLABLE, "description": "Its name; an empty text: none. What is left out stays as it is."}, **WHY,
}, Named, required=("reason",))
def change_event_target(sent: Body, name: str) -> Named:
    """The target's name."""
    lists = {each: None if sent.content.get(each) is None else _texts(sent, each) for each in ("types", "processes")}
    acting().execute(targets.change, name, sent.required_text("reason"), address=sent.text("address"),
                     secret=sent.text("secret"), **lists)
    return Named(name=name)


@posting("/api/events/targets/<name>/resending", "Try all dead events of a target again, under their ids.", WHY,
         Resent, required=("reason",))
def resend_events(sent: Body, name: str) -> Resent:
    """How many they are."""
    return Resent(name=name, events=acting().execute(outbox.revive_all, name, sent.required_text("reason")))


@posting("/api/events/targets/<name>/removal", "Take a target away, with what waits for it.", WHY, Named,
         required=("reason",))
def remove_event_target(sent: Body, name: str) -> Named:
    """The target's name."""
    acting().execute(targets.remove, name, sent.required_text("reason"))
    return Named(name=name)


@listing(
    "/api/events/deliveries", "Events that wait to be delivered, or that are dead, newest first.", Delivery,
    Parameter(name="target", description="The name of a target."),
    Parameter(name="state", description="'waiting' or 'dead'; both if it is not said.",
              schema={"type": "string", "enum": ["waiting", "dead"]}),
)
def event_deliveries(limit: int, offset: int) -> Page[Delivery]:
    """The outbox."""
    dead = {"dead": True, "waiting": False}.get(request.args.get("state", ""))
    return found.deliveries(engine(), target=request.args.get("target") or None, dead=dead, limit=limit, offset=offset)


@posting("/api/events/deliveries/<key:key>/retry", "Try a dead event again, under its id.", WHY, Keyed,
         required=("reason",))
def retry_event(sent: Body, key: int) -> Keyed:
    """The key of the delivery."""
    acting().execute(outbox.revive, key, sent.required_text("reason"))
    return Keyed(key=key)


@posting("/api/events/deliveries/<key:key>/discard", "Give a dead event up.", WHY, Keyed, required=("reason",))
def discard_event(sent: Body, key: int) -> Keyed:
    """The key of the delivery."""
    acting().execute(outbox.discard, key, sent.required_text("reason"))
    return Keyed(key=key)


@getting("/api/inbound/sources", "Where events come from, and how each source stands.",
         schema={"type": "object", "required": ["items"], "properties": {"items": {"type": "array"}}})
def inbound_sources() -> dict[str, Any]:
    """The list of the page `/inbound`."""
    aside = sources.set_aside_counts(engine())
    return {"items": [written(SourceRow(source=each, place=each.place, set_aside=aside.get(each.key, 0)))
                      for each in sources.all_of_them(engine())]}


FEEL = {**NULLABLE, "description": "A text, or FEEL behind '='."}


@posting("/api/inbound/sources", "Take events from a webhook of ours, or from a broker.", {
    "name": TEXT,
    "address": {**NULLABLE, "description": "Of a broker; none: a webhook at /hooks/NAME.",
                "examples": ["kafka://a:9092,b:9092?topic=orders&group=partitur"]},
    "proof": {"type": ["string", "null"], "enum": [*list(Proof)[:3], None],
              "description": "How senders show that they know the secret; 'signature' if it is not said."},
    "header": {**NULLABLE, "description": "The header of hmac or token."},
    "secret": {**NULLABLE, "description": "Name of the stored secret."}, "tenantId": NULLABLE,
    "message": FEEL, "process": FEEL, "correlationKey": FEEL, "id": FEEL, "businessId": FEEL,
    "variables": {**NULLABLE, "description": "A context in FEEL."}, "when": {**NULLABLE, "description": "FEEL."},
    "keep": {**NULLABLE, "description": "How long a message waits for somebody; PT1H if it is not said."},
}, Source, required=("name",))
def add_inbound_source(sent: Body) -> Source:
    """The source."""
    mapping = {"message": "message", "process": "process", "correlation_key": "correlationKey", "id": "id",
               "business_id": "businessId", "variables": "variables", "when": "when", "keep": "keep"}
    return acting().execute(
        sources.add, sent.required_text("name"), sent.text("address"), secret=sent.text("secret"),
        proof=sent.text("proof"), header=sent.text("header"), tenant_id=sent.text("tenantId") or DEFAULT_TENANT,
        mapping={name: sent.text(field) for name, field in mapping.items()})


@posting("/api/inbound/sources/<name>/pause", "Take nothing from a source for now.", WHY, Named, required=("reason",))
def pause_inbound_source(sent: Body, name: str) -> Named:
    """The source's name."""
    acting().execute(sources.pause, name, paused=True, reason=sent.required_text("reason"))
    return Named(name=name)


@posting("/api/inbound/sources/<name>/resume", "Take events from a source again.", WHY, Named, required=("reason",))
def resume_inbound_source(sent: Body, name: str) -> Named:
    """The source's name."""
    acting().execute(sources.pause, name, paused=False, reason=sent.required_text("reason"))
    return Named(name=name)


@posting("/api/inbound/sources/<name>/removal", "Take a source away, with what was set aside of it.", WHY, Named,
         required=("reason",))
def remove_inbound_source(sent: Body, name: str) -> Named:
    """The source's name."""
    acting().execute(sources.remove, name, sent.required_text("reason"))
    return Named(name=name)


@listing("/api/inbound/set-aside", "Events that came and could not be taken, newest first.", SetAside,
         Parameter(name="source", description="The name of a source."))
def inbound_set_aside(limit: int, offset: int) -> Page[SetAside]:
    """What was set aside."""
    return found.set_aside(engine(), source=request.args.get("source") or None, limit=limit, offset=offset)


@posting("/api/inbound/set-aside/<key:key>/retry", "Try again to take an event.", WHY, Outcome, required=("reason",))
def retry_inbound_event(sent: Body, key: int) -> Outcome:
    """What became of it."""
    return acting().execute(receiving.retry, key, sent.required_text("reason"))


@posting("/api/inbound/set-aside/<key:key>/discard", "Give an event up that was set aside.", WHY, Keyed,
         required=("reason",))
def discard_inbound_event(sent: Body, key: int) -> Keyed:
    """The key of the event."""
    acting().execute(receiving.discard, key, sent.required_text("reason"))
    return Keyed(key=key)
