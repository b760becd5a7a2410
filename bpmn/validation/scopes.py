"""Rules about how processes and sub-processes begin (BPMN 2.0 §10.3.5, §10.5.2)."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.model import Element, ElementType, EventKind, Model, Process
from bpmn.validation.findings import Finding, contents, kinds, starts
from bpmn.wording import article, label, words

STARTS_PROCESS = frozenset({
    EventKind.NONE, EventKind.MESSAGE, EventKind.TIMER, EventKind.SIGNAL, EventKind.CONDITIONAL,
})
STARTS_EVENT_SUB_PROCESS = frozenset({
    EventKind.MESSAGE, EventKind.TIMER, EventKind.SIGNAL, EventKind.ERROR, EventKind.ESCALATION,
    EventKind.CONDITIONAL, EventKind.COMPENSATION,
})


def process_start(process: Process, model: Model) -> Iterator[Finding]:
    """A process begins with start events, of which one at most is a none start event (Camunda 7 and 8 alike)."""
    begins = starts(process).get(process.id, [])
    if not begins:
        yield Finding(process.id, "Expected the process to have a start event, but it has none.")
    nones = [start for start in begins if kinds(start) == {EventKind.NONE}]
    for extra in nones[1:]:
        yield Finding(
            extra.id, f"Expected one start event without a trigger, but {label(nones[0])} is one as well."
        )
    for start in begins:
        for kind in sorted(kinds(start) - STARTS_PROCESS):
            found = f"{article(words(kind))} event starts event sub-processes only"
            yield Finding(start.id, f"Expected another kind of event here, but {found}.")
    yield from _same_trigger(begins)


def _same_trigger(begins: list[Element]) -> Iterator[Finding]:
    """Two start events of a process cannot wait for the same message or signal."""
    seen: dict[tuple[EventKind, str], Element] = {}
    for start in begins:
        for event in start.events:
            if event.kind not in (EventKind.MESSAGE, EventKind.SIGNAL) or event.name is None:
                continue
            first = seen.setdefault((event.kind, event.name.text), start)
            if first is not start:
                yield Finding(
                    start.id,
                    f"Expected each start event to have its own {words(event.kind)}, "
                    f"but {label(first)} waits for {event.name.text!r} too.",
                )


def sub_process_start(process: Process, model: Model) -> Iterator[Finding]:
    """An embedded sub-process begins with exactly one none start event."""
    begins = starts(process)
    for scope in process.elements.values():
        if scope.type not in (ElementType.SUB_PROCESS, ElementType.TRANSACTION):
            continue
        found = begins.get(scope.id, [])
        if not found:
            yield Finding(scope.id, f"Expected the {words(scope.type)} to have a start event, but it has none.")
        for extra in found[1:]:
            yield Finding(extra.id, f"Expected one start event in the {words(scope.type)}, but there are several.")
        for start in found:
            for kind in sorted(kinds(start) - {EventKind.NONE}):
                yield Finding(
                    start.id,
                    f"Expected a start event without a trigger in the {words(scope.type)}, but it has the trigger "
                    f"{words(kind)}.",
                )


def event_sub_process_start(process: Process, model: Model) -> Iterator[Finding]:
    """An event sub-process begins with exactly one start event, which has a trigger."""
    begins = starts(process)
    for scope in process.elements.values():
        if scope.type is not ElementType.EVENT_SUB_PROCESS:
            continue
        inside = begins.get(scope.id, [])
        if len(inside) != 1:
            found = "several" if inside else "none"
            yield Finding(scope.id, f"Expected one start event in the event sub-process, but there are {found}.")
        for start in inside:
            for kind in sorted(kinds(start) - STARTS_EVENT_SUB_PROCESS):
                found = "has none" if kind is EventKind.NONE else f"is a {words(kind)} event"
                yield Finding(
                    start.id,
                    "Expected the start event of the event sub-process to have a trigger (message, timer, error, …), "
                    f"but it {found}.",
                )


def ad_hoc_content(process: Process, model: Model) -> Iterator[Finding]:
    """An ad-hoc sub-process contains activities, and neither start nor end events (BPMN 2.0 §10.3.5)."""
    all_contents = contents(process)
    for scope in process.elements.values():
        if scope.type is not ElementType.AD_HOC_SUB_PROCESS:
            continue
        inside = all_contents.get(scope.id, [])
        if not inside:
            yield Finding(scope.id, "Expected the ad-hoc sub-process to contain an activity, but it is empty.")
        for element in inside:
            if element.type in (ElementType.START_EVENT, ElementType.END_EVENT):
                yield Finding(element.id, f"Expected no {words(element.type)} in an ad-hoc sub-process, but it is one.")


RULES = (process_start, sub_process_start, event_sub_process_start, ad_hoc_content)
