"""Incidents: what has failed, who looks after it, what is snoozed; one at a time, or all with a fingerprint at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.datastructures import MultiDict

from engine import care
from engine.errors import InvalidInput
from engine.queries import definitions as known
from engine.queries import failures, lists
from engine.queries import incidents as found
from engine.queries.incidents import CaredIncident, IncidentFilter
from web.console import numbers, paging
from web.console.blueprint import acting, bp, done, engine
from web.console.security import actor

TABS = (("open", lazy_gettext("Open")), ("mine", lazy_gettext("Assigned to me")), ("snoozed", lazy_gettext("Snoozed")),
        ("resolved", lazy_gettext("Resolved")), ("all", lazy_gettext("All")))
SNOOZES = ((1, lazy_gettext("1 hour")), (4, lazy_gettext("4 hours")), (8, lazy_gettext("8 hours")),
           (24, lazy_gettext("1 day")), (72, lazy_gettext("3 days")), (168, lazy_gettext("1 week")))
"""For how many hours an incident is snoozed, to choose from."""
ACKNOWLEDGED = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an incident is, in words."""

    process: str
    element: str


@bp.get("/incidents")
def incidents() -> ResponseReturnValue:
    """The incidents that the filter lets through, the newest first; all of it is in the address."""
    arguments = request.args
    tab = arguments.get("state") or "open"
    wanted = filter_of(arguments, actor())
    page = paging.page(found.search(engine(), wanted, sort=arguments.get("sort") or "-created_at", limit=paging.SIZE,
                                    offset=paging.offset()))
    return render_template(
        "incidents/list.html", section="incident", live=10, page=page, tab=tab, counts=found.counts(engine()),
        outage=failures.outage(engine(), wanted.fingerprint) if wanted.fingerprint else None,
        places={row.key: place(row) for row in page.rows}, processes=known.processes(engine(), counted=False),
        **_choices(),
    )


def filter_of(arguments: MultiDict[str, str], me: str | None) -> IncidentFilter:
    """What an address asks for. Raises InvalidInput."""
    tab = arguments.get("state") or "open"
    return IncidentFilter(
        state="open" if tab == "mine" else tab, acknowledged=ACKNOWLEDGED.get(arguments.get("acknowledged", "")),
        assignee=me if tab == "mine" else arguments.get("assignee") or None,
        fingerprint=arguments.get("fingerprint") or None, process_id=arguments.get("process") or None,
        tenant_id=arguments.get("tenant") or None,
        element_id=arguments.get("element") or None, error=arguments.get("error") or None,
        instance_key=numbers.given(arguments, "instance"),
    )


@bp.get("/incidents/<key:key>")
def incident(key: int) -> ResponseReturnValue:
    """One incident: the whole message, who cares for it, its notes, and all that was done about it."""
    row = found.get(engine(), key)
    alike = IncidentFilter(fingerprint=row.fingerprint)
    others = found.search(engine(), alike, limit=1).total if row.fingerprint else 0
    return render_template(
        "incidents/detail.html", section="incident", live=10, incident=row, place=place(row), others=others,
        notes=found.notes(engine(), key), acts=lists.audit(engine(), entity="INCIDENT", entity_key=key).items,
        **_choices(),
    )


def place(row: CaredIncident) -> Place:
    """Where an incident is."""
    element = known.process(engine(), row.definition_key).elements.get(row.element_id)
    return Place(process=row.process_name or row.process_id, element=(element and element.name) or row.element_id)


def _choices() -> dict[str, Any]:
    return {"tabs": TABS, "snoozes": SNOOZES}


@bp.app_context_processor
def _of_instance() -> dict[str, Any]:
    return {"cared_incidents": lambda key: found.of_instance(engine(), key)}


@bp.post("/incidents/<key:key>/<any(acknowledgement,withdrawal,assignment,snooze,notes,ticket):deed>")
def care_for_incident(key: int, deed: str) -> ResponseReturnValue:
    """Take care of one incident."""
    return _care(deed, key, url_for("console.incident", key=key))


@bp.post("/incidents/alike/<fingerprint>/<any(acknowledgement,withdrawal,assignment,snooze,notes,ticket):deed>")
def care_for_alike(fingerprint: str, deed: str) -> ResponseReturnValue:
    """Take care of all incidents that are open with a fingerprint."""
    return _care(deed, fingerprint, url_for("console.incidents", fingerprint=fingerprint))


def _care(deed: str, which: care.Which, target: str) -> ResponseReturnValue:
    count = DEEDS[deed](which)
    sentence = ngettext("Done, for %(num)s incident.", "Done, for %(num)s incidents.", count)
    return done(sentence, _back(target), "completed")


def _back(target: str) -> str:
    """The page that the form was on, if it says so and it is one of ours."""
    given = request.form.get("back", "")
    address = urlsplit(given)
    ours = given.startswith("/") and not given.startswith(("//", "/\\")) and not address.netloc and not address.scheme
    return given if ours else target


def _reason() -> str | None:
    return request.form.get("reason", "").strip() or None


def _acknowledge(which: care.Which) -> int:
    return acting().execute(care.acknowledge, which, _reason())


def _withdraw(which: care.Which) -> int:
    return acting().execute(care.withdraw, which, _reason())


def _assign(which: care.Which) -> int:
    return acting().execute(care.assign, which, request.form.get("assignee"), _reason())


def _snooze(which: care.Which) -> int:
    return acting().execute(care.snooze, which, _until(), _reason())


def _annotate(which: care.Which) -> int:
    return acting().execute(care.annotate, which, request.form.get("message", "").replace("\r\n", "\n"))


def _ticket(which: care.Which) -> int:
    return acting().execute(care.set_ticket, which, request.form.get("ticket"), _reason())


DEEDS: dict[str, Callable[[care.Which], int]] = {
    "acknowledgement": _acknowledge, "withdrawal": _withdraw, "assignment": _assign, "snooze": _snooze,
    "notes": _annotate, "ticket": _ticket,
}


def _until() -> datetime | None:
    """Until when an incident is snoozed: a time, or so many hours from now; neither wakes it."""
    text = request.form.get("until", "").strip()
    if text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidInput(_("Expected a time such as 2026-11-24T09:30, but found %(text)s.",
                                 text=repr(text[:40]))) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    hours = numbers.field("hours")
    if hours is None:
        return None
    return engine().clock() + timedelta(hours=min(hours, 24 * 400))


@bp.app_template_filter("web_address")
def web_address(text: str | None) -> str | None:
    """A text that is the address of a page, so that it may become a link; else None."""
    return text if text and text.lower().startswith(("https://", "http://")) else None
