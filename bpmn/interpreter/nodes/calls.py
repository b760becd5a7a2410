"""Call activities: the called process is an instance of its own, which the engine starts and reports back."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.defaults import CallActivity as SpiffCallActivity

from bpmn.interpreter import journal
from bpmn.interpreter.failures import CallFailed, MappingFailed
from bpmn.interpreter.nodes.tasks import Activity
from bpmn.interpreter.scope import Ledger, Scope
from bpmn.interpreter.task import STARTED, Token
from bpmn.interpreter.values import assign_path, evaluate, optional_text, text_of


class CallActivity(Activity, SpiffCallActivity):
    """Starts a process instance and waits for its end (Camunda 7 manual, Camunda 8 docs "Call activity")."""

    waits = True

    def run(self, token: Token) -> bool | None:
        called = self.element.called_process
        if called is None:
            raise CallFailed(f"Expected {self.label} to name the process it calls, but it names none.")
        scope = token.scope
        process_id = text_of(called.process_id, scope, "the called process")
        version = optional_text(called.version, scope, "the version of the called process")
        business_id = optional_text(called.business_id, scope, "the business id")
        variables: dict[str, Any] = {}
        if called.all_in:
            variables.update(scope.visible())
        elif called.local_in and scope.key == token.id:
            variables.update(scope.local())
        given = Scope(0, Ledger())
        for mapping in called.inputs:
            assign_path(given, mapping.target,
                        evaluate(mapping.source, scope, f"the value for {mapping.target!r}", MappingFailed),
                        local=True)
        variables.update(given.local())
        token._set_state(STARTED)
        token.workflow.top_workflow.record(journal.CallOpened(
            token.id, self.element, called, process_id, called.binding, version, variables, business_id))
        return None

    def result(self, token: Token, variables: dict[str, Any] | None) -> None:
        called = self.element.called_process
        assert called is not None
        child = Scope(0, Ledger())
        child.assign_all(variables)
        if self.element.outputs:
            self.own_scope(token).assign_all(variables, local=True)
            return
        outer: Scope = token.scope
        if outer.key == token.id and outer.up is not None:
            outer = outer.up
        if called.all_out:
            outer.assign_all(variables)
        for mapping in called.outputs:
            assign_path(outer, mapping.target,
                        evaluate(mapping.source, child, f"the value for {mapping.target!r}", MappingFailed),
                        local=False)
