"""The form of a user task or of a start: what the page shows of it, and the variables that somebody sends with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from bpmn.forms import generated, submission
from bpmn.forms.form import Form
from bpmn.forms.submission import FieldError
from engine.errors import InvalidInput
from engine.queries import forms as found_forms
from engine.queries import instance as found
from engine.queries.forms import FormOf
from engine.queries.things import UserTaskRow
from web.console import forms
from web.console.blueprint import bp, engine, problem


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskForm:
    """What `tasks/_form.html` shows: a form with the data it is opened with, or a field for each variable."""

    form: Form | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[Mapping[str, Any], ...] = ()
    address: str | None = None
    """A page elsewhere that is the form."""
    missing: str | None = None
    """Why there is no form although the diagram names one."""
    version: str | None = None


class FormRefused(InvalidInput):
    """What somebody sent does not keep the rules of the form."""

    def __init__(self, errors: tuple[FieldError, ...], errors_by_field: Mapping[str, Any]) -> None:
        super().__init__("Expected everything as the form asks for it, but " + " ".join(map(str, errors)))
        self.errors = errors
        self.errors_by_field = errors_by_field


def of_task(task: UserTaskRow) -> TaskForm:
    """The form of a task."""
    variables = visible(task)
    return shown(found_forms.of_task(engine(), task), variables, _plain(variables))


def shown(named: FormOf, variables: Mapping[str, Any], fields: tuple[Mapping[str, Any], ...] = ()) -> TaskForm:
    """A form as it is shown; `fields` stand for it where there is none."""
    form = _form(named, variables)
    if form is None:
        return TaskForm(fields=fields, address=named.address, missing=named.missing)
    version = None if named.row is None else f"{named.row.form_id} version {named.row.version}"
    return TaskForm(form=form, data=variables, version=version)


def submitted(task: UserTaskRow) -> dict[str, Any]:
    """The variables that the request's form sets.

    Raises InvalidInput: a field holds what it cannot; FormRefused: it does not keep the rules of the task's form.
    """
    variables = visible(task)
    return taken(found_forms.of_task(engine(), task), variables)


def taken(named: FormOf, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that the request's form sets, by the rules of a form if there is one.

    Raises InvalidInput, FormRefused.
    """
    form = _form(named, variables)
    if form is None:
        what = "the further variables" if variables else "the variables"
        return {**forms.typed_fields(variables), **forms.json_object("variables", what)}
    made = submission.submit(form, variables, forms.json_object("form-data", "what the form holds"))
    if made.errors:
        raise FormRefused(made.errors, made.errors_by_field)
    return dict(made.data)


def visible(task: UserTaskRow) -> dict[str, Any]:
    """The variables of the instance, hidden by those of the task's own scope where both have a name."""
    top = found.variables(engine(), task.instance_key)
    return {**top, **found.variables(engine(), task.instance_key, task.element_instance_key)}


def _form(named: FormOf, variables: Mapping[str, Any]) -> Form | None:
    return generated.as_form(named.fields, variables) if named.fields else named.form


def _plain(variables: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {"name": name, "value": value, "kind": forms.field_kind(value), "seen": forms.fingerprint(value)}
        for name, value in variables.items())


@bp.errorhandler(FormRefused)
def _refused(error: FormRefused) -> ResponseReturnValue:
    if "HX-Request" not in request.headers:
        return problem(str(error), 422)
    page = render_template("tasks/_form_errors.html", errors=error.errors, by_field=json.dumps(error.errors_by_field))
    return make_response(page, 422)
