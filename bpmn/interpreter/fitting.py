"""Says which nodes of two programs correspond, and why a token cannot go on at the counterpart of its node.

Both are told from the programs alone, so that many instances can be judged without being read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpmn.interpreter.nodes.base import Node
from bpmn.interpreter.nodes.events import BoundaryEvent, EventBasedGateway
from bpmn.interpreter.nodes.gateways import InclusiveGateway, ParallelGateway
from bpmn.interpreter.nodes.subprocesses import EventSubProcess
from bpmn.model import EventKind

if TYPE_CHECKING:
    from bpmn.interpreter.program import Program

Counterparts = Mapping[str, str]
"""Element ids of the source → of the target."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an instance cannot be migrated: the element at which it is, and a sentence."""

    element: str
    message: str


class Fit:
    """Two programs, and which elements of the first became which of the second."""

    def __init__(self, source: Program, target: Program, counterparts: Counterparts) -> None:
        self._source, self._target, self._counterparts = source, target, counterparts

    def of(self, node: Node) -> Node | None:
        """The counterpart of a node; None if there is none."""
        id = node.element.id
        name = self._counterparts.get(id, id) + node.name.removeprefix(id)
        return self._target.by_id.get(name)

    def id(self, id: str) -> str:
        """The id in the target of an element or sequence flow."""
        return self._counterparts.get(id, id)

    def watcher(self, node: Node) -> Node | None:
        """The counterpart of a boundary event or event sub-process that waits for the same in the same place."""
        found = self.of(node)
        if found is None or type(found) is not type(node) or not isinstance(node, BoundaryEvent | EventSubProcess):
            return None
        place, wanted = ((one.element.attached_to or one.element.scope) for one in (node, found))
        if place == self._source.process.id:
            place = self._target.process.id
        same = self.id(place or "") == wanted and _kinds(node) == _kinds(found)
        return found if same else None

    def obstacles(self, node: Node, flow: str | None) -> Iterator[Obstacle]:
        """Why a token that came to a node by a flow cannot go on at its counterpart."""
        id, found = node.element.id, self.of(node)
        if found is None:
            yield Obstacle(id, f"Expected a counterpart of {node.label}, but process {self._target.process.id!r} has "
                               f"none.")
            return
        if type(found) is not type(node) or found.element.type != node.element.type:
            yield Obstacle(id, f"Expected the counterpart of {node.label} to be of the same kind, but {found.label} "
                               f"is not.")
            return
        around, wanted = node.element.scope, self._wanted_scope(node)
        if found.element.scope != wanted:
            yield Obstacle(id, f"Expected {found.label} to be in {wanted!r}, as {node.label} is in {around!r}, but it "
                               f"is in {found.element.scope!r}.")
        yield from self._of_wait(node, found)
        if isinstance(node, ParallelGateway | InclusiveGateway) and flow is not None \
                and self.id(flow) not in found.element.incoming:
            yield Obstacle(id, f"Expected {found.label} to have the incoming flow {flow!r}, by which a token came that "
                               f"waits there, but it has none.")

    def _wanted_scope(self, node: Node) -> str:
        scope = node.element.scope
        return self._target.process.id if scope == self._source.process.id else self.id(scope)

    def _of_wait(self, node: Node, found: Node) -> Iterator[Obstacle]:
        id = node.element.id
        if _kinds(node) != _kinds(found) or [self.id(each) for each in _race(node)] != _race(found):
            yield Obstacle(id, f"Expected {found.label} to wait for the same events as {node.label}, but it does not.")
        loop, other = node.element.loop, found.element.loop
        if (loop is None) != (other is None) or (
                loop is not None and other is not None and loop.sequential != other.sequential):
            yield Obstacle(id, f"Expected {found.label} to be repeated in the same way as {node.label}, but it is not.")
        if (node.element.job is None) != (found.element.job is None):
            yield Obstacle(id, f"Expected {found.label} to be done by a worker just as {node.label}, but only one is.")


def _kinds(node: Node) -> list[EventKind]:
    """The kinds of events that a node waits for, in their order: saved waits call them by their position."""
    return [event.kind for event in node.awaited]


def _race(node: Node) -> list[str]:
    """The elements of which the first wins at an event-based gateway, in their order."""
    return [branch.target.element.id for branch in node.targets] if isinstance(node, EventBasedGateway) else []
