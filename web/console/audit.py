"""The audit trail over everything: who did what, when and why, what changed, and whether somebody tampered with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain as joined
from itertools import islice
from urllib.parse import urlencode

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import chain
from engine.errors import InvalidInput
from engine.queries import trail
from engine.queries.instances import InstanceFilter, search
from engine.queries.things import AuditRow
from engine.queries.trail import TrailFilter
from web import trail as files
from web.console import numbers, paging, words
from web.console.blueprint import bp, engine

FORMS = {"csv": ("text/csv", files.comma_separated), "jsonl": ("application/x-ndjson", files.json_lines)}


@bp.get("/audit")
def audit() -> ResponseReturnValue:
    """The entries that the filter lets through, the newest first."""
    wanted, thorough = _filter(), "thorough" in request.args
    page = paging.page(trail.search(engine(), wanted, limit=paging.SIZE, offset=paging.offset(), thorough=thorough))
    # Not as arguments of `url_for`, some of whose own names anybody could write into an address.
    given = urlencode([pair for pair in request.args.items(multi=True) if pair[0] not in ("offset", "thorough")])
    return render_template(
        "audit.html", section="audit", live=0 if thorough else 10, page=page, names=business_ids(page.rows),
        filter=wanted, deeds=words.DEEDS, head=chain.head(engine()),
        exports={form: f"{url_for('console.audit_file', form=form)}?{given}".rstrip("?") for form in FORMS},
    )


@bp.get("/audit.<form>")
def audit_file(form: str) -> ResponseReturnValue:
    """The entries as a file, `csv` or `jsonl`, with the filter of the address.

    Raises:
        InvalidInput: another form, or a filter that cannot be read.
    """
    if form not in FORMS:
        raise InvalidInput(_("Expected csv or jsonl, but found %(form)s.", form=repr(form[:40])))
    kind, written = FORMS[form]
    entries = trail.entries(engine(), _filter())
    # The first one before the answer begins: nothing can be said any more if the database is away then.
    first = [*islice(entries, 1)]
    response = Response(written(joined(first, entries)), mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    return response


@bp.get("/audit/verification")
def audit_verification() -> ResponseReturnValue:
    """Follow the whole chain, and say whether it is as it was sealed."""
    return render_template("audit_verification.html", section="audit", live=0, verdict=chain.verify(engine()))


def _filter() -> TrailFilter:
    arguments = request.args
    operation, _sep, entity = arguments.get("kind", "").partition(" ")
    return TrailFilter(
        actor=arguments.get("actor") or None,
        operation=operation or arguments.get("operation", "").strip().upper().replace(" ", "_") or None,
        entity=entity or None, instance_key=numbers.argument("instance"), since=_moment("since"),
        until=_moment("until"), text=arguments.get("text") or None,
    )


def _moment(name: str) -> datetime | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(_("Expected a time such as 2026-11-24T09:30, but found %(text)s.",
                             text=repr(text[:40]))) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def business_ids(entries: Iterable[AuditRow]) -> dict[int, str]:
    """What people call the instances that entries of the audit trail are about, by key."""
    keys = {entry.instance_key for entry in entries if entry.instance_key}
    rows = search(engine(), InstanceFilter(keys=keys), limit=len(keys)).items if keys else ()
    return {row.key: row.business_id for row in rows if row.business_id}
