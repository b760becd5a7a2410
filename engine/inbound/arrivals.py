"""What arrives, and how it is understood: CloudEvents are recognised, in either mode, by whichever way they came.

Sources: CloudEvents 1.0.2, HTTP, AMQP and Kafka protocol bindings, JSON format (structured and batched mode).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from engine.errors import InvalidInput

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
PREFIXES = ("ce-", "ce_", "cloudevents:", "cloudevents_")
"""What the names of attributes begin with in headers: HTTP and NATS, Kafka, AMQP."""
NEEDED = ("id", "source", "type")
MOST_IN_BATCH = 1_000
ENCODING, ID = ":encoding", ":id"
"""What is kept beside the headers of something that was set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Something that came: its body, its headers with names in lower case, and the name that its way gave it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None

    @property
    def media_type(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def kept(self) -> tuple[dict[str, str], str]:
        """Headers and body as they are stored."""
        headers = {name: value.replace("\0", "") for name, value in self.headers.items()}
        if self.id is not None:
            headers[ID] = self.id
        try:
            text = self.body.decode()
            if "\0" not in text:
                return headers, text
        except UnicodeDecodeError:
            pass
        return headers | {ENCODING: "base64"}, base64.b64encode(self.body).decode()

    @classmethod
    def of_kept(cls, headers: Mapping[str, str], body: str) -> Arrival:
        """What was stored."""
        rest = {name: value for name, value in headers.items() if not name.startswith(":")}
        content = base64.b64decode(body) if headers.get(ENCODING) == "base64" else body.encode()
        return cls(body=content, headers=rest, id=headers.get(ID))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What an arrival means: `event` are the attributes of a CloudEvent, None if it is none; `body` is its data."""

    id: str | None
    event: dict[str, Any] | None
    body: Any
    headers: Mapping[str, str]

    @property
    def scope(self) -> dict[str, Any]:
        """What expressions see."""
        return {"event": self.event, "body": self.body, "headers": dict(self.headers)}


def split(arrival: Arrival) -> list[Arrival]:
    """The events of a batch, each as if it had come alone; anything else is one. Raises InvalidInput."""
    if arrival.media_type != BATCH:
        return [arrival]
    events = _json(arrival.body)
    if not isinstance(events, list) or len(events) > MOST_IN_BATCH:
        raise InvalidInput(f"Expected a batch to be a list of at most {MOST_IN_BATCH:,} CloudEvents, but it is not.")
    headers = {**arrival.headers, "content-type": STRUCTURED}
    return [Arrival(body=json.dumps(event).encode(), headers=headers) for event in events]


def read(arrival: Arrival) -> Event:
    """Understand an arrival. Raises InvalidInput."""
    attributes = _attributes(arrival.headers)
    if "specversion" in attributes:
        return _cloud_event(attributes, _content(arrival), arrival)
    content = _json(arrival.body) if arrival.media_type == STRUCTURED else _content(arrival)
    looks_like_one = isinstance(content, dict) and "specversion" in content and all(name in content for name in NEEDED)
    if arrival.media_type == STRUCTURED or looks_like_one:
        if not isinstance(content, dict):
            raise InvalidInput("Expected a CloudEvent to be an object, but it is none.")
        data = _binary(content["data_base64"]) if "data_base64" in content else content.get("data")
        named = {name: value for name, value in content.items() if name not in ("data", "data_base64")}
        return _cloud_event(named, data, arrival)
    return Event(id=arrival.id, event=None, body=content, headers=arrival.headers)


def _attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in headers.items() for prefix in PREFIXES
            if name.startswith(prefix)}


def _cloud_event(attributes: dict[str, Any], data: Any, arrival: Arrival) -> Event:
    if attributes.get("specversion") not in ("1.0", "0.3"):
        raise InvalidInput(f"Expected a CloudEvent with specversion 1.0, but it is "
                           f"{str(attributes.get('specversion'))[:20]!r}.")
    for name in NEEDED:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            raise InvalidInput(f"Expected a CloudEvent with {', '.join(NEEDED)}, but it has no {name!r}.")
    # An id is unique within its source only.
    return Event(id=f"{attributes['source']} {attributes['id']}", event=attributes, body=data, headers=arrival.headers)


def _content(arrival: Arrival) -> Any:
    """The body as a value: JSON if it is that, fields of a form, else text."""
    if not arrival.body:
        return None
    if arrival.media_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(arrival.body.decode(errors="replace"), keep_blank_values=True))
    says_json = arrival.media_type.endswith("json")
    try:
        return _json(arrival.body)
    except InvalidInput:
        if says_json:
            raise
        return arrival.body.decode(errors="replace")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"Expected JSON, but it is none: {str(error)[:200]}.") from None


def _binary(text: Any) -> Any:
    try:
        content = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise InvalidInput("Expected data_base64 to be base64, but it is not.") from None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return text
