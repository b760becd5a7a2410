"""Ad-hoc sub-processes: activities without an order of their own (BPMN 2.0 §10.3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from SpiffWorkflow.bpmn.specs.defaults import AdHocSubprocess as SpiffAdHocSubprocess

from bpmn.interpreter import journal
from bpmn.interpreter.failures import ConditionFailed, Failure, ValueFailed
from bpmn.interpreter.nodes.subprocesses import SubProcess, listen
from bpmn.interpreter.nodes.tasks import open_job
from bpmn.interpreter.task import ERROR, Token
from bpmn.interpreter.values import evaluate
from bpmn.interpreter.workflow import ScopeWorkflow, SubWorkflow

AD_HOC_JOB = "AD_HOC_SUB_PROCESS"
"""The kind of the job of a worker that leads an ad-hoc sub-process."""


class Directions(msgspec.Struct, frozen=True):
    """What a worker says that leads an ad-hoc sub-process.

    `activate` are elements inside, each with variables of its own. `over`: nothing is to follow what is under way;
    with `cancel_rest` that is cancelled too.
    """

    activate: list[tuple[str, dict[str, Any]]] = []
    over: bool = False
    cancel_rest: bool = False


class AdHocSubProcess(SubProcess, SpiffAdHocSubprocess):
    """Runs the inner activities that are asked for, in any order (Camunda 8 docs "Ad-hoc sub-process").

    An expression says which ones, once; or a worker does, which is asked at the beginning and whenever a flow inside
    has ended, until it says that nothing is to follow.
    """

    def link(self) -> None:
        super().link()
        self.is_led = self.element.job is not None
        self.may_end_early = self.element.completion_condition is not None and not self.is_led

    def run(self, token: Token) -> bool | None:
        inside = token.workflow.top_workflow.subprocesses.get(token.id)
        if self.is_led and inside is not None and not inside.done:
            open_job(token, AD_HOC_JOB)      # its job failed, and is done again
            return None
        return super().run(token)

    def keeps_open(self, token: Token) -> bool:
        return self.is_led and "met" not in token.internal_data

    def led(self, token: Token, variables: Mapping[str, Any] | None, directions: Directions) -> None:
        """The worker has answered."""
        top = token.workflow.top_workflow
        inside = top.subprocesses[token.id]
        token.scope.assign_all(variables, local=bool(self.element.outputs))
        if directions.over:
            token.internal_data["met"] = 1
            if directions.cancel_rest:
                inside.clear()
        entries = {node.element.id: node for node in self.inside.entries}
        for element_id, given in directions.activate:
            node = entries[element_id]
            inside.live += 1
            inner = Token(inside, node)
            if given:
                node.own_scope(inner).assign_all(given, local=True)
            node._update(inner)
        if inside.live:
            return
        if directions.over:
            inside.end()
            return
        top.fail(token, "run", ValueFailed(
            f"Expected the worker to activate an element of {self.label}, or to say that it is over, "
            f"but it did neither and nothing is left to wait for."))

    def flow_ended(self, token: Token) -> None:
        """A flow inside has ended: ask the worker what is to follow. An older question is void."""
        if not self.keeps_open(token) or token._state & ERROR:
            return
        top = token.workflow.top_workflow
        top.record(journal.WaitClosed(token.id))
        try:
            open_job(token, AD_HOC_JOB)
        except Failure as failure:
            top.fail(token, "run", failure)

    def ends_now(self, token: Token, inner: Token) -> bool:
        inside = inner.workflow
        if token.internal_data.get("met"):
            return True
        condition = self.element.completion_condition
        assert condition is not None
        try:
            met = evaluate(condition, inner.workflow.scope, "the completion condition", ConditionFailed) is True
        except Failure as failure:
            token.workflow.top_workflow.fail(token, "run", failure)
            return False
        if met:
            token.internal_data["met"] = 1
            if self.element.cancel_remaining:
                inside.clear(keep=inner)
        return met

    def collect_inner(self, token: Token, inner: Token) -> None:
        collection, output = self.element.output_collection, self.element.output_element
        if collection is not None and output is not None:
            value = evaluate(output, inner.scope, "the output element")
            token.scope.assign_local(collection, [*token.scope[collection], value])

    def leave(self, token: Token) -> None:
        collection, up = self.element.output_collection, token.scope.up
        if collection is not None and up is not None:
            up.assign(collection, token.scope[collection])
        super().leave(token)

    def prepare(self, inside: ScopeWorkflow) -> None:
        if self.element.output_collection is not None:
            inside.scope.assign_local(self.element.output_collection, [])
        if self.is_led:
            inside.scope.assign_local("adHocSubProcessElements", [
                {"elementId": element.id, "elementName": element.name, "documentation": element.documentation,
                 "properties": dict(element.properties)}
                for element in (node.element for node in self.inside.entries)])

    def begin(self, token: Token, inside: SubWorkflow) -> None:
        self.prepare(inside)
        if self.is_led:
            listen(inside)
            open_job(token, AD_HOC_JOB)
            return
        entries = {node.element.id: node for node in self.inside.entries}
        wanted = list(entries)
        if self.element.active_elements is not None:
            value = evaluate(self.element.active_elements, token.scope, "the active elements")
            if not isinstance(value, list) or any(name not in entries for name in value):
                raise ValueFailed(
                    f"Expected the active elements of {self.label} to be a list of some of "
                    f"{', '.join(entries)}, but it is {value!r}.")
            wanted = value
        listen(inside)
        if not wanted:
            inside.done = True
            token._ready()
        for name in wanted:
            inside.arrive(entries[name], None)
