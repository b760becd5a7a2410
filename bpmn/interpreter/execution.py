"""What the engine sees of the interpreter: one process instance in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bpmn.interpreter import journal, placing, state, throwing
from bpmn.interpreter.failures import ErrorUncaught, TokenNotFound
from bpmn.interpreter.fitting import Counterparts, Obstacle
from bpmn.interpreter.migrating import arm_new, obstacles, translate
from bpmn.interpreter.modifying import Put, Take, flow_tokens, modify, places
from bpmn.interpreter.nodes import listeners
from bpmn.interpreter.nodes.ad_hoc import AdHocSubProcess, Directions
from bpmn.interpreter.nodes.user_tasks import UserTask
from bpmn.interpreter.program import Program
from bpmn.interpreter.scope import NOTHING_BEFORE, Scope
from bpmn.interpreter.stepping import DEFAULT_BUDGET, advance
from bpmn.interpreter.task import ERROR, STARTED, Token
from bpmn.interpreter.workflow import Decide, ProcessWorkflow
from bpmn.model import NOTHING, EventKind

JOB_FAILED = "JOB_NO_RETRIES"
"""The incident type of a job, a listener's too, that has no attempts left."""


@dataclass(slots=True)
class Changes:
    """Variables to save: `set` are (scope key, name, value); `removed` (scope key, name); `ended` the
    keys of scopes that are over. `by` tells which element set or removed one, if any did; `before` what was saved of
    those that had another value."""

    set: list[tuple[int, str, Any]] = field(default_factory=list)
    removed: list[tuple[int, str]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    by: dict[tuple[int, str], str] = field(default_factory=dict)
    before: dict[tuple[int, str], Any] = field(default_factory=dict)


NOTHING_CHANGED = Changes()


class Execution:
    """A process instance in memory. Only `advance` moves tokens; everything else says what may go on.

    `journal` holds what happened since it was last emptied; the engine clears it when it has written it down.
    """

    def __init__(self, program: Program, workflow: ProcessWorkflow) -> None:
        self.program = program
        self.workflow = workflow

    @classmethod
    def start(cls, program: Program, *, key: int, keys: Iterator[int], variables: Mapping[str, Any] | None = None,
              start_event: str | None = None, elements: Sequence[str] = (), stop_after: Sequence[str] = (),
              has_caller: bool = False, recording: bool = True, decide: Decide | None = None) -> Execution:
        """Begin an instance.

        Args:
            key: the instance's key. keys: where the keys of element instances come from.
            start_event: id of the typed start event that happened; the none start event otherwise.
            elements: start at these elements instead (Camunda 8's start instructions), their scopes created.
            stop_after: terminate the instance when one of these elements has completed, before what comes next
                (Camunda 8's runtime instruction TERMINATE_PROCESS_INSTANCE).
            recording: False keeps no journal (for measuring the core).
            decide: evaluates deployed decisions for business rule tasks.

        Raises:
            LookupError: there is no such element, or no none start event.
        """
        top = ProcessWorkflow(program.spec, key, keys, has_caller=has_caller, recording=recording)
        top.decide = decide
        top.scope.assign_all(variables, local=True)
        if stop_after:
            placing.check_known(program, stop_after)
            top.stop_after = frozenset(stop_after)
        before = program.spec.before
        if before is None:
            placing.begin(top, start_event, elements)
            return cls(program, top)
        placing.check_known(program, elements)
        if not elements:
            placing.first_node(program, start_event)
        top.live += 1
        token = Token(top, before)
        token.internal_data["first"] = {"start_event": start_event, "elements": list(elements)}
        before._update(token)
        return cls(program, top)

    @classmethod
    def load(cls, program: Program, tokens: bytes, variables: Iterable[tuple[int, str, Any]], *, key: int,
             keys: Iterator[int], has_caller: bool = False, decide: Decide | None = None) -> Execution:
        """Take up a saved instance."""
        top = ProcessWorkflow(program.spec, key, keys, has_caller=has_caller)
        top.decide = decide
        state.load(top, program, tokens, variables)
        return cls(program, top)

    @property
    def key(self) -> int:
        """The instance's key."""
        return self.workflow.key

    @property
    def journal(self) -> list[journal.Entry]:
        """What happened, in order."""
        return self.workflow.journal

    @property
    def decide(self) -> Decide | None:
        """Evaluates deployed decisions for business rule tasks."""
        return self.workflow.decide

    @decide.setter
    def decide(self, decide: Decide | None) -> None:
        self.workflow.decide = decide

    @property
    def state(self) -> str:
        """ACTIVE, COMPLETED or TERMINATED."""
        if not self.workflow.completed:
            return "ACTIVE"
        return "TERMINATED" if self.workflow.canceled else "COMPLETED"

    def advance(self, budget: int = DEFAULT_BUDGET, pause_after: int | None = None) -> int:
        """Move tokens until all wait, or for `pause_after` steps (`is_waiting` tells); how many steps that took.

        Whatever could still move after `budget` steps gets an incident.
        """
        return advance(self.workflow, budget, pause_after)

    @property
    def is_waiting(self) -> bool:
        """No token can move by itself."""
        return not self.workflow.ready

    def complete(self, token: int, variables: Mapping[str, Any] | None = None, *, denied: str | None = None,
                 changes: Mapping[str, Any] = NOTHING, directions: Directions | None = None) -> None:
        """A job, user task or called instance is done.

        A listener of a user task may refuse what was to happen to it (`denied` says why), or correct what the task is
        going to be like (`changes`). The worker that leads an ad-hoc sub-process gives its `directions`.

        Raises:
            TokenNotFound: nothing waits under that key.
        """
        found = self._token(token)
        if "listener" in found.internal_data:
            self._recovered(found)
            found.task_spec.listener_done(found, variables, denied, changes)
            return
        if isinstance(found.task_spec, AdHocSubProcess) and found.task_spec.is_led:
            self._recovered(found)
            found.task_spec.led(found, variables, directions or Directions())
            return
        if variables:
            found.internal_data["result"] = dict(variables)
        self._recovered(found)
        found.complete()

    def ask_listeners(self, token: int, event: str, changes: Mapping[str, Any] = NOTHING,
                      variables: Mapping[str, Any] | None = None) -> None:
        """Something is to happen to a user task (`event`: one of `bpmn.model.TASK_EVENTS`), if its listeners agree.

        Raises:
            TokenNotFound: no user task waits under that key.
        """
        found = self._token(token)
        if not isinstance(found.task_spec, UserTask):
            raise TokenNotFound(f"Expected a user task at element instance {token}, but there is none.")
        found.task_spec.ask(found, event, changes, variables or {})

    def throw_error(self, token: int, code: str, message: str = "", variables: Mapping[str, Any] | None = None) -> None:
        """A BPMN error happened at an element; uncaught it becomes an incident there.

        Raises:
            TokenNotFound: nothing waits under that key.
        """
        found = self._token(token)
        self._recovered(found)
        if not throwing.throw_code(found, EventKind.ERROR, code, message, variables):
            text = f": {message}" if message else "."
            if not listeners.guard_task(found):
                self.workflow.record(journal.WaitClosed(found.id))
            self.workflow.fail(found, "run", ErrorUncaught(
                f"Expected to catch the error {code!r} thrown at {found.task_spec.label}, but no boundary event or "
                f"event sub-process around it catches that code{text}"))

    def throw_escalation(self, token: int, code: str, variables: Mapping[str, Any] | None = None) -> None:
        """An escalation happened at an element; uncaught it has no effect.

        Raises:
            TokenNotFound: nothing waits under that key.
        """
        throwing.throw_code(self._token(token), EventKind.ESCALATION, code, "", variables)

    def trigger(self, token: int, index: int = 0, variables: Mapping[str, Any] | None = None) -> None:
        """The timer, message or signal number `index` that a token waits for has happened.

        Raises:
            TokenNotFound: nothing waits under that key.
        """
        found = self._token(token)
        found.task_spec.trigger(found, index, dict(variables) if variables else None)

    def signal(self, name: str, variables: Mapping[str, Any] | None = None) -> int:
        """Deliver a signal to everything here that waits for it; how many that were."""
        return throwing.signal_inside(self.workflow, name, variables)

    def fail(self, token: int, type: str, message: str) -> None:
        """The engine cannot serve what the element waits for: raise an incident.

        Raises:
            TokenNotFound: nothing waits under that key.
        """
        found = self._token(token)
        if type != JOB_FAILED:
            listeners.stop(found)
        if not listeners.guard_task(found):
            self.workflow.record(journal.WaitClosed(found.id))
        self.workflow.fail(found, "run", message, type)

    def retry(self, token: int) -> None:
        """Do again what failed at an element.

        Raises:
            TokenNotFound: there is no incident at that token.
        """
        found = self._token(token)
        if found._state != ERROR:
            raise TokenNotFound(f"Expected an incident at element instance {token}, but there is none.")
        self.workflow.retry(found)

    def set_variables(self, scope: int, variables: Mapping[str, Any], local: bool = False) -> None:
        """Set variables as seen from a scope: each where it is visible, or all in that very scope (`local`).

        Raises:
            TokenNotFound: there is no such scope.
        """
        self._scope(scope, local).assign_all(variables, local=local)

    def remove_variables(self, scope: int, names: Iterable[str], local: bool = False) -> None:
        """Remove variables, each from the nearest scope that has it, or all from that very scope (`local`).

        Those that are not there are passed over.

        Raises:
            TokenNotFound: there is no such scope.
        """
        target = self._scope(scope, local)
        for name in names:
            target.remove(name, local=local)

    def _scope(self, key: int, local: bool) -> Scope:
        self.workflow.ledger.by = None
        if key == self.workflow.key:
            return self.workflow.scope
        found = self._find(key)
        own: Scope = found.task_spec.own_scope(found) if local else found.scope
        return own

    def modify(self, puts: Sequence[Put], takes: Sequence[Take]) -> None:
        """Put tokens at other elements and take some away.

        Raises:
            ModificationRefused: one of them is not possible; the instance must not be used any more.
        """
        self.workflow.ledger.by = None
        modify(self.workflow, puts, takes)

    def places(self, element: str) -> list[tuple[int, int]]:
        """Key and scope key of each instance of an element, as the flow sees it: one of many counts once.

        Raises:
            ModificationRefused: there is no such element, or no token is there.
        """
        return places(self.workflow, element)

    def flow_tokens(self) -> list[tuple[int, str]]:
        """Key and element id of every element instance that can be taken as a whole, those inside one of many too."""
        return flow_tokens(self.workflow)

    def obstacles(self, target: Program, counterparts: Counterparts) -> list[Obstacle]:
        """What keeps the instance from going on in another definition; empty if nothing does."""
        return obstacles(self.workflow, target, counterparts)

    def migrated(self, target: Program, counterparts: Counterparts) -> Execution:
        """The instance in another definition, everything changed so far being saved.

        What it gave up stands in the journal of this one, which must not be used any more; what it waits for anew in
        the journal of the other.

        Raises:
            MigrationRefused: there are obstacles; nothing was changed.
        """
        top, source = self.workflow, self.program
        tokens = translate(top, target, counterparts)
        scopes = {scope.key: scope for scope in (top.scope, *(token.scope for token in top.index.values()))}
        variables = [(key, name, value) for key, scope in scopes.items() for name, value in scope.local().items()]
        moved = Execution.load(target, tokens, variables, key=top.key, keys=top.keys, has_caller=top.has_caller,
                               decide=top.decide)
        moved.workflow.ended_scopes = top.ended_scopes
        arm_new(moved.workflow, source, counterparts)
        return moved

    def cancel(self) -> None:
        """Terminate the instance.

        It stays until the listeners of its user tasks that hear of a cancellation have answered; cancelling it once
        more does not wait for them.
        """
        self.workflow.abandon(kindly=not self.workflow.done)
        if self.workflow.completed:
            self.workflow.record(journal.Canceled())

    def dump(self) -> bytes:
        """The tokens, to be saved. Variables are not in it: see `changes`."""
        return state.dump(self.workflow)

    def changes(self) -> Changes:
        """The variables changed since this was last called. A scope that came and went in between is left out."""
        top = self.workflow
        if not top.ledger and not top.ended_scopes:
            top.ledger.by = None
            return NOTHING_CHANGED
        gone = set(top.ended_scopes)
        changes = Changes(ended=[])
        saved: set[int] = set()
        for scope in top.ledger:
            changed, by, key = scope.changed, scope.by, scope.key
            scope.changed, scope.by = {}, {}
            if key in gone and not scope.saved:
                continue
            for name in sorted(changed):
                if dict.__contains__(scope, name):
                    changes.set.append((key, name, dict.__getitem__(scope, name)))
                else:
                    changes.removed.append((key, name))
                if (author := by[name]) is not None:
                    changes.by[key, name] = author
                if scope.saved and changed[name] is not NOTHING_BEFORE:
                    changes.before[key, name] = changed[name]
            scope.saved = True
            saved.add(scope.key)
        changes.ended = top.ended_scopes[:]
        top.ledger.clear()
        top.ledger.by = None
        top.ended_scopes.clear()
        return changes

    def open_tokens(self) -> list[tuple[int, str]]:
        """Key and element id of every element instance that is active."""
        return [(t.id, t.task_spec.element.id) for t in self.workflow.index.values() if t.entered]

    def armed_tokens(self) -> list[tuple[int, str]]:
        """Key and element id of every token that waits beside the flow: boundary events and event sub-processes."""
        return [(t.id, t.task_spec.element.id) for t in self.workflow.index.values() if not t.entered]

    def hosts(self) -> dict[int, int]:
        """Key of each token that waits beside the flow → key of what it can end: the activity of a boundary event, the
        sub-process or instance in which an event sub-process listens."""
        return {t.id: t.workflow.key if t.parent is None else t.parent.id
                for t in self.workflow.index.values() if not t.entered}

    def variables(self, scope: int | None = None) -> dict[str, Any]:
        """Everything visible at the top, or at the element instance `scope`."""
        if scope is None or scope == self.workflow.key:
            return self.workflow.scope.visible()
        return self._find(scope).scope.visible()

    def variable(self, name: str) -> Any:
        """What a variable at the top holds; None if there is none."""
        return self.workflow.scope.get(name)

    def _token(self, key: int) -> Token:
        found = self._find(key)
        # Whatever changes, until another one is at work, changes because of it.
        self.workflow.ledger.by = found.task_spec.element.id
        return found

    def _find(self, key: int) -> Token:
        found = self.workflow.index.get(key)
        if found is None:
            raise TokenNotFound(f"Expected element instance {key} to be active, but it is not.")
        return found

    def _recovered(self, token: Token) -> None:
        if token._state == ERROR:
            self.workflow.record(journal.Recovered(token.id))
            token.internal_data.pop("phase", None)
            token._set_state(STARTED)
