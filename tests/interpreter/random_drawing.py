"""Writes random processes as BPMN."""

from __future__ import annotations

from itertools import pairwise

from bpmn.model import Dialect
from tests.bpmn.diagrams import association, definition, el, end, ext, file, flow, keyed_message, start, text, timer
from tests.interpreter.random_models import (
    Activity,
    Block,
    Event,
    Leave,
    Race,
    Repeat,
    Scope,
    Sequence,
    Split,
    Watcher,
)

ERROR, ESCALATION, SIGNAL = "AnError", "AnEscalation", "ASignal"
ROOTS = "".join([
    el("error", id=ERROR, name="e", errorCode="e"),
    el("escalation", id=ESCALATION, name="x", escalationCode="x"),
    el("signal", id=SIGNAL, name="s"),
])
EVENTS = {
    "timer": timer("Duration", "PT1H"),
    "cycle": timer("Cycle", "R2/PT1H"),
    "signal": definition("signal", signalRef=SIGNAL),
    "error": definition("error", errorRef=ERROR),
    "escalation": definition("escalation", escalationRef=ESCALATION),
    "compensation": definition("compensate"),
    "cancel": definition("cancel"),
    "terminate": definition("terminate"),
}


class Drawing:
    """Writes a model as BPMN, in one of the two dialects."""

    def __init__(self, dialect: Dialect = Dialect.CAMUNDA_8) -> None:
        self.dialect = dialect
        self._seven = dialect == Dialect.CAMUNDA_7
        self._count = 0
        self._messages: list[str] = []
        self._drawn: dict[int, dict[str, str]] = {}

    def drawn(self, block: Block | Scope) -> dict[str, str]:
        """The elements that a block was drawn as: what they are to it → their ids."""
        return self._drawn[id(block)]

    def file(self, top: Scope) -> bytes:
        process = el("process", self.scope(top), id="P", isExecutable="true", camunda__historyTimeToLive="1")
        return file(ROOTS, *self._messages, process, platform=self.dialect.value)

    def message(self) -> str:
        """A message of its own for each event, so that none takes another one's."""
        self._messages.append(keyed_message(f"M{len(self._messages)}", f"m{len(self._messages)}"))
        return f"M{len(self._messages) - 1}"

    def is_(self, left: str, operator: str, right: int) -> str:
        """A comparison as an expression."""
        if self._seven:
            return f"${{{left} {'==' if operator == '=' else operator} {right}}}"
        return f"={left} {operator} {right}"

    def event_xml(self, event: str) -> str:
        """The event definition of a kind of event; none for a none event."""
        if event == "message":
            return definition("message", messageRef=self.message())
        if event == "condition":
            return definition("conditional", text("condition", self.is_("flag", ">", 1)))
        return EVENTS.get(event, "")

    def scope(self, scope: Scope, begin: str = "", may_compensate: bool = True, **attributes: str) -> str:
        """The elements of a scope; `begin` is the event definition of its start event."""
        parts = Parts()
        first, last = self.block(scope.body, parts)
        opening, closing = self.id("Start", scope), self.id("End", scope)
        parts.add(start(opening, begin, **attributes))
        parts.add(end(closing, self.event_xml(scope.ending or "")))
        parts.flow(opening, first)
        parts.flow(last, closing)
        for watcher in scope.watchers:
            # Camunda 8 has no compensation event sub-process, and a handler beside it would be one too many.
            if watcher.event != "compensation" or (self._seven and may_compensate):
                parts.add(self.event_sub_process(watcher))
        return parts.text()

    def event_sub_process(self, watcher: Watcher) -> str:
        inside = self.scope(Scope(watcher.body), self.event_xml(watcher.event),
                            isInterrupting=str(watcher.interrupting).lower())
        return el("subProcess", inside, id=self.id("EventSub", watcher), triggeredByEvent="true")

    def id(self, kind: str, block: Block | Scope | Watcher) -> str:
        self._count += 1
        made = f"{kind}_{self._count}"
        self._drawn.setdefault(id(block), {})[kind] = made
        return made

    def block(self, block: Block, parts: Parts) -> tuple[str, str]:
        """Draws a block; gives its first and last element."""
        return getattr(self, type(block).__name__.lower())(block, parts)

    def sequence(self, block: Sequence, parts: Parts) -> tuple[str, str]:
        ends = [self.block(part, parts) for part in block.parts]
        for (_, last), (first, _) in pairwise(ends):
            parts.flow(last, first)
        return ends[0][0], ends[-1][1]

    def split(self, block: Split, parts: Parts) -> tuple[str, str]:
        opening, closing = self.id(block.kind.title(), block), self.id("Join", block)
        ends = [self.block(branch, parts) for branch in block.branches]
        default = {} if block.kind == "parallel" else {"default": f"{opening}_{ends[-1][0]}"}
        parts.add(el(f"{block.kind}Gateway", id=opening, **default))
        parts.add(el(f"{block.kind}Gateway", id=closing))
        for number, (first, last) in enumerate(ends):
            condition = None
            if block.kind == "exclusive" and number < len(ends) - 1:
                condition = self.is_("c", "=", number)
            elif block.kind == "inclusive" and number < len(ends) - 1:
                condition = self.is_("c", ">", number)
            parts.flow(opening, first, condition)
            parts.flow(last, closing)
        return opening, closing

    def race(self, block: Race, parts: Parts) -> tuple[str, str]:
        opening, closing = self.id("Race", block), self.id("Merge", block)
        parts.add(el("eventBasedGateway", id=opening))
        parts.add(el("exclusiveGateway", id=closing))
        for event, body in block.branches:
            first, last = self.block(Sequence([Event(event, True), body]), parts)
            parts.flow(opening, first)
            parts.flow(last, closing)
        return opening, closing

    def repeat(self, block: Repeat, parts: Parts) -> tuple[str, str]:
        reset, back, count, again, done = (
            self.id(kind, block) for kind in ("Reset", "Back", "Count", "Again", "Done"))
        variable = f"n{self._count}"
        first, last = self.block(block.body, parts)
        parts.add(self.script_xml(reset, "0", variable), el("exclusiveGateway", id=back),
                  self.script_xml(count, f"{variable} + 1", variable),
                  el("exclusiveGateway", id=again, default=f"{again}_{done}"), el("task", id=done))
        parts.flow(reset, back)
        parts.flow(back, first)
        parts.flow(last, count)
        parts.flow(count, again)
        parts.flow(again, back, self.is_(variable, "<", block.times))
        parts.flow(again, done)
        return reset, done

    def leave(self, block: Leave, parts: Parts) -> tuple[str, str]:
        opening, away, stay = (self.id(kind, block) for kind in ("Leave", "Away", "Stay"))
        parts.add(el("exclusiveGateway", id=opening, default=f"{opening}_{stay}"),
                  end(away, self.event_xml(block.how)), el("task", id=stay))
        parts.flow(opening, away, self.is_("c", ">", 1))
        parts.flow(opening, stay)
        return opening, stay

    def event(self, block: Event, parts: Parts) -> tuple[str, str]:
        id = self.id(block.kind.title(), block)
        tag = "intermediateCatchEvent" if block.caught else "intermediateThrowEvent"
        parts.add(el(tag, self.event_xml(block.kind), id=id))
        return id, id

    def activity(self, block: Activity, parts: Parts) -> tuple[str, str]:
        id = self.id(block.kind.title(), block)
        parts.add(self.activity_xml(block, id))
        last = id
        if block.handler is not None:
            handler, undo = self.id("Handler", block), self.id("Undo", block)
            parts.add(el("boundaryEvent", EVENTS["compensation"], id=undo, attachedToRef=id),
                      self.activity_xml(block.handler, handler, isForCompensation="true"))
            parts.last.append(association(undo, handler))
        merge = self.id("Merge", block) if any(w.interrupting for w in block.watchers) else None
        if merge is not None:
            parts.add(el("exclusiveGateway", id=merge))
            parts.flow(id, merge)
            last = merge
        for watcher in block.watchers:
            boundary = self.id("Boundary", watcher)
            parts.add(el("boundaryEvent", self.event_xml(watcher.event), id=boundary, attachedToRef=id,
                         cancelActivity=str(watcher.interrupting).lower()))
            first, tail = self.block(watcher.body, parts)
            parts.flow(boundary, first)
            if watcher.interrupting and merge is not None:
                parts.flow(tail, merge)
            else:
                finish = self.id("End", watcher)
                parts.add(end(finish))
                parts.flow(tail, finish)
        return id, last

    def activity_xml(self, block: Activity, id: str, **attributes: str) -> str:
        if block.kind == "script" and not self._extensions(block):
            return self.script_xml(id, "v + 1", "v", self.loop_xml(block), **attributes)
        inside = "" if block.inside is None else self.scope(block.inside, may_compensate=block.handler is None)
        tag, extension, more = (SEVEN if self._seven else EIGHT)[block.kind]
        if block.kind == "receive":
            more = {"messageRef": self.message()}
        return el(tag, ext(extension + self._extensions(block)), inside, self.loop_xml(block), id=id, **more,
                  **attributes)

    def _extensions(self, block: Activity) -> str:
        """Mappings and listeners."""
        if self._seven:
            # Camunda 7 refuses the output of a multi-instance activity.
            output = text("camunda:outputParameter", "${local}", name="taken") if block.loop is None else ""
            mapping = el("camunda:inputOutput", text("camunda:inputParameter", "${c}", name="local"), output)
            listeners = "".join(el("camunda:executionListener", event=event, class_="listen")
                                for event in block.listened)
        else:
            mapping = el("zeebe:ioMapping", el("zeebe:input", source="=c", target="local"),
                         el("zeebe:output", source="=local", target="taken"))
            listeners = "".join(el("zeebe:executionListener", eventType=event, type="listen")
                                for event in block.listened)
            listeners = el("zeebe:executionListeners", listeners) if listeners else ""
        return (mapping if block.mapped else "") + listeners

    def script_xml(self, id: str, expression: str, variable: str, more: str = "", **attributes: str) -> str:
        if self._seven:
            return el("scriptTask", more, text("script", f"${{{expression}}}"), id=id, scriptFormat="juel",
                      camunda__resultVariable=variable, **attributes)
        return el("scriptTask", ext(el("zeebe:script", expression=f"={expression}", resultVariable=variable)), more,
                  id=id, **attributes)

    def loop_xml(self, block: Activity) -> str:
        if block.loop is None:
            return ""
        sequential, times = block.loop
        how = {"isSequential": str(sequential).lower()}
        if self._seven:
            stop = "" if block.stops_at is None else text(
                "completionCondition", self.is_("nrOfCompletedInstances", ">=", block.stops_at))
            return el("multiInstanceLoopCharacteristics", text("loopCardinality", str(times)), stop, **how)
        output = {"outputCollection": "out", "outputElement": "=item"} if block.collects else {}
        characteristics = el("zeebe:loopCharacteristics", inputCollection=f"={list(range(times))}",
                             inputElement="item", **output)
        stop = "" if block.stops_at is None else text(
            "completionCondition", self.is_("numberOfCompletedInstances", ">=", block.stops_at))
        return el("multiInstanceLoopCharacteristics", ext(characteristics), stop, **how)


EIGHT = {
    "job": ("serviceTask", el("zeebe:taskDefinition", type="work"), {}),
    "user": ("userTask", el("zeebe:userTask"), {}),
    "script": ("scriptTask", el("zeebe:script", expression="=v + 1", resultVariable="v"), {}),
    "task": ("task", "", {}),
    "call": ("callActivity", el("zeebe:calledElement", processId="Q", propagateAllChildVariables="true"), {}),
    "receive": ("receiveTask", "", {}),
    "sub": ("subProcess", "", {}),
    "transaction": ("transaction", "", {}),
}
SEVEN = {
    "job": ("serviceTask", "", {"camunda__type": "external", "camunda__topic": "work"}),
    "user": ("userTask", "", {}),
    "script": ("serviceTask", "", {"camunda__expression": "${v + 1}", "camunda__resultVariable": "v"}),
    "task": ("task", "", {}),
    "call": ("callActivity", el("camunda:in", variables="all") + el("camunda:out", variables="all"),
             {"calledElement": "Q"}),
    "receive": ("receiveTask", "", {}),
    "sub": ("subProcess", "", {}),
    "transaction": ("transaction", "", {}),
}
"""What each kind of activity is in each dialect: its tag, its extension elements, its attributes."""


class Parts:
    """The elements of one scope, then its flows."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.last: list[str] = []

    def add(self, *elements: str) -> None:
        self.first += elements

    def flow(self, source: str, target: str, condition: str | None = None) -> None:
        self.last.append(flow(source, target, condition))

    def text(self) -> str:
        return "".join(self.first + self.last)

