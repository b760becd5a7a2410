"""Rules about link events: a throw goes on at the catch of the same name in its scope (BPMN 2.0 §10.5.5)."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.model import Element, ElementType, EventKind, Model, Process
from bpmn.validation.findings import Finding
from bpmn.wording import label

Ends = dict[tuple[str, str], list[Element]]


def link_ends(process: Process, type: ElementType) -> Ends:
    """The link events of one type by scope and name."""
    ends: Ends = {}
    for element in process.elements.values():
        for event in element.events if element.type is type else ():
            if event.kind is EventKind.LINK and event.name is not None:
                ends.setdefault((element.scope, event.name.text), []).append(element)
    return ends


def partners(process: Process, model: Model) -> Iterator[Finding]:
    """Each throwing link has exactly one catching link."""
    catches = link_ends(process, ElementType.INTERMEDIATE_CATCH_EVENT)
    for (scope, name), throws in link_ends(process, ElementType.INTERMEDIATE_THROW_EVENT).items():
        if (scope, name) not in catches:
            for throw in throws:
                yield Finding(throw.id, f"Expected a catching link event named {name!r} here, but there is none.")
    for (_, name), found in catches.items():
        for extra in found[1:]:
            yield Finding(extra.id, f"Expected one catching link event {name!r}, but {label(found[0])} is one too.")


RULES = (partners,)
