"""The run loop: tokens move until all of them wait.

Straight stretches (scripts, exclusive gateways, none events, undefined tasks) run inline: one token object is carried
along the specs without calling their hooks, and materialises where something has to wait, split or join. A node runs
inline only if its class says that nothing about the element needs a hook (`Node.runs_inline`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpmn.expressions import LANGUAGE_ERRORS
from bpmn.interpreter import nulls
from bpmn.interpreter.conditions import check_conditions
from bpmn.interpreter.failures import Failure, TooManySteps, ValueFailed
from bpmn.interpreter.journal import Passed
from bpmn.interpreter.nodes.base import Kind
from bpmn.interpreter.task import FUTURE, READY, Token

if TYPE_CHECKING:
    from bpmn.interpreter.nodes.base import Node
    from bpmn.interpreter.workflow import ProcessWorkflow

PASS, SCRIPT, CHOICE, END = Kind.PASS, Kind.SCRIPT, Kind.CHOICE, Kind.END
# Looked up once: the loop compares them millions of times a second.

DEFAULT_BUDGET = 1_000_000
"""Steps an instance may take without waiting, before it is stopped with an incident."""


def advance(top: ProcessWorkflow, budget: int = DEFAULT_BUDGET, pause_after: int | None = None) -> int:
    """Run until every token waits; how many steps that took.

    Args:
        budget: after so many steps every token that could still move gets an incident instead.
        pause_after: stop after about so many steps, the rest left ready for the next call (so that whoever writes
            the journal down can do it in pieces).
    """
    ready = top.ready
    steps = 0
    limit = budget if pause_after is None else min(budget, pause_after)
    while True:
        while ready:
            if limit <= steps < budget:
                return steps
            token = ready.popleft()
            if token._state != READY:
                continue
            if steps >= budget:
                top.fail(token, "run", _too_many(token.task_spec))
            elif token.task_spec.kind and token.parent is None and not token.entered and not top.stop_after:
                # What has its beginning in the journal (a retry after an incident) has to have its end there, too.
                steps = _run_inline(top, token, steps, limit)
            else:
                steps += 1
                top.ledger.by = token.task_spec.element.id
                token.run()
            if top.conditions:
                check_conditions(top)
        if top.conditions and check_conditions(top):
            continue
        if top.joining and _join_one(top):
            continue
        if not ready:
            return steps


def _join_one(top: ProcessWorkflow) -> bool:
    for _, token in sorted(top.joining.items()):
        if top.joining.get(token.id) is token and token.task_spec.reconsider(token):
            return True
    return False


def _run_inline(top: ProcessWorkflow, token: Token, steps: int, limit: int) -> int:
    workflow = token.workflow
    scope = workflow.scope
    key = workflow.key
    record = top.journal.append if top.recording else None
    assign = scope.assign if scope.up is not None else scope.assign_local
    node, flow = token.task_spec, token.flow
    try:
        while True:
            kind = node.kind
            if kind == SCRIPT:
                value = node.script(scope)
                if value is None and record is not None:
                    nulls.explain_script(top, node.element, scope)
                if node.variable is not None:
                    top.ledger.by = node.element.id
                    assign(node.variable, value)
                branch = node.next
            elif kind == PASS:
                branch = node.next
            elif kind == CHOICE:
                branch = node.pick_branch(scope)
            elif kind == END:
                token.task_spec = node
                if record is not None:
                    record(Passed(node.element, key, flow))
                workflow.consume(token)
                return steps + 1
            else:
                break
            if record is not None:
                record(Passed(node.element, key, flow))
            node, flow = branch.target, branch.id
            steps += 1
            if steps >= limit:
                token.task_spec, token.flow = node, flow
                if node.kind:
                    token._ready()
                    return steps
                break
    except Failure as failure:
        _stop(top, token, node, flow, failure)
        return steps
    except LANGUAGE_ERRORS as error:
        _stop(top, token, node, flow, ValueFailed(
            f"Expected the script of {node.label} to give a value, but it failed: {error}"))
        return steps
    token.task_spec, token.flow, token._state = node, flow, FUTURE
    node._update(token)
    return steps


def _stop(top: ProcessWorkflow, token: Token, node: Node, flow: str | None, failure: Failure) -> None:
    token.task_spec, token.flow = node, flow
    top.fail(token, "run", failure)


def _too_many(node: Node) -> TooManySteps:
    return TooManySteps(
        f"Expected the instance to wait somewhere, but it used up its step budget without waiting and was stopped at "
        f"{node.label}. Is there a loop without an end? Retrying lets it move on.")
