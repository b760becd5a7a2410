"""What stands around a process: what it needs, who calls it, older versions with live instances, a pause of starts."""

from __future__ import annotations

from collections.abc import Sequence

from flask import current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from engine import pausing
from engine.pauses import Pause
from engine.queries import definitions as known
from engine.queries import dependencies
from engine.queries.definitions import DefinitionRow
from engine.queries.dependencies import Caller, Kind, Need
from web.console import forms, tenants
from web.console.blueprint import acting, bp, done, engine

WORDS = {
    Kind.PROCESS: ("call", lazy_gettext("Processes that it calls")),
    Kind.DECISION: ("decisions", lazy_gettext("Decisions")),
    Kind.FORM: ("edit", lazy_gettext("Forms")),
    Kind.SERVICE: ("services", lazy_gettext("Services")),
    Kind.MESSAGE: ("mail", lazy_gettext("Messages")),
    Kind.SIGNAL: ("event", lazy_gettext("Signals")),
    Kind.SCHEDULE: ("waiting", lazy_gettext("Schedules")),
}
"""The icon and the heading of each kind."""


@bp.app_template_global()
def pause_of(definition: DefinitionRow) -> Pause | None:
    """The pause of a process; None if it takes new starts."""
    return dependencies.pause(engine(), definition.process_id, tenant_id=definition.tenant_id)


@bp.app_template_global()
def paused_processes() -> dict[tuple[str, str], Pause]:
    """Every pause, by tenant and process id."""
    return dependencies.paused(engine())


@bp.app_template_global()
def held_of(definition: DefinitionRow) -> int:
    """How many events wait to start an instance of a paused process."""
    return dependencies.held(engine(), definition.process_id, tenant_id=definition.tenant_id)


@bp.app_template_global()
def older_live(versions: Sequence[DefinitionRow]) -> list[DefinitionRow]:
    """The versions that are not the newest and have live instances."""
    return [version for version in versions[1:] if version.counts.active]


@bp.app_template_global()
def needs_of(definition: DefinitionRow) -> list[tuple[str, str, list[Need]]]:
    """What a definition needs, by kind: icon, heading, needs."""
    found = dependencies.needs(engine(), definition.key)
    groups = [(icon, str(word), [need for need in found if need.kind is kind]) for kind, (icon, word) in WORDS.items()]
    return [group for group in groups if group[2]]


@bp.app_template_global()
def callers_of(definition: DefinitionRow) -> Sequence[Caller]:
    """The elements that call a process."""
    return dependencies.callers(engine(), definition.process_id, tenant_id=definition.tenant_id)


@bp.app_template_global()
def page_of(need: Need) -> str:
    """The address of the page of what is needed; empty if there is none."""
    if need.name is None or need.missing:
        return ""
    if need.kind is Kind.PROCESS:
        return url_for("console.process", process_id=need.name)
    if need.kind is Kind.DECISION:
        return url_for("console.decision", decision_id=need.name)
    if need.kind is Kind.FORM:
        return url_for("console.form", form_id=need.name)
    if need.kind is Kind.SERVICE and need.name in current_app.extensions["services"]:
        return url_for("console.service", name=need.name)
    return ""


@bp.post("/definitions/<key:key>/pause")
def pause_starts(key: int) -> ResponseReturnValue:
    """Take no new starts of a process, whichever version is shown."""
    row = known.get(engine(), key)
    acting().execute(pausing.pause, row.process_id, forms.reason(), tenant_id=row.tenant_id)
    return done(_("New starts are paused. Instances under way go on."), _back(row), "suspended")


@bp.post("/definitions/<key:key>/resumption")
def resume_starts(key: int) -> ResponseReturnValue:
    """Take new starts of a process again; what was held starts first."""
    row = known.get(engine(), key)
    count = pausing.resume(acting(), row.process_id, forms.reason(), tenant_id=row.tenant_id)
    more = ngettext("%(num)s event that was held started an instance.",
                    "%(num)s events that were held started instances.", count) if count else ""
    return done(f"{_('New starts are taken again.')} {more}".strip(), _back(row), "active")


def _back(row: DefinitionRow) -> str:
    return url_for("console.process", process_id=row.process_id, version=request.form.get("version") or row.version,
                   tenant=tenants.in_links(row.tenant_id))
