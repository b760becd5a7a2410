"""One token, or one element instance: SpiffWorkflow's `Task` with cheap bookkeeping.

Differences from the library's task: integer ids that the engine allots, the parent held directly, no predicted
children, no log records, variables in the scope of the workflow instead of a copy per task. A finished task leaves
the tree at once, so that what exists is what waits or runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

if TYPE_CHECKING:
    from bpmn.interpreter.nodes.base import Node
    from bpmn.interpreter.scope import Scope
    from bpmn.interpreter.workflow import ScopeWorkflow

FUTURE = TaskState.FUTURE
WAITING = TaskState.WAITING
READY = TaskState.READY
STARTED = TaskState.STARTED
COMPLETED = TaskState.COMPLETED
ERROR = TaskState.ERROR
CANCELLED = TaskState.CANCELLED
FINISHED = COMPLETED | CANCELLED


class Token(Task):
    """A token at a node. `flow` is the id of the sequence flow it came by; `scope` what its expressions see.

    A token with a `parent` belongs to it: an instance of a multi-instance body, an armed boundary event of an
    activity, a compensation handler of the event that threw. Only tokens without parent keep their scope alive.
    """

    parent: Token | None = None
    thread_id = 0
    triggered = False
    entered = False
    """Its beginning stands in the journal (so its end has to, too)."""

    def __init__(self, workflow: ScopeWorkflow, task_spec: Node, parent: Token | None = None, state: int = FUTURE,
                 id: int | None = None, flow: str | None = None, scope: Scope | None = None) -> None:
        top = workflow.top_workflow
        self.id = key = next(top.keys) if id is None else id
        self.workflow = workflow
        self.task_spec = task_spec
        self._state = state
        self.flow = flow
        self.internal_data: dict[str, Any] = {}
        self.kids: dict[int, Token] | None = None
        self.data = self.scope = workflow.scope if scope is None else scope
        workflow.tasks[key] = top.index[key] = self
        if parent is not None:
            self.parent = parent
            if parent.kids is None:
                parent.kids = {}
            parent.kids[key] = self

    @property
    def _parent(self) -> int | None:
        return None if self.parent is None else self.parent.id

    @property
    def children(self) -> list[Token]:
        return list(self.kids.values()) if self.kids else []

    def _inherit_data(self) -> None:
        """Nothing to copy: variables live in scopes."""

    def _set_state(self, value: int) -> None:
        self._state = value

    def _ready(self) -> None:
        """Queue the token for `run`."""
        self._state = READY
        self.workflow.top_workflow.ready.append(self)

    def run(self) -> bool | None:
        """Run the node: True completes it, None leaves it waiting."""
        result: bool | None = self.task_spec._run(self)
        if result:
            self.task_spec._on_complete(self)
        return result

    def complete(self) -> None:
        """End the element instance and move on along its flows."""
        self.task_spec._on_complete(self)

    def cancel(self) -> None:
        """Take the token, and all that it started, out of the instance."""
        self.workflow.top_workflow.cancel_tokens([self])

    def remove(self) -> None:
        """Take a finished token out of the tree."""
        del self.workflow.tasks[self.id]
        self.workflow.top_workflow.index.pop(self.id, None)
        parent = self.parent
        if parent is not None and parent.kids is not None:
            parent.kids.pop(self.id, None)

    def get_dump(self, indent: int = 0, recursive: bool = True) -> str:
        """The subtree as text, for debugging."""
        name = TaskState.get_name(self._state)
        lines = [f"{'  ' * indent}{self.id} {self.task_spec.name} {name}"]
        lines += [child.get_dump(indent + 1) for child in self.children] if recursive else []
        return "\n".join(lines)
