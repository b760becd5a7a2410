"""Compensation: the log of what can be undone, and the events that undo it.

When an activity completes, a record goes to the log of its scope. A compensation throw event takes the records it is
meant for out of the log and opens their handlers, the newest first, all at once, as its own children; it completes
when the last of them has. A record is a plain list, so that it can be saved as it is::

    [sequence, kind, activity id, handler node number, variables or None, inner records or None]

`kind` is HANDLER (run the handler), GROUP (a completed sub-process or multi-instance body: compensate its inner
records) or EVENT_SUB_PROCESS (run the compensation event sub-process, which may throw again for the inner records).

Sources: BPMN 2.0 §10.7 and §13.5.5; Camunda 7 manual "Compensation Events"; Camunda 8 docs "Compensation events".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpmn.interpreter.nodes.base import Node
from bpmn.interpreter.scope import Scope
from bpmn.interpreter.task import STARTED, Token

if TYPE_CHECKING:
    from bpmn.interpreter.workflow import ProcessWorkflow, Record, ScopeWorkflow

HANDLER, GROUP, EVENT_SUB_PROCESS = 0, 1, 2
SEQUENCE, KIND, ACTIVITY, NODE, VARIABLES, INNER = range(6)


class Compensable(Node):
    """An activity that leaves a record behind when it completes."""

    def remember(self, token: Token) -> None:
        for record in self.records(token):
            log_of(token).append(record)

    def records(self, token: Token) -> list[Record]:
        """The records of one completion; none for an activity that has nothing to undo."""
        if self.handler is None:
            return []
        return [[next_sequence(token), HANDLER, self.element.id, self.handler.number, None, None]]


def next_sequence(token: Token) -> int:
    """Count one more completed activity."""
    top = token.workflow.top_workflow
    top.sequence += 1
    return int(top.sequence)


def log_of(token: Token) -> list[Record]:
    """Where the records of a token's activity belong: its scope, or the multi-instance body that it is part of."""
    parent = token.parent
    if parent is not None and parent.task_spec.inner is token.task_spec:
        log: list[Record] = parent.internal_data.setdefault("log", [])
        return log
    found: list[Record] = token.workflow.log
    return found


def group(token: Token, records: list[Record], variables: dict[str, Any] | None) -> Record:
    """The record of a completed sub-process or multi-instance body."""
    return [next_sequence(token), GROUP, token.task_spec.element.id, 0, variables, records]


def take_records(token: Token, activity: str | None) -> list[Record]:
    """Take out of the logs what a throw at `token` compensates, newest first.

    An event sub-process does not consume: a throw inside it reaches the scope around it. In a compensation event
    sub-process it reaches the scope that is being compensated.
    """
    workflow: ScopeWorkflow = token.workflow
    taken: list[Record] = []
    while True:
        taken += _take(workflow.log, activity)
        if workflow.compensates is not None:
            taken += _take(workflow.compensates, activity)
            break
        owner = workflow.parent_task
        if owner is None or not owner.task_spec.is_event_sub_process:
            break
        workflow = owner.workflow
    return sorted(taken, key=lambda record: -int(record[SEQUENCE]))


def _take(log: list[Record], activity: str | None) -> list[Record]:
    taken = [record for record in log if activity is None or record[ACTIVITY] == activity]
    log[:] = [record for record in log if not (activity is None or record[ACTIVITY] == activity)]
    return taken


class Compensating(Node):
    """A throw or end event that compensates, and waits until that is done."""

    def compensate(self, token: Token, activity: str | None) -> bool | None:
        """Open the handlers; True when there is nothing to wait for."""
        if "compensating" in token.internal_data:
            return True
        records = take_records(token, activity)
        token.internal_data["compensating"] = 1
        token._set_state(STARTED)
        for record in records:
            self._open(token, record, ())
        return None if token.kids else True

    def _open(self, token: Token, record: Record, variables: tuple[dict[str, Any], ...]) -> None:
        # Groups nest no deeper than sub-processes do in the diagram, and are opened together: all at once, no order.
        if record[VARIABLES]:
            variables = (*variables, record[VARIABLES])
        if record[KIND] == GROUP:
            for inner in sorted(record[INNER], key=lambda r: -int(r[SEQUENCE])):
                self._open(token, inner, variables)
            return
        node = self.program_node(token.workflow.top_workflow, record[NODE])
        handler = Token(token.workflow, node, token)
        if variables:
            scope = Scope(handler.id, token.workflow.scope.ledger, token.workflow.scope)
            for values in variables:
                scope.assign_all(values, local=True)
            handler.data = handler.scope = scope
        if record[KIND] == EVENT_SUB_PROCESS:
            handler.internal_data["compensates"] = record[INNER]
        node._update(handler)

    @staticmethod
    def program_node(top: ProcessWorkflow, number: int) -> Node:
        """The node with that number."""
        return top.spec.program.nodes[number]

    def child_left(self, token: Token, child: Token) -> None:
        if not token.kids:
            token._ready()
