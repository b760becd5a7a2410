"""Process definitions: the list, one version with its diagram and live counts, and starting an instance."""

from __future__ import annotations

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import durations, instances
from engine.errors import NotFound
from engine.queries import definitions as known
from engine.queries import forms as start_forms
from engine.queries import instances as found
from engine.queries.definitions import Counts, DefinitionRow
from engine.queries.instances import InstanceFilter
from web.console import export, heat, marks, numbers, paging, task_forms, tenants
from web.console.blueprint import acting, bp, done, engine

COUNTED = ("active", "incident", "suspended", "completed", "terminated")


@bp.app_template_filter("by_state")
def by_state(counts: Counts) -> list[tuple[str, int]]:
    """The counts of a definition by state, those that are nothing left out."""
    return [(state, getattr(counts, state)) for state in COUNTED if getattr(counts, state)]


@bp.get("/processes")
def processes() -> ResponseReturnValue:
    """Every process that is deployed."""
    tenant = request.args.get("tenant", "")
    shown = [each for each in known.processes(engine()) if tenant in ("", each.tenant_id)]
    return render_template("processes/list.html", section="processes", live=5, tenant=tenant, processes=shown)


@bp.get("/processes/<process_id>")
def process(process_id: str) -> ResponseReturnValue:
    """One version of a process, the newest unless the address says which."""
    versions = known.versions(engine(), process_id, tenant_id=tenants.of("process", process_id))
    definition = _chosen(versions, process_id, numbers.argument("version"))
    element = request.args.get("element", "")
    rows = paging.page(found.search(
        engine(), InstanceFilter(definition_key=definition.key, element_id=element or None),
        limit=paging.SIZE, offset=paging.offset(),
    ))
    elements = known.process(engine(), definition.key).elements
    learned = durations.known(engine(), definition.key)
    hot = heat.of(request.args.get("heat", ""), learned, elements)
    counts = known.element_counts(engine(), definition.key)
    return render_template(
        "processes/detail.html", section="processes", live=5, definition=definition, versions=versions,
        is_newest=definition.version == versions[0].version, element=element,
        marks=marks.live(counts) if hot is None else hot.marks, counts=counts, heat=hot, measures=heat.MEASURES,
        learned=[(elements[key], each) for key, each in learned.items() if key in elements],
        names={each.id: each.name or each.id for each in elements.values()},
        page=rows, filtered=bool(element), form=task_forms.shown(start_forms.of_start(engine(), definition.key), {}),
    )


@bp.get("/processes/<process_id>/figures.csv")
def process_figures(process_id: str) -> ResponseReturnValue:
    """What is known of the elements of one version, as a file."""
    definition = _chosen(known.versions(engine(), process_id, tenant_id=tenants.of("process", process_id)), process_id,
                         numbers.argument("version"))
    elements = known.process(engine(), definition.key).elements
    return export.table("figures", ("element_id", "name", "type", "visits", "median_seconds", "p95_seconds", "failures",
                                    "retries", "since", "learned_at"), [
        (key, elements[key].name or "", elements[key].type.value, each.samples, each.median.total_seconds(),
         each.p95.total_seconds(), each.failures, each.retries, each.since, each.learned_at)
        for key, each in durations.known(engine(), definition.key).items() if key in elements])


def _chosen(versions: tuple[DefinitionRow, ...], process_id: str, version: int | None) -> DefinitionRow:
    for definition in versions:
        if version in (None, definition.version):
            return definition
    which = "" if version is None else f" version {version} of"
    raise NotFound(f"Expected{which} process {process_id!r} to be deployed, but it is not.")


@bp.get("/definitions/<key:key>/bpmn")
def definition_file(key: int) -> ResponseReturnValue:
    """The file, exactly as it was deployed."""
    # As plain text: a browser that opens it must not take it for a page of ours.
    response = Response(known.content(engine(), key), mimetype="text/plain")
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


@bp.post("/definitions/<key:key>/instances")
def start_instance(key: int) -> ResponseReturnValue:
    """Start an instance of one version, with what its start form asks for if it has one."""
    named = start_forms.of_start(engine(), key)
    variables = task_forms.taken(named, {})
    business_id = request.form.get("business_id", "").strip() or None
    if named.definition is not None and named.definition.business_id_field:
        given = variables.get(named.definition.business_id_field)
        business_id = None if given in (None, "") else str(given)
    started = acting().execute(instances.start, definition_key=key, variables=variables, business_id=business_id)
    return done(_("Started."), url_for("console.instance", key=started.key), "active")
