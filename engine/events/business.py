"""Business events: what the diagram throws, for whom it says.

A message or signal that is thrown is told to whoever subscribed to its type, and to the target that the element names:
`eventTarget`, a property of the element (`zeebe:property`, `camunda:property`) or a header of its job
(`zeebe:header`). `eventType` gives the event a type of its own. Both are texts, or FEEL behind `=`.

Where a Modeler wants a job type to send a message, `JOB_TYPE` is one: the engine throws the event itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bpmn.expressions import EvaluationError, ExpressionError, camunda8
from bpmn.interpreter import TokenNotFound, journal
from bpmn.model import Element, EventKind
from engine.events import outbox, types
from engine.live import Live

if TYPE_CHECKING:
    from engine.transaction import Transaction

JOB_TYPE = "partitur.event"
TARGET, TYPE, NAME = "eventTarget", "eventType", "eventName"
LONGEST_TYPE = 100


def is_thrown(entry: journal.JobOpened) -> bool:
    """Whether an element with a job type throws an event instead."""
    return entry.type == JOB_TYPE and entry.kind == "BPMN_ELEMENT"


def thrown(tx: Transaction, live: Live, entry: journal.Thrown) -> None:
    """A message or signal was thrown."""
    properties = entry.element.properties
    type = types.SIGNAL_THROWN if entry.kind == "SIGNAL" else types.MESSAGE_THROWN
    if TARGET not in properties and TYPE not in properties and type not in tx.engine.targets.wanted:
        return
    known = {**_variables(live, entry.key), **entry.variables}
    _put(tx, live, entry.element, properties, known, type, {
        "name": entry.name, "correlationKey": entry.correlation_key, "variables": dict(entry.variables),
    })


def thrown_as_job(tx: Transaction, live: Live, entry: journal.JobOpened) -> None:
    """An element of `JOB_TYPE` was reached. It carries what its input mappings made, or all it sees without any."""
    element, said = entry.element, {**entry.element.properties, **entry.headers}
    known = _variables(live, entry.key)
    made = {mapping.target.partition(".")[0] for mapping in element.inputs}
    carried = {name: known[name] for name in made if name in known} if made else known
    _put(tx, live, element, said, known, types.MESSAGE_THROWN, {
        "elementInstanceKey": str(entry.key), "name": _text(said, NAME, known) or _message(element, known),
        "correlationKey": None, "variables": carried,
    })


def _put(tx: Transaction, live: Live, element: Element, said: Mapping[str, str], known: Mapping[str, Any], type: str,
         data: dict[str, Any]) -> None:
    own = _text(said, TYPE, known)
    about = {"elementId": element.id, "elementType": element.type, "elementName": element.name}
    outbox.put(tx, type if own is None else own[:LONGEST_TYPE], {**about, **data}, live=live,
               to=_text(said, TARGET, known))


def _variables(live: Live, token: int | None) -> dict[str, Any]:
    try:
        return live.run.variables(token)
    except TokenNotFound:
        # It has moved on; what it saw at the top it sees still.
        return live.run.variables()


def _text(said: Mapping[str, str], name: str, known: Mapping[str, Any]) -> str | None:
    written = said.get(name)
    if written is None:
        return None
    try:
        value = camunda8(written).evaluate(known)
    except (ExpressionError, EvaluationError):
        # Shown as a target that is not there: the instance goes on, and somebody sees what was written.
        value = written
    return str(value).strip() or None if value is not None else None


def _message(element: Element, known: Mapping[str, Any]) -> str | None:
    for event in element.events:
        if event.kind is EventKind.MESSAGE and event.name is not None:
            try:
                return str(event.name.evaluate(known))
            except EvaluationError:
                return event.name.text
    return element.name or element.id
