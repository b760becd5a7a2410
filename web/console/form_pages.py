"""Forms that were deployed: the list, and one version to try out."""

from __future__ import annotations

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from bpmn.forms import submission
from engine.errors import NotFound
from engine.queries import forms as found_forms
from web.console import forms, numbers, task_forms, tenants
from web.console.blueprint import bp, engine


@bp.get("/forms")
def form_list() -> ResponseReturnValue:
    """Every form, its newest version, or those of the tenant that the address names."""
    tenant = request.args.get("tenant", "")
    shown = [each for each in found_forms.latest(engine()) if tenant in ("", each.tenant_id)]
    return render_template("forms/list.html", section="processes", tenant=tenant, forms=shown)


@bp.get("/forms/<form_id>")
def form(form_id: str) -> ResponseReturnValue:
    """One version of a form, the newest unless the address says which, opened with the data that it gives."""
    versions = found_forms.versions(engine(), form_id, tenant_id=tenants.of("form", form_id))
    wanted = numbers.argument("version")
    row = next((each for each in versions if wanted in (None, each.version)), None)
    if row is None:
        which = "" if wanted is None else f" version {wanted} of"
        raise NotFound(f"Expected{which} form {form_id!r} to be deployed, but it is not.")
    text = request.args.get("data", "").strip() or "{}"
    data = forms.json_value(text, "the data")
    shown = task_forms.shown(found_forms.get(engine(), row.key), data if isinstance(data, dict) else {})
    return render_template("forms/detail.html", section="processes", row=row, versions=versions, form=shown, data=text)


@bp.get("/forms/<key:key>/file")
def form_file(key: int) -> ResponseReturnValue:
    """The file, exactly as it was deployed."""
    return Response(found_forms.get(engine(), key).text or "", mimetype="text/plain")


@bp.post("/forms/<key:key>/trial")
def try_form(key: int) -> ResponseReturnValue:
    """What would become of what was entered; nothing is kept."""
    found = found_forms.get(engine(), key)
    data = forms.json_object("data", "the data")
    if found.form is None:
        raise NotFound(found.missing or "")
    made = submission.submit(found.form, data, forms.json_object("form-data", "what the form holds"))
    if made.errors:
        raise task_forms.FormRefused(made.errors, made.errors_by_field)
    return render_template("forms/_taken.html", taken=dict(made.data))
