"""Lets an instance go on in another definition: every token at the counterpart of its element, with all it has.

What waits keeps waiting: jobs, user tasks, timers, subscriptions and called instances stay as they are, and so do
variables, incidents and what can be compensated. Boundary events and event sub-processes that the other definition does
not have are given up, and those that only it has begin to wait.
Source: Camunda 7 manual, "Process Instance Migration"; Camunda 8 docs, "Process instance migration".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from bpmn.interpreter import state
from bpmn.interpreter.failures import Failure, MigrationRefused
from bpmn.interpreter.fitting import Counterparts, Fit, Obstacle
from bpmn.interpreter.nodes.compensation import ACTIVITY, INNER, KIND, NODE
from bpmn.interpreter.nodes.compensation import GROUP as GROUP_RECORD
from bpmn.interpreter.nodes.events import BoundaryEvent
from bpmn.interpreter.nodes.subprocesses import EventSubProcess
from bpmn.interpreter.task import WAITING, Token
from bpmn.interpreter.workflow import FAREWELL, ProcessWorkflow, Record

if TYPE_CHECKING:
    from bpmn.interpreter.program import Program


def obstacles(top: ProcessWorkflow, target: Program, counterparts: Counterparts) -> list[Obstacle]:
    """Everything that keeps an instance from going on in `target`; empty if nothing does."""
    return list(dict.fromkeys(_Check(top, target, counterparts).all()))


def translate(top: ProcessWorkflow, target: Program, counterparts: Counterparts) -> bytes:
    """Give up what the target does not have, and give the tokens of an instance as they are in the target.

    Raises MigrationRefused if there are obstacles; then nothing was changed.
    """
    found = obstacles(top, target, counterparts)
    if found:
        raise MigrationRefused(" ".join(each.message for each in found))
    move = _Move(top.spec.program, target, counterparts)
    for token in list(top.index.values()):
        if _beside(token) and move.watcher(token.task_spec) is None:
            top.cancel_tokens([token])
    return move.tokens(state.dump(top))


def arm_new(top: ProcessWorkflow, source: Program, counterparts: Counterparts) -> None:
    """Let boundary events and event sub-processes wait that only the target has, and joins fire that need not wait.

    `top` runs in the target already. Raises MigrationRefused if an event cannot be waited for.
    """
    move = _Move(source, top.spec.program, counterparts)
    had = {watcher for watcher in map(move.watcher, source.nodes) if watcher is not None}
    for workflow in [top, *top.subprocesses.values()]:
        for node in workflow.spec.event_sub_processes:
            if node.awaited and node not in had and not workflow.done:
                node.listen_in(workflow)
    for token in list(top.index.values()):
        if token.parent is not None or not token.entered or FAREWELL in token.internal_data \
                or token.internal_data.get("phase") == "enter":
            continue
        for boundary in token.task_spec.armed if token.task_spec.waits else ():
            if boundary not in had:
                _arm(boundary, token)
    for workflow in [top, *top.subprocesses.values()]:
        for number in list(workflow.joins):
            top.spec.program.nodes[number].reconsider(workflow)


def _arm(boundary: BoundaryEvent, host: Token) -> None:
    try:
        boundary.arm(host)
    except Failure as failure:
        raise MigrationRefused(f"Expected {boundary.label} to begin to wait, but that failed: {failure}") from failure


def _beside(token: Token) -> bool:
    """It waits beside the flow: an armed boundary event, or an event sub-process that listens."""
    return isinstance(token.task_spec, BoundaryEvent) or token.id in token.workflow.listeners


class _Move(Fit):
    """Finds for each node of the source its counterpart in the target, and says saved tokens in its numbers."""

    def number(self, number: int) -> int:
        """The number in the target of the node with this number in the source."""
        found = self.of(self._source.nodes[number])
        assert found is not None, "checked before"
        return found.number

    def record(self, record: Record) -> Record:
        """A record of what can be compensated."""
        moved = list(record)
        moved[ACTIVITY] = self.id(record[ACTIVITY])
        if record[KIND] != GROUP_RECORD:
            moved[NODE] = self.number(record[NODE])
        if record[INNER]:
            moved[INNER] = [self.record(inner) for inner in record[INNER]]
        return moved

    def tokens(self, dumped: bytes) -> bytes:
        """Saved tokens, with the numbers of the target."""
        content: list[Any] = msgspec.msgpack.decode(dumped)
        for _, rows, *rest in content[2]:
            for row in rows:
                row[1] = self.number(row[1])
                if len(row) > 5 and row[5]:
                    row[5] = self.id(row[5])
                if len(row) > 6 and row[6]:
                    for name in ("log", "compensates"):
                        if row[6].get(name):
                            row[6][name] = [self.record(record) for record in row[6][name]]
                    self._many(row[1], row[6])
            for index in (0, 2):
                if len(rest) > index and rest[index]:
                    rest[index][:] = [self.record(record) for record in rest[index]]
        for further in content[3:]:
            if "stop_after" in further:
                further["stop_after"] = sorted(map(self.id, further["stop_after"]))
        return msgspec.msgpack.encode(content)

    def _many(self, number: int, data: dict[str, Any]) -> None:
        """A body of many instances that collects results in the target only: those that ended have none."""
        loop = self._target.nodes[number].element.loop
        if "next" in data and loop is not None and loop.output_collection and "outputs" not in data:
            data["outputs"] = [None] * max(data["total"], data["next"])


class _Check:
    """Looks for obstacles, one kind after the other."""

    def __init__(self, top: ProcessWorkflow, target: Program, counterparts: Counterparts) -> None:
        self._top = top
        self._move = _Move(top.spec.program, target, counterparts)

    def all(self) -> Iterator[Obstacle]:
        """Every obstacle."""
        if self._top.ready:
            yield Obstacle("", "Expected the instance to wait, but it is on the move.")
        for token in self._top.index.values():
            if not _beside(token):
                yield from self._of_token(token)
        for token in self._top.index.values():
            for name in ("log", "compensates"):
                yield from self._of_records(token.internal_data.get(name))
        for workflow in [self._top, *self._top.subprocesses.values()]:
            yield from self._of_records(workflow.log)
            yield from self._of_records(workflow.compensates)

    def _of_token(self, token: Token) -> Iterator[Obstacle]:
        node = token.task_spec
        found = list(self._move.obstacles(node, token.flow if token._state == WAITING else None))
        if "listener" in token.internal_data:
            found.append(Obstacle(node.element.id, f"Expected {node.label} to wait for itself, but one of its "
                                                   f"listeners is at work."))
        yield from found
        if not found and isinstance(node, EventSubProcess) and "compensates" in token.internal_data:
            yield from self._of_records(token.internal_data["compensates"])

    def _of_records(self, records: list[Record] | None) -> Iterator[Obstacle]:
        for record in records or ():
            if record[KIND] != GROUP_RECORD:
                node = self._top.spec.program.nodes[record[NODE]]
                if self._move.of(node) is None:
                    yield Obstacle(record[ACTIVITY], f"Expected a counterpart of {node.label}, which may have to "
                                                     f"compensate {record[ACTIVITY]!r}, but there is none.")
            yield from self._of_records(record[INNER])
