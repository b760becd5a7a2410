"""Where a process or a sequence flow has listeners, a node of its own stands in the way of the token.

Sources: Camunda 8 docs "Execution listeners" (process); Camunda 7 manual "Execution Listeners" (process, and `take` on
sequence flows).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from bpmn.interpreter import placing
from bpmn.interpreter.nodes import listeners
from bpmn.interpreter.nodes.base import Branch, Node
from bpmn.interpreter.task import Token
from bpmn.model import Element, ElementType, Flow, Process

if TYPE_CHECKING:
    from bpmn.interpreter.program import ProcessSpec


class Observing(Node):
    """Lets its token go on when its listeners have answered."""

    @classmethod
    def of(cls, spec: ProcessSpec, name: str, element: Element, process: Process) -> Self:
        """A node that the diagram does not show."""
        node = cls(spec, name)
        node.element = element
        node.dialect = process.dialect
        return node

    def runs_inline(self) -> bool:
        return False


class ProcessStart(Observing):
    """The listeners of a process that are called before its first element."""

    def link(self) -> None:
        super().link()
        self.conditional = True     # so that `choose` is asked where to go

    def choose(self, token: Token) -> list[Branch]:
        placing.begin(token.workflow.top_workflow, **token.internal_data["first"])
        return []


class ProcessEnd(Observing):
    """The listeners of a process that are called after its last element."""

    def leave(self, token: Token) -> None:
        super().leave(token)
        # Somebody may have put another token meanwhile: then this is not the end.
        token.workflow.is_over = token.workflow.live == 1


class FlowTaken(Observing):
    """The listeners of a sequence flow."""

    def _update(self, my_task: Token) -> None:
        my_task.flow = None     # it is taken when it leads to its target
        super()._update(my_task)

    def enter(self, token: Token) -> None:
        if not listeners.are_due(token, listeners.TAKE):
            self.activate(token)


def on_process(spec: ProcessSpec, process: Process) -> tuple[ProcessStart | None, ProcessEnd | None]:
    """The nodes before and after everything else in a process, where it has listeners."""
    element = Element(id=process.id, type=ElementType.PROCESS, scope=process.id, name=process.name)
    first, last = (replace(element, listeners=tuple(one for one in process.listeners if one.event == event))
                   for event in (listeners.START, listeners.END))
    return (
        ProcessStart.of(spec, f"{process.id}#start", first, process) if first.listeners else None,
        ProcessEnd.of(spec, f"{process.id}#end", last, process) if last.listeners else None,
    )


def on_flow(spec: ProcessSpec, flow: Flow, process: Process) -> FlowTaken:
    """The node on a sequence flow that has listeners."""
    element = Element(
        id=flow.id, type=ElementType.SEQUENCE_FLOW, scope=spec.name, name=flow.name, listeners=flow.listeners)
    return FlowTaken.of(spec, flow.id, element, process)
