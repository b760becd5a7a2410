"""The list of instances; every filter, the order and the columns are in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import views
from engine.queries import definitions as known
from engine.queries import instances as found
from engine.queries.definitions import ProcessRow
from engine.queries.instances import InstanceRow
from engine.queries.variables import values_of
from engine.views import SavedView
from web.console import instance_query, marks, numbers, paging
from web.console.blueprint import acting, bp, done, engine
from web.console.instance_query import NEWEST_FIRST as NEWEST_FIRST
from web.console.instance_query import Query as Query
from web.console.security import actor

COUNTED_VIEWS = 12
"""Tabs with a count; each count is a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One list to choose: a view of everybody, or a kept one."""

    word: str
    link: str
    current: bool
    count: int | None
    shared_by: str | None = None


@bp.get("/instances")
def instances() -> ResponseReturnValue:
    """The instances that the filter lets through, newest first."""
    query = Query.read()
    kept = views.visible_to(engine(), actor())
    view = next((each for each in kept if each.key == numbers.argument("view")), None)
    thorough = "thorough" in request.args
    page = paging.page(found.search(engine(), query.filter(), sort=query.sort, limit=paging.SIZE,
                                    offset=paging.offset(), thorough=thorough))
    processes = known.processes(engine(), counted=False)
    return render_template(
        "instances/list.html", section="instances", live=0 if thorough else 5, page=page, query=query, sort=query.sort,
        view=view,
        changed=view is not None and Query.parse(view.query).address != query.address,
        newest_first=NEWEST_FIRST, exports=exports(query), filtered=not query.is_empty, tabs=_tabs(query, kept, view),
        processes=processes, drawn=_drawn(query, processes), columns=query.columns, variables=query.variables,
        values=values_of(engine(), [row.key for row in page.rows], query.variables), form=instance_query,
    )


@bp.post("/instances/views")
def save_view() -> ResponseReturnValue:
    """Keep the view that the address of the list has, or change one."""
    query = Query.parse(request.form.get("query", ""))
    # What cannot be searched for would break the page for everybody who sees its tab.
    found.counts(engine(), [query.filter()])
    name, key = request.form.get("name", ""), numbers.field("key")
    key = acting().execute(views.save, name, query.address, shared="shared" in request.form, key=key)
    return done(_("The view %(name)s is kept.", name=name.strip()), _link(query.address, key))


@bp.post("/instances/views/<key:key>/removal")
def remove_view(key: int) -> ResponseReturnValue:
    """Forget a view."""
    acting().execute(views.remove, key)
    flash(_("The view is deleted. The instances are as they were."), "completed")
    return redirect(url_for("console.instances"), 303)


def exports(query: Query) -> dict[str, str]:
    """Where the list is to be had as a file, with the same filter, order and columns."""
    address = f"?{query.address}" if query.address else ""
    return {form: url_for("console.instances_file", form=form) + address for form in ("csv", "json")}


@bp.app_template_filter("cell")
def cell(row: InstanceRow, column: str) -> Any:
    """What a plain column has of an instance."""
    return getattr(row, column)


def _tabs(query: Query, kept: list[SavedView], view: SavedView | None) -> list[Tab]:
    usual = [(_("All"), ""), (_("In flight"), "state=active"), (_("Failed"), "state=incident")]
    wanted = [(word, address, None) for word, address in usual] + [(each.name, each.query, each) for each in kept]
    filters = [Query.parse(address).filter() for _word, address, _each in wanted[:COUNTED_VIEWS]]
    counts: list[int | None] = [*found.counts(engine(), filters)]
    counts += [None] * (len(wanted) - len(counts))
    return [
        Tab(word=word, link=_link(address, each.key if each else None), count=count,
            current=each is view if view else each is None and address == query.address,
            shared_by=each.owner if each and each.owner != actor() else None)
        for (word, address, each), count in zip(wanted, counts, strict=True)
    ]


def _link(address: str, key: int | None = None) -> str:
    text = "&".join(part for part in (address, f"view={key}" if key else "") if part)
    return url_for("console.instances") + (f"?{text}" if text else "")


def _drawn(query: Query, processes: tuple[ProcessRow, ...]) -> dict[str, Any] | None:
    """The diagram of the chosen process, with what is where in the versions that the list has."""
    wanted = query.texts["tenant"]
    process = next((each for each in processes if each.process_id == query.process
                    and wanted in ("", each.tenant_id)), None)
    if process is None:
        return None
    versions = known.versions(engine(), process.process_id, tenant_id=process.tenant_id)
    chosen = [each for each in versions if query.version in ("", str(each.version))]
    if not chosen:
        return None
    counts = known.element_counts(engine(), *(each.key for each in chosen))
    elements = known.process(engine(), chosen[0].key).elements
    return {
        "definition": chosen[0], "versions": len(chosen), "counts": counts, "marks": marks.live(counts),
        "names": {each.id: each.name or each.id for each in elements.values()},
    }

