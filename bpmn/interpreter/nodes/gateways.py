"""Gateways (BPMN 2.0 §13.4)."""

from __future__ import annotations

from collections import deque
from typing import Any

from SpiffWorkflow.bpmn.specs.defaults import (
    ExclusiveGateway as SpiffExclusiveGateway,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    InclusiveGateway as SpiffInclusiveGateway,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    ParallelGateway as SpiffParallelGateway,
)

from bpmn.expressions import LANGUAGE_ERRORS
from bpmn.interpreter import journal
from bpmn.interpreter.failures import ConditionFailed
from bpmn.interpreter.nodes.base import Branch, Kind, Node
from bpmn.interpreter.nodes.tasks import link_pass
from bpmn.interpreter.task import COMPLETED, WAITING, Token
from bpmn.interpreter.workflow import ScopeWorkflow


class ExclusiveGateway(Node, SpiffExclusiveGateway):
    """The first flow in XML order whose condition is true; else the default; else an incident."""

    def link(self) -> None:
        super().link()
        unconditional = [b for b in self.branches if b.expression is None and b is not self.default]
        if len(self.branches) > 1 and self.default is None and len(unconditional) == 1:
            self.default = unconditional[0]     # as Camunda 7 assumes (BpmnParse.validateExclusiveGateway)
        self.tried = tuple(b for b in self.branches if b is not self.default)
        if not (self.element.inputs or self.element.outputs or self.element.listeners):
            if len(self.branches) > 1 or self.conditional:
                self.kind = Kind.CHOICE
            else:
                link_pass(self)

    def choose(self, token: Token) -> list[Branch]:
        return [self.pick_branch(token.workflow.scope)]

    def pick_branch(self, scope: Any) -> Branch:
        """The one flow to take.

        Raises:
            ConditionFailed: no condition is true and there is no default, or one cannot be evaluated.
        """
        for branch in self.tried:
            condition = branch.condition
            if condition is None:
                return branch
            try:
                value = condition(scope)
            except LANGUAGE_ERRORS:
                value = None
            if value is True or (value is not False and branch.holds(scope)):
                return branch
        if self.default is None:
            raise ConditionFailed(self.nothing_holds(scope))
        return self.default


class ParallelGateway(Node, SpiffParallelGateway):
    """Joins by counting: one token of every incoming flow is consumed, surplus tokens keep waiting. Then forks."""

    def link(self) -> None:
        super().link()
        self.conditional = False        # conditions on flows out of a parallel gateway are ignored (BPMN 2.0 §10.6.4)
        self.joined = tuple(dict.fromkeys(self.element.incoming))
        if len(self.joined) <= 1 and len(self.branches) <= 1 and not self.element.listeners:
            link_pass(self)

    def runs_inline(self) -> bool:
        return False

    def enter(self, token: Token) -> None:
        if len(self.joined) <= 1 or token.flow is None:     # what was put here came by no flow: nothing to wait for
            token._ready()
            return
        workflow = token.workflow
        queues: dict[str, deque[Token]] = workflow.joins.setdefault(self.number, {})
        token._set_state(WAITING)
        queues.setdefault(token.flow or "", deque()).append(token)
        if len(queues) >= len(self.joined) and all(flow in queues for flow in self.joined):
            self._join(token, queues)

    def _join(self, winner: Token, queues: dict[str, deque[Token]]) -> None:
        workflow = winner.workflow
        top = workflow.top_workflow
        for flow in self.joined:
            queue = queues[flow]
            other = winner if flow == winner.flow else queue[0]
            queue.remove(other)
            if not queue:
                del queues[flow]
            if other is not winner:
                other._state = COMPLETED
                top.record(journal.Left(other.id))
                other.remove()
                workflow.live -= 1
        if not queues:
            del workflow.joins[self.number]
        winner._ready()

    def reconsider(self, workflow: ScopeWorkflow) -> None:
        """Fire as often as there is a token of every incoming flow, in an instance that another version drew."""
        queues = workflow.joins.get(self.number)
        while queues and self.joined and all(flow in queues for flow in self.joined):
            self._join(queues[self.joined[0]][0], queues)

    def withdraw(self, token: Token) -> None:
        queues = token.workflow.joins.get(self.number)
        queue = queues.get(token.flow or "") if queues else None
        if queues is not None and queue is not None and token in queue:
            queue.remove(token)
            if not queue:
                del queues[token.flow or ""]
            if not queues:
                del token.workflow.joins[self.number]

    def rejoin(self, token: Token) -> None:
        """Put a restored token back into its place."""
        queues = token.workflow.joins.setdefault(self.number, {})
        queues.setdefault(token.flow or "", deque()).append(token)


class InclusiveGateway(Node, SpiffInclusiveGateway):
    """Joins when no other token can still reach an empty incoming flow; takes every flow whose condition is true.

    Source: BPMN 2.0 §13.4.3 (the semantics with "no directed path … to an empty incoming flow").
    """

    def link(self) -> None:
        super().link()
        self.reach: dict[str, frozenset[int]] | None = None

    def runs_inline(self) -> bool:
        return False

    def enter(self, token: Token) -> None:
        if len(set(self.element.incoming)) <= 1 or token.flow is None:
            token._ready()
            return
        token._set_state(WAITING)
        token.workflow.top_workflow.joining[token.id] = token

    def reconsider(self, token: Token) -> bool:
        """Fire the join that `token` waits at if nothing more can come; whether it fired."""
        workflow = token.workflow
        reach = self.reach or self._reachable()
        arrived: dict[str, Token] = {}
        positions: list[int] = []
        for other in workflow.tasks.values():
            if other.task_spec is self and other._state == WAITING:
                arrived.setdefault(other.flow or "", other)
            elif other.parent is None and other.id not in workflow.listeners:
                positions.append(other.task_spec.number)
        empty = [flow for flow in reach if flow not in arrived]
        full = [reach[flow] for flow in arrived if flow in reach]
        for number in positions:
            if any(number in reach[flow] for flow in empty) and not any(number in nodes for nodes in full):
                return False
        self._join(arrived, token)
        return True

    def _join(self, arrived: dict[str, Token], winner: Token) -> None:
        workflow = winner.workflow
        top = workflow.top_workflow
        winner = arrived[winner.flow or ""]
        for other in arrived.values():
            top.joining.pop(other.id, None)
            if other is not winner:
                other._state = COMPLETED
                top.record(journal.Left(other.id))
                other.remove()
                workflow.live -= 1
        winner._ready()

    def _reachable(self) -> dict[str, frozenset[int]]:
        """For each incoming flow the nodes from which a token can come to it without passing this gateway."""
        spec = self._wf_spec
        into: dict[int, list[Node]] = {}
        for node in spec.nodes:
            for branch in node.branches:
                into.setdefault(branch.target.number, []).append(node)
            for boundary in node.boundaries:
                into.setdefault(boundary.number, []).append(node)
        sources = {branch.id: node for node in spec.nodes for branch in node.branches if branch.target is self}
        reach: dict[str, frozenset[int]] = {}
        for flow, source in sources.items():
            seen: set[int] = set()
            todo = [source]
            while todo:
                node = todo.pop()
                if node is not self and node.number not in seen:
                    seen.add(node.number)
                    todo.extend(into.get(node.number, ()))
            reach[flow or ""] = frozenset(seen)
        self.reach = reach
        return reach
