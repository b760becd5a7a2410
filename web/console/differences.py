"""Two versions of a process side by side: the colours on both diagrams, and the difference in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from bpmn.comparing import Comparison
from bpmn.model import Element, Flow, Process
from engine.queries.definitions import ElementCount
from web.console.marks import Marks
from web.console.words import type_word

ADDED, REMOVED, CHANGED = "added", "removed", "changed"

PARTS = {
    "type": lazy_gettext("its kind"),
    "scope": lazy_gettext("the sub-process it is in"),
    "name": lazy_gettext("its name"),
    "documentation": lazy_gettext("its documentation"),
    "default_flow": lazy_gettext("its default flow"),
    "inputs": lazy_gettext("its input mappings"),
    "outputs": lazy_gettext("its output mappings"),
    "job": lazy_gettext("the service it calls, or its attempts"),
    "user_task": lazy_gettext("its task: form, assignee or dates"),
    "script": lazy_gettext("its script"),
    "called_process": lazy_gettext("the process it calls"),
    "called_decision": lazy_gettext("the decision it calls"),
    "loop": lazy_gettext("how it is repeated"),
    "events": lazy_gettext("the event it waits for or throws"),
    "attached_to": lazy_gettext("what it is attached to"),
    "start_form": lazy_gettext("its start form"),
    "interrupting": lazy_gettext("whether it interrupts"),
    "listeners": lazy_gettext("its listeners"),
    "properties": lazy_gettext("its properties"),
    "condition": lazy_gettext("its condition"),
    "source": lazy_gettext("where it comes from"),
    "target": lazy_gettext("where it leads"),
    "async_before": lazy_gettext("whether it waits before it begins"),
    "async_after": lazy_gettext("whether it waits after its end"),
    "compensation_handler": lazy_gettext("how it is undone"),
    "completion_condition": lazy_gettext("when it is complete"),
}
"""What the fields of the model are for people."""


def title(item: Element | Flow) -> str:
    """An element or a flow as a sentence names it."""
    if isinstance(item, Flow):
        return _("flow %(name)s", name=item.name or item.id)
    return f"{item.name or item.id} ({type_word(item.type)})"


def sentences(difference: Comparison, old: Process, new: Process) -> list[tuple[str, str]]:
    """What was added, taken away and changed: the look of each, and a sentence. Flows come after the elements."""
    before: dict[str, Element | Flow] = {**old.elements, **old.flows}
    after: dict[str, Element | Flow] = {**new.elements, **new.flows}
    told = [(ADDED, after[id], _("New: %(what)s", what=title(after[id]))) for id in difference.added]
    told += [(REMOVED, before[id], _("Gone: %(what)s", what=title(before[id]))) for id in difference.removed]
    for id, fields in difference.changed.items():
        parts = ", ".join(str(PARTS.get(field, type_word(field))) for field in fields)
        told.append((CHANGED, after[id], _("Changed: %(what)s – %(parts)s", what=title(after[id]), parts=parts)))
    return [(look, sentence) for look, item, sentence in sorted(told, key=lambda each: isinstance(each[1], Flow))]


def old_marks(difference: Comparison, tokens: Iterable[ElementCount] = ()) -> Marks:
    """The marks of the old diagram, with where instances are."""
    elements = _classes(difference.removed, REMOVED) | _classes(difference.changed, CHANGED)
    for count in tokens:
        elements.setdefault(count.element_id, {}).update(tokens=count.tokens, incidents=count.incidents)
    return {"elements": elements, "flows": []}


def new_marks(difference: Comparison) -> Marks:
    """The marks of the new diagram."""
    return {"elements": _classes(difference.added, ADDED) | _classes(difference.changed, CHANGED), "flows": []}


def _classes(ids: Iterable[str], look: str) -> dict[str, dict[str, Any]]:
    return {id: {"classes": [look]} for id in ids}
