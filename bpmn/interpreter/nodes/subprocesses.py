"""Embedded, event, transaction and ad-hoc sub-processes (BPMN 2.0 §10.3.5, §13.3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.defaults import (
    EventSubprocess as SpiffEventSubprocess,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    SubWorkflowTask as SpiffSubWorkflowTask,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    TransactionSubprocess as SpiffTransactionSubprocess,
)

from bpmn.interpreter import journal
from bpmn.interpreter.failures import Failure
from bpmn.interpreter.nodes.compensation import EVENT_SUB_PROCESS, group, next_sequence
from bpmn.interpreter.nodes.events import open_event, waited_for
from bpmn.interpreter.nodes.tasks import Activity
from bpmn.interpreter.task import FUTURE, STARTED, WAITING, Token
from bpmn.interpreter.workflow import Record, ScopeWorkflow, SubWorkflow

if TYPE_CHECKING:
    from bpmn.interpreter.program import ProcessSpec


class SubProcess(Activity, SpiffSubWorkflowTask):
    """An embedded sub-process: its inside is a sub-workflow, its outside waits until that has ended."""

    waits = True
    inside: ProcessSpec

    def runs_inline(self) -> bool:
        return False

    def run(self, token: Token) -> bool | None:
        inside = token.workflow.top_workflow.subprocesses.get(token.id)
        if inside is not None:
            return True if inside.done else None
        token._set_state(STARTED)
        inside = SubWorkflow(self.inside, token, self.own_scope(token))
        self.begin(token, inside)
        return None

    def begin(self, token: Token, inside: SubWorkflow) -> None:
        """Start the inside."""
        listen(inside)
        assert self.inside.none_start is not None
        inside.arrive(self.inside.none_start, None)

    def records(self, token: Token) -> list[Record]:
        records = super().records(token)
        inside = token.workflow.top_workflow.subprocesses.get(token.id)
        if inside is not None:
            variables = inside.scope.local() or None
            handler = self.inside.compensation_handler
            if handler is not None:
                records.append([next_sequence(token), EVENT_SUB_PROCESS, self.element.id, handler.number,
                                variables, inside.log])
            elif inside.log:
                records.append(group(token, inside.log, variables))
        return records


class Transaction(SubProcess, SpiffTransactionSubprocess):
    """A transaction: a sub-process that a cancel end event compensates as a whole."""


class EventSubProcess(SubProcess, SpiffEventSubprocess):
    """Waits beside the other elements of its scope; its start event starts it, as often as it happens."""

    is_event_sub_process = True
    interrupting = True

    def link(self) -> None:
        start = self.inside.typed_start
        assert start is not None
        self.catches = start.element.events
        self.interrupting = start.element.interrupting
        self.awaited = waited_for(self.catches)
        super().link()

    def begin(self, token: Token, inside: SubWorkflow) -> None:
        listen(inside)
        inside.compensates = token.internal_data.get("compensates")
        inside.scope.assign_all(token.internal_data.pop("payload", None), local=True)
        assert self.inside.typed_start is not None
        inside.arrive(self.inside.typed_start, None)

    def listen_in(self, workflow: ScopeWorkflow) -> None:
        """Begin to wait for the start event."""
        token = Token(workflow, self, None, WAITING)
        workflow.add_listener(token)
        self.await_start(token)

    def await_start(self, token: Token) -> None:
        """Open the waits of a listening token; an incident on it when that is impossible."""
        workflow = token.workflow
        assert self.inside.typed_start is not None
        token._set_state(WAITING)
        try:
            for index, event in enumerate(self.awaited):
                open_event(token, self.inside.typed_start, event, index, workflow.scope,
                           interrupting=self.interrupting)
        except Failure as failure:
            workflow.top_workflow.fail(token, "listen", failure)

    def trigger(self, token: Token, index: int, variables: dict[str, Any] | None) -> None:
        self.start_in(token.workflow, variables)

    def start_in(self, workflow: ScopeWorkflow, variables: dict[str, Any] | None) -> None:
        """The start event has happened: interrupt the scope if the event does that, and run."""
        top = workflow.top_workflow
        workflow.live += 1
        token = Token(workflow, self, None, FUTURE)
        if variables:
            token.internal_data["payload"] = variables
        if self.interrupting:
            owner = workflow.parent_task
            if owner is not None and owner.task_spec.is_led:
                owner.internal_data["met"] = 1      # the worker that leads the ad-hoc sub-process has no more to say
                top.record(journal.WaitClosed(owner.id))
            workflow.clear(keep=token)
            top.cancel_tokens(list(workflow.listeners.values()))
        self._update(token)

    def records(self, token: Token) -> list[Record]:
        # What an event sub-process did can be compensated like any sub-process, but it never compensates itself.
        inside = token.workflow.top_workflow.subprocesses.get(token.id)
        if inside is None or not inside.log or inside.compensates is not None:
            return []
        return [group(token, inside.log, inside.scope.local() or None)]


def listen(workflow: ScopeWorkflow) -> None:
    """Let the event sub-processes of a scope that begins wait for their start events."""
    for node in workflow.spec.event_sub_processes:
        if node.awaited:
            node.listen_in(workflow)
