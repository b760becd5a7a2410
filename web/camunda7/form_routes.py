"""Where forms are found and submitted: below a user task, and below a process definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from engine.queries import forms as found_forms
from engine.queries import instance as seen
from engine.queries.forms import FormOf
from engine.queries.searches import FoundUserTask
from engine.tasks import user_tasks
from web.body import body
from web.camunda7 import definitions, formats, forms, instances, tasks, values
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Asked, as_texts

Find = Callable[..., int]
"""From what stands in the address: the key of a process definition."""


@bp.post("/task/<id>/submit-form")
def submit_form(id: str) -> Response:
    """Finish a task with what its form asks for; with `withVariablesInReturn` the answer has all variables."""
    asked = body()
    found = tasks.open_task(id)
    given = forms.checked(_of_task(found), _visible(found), values.read_all(asked))
    acting().execute(user_tasks.complete, found.key, given)
    if asked.flag("withVariablesInReturn"):
        return answer(instances.variables(found.instance_key))
    return done()


@bp.get("/task/<id>/form")
def get_form(id: str) -> Response:
    """The key of a task's form."""
    found = tasks.open_task(id)
    return forms.key(_of_task(found), found.form_key, f"task/{found.key}")


@bp.get("/task/<id>/deployed-form")
def get_deployed_form(id: str) -> Response:
    """The Camunda Form of a task."""
    return forms.deployed(_of_task(tasks.open_task(id)))


@bp.get("/task/<id>/rendered-form")
def get_rendered_form(id: str) -> Response:
    """The form that is made from the fields of a task in the diagram."""
    found = tasks.open_task(id)
    return forms.rendered(_of_task(found), _visible(found))


def _of_task(found: FoundUserTask) -> FormOf:
    return found_forms.of_task(engine(), found)


def _visible(found: FoundUserTask) -> dict[str, Any]:
    top = seen.variables(engine(), found.instance_key)
    return {**top, **seen.variables(engine(), found.instance_key, found.element_instance_key)}


def _serve(path: str, find: Find) -> None:
    """Let the form of a start be read and submitted below a path."""
    name = path.strip("/").replace("/", "-").replace("<", "").replace(">", "")

    def start_form(**where: str) -> Response:
        key = find(**where)
        found = found_forms.of_start(engine(), key)
        written = found.definition.key.text if found.definition is not None and found.definition.key else None
        return forms.key(found, written, f"process-definition/{formats.id(key)}")

    def submit(**where: str) -> Response:
        key = find(**where)
        found = found_forms.of_start(engine(), key)
        given = forms.checked(found, {}, values.read_all(body()))
        field = found.definition.business_id_field if found.definition is not None else None
        named = given.get(field) if field else None
        return definitions.start_with(key, given, None if named in (None, "") else str(named))

    def variables(**where: str) -> Response:
        names = Asked.here().content.get("variableNames")
        wanted = None if names is None else as_texts(names, "variableNames")
        found = forms.defaults(found_forms.of_start(engine(), find(**where)))
        return answer(values.all_written({
            name: value for name, value in found.items() if wanted is None or name in wanted}))

    for ending, view, method in (
        ("startForm", start_form, "GET"), ("form-variables", variables, "GET"), ("submit-form", submit, "POST"),
        ("deployed-start-form", lambda **where: forms.deployed(found_forms.of_start(engine(), find(**where))), "GET"),
        ("rendered-form", lambda **where: forms.rendered(found_forms.of_start(engine(), find(**where)), {}), "GET"),
    ):
        bp.add_url_rule(f"{path}/{ending}", f"{name}-{ending}", view, methods=[method])


_serve("/process-definition/<id>", lambda id: formats.definition_key(id))
_serve("/process-definition/key/<process_id>", lambda process_id: definitions.latest(process_id, None))
_serve("/process-definition/key/<process_id>/tenant-id/<tenant_id>",
       lambda process_id, tenant_id: definitions.latest(process_id, tenant_id))
