"""Forms of user tasks and of starts."""

from __future__ import annotations

from flask import Response

from engine.queries import forms as found_forms
from engine.queries.forms import FormOf
from web.body import key_of
from web.camunda8 import formats
from web.camunda8.blueprint import answer, bp, done, engine


def answered(found: FormOf) -> Response:
    """A form that was deployed as a file; 204 if there is none. Forms that stand in a diagram have no key to name."""
    if found.row is None or found.text is None:
        return done()
    return answer({
        "tenantId": found.row.tenant_id, "formId": found.row.form_id, "schema": found.text,
        "version": found.row.version, "formKey": formats.key(found.row.key),
    })


@bp.get("/process-definitions/<key>/form")
def get_start_form(key: str) -> Response:
    """The Camunda Form that a process starts with; nothing if it has none."""
    return answered(found_forms.of_start(engine(), key_of(key, "processDefinitionKey")))
