"""Where a token may come to from an element, and so what would happen again if it were put there."""

from __future__ import annotations

from collections.abc import Iterable

from bpmn.model import Process
from bpmn.validation.paths import ways


def onward(process: Process, elements: Iterable[str]) -> frozenset[str]:
    """The elements themselves and every one that a token may reach from them, by flows, links and boundary events,
    into sub-processes and out of them. Event sub-processes around them are not among these: they need an event.
    """
    next_of = ways(process)
    found: set[str] = set()
    waiting = list(elements)
    while waiting:
        id = waiting.pop()
        if id in found:
            continue
        found.add(id)
        waiting += next_of.get(id, ())
        scope = process.elements[id].scope
        while scope in process.elements:    # when the sub-process is over, or interrupted, its token goes on
            waiting += [each for each in next_of[scope] if process.elements[each].scope != scope]
            scope = process.elements[scope].scope
    return frozenset(found)
