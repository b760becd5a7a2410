"""What an event does: the message that it is, or the process that it starts, in FEEL over `event`, `body`, `headers`.

A text is a constant, or FEEL behind `=`. What a mapping does not say, a CloudEvent says by itself: the message is
called as its type, its subject is the correlation key, its data are the variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from bpmn.expressions import EvaluationError, Expression, ExpressionError, camunda8, feel
from engine import schedules, values
from engine.columns import to_json
from engine.errors import InvalidInput, InvalidTimer
from engine.inbound.arrivals import Event

KEEP = "PT1H"
LONGEST_KEEP = timedelta(days=30)
LONGEST = 10_000
ALWAYS_FEEL = ("variables", "when")
WORDS = {"message": "the name of the message", "process": "the process to start",
         "correlation_key": "the correlation key", "variables": "the variables", "id": "the id",
         "business_id": "the business id", "when": "the condition", "keep": "how long the message is kept"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What people say of a source; all of it may be left out. `message` or `process`, not both. `keep` is how long a
    message waits for somebody who is not there yet. An event for which `when` is not true does nothing."""

    message: str | None = None
    process: str | None = None
    correlation_key: str | None = None
    variables: str | None = None
    id: str | None = None
    business_id: str | None = None
    when: str | None = None
    keep: str | None = None

    def written(self) -> dict[str, str]:
        """As it is stored: what is said, and nothing else."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is to be done: a message to publish, or a process to start."""

    message: str | None
    process: str | None
    correlation_key: str | None
    business_id: str | None
    variables: dict[str, Any]
    keep: timedelta


def checked(said: Mapping[str, str | None]) -> Said:
    """A mapping that can be understood. Raises InvalidInput."""
    mapping = Said(**{name: (value or "").strip() or None for name, value in said.items()})
    if mapping.message and mapping.process:
        raise InvalidInput("Expected a message or a process to start, but both are given.")
    if mapping.process and (mapping.correlation_key or mapping.keep):
        raise InvalidInput("Expected a correlation key and a time to keep for messages only, but a process is started.")
    if mapping.business_id and not mapping.process:
        raise InvalidInput("Expected a business id where a process is started only, but none is.")
    for name, text in mapping.written().items():
        if len(text) > LONGEST:
            raise InvalidInput(f"Expected {WORDS[name]} in at most {LONGEST:,} characters, but there are more.")
        if name != "keep":
            compiled(name, text)
    _kept(mapping)
    return mapping


@lru_cache(maxsize=1_000)
def compiled(name: str, text: str) -> Expression:
    """The expression of a part of a mapping. Raises InvalidInput."""
    try:
        return feel(text) if name in ALWAYS_FEEL else camunda8(text)
    except ExpressionError as error:
        raise InvalidInput(f"Expected {WORDS[name]} to be a text, or FEEL behind '=', but: {error}") from error


def identity(mapping: Said, event: Event) -> str | None:
    """By what an event is known again; None if nothing says. Raises InvalidInput."""
    return _text(mapping, "id", event) if mapping.id else event.id


def deed(mapping: Said, event: Event) -> Deed | None:
    """What an event does; None if it is of no interest. Raises InvalidInput."""
    if mapping.when is not None and _value(mapping, "when", event) is not True:
        return None
    about = event.event or {}
    message = None
    if mapping.process is None:
        message = _text(mapping, "message", event) if mapping.message else about.get("type")
        if not message:
            raise InvalidInput("Expected the event to name a message, but it names none." if mapping.message else
                               "Expected a CloudEvent, or a mapping that says which message it is, but found neither.")
    key = _text(mapping, "correlation_key", event) if mapping.correlation_key else about.get("subject")
    return Deed(
        message=message, process=_text(mapping, "process", event), correlation_key=key if message else None,
        business_id=_text(mapping, "business_id", event), variables=_variables(mapping, event), keep=_kept(mapping),
    )


def _variables(mapping: Said, event: Event) -> dict[str, Any]:
    if mapping.variables is None:
        given = event.body if isinstance(event.body, dict) else {} if event.body is None else {"data": event.body}
    else:
        given = _value(mapping, "variables", event)
        if not isinstance(given, dict):
            raise InvalidInput(f"Expected the variables to be a context, but they are {to_json(given)[:100]}.")
    return values.checked(given)


def _value(mapping: Said, name: str, event: Event) -> Any:
    text = getattr(mapping, name)
    if text is None:
        return None
    try:
        return compiled(name, text).evaluate(event.scope)
    except EvaluationError as error:
        raise InvalidInput(f"{WORDS[name].capitalize()}: {error}") from error


def _text(mapping: Said, name: str, event: Event) -> str | None:
    value = _value(mapping, name, event)
    if isinstance(value, dict | list):
        raise InvalidInput(f"Expected {WORDS[name]} to be a text, but it is {to_json(value)[:100]}.")
    return value if value is None or isinstance(value, str) else to_json(value)


def _kept(mapping: Said) -> timedelta:
    try:
        written = schedules.duration(mapping.keep or KEEP)
    except InvalidTimer as error:
        raise InvalidInput(str(error)) from error
    span = written.span
    if written.months or not timedelta() <= span <= LONGEST_KEEP:
        raise InvalidInput(f"Expected to keep a message for at most 30 days, but it is {mapping.keep!r}.")
    return span
