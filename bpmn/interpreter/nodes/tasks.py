"""Tasks: what passes at once, what a worker does, what a person does, what an expression does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from SpiffWorkflow.bpmn.specs.defaults import (
    ManualTask as SpiffManualTask,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    NoneTask as SpiffNoneTask,
)

from bpmn.interpreter import journal, nulls
from bpmn.interpreter.failures import DecisionFailed, ValueFailed
from bpmn.interpreter.nodes.base import Kind, Node
from bpmn.interpreter.nodes.compensation import Compensable
from bpmn.interpreter.scope import Scope
from bpmn.interpreter.task import STARTED, Token
from bpmn.interpreter.values import (
    DEFAULT_RETRIES,
    assign_path,
    evaluate,
    number_of,
    text_of,
)
from bpmn.model import JobDefinition
from bpmn.retry_cycle import read_cycle


class Activity(Compensable, Node):
    """An activity: it can have boundary events, a loop and a compensation handler."""


class PassThrough(Activity):
    """An undefined or manual task: Camunda passes through (Camunda 7 manual "Manual Task")."""

    def _link_inline(self) -> None:
        link_pass(self)


class NoneTask(PassThrough, SpiffNoneTask):
    """An undefined task."""


class ManualTask(PassThrough, SpiffManualTask):
    """A manual task: done outside the engine, and not waited for."""


def link_pass(node: Node) -> None:
    """Let a node run inline that does nothing but hand its token on."""
    if node.branches:
        node.kind, node.next = Kind.PASS, node.branches[0]
    else:
        node.kind = Kind.END


class ScriptTask(Activity):
    """An expression, evaluated by the engine itself."""

    script: Callable[[Scope], Any]
    variable: str | None = None

    def link(self) -> None:
        assert self.element.script is not None
        self.script = self.element.script.expression.function
        self.variable = self.element.script.result_variable
        super().link()

    def _link_inline(self) -> None:
        if self.branches and not (self.variable and "." in self.variable):
            self.kind, self.next = Kind.SCRIPT, self.branches[0]

    def run(self, token: Token) -> bool | None:
        definition = self.element.script
        assert definition is not None
        value = evaluate(definition.expression, token.scope, "the script")
        if value is None:
            nulls.explain_script(token.workflow.top_workflow, self.element, token.scope)
        if definition.result_variable:
            local = bool(self.element.outputs)
            scope = self.own_scope(token) if local else token.scope
            assign_path(scope, definition.result_variable, value, local=local)
        return True


class Job(Activity):
    """Whatever a worker does: service, send and business rule task, message throw event with a task definition."""

    waits = True

    def run(self, token: Token) -> bool | None:
        open_job(token, "BPMN_ELEMENT")
        return None


def open_job(token: Token, kind: str) -> None:
    """Let a worker do the job of a token's element.

    Raises:
        ValueFailed: its type, its attempts or its priority cannot be evaluated.
    """
    element, scope = token.task_spec.element, token.scope
    definition = element.job
    assert definition is not None
    job_type = text_of(definition.type, scope, "the job type")
    retries = _attempts(definition, scope)
    priority = 0 if definition.priority is None else number_of(definition.priority, scope, "the priority")
    token._set_state(STARTED)
    token.workflow.top_workflow.record(journal.JobOpened(
        token.id, element, job_type, retries, definition.headers, kind, priority=priority))


def _attempts(definition: JobDefinition, scope: Scope) -> int:
    if definition.retries is not None:
        return number_of(definition.retries, scope, "the number of retries")
    if definition.retry_cycle is None:
        return DEFAULT_RETRIES
    text = text_of(definition.retry_cycle, scope, "the retry time cycle")
    cycle = read_cycle(text)
    if cycle is None:
        raise ValueFailed(f"Expected a retry time cycle such as R3/PT10M or PT1M,PT5M, but it is {text!r}.")
    return cycle.attempts


class BusinessRule(Activity):
    """A DMN decision, evaluated at once by whoever knows the deployed decisions (`ProcessWorkflow.decide`)."""

    def run(self, token: Token) -> bool | None:
        called = self.element.called_decision
        assert called is not None
        decision_id = text_of(called.decision_id, token.scope, "the decision")
        decide = token.workflow.top_workflow.decide
        if decide is None:
            raise DecisionFailed(f"Expected decision {decision_id!r} to be deployed, but it is not.")
        value = decide(called, decision_id, token.scope.visible(), token.id)
        local = bool(self.element.outputs)
        assign_path(self.own_scope(token) if local else token.scope, called.result_variable, value, local=local)
        return True
