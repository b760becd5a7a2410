"""The form of a user task: what the page shows of it, and the variables that somebody sends with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.queries import instance as found
from engine.queries.things import UserTaskRow
from web.console import forms
from web.console.blueprint import engine


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskForm:
    """What `tasks/_form.html` shows: a field for each variable that the task sees."""

    fields: tuple[Mapping[str, Any], ...] = ()


def of_task(task: UserTaskRow) -> TaskForm:
    """The form of a task."""
    return TaskForm(fields=tuple(
        {"name": name, "value": value, "kind": forms.field_kind(value), "seen": forms.fingerprint(value)}
        for name, value in visible(task).items()
    ))


def submitted(task: UserTaskRow) -> dict[str, Any]:
    """The variables that the request's form sets.

    Raises InvalidInput: a field holds what it cannot.
    """
    return {**forms.typed_fields(visible(task)), **forms.json_object("variables", "the further variables")}


def visible(task: UserTaskRow) -> dict[str, Any]:
    """The variables of the instance, hidden by those of the task's own scope where both have a name."""
    top = found.variables(engine(), task.instance_key)
    return {**top, **found.variables(engine(), task.instance_key, task.element_instance_key)}
