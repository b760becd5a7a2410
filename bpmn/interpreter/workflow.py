"""The running instance: SpiffWorkflow's workflow and sub-workflow, holding only live tokens.

One `ProcessWorkflow` is one process instance; every embedded sub-process, event sub-process and transaction in it
runs in a `SubWorkflow` of its own, as in the library. All of them share one queue of ready tokens, one index of
tokens by key, one journal and one ledger of changed variables.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

from bpmn.interpreter import journal
from bpmn.interpreter.failures import Failure
from bpmn.interpreter.nodes import listeners
from bpmn.interpreter.scope import Ledger, Scope
from bpmn.interpreter.task import CANCELLED, ERROR, STARTED, WAITING, Token

if TYPE_CHECKING:
    from bpmn.interpreter.nodes.base import Branch, Node
    from bpmn.interpreter.program import ProcessSpec
    from bpmn.model import CalledDecision

Record = list[Any]
"""What compensation needs to know of a completed activity; see `bpmn.interpreter.nodes.compensation`."""


FAREWELL = "farewell"
"""What marks the token of a user task that is gone, while listeners hear of that."""

Decide = Callable[["CalledDecision", str, dict[str, Any], int], Any]
"""(how a task calls it, decision id, variables, token) → the result."""


class ScopeWorkflow:
    """What a process instance and an embedded sub-process have in common: tokens, and an end."""

    spec: ProcessSpec
    top_workflow: ProcessWorkflow
    parent_task: Token | None
    """The sub-process that this is the inside of; None at the top."""

    live = 0
    """How many tokens keep the scope from ending."""
    done = False
    is_over = False
    """The listeners of the process that are called at its end have answered."""
    compensates: list[Record] | None = None
    """In a compensation event sub-process: the log of the scope that it compensates."""

    def _open(self, key: int, scope: Scope) -> None:
        self.key = key
        self.scope = scope
        self.tasks: dict[int, Token] = {}
        self.listeners: dict[int, Token] = {}
        """Waiting start events of event sub-processes."""
        self.joins: dict[int, dict[str, deque[Token]]] = {}
        """Tokens that wait at joining gateways: node number → incoming flow → tokens, oldest first."""
        self.log: list[Record] = []
        """Completed activities that can be compensated."""

    def arrive(self, node: Node, flow: str | None) -> None:
        """A token comes to `node` by the sequence flow `flow`."""
        self.live += 1
        node._update(Token(self, node, None, flow=flow))

    def follow(self, token: Token, branches: tuple[Branch, ...] | list[Branch]) -> None:
        """Move a finished token on along `branches`; without any, it ends here."""
        top = self.top_workflow
        if token.task_spec.name in top.stop_after:
            top.stop_at(token)
            return
        owner = self.parent_task
        if owner is not None and owner.task_spec.may_end_early and owner.task_spec.ends_now(owner, token):
            branches = ()
        for branch in branches:
            self.arrive(branch.target, branch.id)
        self.consume(token)
        if owner is not None and owner.task_spec.is_led and not branches:
            owner.task_spec.flow_ended(owner)

    def consume(self, token: Token) -> None:
        """Take a token of this scope away; the scope ends with the last one."""
        token.remove()
        self.live -= 1
        if self.live == 0 and not self.done:
            self.end()

    def end(self) -> None:
        """The last token is gone: the scope is complete."""
        top = self.top_workflow
        if self.listeners:
            top.cancel_tokens(list(self.listeners.values()))
        if self.spec.after is not None and not self.is_over:
            self.arrive(self.spec.after, None)
            return
        self.done = True
        if self.parent_task is not None:
            self.parent_task._ready()
        else:
            top.finish()

    def clear(self, keep: Token | None = None) -> None:
        """Cancel every token of this scope but `keep` (interruption, terminate end event)."""
        self.top_workflow.cancel_tokens([t for t in self.tasks.values() if t.parent is None and t is not keep
                                         and FAREWELL not in t.internal_data])

    def add_listener(self, token: Token) -> None:
        """`token` waits for the event that starts an event sub-process; it does not keep the scope alive."""
        self.listeners[token.id] = token


class SubWorkflow(ScopeWorkflow, BpmnSubWorkflow):
    """The inside of one embedded sub-process instance."""

    def __init__(self, spec: ProcessSpec, parent_task: Token, scope: Scope) -> None:
        # The library's constructors predict the whole tree; the attributes that they set are set here instead.
        self.spec = spec
        self.parent_task = parent_task
        self.parent_task_id = parent_task.id
        self.top_workflow = parent_task.workflow.top_workflow
        self.data: dict[str, Any] = {}
        self.completed = False
        self._open(parent_task.id, scope)
        self.top_workflow.subprocesses[parent_task.id] = self

    def end(self) -> None:
        assert self.parent_task is not None
        if not self.parent_task.task_spec.keeps_open(self.parent_task):
            super().end()

    @property
    def parent_workflow(self) -> ScopeWorkflow:
        assert self.parent_task is not None
        return self.parent_task.workflow


class ProcessWorkflow(ScopeWorkflow, BpmnWorkflow):
    """One process instance in memory."""

    top_workflow: ProcessWorkflow = property(lambda self: self)  # type: ignore[assignment]
    parent_task: Token | None = None
    sequence = 0
    """Counts completed activities, so that compensation knows their order without a clock."""
    stop_after: frozenset[str] = frozenset()
    """Ids of elements after whose completion the instance is terminated; set before it starts."""
    decide: Decide | None = None
    """Evaluates a deployed decision; raises a `Failure` when it cannot."""
    kindly = True
    """Listeners hear of the cancellation of user tasks."""
    completed = False
    success = True
    canceled = False

    def __init__(self, spec: ProcessSpec, key: int, keys: Iterator[int], *, has_caller: bool = False,
                 recording: bool = True) -> None:
        self.spec = spec
        self.keys = keys
        self.has_caller = has_caller
        self.index: dict[int, Token] = {}
        self.subprocesses: dict[int, SubWorkflow] = {}
        self.ready: deque[Token] = deque()
        self.journal: list[journal.Entry] = []
        self.recording = recording
        self.explained: set[tuple[str, str]] = set()
        """Expressions whose null was explained, by element."""
        self.ledger = Ledger()
        self.ended_scopes: list[int] = []
        self.conditions: dict[int, Token] = {}
        """Tokens that wait for a condition, re-evaluated when a variable changed."""
        self.joining: dict[int, Token] = {}
        """Tokens at inclusive gateways, re-evaluated when something moved."""
        self.data: dict[str, Any] = {}
        self._open(key, Scope(key, self.ledger))

    # What the library asks of a workflow, answered from the tokens instead of the tree
    def get_task_from_id(self, task_id: int) -> Token:
        return self.index[task_id]

    def get_tasks_iterator(self, first_task: Token | None = None, **kwargs: Any) -> Iterator[Token]:
        return iter(list(self.index.values()))

    def is_completed(self) -> bool:
        return self.completed

    def record(self, entry: journal.Entry) -> None:
        """Append to the journal."""
        if self.recording:
            self.journal.append(entry)

    def finish(self) -> None:
        """The instance came to its end."""
        self.completed = True
        self.record(journal.Completed())

    def abandon(self, *, kindly: bool = False) -> None:
        """Terminate everything that is left; `kindly`, after the listeners that hear of it have answered."""
        self.ready.clear()
        self.done = True
        self.kindly = kindly
        self.clear()
        self.cancel_tokens(list(self.listeners.values()))
        if not kindly:
            self.cancel_tokens(list(self.tasks.values()))
        if not (kindly and self.live):
            self.completed = self.canceled = True
            self.success = False

    def part(self, token: Token) -> None:
        """The listeners that heard of the cancellation of a user task have answered."""
        token.remove()
        self.live -= 1
        if not self.done:
            if self.live == 0:
                self.end()
        elif self.live == 0:
            self.abandon()
            self.record(journal.Canceled())

    def _say_farewell(self, token: Token) -> None:
        # Under the same key, so that the listeners see what the task saw.
        gone = Token(self, token.task_spec, None, STARTED, token.id)
        gone.entered = True
        gone.internal_data[FAREWELL] = 1
        self.live += 1
        try:
            listeners.begin(gone, "canceling", {"changes": {}})
        except Failure as failure:
            self.fail(gone, "listener", failure)

    def stop_at(self, token: Token) -> None:
        """`token` has finished, and the instance is to end right there."""
        token.remove()
        token.workflow.live -= 1
        self.abandon()
        self.record(journal.Canceled())

    def fail(self, token: Token, phase: str, failure: Failure | str, incident_type: str | None = None) -> None:
        """Raise an incident on `token`; `phase` says what a retry does again (see `retry`)."""
        token._state = ERROR
        token.internal_data["phase"] = phase
        if not token.entered:
            token.task_spec.record_entered(token)
        kind = incident_type
        if kind is None:
            kind = failure.incident_type if isinstance(failure, Failure) else Failure.incident_type
        self.record(journal.Failed(token.id, token.task_spec.element, kind, str(failure)))

    def retry(self, token: Token) -> None:
        """Do again what failed: entering, running or leaving the node, listening for a start event, a listener."""
        phase = token.internal_data.pop("phase", "run")
        self.record(journal.Recovered(token.id))
        if "listener" in token.internal_data:
            try:
                listeners.open_current(token)
            except Failure as failure:
                self.fail(token, "listener", failure)
        elif phase == "leave":
            token._state = STARTED
            token.task_spec._on_complete(token)
        elif phase == "listen":
            token.task_spec.await_start(token)
        elif phase == "enter":
            token._state = STARTED
            token.task_spec._update(token)
        else:
            token._ready()

    def cancel_tokens(self, tokens: list[Token]) -> None:
        """Take tokens away with everything below them. Iterative: sub-processes nest deeper than Python's stack."""
        todo = list(tokens)
        order: list[Token] = []
        while todo:
            token = todo.pop()
            if token._state & CANCELLED:
                continue
            order.append(token)
            todo.extend(token.children)
            inside = self.subprocesses.get(token.id)
            if inside is not None:
                inside.done = True
                todo.extend(inside.tasks.values())
        for token in reversed(order):
            if not token._state & CANCELLED:
                self._cancel_one(token)

    def _cancel_one(self, token: Token) -> None:
        state, workflow = token._state, token.workflow
        token._state = CANCELLED
        if state == ERROR:
            self.record(journal.Recovered(token.id))
        if state & (WAITING | STARTED):
            self.record(journal.WaitClosed(token.id))
        if token.entered:
            self.record(journal.Terminated(token.id))
        self.forget(token)
        token.remove()
        if token.parent is None and workflow.listeners.pop(token.id, None) is None:
            workflow.live -= 1
        if token.task_spec.has_farewell and self.kindly and "opened" in token.internal_data:
            self._say_farewell(token)

    def forget(self, token: Token) -> None:
        """Drop what is kept about a token outside the tree."""
        key = token.id
        self.conditions.pop(key, None)
        self.joining.pop(key, None)
        if token.flow is not None and token.workflow.joins:
            token.task_spec.withdraw(token)
        if self.subprocesses.pop(key, None) is not None or token.scope is not token.workflow.scope:
            self.ended_scopes.append(key)
