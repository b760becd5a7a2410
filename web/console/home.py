"""The home page: what is going on now, each number a link to exactly that list."""

from __future__ import annotations

from datetime import datetime

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from engine.errors import InvalidInput
from engine.queries import definitions as known
from engine.queries import instances as found
from engine.queries import lists, overview
from engine.queries.definitions import ProcessRow
from engine.queries.instances import InstanceFilter
from engine.queries.overview import FailureGroup
from web.auth.identity import current
from web.console import numbers
from web.console.audit import business_ids
from web.console.blueprint import bp, done, engine

TILES = ("active", "waiting", "retrying", "stalled", "held", "incident", "suspended", "completed")
MOST_GROUPS = 20
LONGEST_SEARCH = 300
"""How much of a message goes into an address; it is enough to tell failures apart."""


@bp.get("/")
def home() -> ResponseReturnValue:
    """What is in flight, what has failed and why, what was done lately."""
    midnight = engine().clock().replace(hour=0, minute=0, second=0, microsecond=0)
    counts = overview.overview(engine(), ended_from=midnight)
    processes = {process.process_id: process for process in known.processes(engine())}
    failures = [(group, processes[group.process_id], _element_name(group, processes[group.process_id]),
                 _failure_link(group)) for group in overview.failures(engine(), limit=20)]
    activity = lists.audit(engine(), limit=12).items
    return render_template(
        "home.html", section="home", live=5, names=business_ids(activity),
        tiles=[(name, getattr(counts, name), _tile_link(name, midnight)) for name in TILES],
        failures=failures, activity=activity, first_run=not processes,
    )


def _tile_link(state: str, midnight: datetime) -> str:
    if state == "completed":
        return url_for("console.instances", state=state, ended_from=midnight.strftime("%Y-%m-%dT%H:%M"))
    return url_for("console.instances", state=state)


def _element_name(group: FailureGroup, process: ProcessRow) -> str:
    """What the newest version calls the element that failed; an older version may have had it alone."""
    element = known.process(engine(), process.latest.key).elements.get(group.element_id)
    return (element and element.name) or group.element_id


def _failure_link(group: FailureGroup) -> str:
    return url_for("console.instances", state="incident", process=group.process_id, element=group.element_id,
                   error=group.message[:LONGEST_SEARCH])


@bp.get("/find")
def find() -> ResponseReturnValue:
    """Go to the instance with this key or business id, or to the list of those that share it."""
    text = request.args.get("q", "").strip()
    filters = [InstanceFilter(business_id=text)]
    if text.isdecimal() and len(text) < 20 and int(text) <= numbers.LARGEST:
        filters.insert(0, InstanceFilter(key=int(text)))
    for each in filters:
        page = found.search(engine(), each, limit=1)
        if page.total == 1:
            return redirect(url_for("console.instance", key=page.items[0].key))
    return redirect(url_for("console.instances", business_id=text or None))


@bp.post("/actor")
def change_actor() -> ResponseReturnValue:
    """Act under another name from now on. Raises InvalidInput where people log in."""
    if current():
        raise InvalidInput("Expected nobody to choose a name where people log in, but you are logged in.")
    name = request.form.get("actor", "").strip()[:100]
    if name:
        session["actor"] = name
    if "groups" in request.form:
        named = (each.strip()[:100] for each in request.form["groups"].split(","))
        session["groups"] = list(dict.fromkeys(each for each in named if each))[:MOST_GROUPS]
    return done(f"You act as {name or 'before'}.", url_for("console.home"))
