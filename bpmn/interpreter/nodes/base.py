"""What every flow node has in common: a token arrives, the node runs, the token leaves along the flows.

The three hooks are the library's: `_update` (arrival), `_run` and `_on_complete`. A `Failure` in any of them leaves
the token where it is, with one incident, so that a retry repeats just that hook.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin

from bpmn.expressions import EvaluationError, Expression, Feel, truth
from bpmn.interpreter import journal, nulls
from bpmn.interpreter.failures import ConditionFailed, Failure, MappingFailed
from bpmn.interpreter.nodes import listeners
from bpmn.interpreter.scope import Scope
from bpmn.interpreter.task import COMPLETED, Token
from bpmn.interpreter.values import assign_path, evaluate
from bpmn.model import NOTHING, Dialect, Element, EventDefinition, EventKind

if TYPE_CHECKING:
    from bpmn.interpreter.nodes.events import BoundaryEvent
    from bpmn.interpreter.workflow import ScopeWorkflow


Catcher = TypeVar("Catcher", bound="Node")


class Kind:
    """How the run loop treats a node: anything but GENERIC runs inline, without hooks and without a token of its own.

    Plain integers, because the loop compares them millions of times a second.
    """

    GENERIC = 0
    PASS = 1
    SCRIPT = 2
    CHOICE = 3
    END = 4


class Branch:
    """A sequence flow as a node sees it; `id` is None for the invisible flow between two link events."""

    __slots__ = ("condition", "expression", "id", "target")

    def __init__(self, id: str | None, target: Node, expression: Expression | None) -> None:
        self.id = id
        self.target = target
        self.expression = expression
        self.condition: Callable[[Scope], Any] | None = None if expression is None else expression.function

    def holds(self, scope: Scope) -> bool:
        """Whether its condition is true. Without a condition it is.

        Null is no answer: it mostly comes of a misspelt or missing variable, and an instance that then goes the
        default way is worse than one that waits with an incident (as in Camunda 8: CONDITION_ERROR).

        Raises:
            ConditionFailed: the condition could not be evaluated, or gave neither true nor false.
        """
        if self.expression is None:
            return True
        warnings: list[str] = []
        try:
            if isinstance(self.expression, Feel):
                value, warnings = self.expression.explain(scope)
            else:
                value = self.expression.evaluate(scope)
            if value is True or value is False:
                return value
            if value is not None:
                return truth(value)
        except EvaluationError as error:
            raise ConditionFailed(self._sentence(error.reason)) from error
        raise ConditionFailed(self._sentence(" ".join(["it gave null.", *warnings])))

    def _sentence(self, trouble: str) -> str:
        assert self.expression is not None
        return (f"Expected the condition {self.expression.text!r} of sequence flow {self.id!r} to give true or false, "
                f"but {trouble}")


class Node(BpmnSpecMixin):
    """A flow node of one definition version; shared by all its instances, never changed after linking."""

    element: Element
    number = 0
    """Position among all nodes of the definition: what the saved state calls it."""
    dialect: Dialect
    kind: int = Kind.GENERIC
    branches: tuple[Branch, ...] = ()
    default: Branch | None = None
    next: Branch
    """The only way out of a node that runs inline (PASS or SCRIPT)."""
    conditional = False
    boundaries: tuple[BoundaryEvent, ...] = ()
    armed: tuple[BoundaryEvent, ...] = ()
    """Those of `boundaries` that wait for something (message, timer, signal, condition)."""
    handler: Node | None = None
    """Its compensation handler."""
    inner: Node | None = None
    """A multi-instance body's activity."""
    catches: tuple[EventDefinition, ...] = ()
    """The events that a boundary event or event sub-process is for."""
    is_event_sub_process = False
    may_end_early = False
    """An ad-hoc sub-process with a completion condition."""
    awaited: tuple[EventDefinition, ...] = ()
    """The events that a token of this node waits for; the position is the event's index."""
    has_farewell = False
    """Listeners of the user task hear of its cancellation."""
    is_led = False
    """A worker says what is done inside this ad-hoc sub-process."""
    waits = False
    """It can stay at the element, so boundary events have to be armed."""

    def link(self) -> None:
        """Work out everything derived, once all nodes are connected."""
        self.conditional = len(self.branches) > 1 and (
            self.default is not None or any(b.expression is not None for b in self.branches))
        self.conditional = self.conditional or any(b.expression is not None for b in self.branches)
        self.armed = tuple(b for b in self.boundaries if b.awaited)
        if self.runs_inline():
            self._link_inline()

    def runs_inline(self) -> bool:
        """Nothing about the element needs a token of its own."""
        e = self.element
        return not (e.inputs or e.outputs or e.listeners or e.loop or self.boundaries or self.handler
                    or e.for_compensation or self.conditional or len(self.branches) > 1 or self._wf_spec.is_watched)

    def _link_inline(self) -> None:
        """Choose the inline `kind`; by default the node has to run by its hooks."""

    # -- the library's hooks ------------------------------------------------------------------------------------
    def _update(self, my_task: Token) -> None:
        if self.kind:
            my_task._ready()
            return
        self.record_entered(my_task)
        try:
            self.enter(my_task)
        except Failure as failure:
            top = my_task.workflow.top_workflow
            top.cancel_tokens(my_task.children)     # what was armed already; a retry arms it again
            top.fail(my_task, "enter", failure)

    def _run(self, my_task: Token) -> bool | None:
        try:
            return self.run(my_task)
        except Failure as failure:
            my_task.workflow.top_workflow.fail(my_task, "run", failure)
            return None

    def _on_complete(self, my_task: Token) -> None:
        workflow = my_task.workflow
        top = workflow.top_workflow
        parent = my_task.parent
        try:
            if "result" in my_task.internal_data:
                self.result(my_task, my_task.internal_data["result"])
                # Once: a retry of what follows must not undo what somebody mended meanwhile.
                del my_task.internal_data["result"]
            if self.element.listeners and listeners.are_due(my_task, listeners.END):
                return
            self.leave(my_task)
            if parent is not None:
                parent.task_spec.collect(parent, my_task)
            branches = self.choose(my_task) if self.conditional else self.branches
            owner = workflow.parent_task
            if owner is not None and parent is None and not branches and workflow.spec.is_watched:
                owner.task_spec.collect_inner(owner, my_task)
        except Failure as failure:
            top.fail(my_task, "leave", failure)
            return
        my_task._state = COMPLETED
        if my_task.kids:
            top.cancel_tokens(my_task.children)
        self.remember(my_task)
        top.forget(my_task)
        if my_task.entered:
            top.record(journal.Left(my_task.id))
        elif self.kind:
            top.record(journal.Passed(self.element, scope_key(my_task), my_task.flow))
        if parent is None:
            workflow.follow(my_task, branches)
        else:
            my_task.remove()
            parent.task_spec.child_left(parent, my_task)

    # -- what the kinds of nodes override -----------------------------------------------------------------------
    def enter(self, token: Token) -> None:
        """A token has arrived: open its scope, and go on to the start listeners or the node's own work."""
        self.open_scope(token)
        if not (self.element.listeners and listeners.are_due(token, listeners.START)):
            self.activate(token)

    def activate(self, token: Token) -> None:
        """Arm the boundary events and queue the token for the node's own work."""
        if "fired" in token.internal_data:
            self._on_complete(token)
            return
        if self.armed and self.waits:
            for boundary in self.armed:
                boundary.arm(token)
        token._ready()

    def run(self, token: Token) -> bool | None:
        """Do the node's work: True when done, None when the token has to wait."""
        return True

    def leave(self, token: Token) -> None:
        """Last thing before the token goes on: output mappings."""
        if self.element.outputs:
            up = token.scope.up if token.scope.up is not None and token.scope.key == token.id else token.scope
            for mapping in self.element.outputs:
                purpose = f"output mapping {mapping.target!r}"
                value = evaluate(mapping.source, token.scope, purpose, MappingFailed)
                if value is None:
                    nulls.explain(token.workflow.top_workflow, self.element, mapping.source, token.scope, purpose)
                assign_path(up, mapping.target, value, local=False)

    def remember(self, token: Token) -> None:
        """Log what compensation needs to know of the completed activity."""

    def collect(self, token: Token, child: Token) -> None:
        """A token that belongs to `token` is about to complete: take its result, while a failure can still stop it."""

    def collect_inner(self, token: Token, inner: Token) -> None:
        """A flow inside this ad-hoc sub-process is about to end with `inner`."""

    def listener_done(self, token: Token, variables: Mapping[str, Any] | None, denied: str | None = None,
                      changes: Mapping[str, Any] = NOTHING) -> None:
        """A listener of the element has answered. Only those of user tasks can deny something, or change it."""
        event, _ = listeners.pending(token)
        if variables:
            self.own_scope(token).assign_all(variables, local=True)
        try:
            if listeners.go_on(token):
                return
            if event != listeners.END:
                self.activate(token)
        except Failure as failure:
            top = token.workflow.top_workflow
            top.cancel_tokens(token.children)
            top.fail(token, "listener", failure)
            return
        if event == listeners.END:
            self._on_complete(token)

    def child_left(self, token: Token, child: Token) -> None:
        """A token that belongs to `token` has completed."""
        raise AssertionError(f"{self.name} has no children to wait for")

    def trigger(self, token: Token, index: int, variables: dict[str, Any] | None) -> None:
        """The event number `index` that the token waits for has happened."""
        raise AssertionError(f"{self.name} waits for no event")

    def result(self, token: Token, variables: dict[str, Any] | None) -> None:
        """Take over the variables that a job, a person or a called process came back with."""
        outer = token.scope
        if self.element.outputs:
            self.own_scope(token).assign_all(variables, local=True)
        elif outer.key == token.id and outer.up is not None and not self.keeps_local_results:
            outer.up.assign_all(variables)
        else:
            outer.assign_all(variables)

    keeps_local_results = False
    """Camunda 7 sets a result where a variable of that name is visible, the activity's own included; Camunda 8
    always starts at the enclosing scope."""

    def ends_now(self, token: Token, inner: Token) -> bool:
        """After `inner` inside it completed: whether this ad-hoc sub-process is over by its condition."""
        return False

    def keeps_open(self, token: Token) -> bool:
        """Whether what is inside goes on although no token is left there."""
        return False

    def prepare(self, inside: ScopeWorkflow) -> None:
        """Set the variables that this sub-process gives to its inside, before anything runs there."""

    def withdraw(self, token: Token) -> None:
        """Forget a token that waits at this joining gateway."""

    # -- helpers ------------------------------------------------------------------------------------------------
    def record_entered(self, token: Token) -> None:
        """Write the beginning of the element instance into the journal, once."""
        if not token.entered:
            token.entered = True
            token.workflow.top_workflow.record(
                journal.Entered(token.id, self.element, scope_key(token), token.flow))

    def own_scope(self, token: Token) -> Scope:
        """The token's own variable scope, made now if it has none yet."""
        scope: Scope = token.scope
        if scope.key != token.id:
            scope = Scope(token.id, scope.ledger, scope)
            for armed in token.children:
                if armed.scope is token.scope:
                    armed.data = armed.scope = scope    # a boundary event sees what its activity sees
            token.data = token.scope = scope
        return scope

    def open_scope(self, token: Token) -> None:
        """Evaluate the input mappings into the token's own scope."""
        if self.element.inputs:
            scope = self.own_scope(token)
            for mapping in self.element.inputs:
                purpose = f"input mapping {mapping.target!r}"
                value = evaluate(mapping.source, scope, purpose, MappingFailed)
                if value is None:
                    nulls.explain(token.workflow.top_workflow, self.element, mapping.source, scope, purpose)
                assign_path(scope, mapping.target, value, local=True)

    def choose(self, token: Token) -> list[Branch]:
        """The flows to take from a node with conditional flows: all that hold, else the default.

        Source: BPMN 2.0 §13.3.2 "conditional sequence flow"; Camunda 7 manual "Conditional sequence flow".
        """
        scope = token.workflow.scope
        default = self.default
        taken = [b for b in self.branches if b is not default and b.holds(scope)]
        if not taken and default is not None:
            return [default]
        if not taken:
            raise ConditionFailed(self.nothing_holds(scope))
        return taken

    def nothing_holds(self, scope: Scope) -> str:
        """The sentence for an incident where no flow can be taken."""
        texts = ", ".join(repr(b.expression.text) for b in self.branches if b.expression is not None)
        return (f"Expected a condition of {self.label} to be true, or a default flow, "
                f"but none of {texts} is and there is no default flow.")

    @property
    def label(self) -> str:
        """The element as a person would name it."""
        e = self.element
        return f"{e.name!r} ({e.id})" if e.name else repr(e.id)

    def boundary_for(self, kind: EventKind, code: str | None, scope: Scope) -> BoundaryEvent | None:
        """The boundary event that catches an error, escalation or cancellation: the exact code before a catch-all."""
        return pick(self.boundaries, kind, code, scope)


def scope_key(token: Token) -> int:
    """The key of the element instance that contains the token's."""
    parent = token.parent
    return token.workflow.key if parent is None else parent.id


def pick(catchers: Sequence[Catcher], kind: EventKind, code: str | None, scope: Scope) -> Catcher | None:
    """The catching event for `code`: exact before catch-all (BPMN 2.0 §10.5.1; Camunda docs "Error events")."""
    general: Catcher | None = None
    for catcher in catchers:
        for event in catcher.catches:
            if event.kind != kind:
                continue
            wanted = None if event.code is None else event.code.evaluate(scope)
            if wanted is None or wanted == "":
                general = general or catcher
            elif wanted == code:
                return catcher
    return general
