"""User tasks, and the listeners that are asked before something happens to one.

Listeners are asked in the order of the file. The last answer lets happen what was asked for, as the listeners
corrected it; the first denial stops it. A task whose definition names an assignee is assigned as part of being created.
When a task is cancelled, the flow does not wait for its `canceling` listeners, but the instance stays until they have
answered.
Sources: Camunda 8 docs "Task listeners"; Camunda 7 manual "Task Listeners".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.bpmn.specs.defaults import UserTask as SpiffUserTask

from bpmn.forms.definition import FormDefinition
from bpmn.interpreter import journal
from bpmn.interpreter.failures import Failure
from bpmn.interpreter.nodes import listeners
from bpmn.interpreter.nodes.tasks import Activity
from bpmn.interpreter.task import STARTED, Token
from bpmn.interpreter.values import names_of, number_of, optional_text
from bpmn.model import NOTHING, TASK_EVENTS, USER_TASK_JOB

CREATING, ASSIGNING, UPDATING, COMPLETING, CANCELING = "creating", "assigning", "updating", "completing", "canceling"
DEFAULT_PRIORITY = 50
HEADERS = "io.camunda.zeebe:"
"""Before the names of headers that say what a job-based task says."""
NO_FORM = FormDefinition()


class UserTask(Activity, SpiffUserTask):
    """A task for a person."""

    waits = True
    heard: frozenset[str] = frozenset()
    """The events of the task that a listener is asked about."""

    def link(self) -> None:
        self.heard = TASK_EVENTS & {listener.event for listener in self.element.listeners}
        self.has_farewell = CANCELING in self.heard
        super().link()

    def run(self, token: Token) -> bool | None:
        opened = self._opened(token)
        token._set_state(STARTED)
        first = {}
        if self.heard:
            token.internal_data["opened"] = 1
            if ASSIGNING in self.heard and opened.assignee is not None:
                first["assignee"], opened.assignee = opened.assignee, None
            opened.creating = CREATING in self.heard or bool(first)
        token.workflow.top_workflow.record(opened)
        if self.element.user_task and self.element.user_task.job_based:
            token.workflow.top_workflow.record(_job_of(opened, self.element.user_task.headers))
        if opened.creating and not listeners.begin(token, CREATING, {"changes": first}):
            self._assign_first(token, {"changes": first})
        return None

    def _opened(self, token: Token) -> journal.UserTaskOpened:
        definition, scope = self.element.user_task, token.scope
        if definition is None:
            return journal.UserTaskOpened(token.id, self.element)
        form = definition.form or NO_FORM
        return journal.UserTaskOpened(
            token.id, self.element,
            assignee=optional_text(definition.assignee, scope, "the assignee"),
            candidate_users=names_of(definition.candidate_users, scope, "the candidate users"),
            candidate_groups=names_of(definition.candidate_groups, scope, "the candidate groups"),
            due_date=optional_text(definition.due_date, scope, "the due date"),
            follow_up_date=optional_text(definition.follow_up_date, scope, "the follow-up date"),
            priority=DEFAULT_PRIORITY if definition.priority is None else number_of(
                definition.priority, scope, "the priority"),
            form_key=optional_text(form.key, scope, "the form key"),
            form_id=optional_text(form.id, scope, "the form id"),
            form_version=optional_text(form.version, scope, "the version of the form"))

    def ask(self, token: Token, event: str, changes: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        """Something is to happen to the task: ask the listeners, which see `variables` as local ones."""
        what: dict[str, Any] = {"changes": dict(changes)}
        if event == COMPLETING:
            what["variables"] = dict(variables)
            self.own_scope(token).assign_all(variables, local=True)
        try:
            if not listeners.begin(token, event, what):
                self._decide(token, event, what, None)
        except Failure as failure:
            token.workflow.top_workflow.fail(token, "listener", failure)

    def listener_done(self, token: Token, variables: Mapping[str, Any] | None, denied: str | None = None,
                      changes: Mapping[str, Any] = NOTHING) -> None:
        event, what = listeners.pending(token)
        if event not in TASK_EVENTS:
            super().listener_done(token, variables)
            return
        what["changes"].update(changes)
        if variables and event == COMPLETING:
            what["variables"].update(variables)
            self.own_scope(token).assign_all(variables, local=True)
        else:
            token.scope.assign_all(variables)
        try:
            if denied is not None:
                listeners.stop(token)
            elif listeners.go_on(token):
                return
            self._decide(token, event, what, denied)
        except Failure as failure:
            token.workflow.top_workflow.fail(token, "listener", failure)

    def _decide(self, token: Token, event: str, what: dict[str, Any], denied: str | None) -> None:
        top = token.workflow.top_workflow
        if event == CANCELING:
            top.part(token)
        elif event == CREATING:
            self._assign_first(token, what)
        elif what.get("first"):
            if denied is not None:
                what["changes"].pop("assignee", None)
            top.record(journal.UserTaskChanged(token.id, CREATING, what["changes"]))
        else:
            top.record(journal.UserTaskChanged(token.id, event, what["changes"], denied))
            if event == COMPLETING and denied is None:
                token.internal_data["result"] = what["variables"]
                token.complete()

    def _assign_first(self, token: Token, what: dict[str, Any]) -> None:
        """The listeners of the creation are done: ask those of the assignment if somebody is to get the task."""
        is_asked = bool(what["changes"].get("assignee")) and listeners.begin(token, ASSIGNING, what | {"first": 1})
        if not is_asked:
            token.workflow.top_workflow.record(journal.UserTaskChanged(token.id, CREATING, what["changes"]))


def _job_of(opened: journal.UserTaskOpened, headers: Mapping[str, str]) -> journal.JobOpened:
    """The job by which a worker may do a job-based task; its headers say what the task says.

    Source: Camunda 8 docs, "User tasks", job worker implementation (headers, one attempt).
    """
    said = {
        "assignee": opened.assignee, "candidateGroups": _list(opened.candidate_groups),
        "candidateUsers": _list(opened.candidate_users), "dueDate": opened.due_date,
        "followUpDate": opened.follow_up_date, "formKey": opened.form_key, "priority": str(opened.priority),
    }
    own = {f"{HEADERS}{name}": value for name, value in said.items() if value is not None}
    return journal.JobOpened(opened.key, opened.element, USER_TASK_JOB, retries=1, headers={**headers, **own})


def _list(names: tuple[str, ...]) -> str | None:
    return json.dumps(names, ensure_ascii=False) if names else None
