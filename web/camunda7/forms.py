"""Forms of user tasks and starts: which there are, their content, and what somebody submits with one.

Source: Camunda 7 REST reference, "Get Form Key", "Get Deployed Form", "Get Rendered Form", "Submit Form".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, render_template

from bpmn.forms import generated, submission
from bpmn.forms.definition import FormDefinition
from engine.errors import InvalidInput, NotFound
from engine.queries.forms import FormOf
from web.camunda7.blueprint import answer

RENDERED = "embedded:engine://engine/:engine/{}/rendered-form"
"""The key of a form that is made from the fields in a diagram."""
TYPES = {"string": "String", "long": "Long", "boolean": "Boolean", "date": "Date", "enum": "String"}


def reference(form: FormDefinition | None) -> dict[str, Any] | None:
    """The Camunda Form that an element names, if it does."""
    if form is None or form.id is None:
        return None
    version = form.version.text if form.version and form.binding == "version" else ""
    return {"key": form.id.text, "binding": form.binding, "version": int(version) if version.isdecimal() else None}


def key(found: FormOf, written: str | None, owner: str) -> Response:
    """Which form there is. `owner` is where a generated one is found, such as `task/7`."""
    form_ref = reference(found.definition)
    if written is None and form_ref is None and found.fields:
        written = RENDERED.format(owner)
    return answer({"key": written, "camundaFormRef": form_ref, "contextPath": None})


def deployed(found: FormOf) -> Response:
    """The JSON of a Camunda Form. Raises NotFound, InvalidInput (the form is no deployed one)."""
    if found.text is None:
        if found.definition is None or (found.definition.key is None and found.definition.id is None):
            raise InvalidInput("Expected a form that was deployed, but neither a form key nor a form reference is set.")
        raise NotFound(found.missing or "Expected a form that was deployed, but it is a page elsewhere.")
    return Response(found.text, content_type="application/json")


def rendered(found: FormOf, variables: Mapping[str, Any]) -> Response:
    """The HTML of a generated form. Raises NotFound."""
    if not found.fields:
        raise NotFound("Expected a form that is made from fields in the diagram, but there are none.")
    fields = [{
        "field": field, "label": generated.label_of(field, variables) or field.id,
        "type": TYPES.get(field.type, "String"),
        "value": variables.get(field.id, generated.default_of(field, variables)),
    } for field in found.fields]
    page = render_template("forms/rendered.html", fields=fields)
    return Response(page, content_type="application/xhtml+xml")


def defaults(found: FormOf) -> dict[str, Any]:
    """The variables that a form is opened with where there are none yet: the defaults of its fields."""
    return {field.id: generated.default_of(field, {}) for field in found.fields}


def checked(found: FormOf, variables: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody submits, if it keeps the rules of the form: fields that are not in it stay as they are.

    What belongs to no field is kept, as Camunda 7 does. Raises InvalidInput.
    """
    form = generated.as_form(found.fields, variables) if found.fields else found.form
    if form is None:
        return dict(given)
    for field in found.fields:
        if "readonly" in field.constraints and field.id in given:
            raise InvalidInput(f"Expected nothing for form field {field.id!r}, which is readonly, but found a value.")
        trouble = generated.misfit(field, given.get(field.id))
        if trouble:
            raise InvalidInput(trouble)
    made = submission.submit(form, variables, given, whole=False)
    if made.errors:
        raise InvalidInput("Expected everything as the form asks for it, but " + " ".join(map(str, made.errors)))
    return {**given, **made.data}

