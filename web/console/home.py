"""The home page: what is going on now, each number a link to exactly that list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import InvalidInput
from engine.queries import approvals, changes, failures, lists, overview
from engine.queries import definitions as known
from engine.queries import instances as found
from engine.queries.failures import Outage
from engine.queries.instances import InstanceFilter
from engine.queries.standing import standing
from engine.work import holds
from web.auth.identity import current
from web.console import looking, numbers
from web.console.audit import business_ids
from web.console.blueprint import bp, done, engine
from web.console.security import actor

TILES = ("active", "waiting", "retrying", "stalled", "in_doubt", "incident", "held", "suspended", "completed")
MOST_GROUPS = 20
MOST_PLACES = 3
SECOND = "%Y-%m-%dT%H:%M:%S"


@bp.get("/")
def home() -> ResponseReturnValue:
    """What is in flight, what has failed and why, what changed, and whether the engine keeps up."""
    now = engine().clock()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    counts = overview.overview(engine(), ended_from=midnight)
    since = looking.since(now)
    news = changes.changes(engine(), since, but_for=actor())
    activity = lists.audit(engine(), limit=12).items
    return render_template(
        "home.html", section="home", live=5, names=business_ids(activity),
        tiles=[(name, getattr(counts, name), _tile_link(name, midnight)) for name in TILES],
        failures=[Failure.of(outage) for outage in failures.outages(engine())], activity=activity,
        recovered=changes.recovered(engine(), since), news=news, news_since=news.since.strftime(SECOND),
        standing=standing(engine()), snoozed=counts.snoozed, held=holds.all_of_them(engine()),
        approvals=approvals.waiting(engine()), first_run=not known.search(engine(), limit=1).total,
    )


@bp.post("/looked")
def have_looked() -> ResponseReturnValue:
    """From now on only what is new from now is told as new."""
    looking.looked(engine().clock())
    return redirect(url_for("console.home"), 303)


@dataclass(frozen=True, slots=True)
class Failure:
    """A row of the table of failures: an outage, the places where it is, and the list of its instances."""

    outage: Outage
    places: tuple[str, ...]
    more_places: int
    link: str

    @classmethod
    def of(cls, outage: Outage) -> Failure:
        """The row of an outage."""
        named = [_place(*place) for place in outage.places[:MOST_PLACES]]
        return cls(outage, tuple(named), len(outage.places) - len(named),
                   # Snoozed or not: as many as the row counts.
                   url_for("console.instances", state=["incident", "snoozed"], fingerprint=outage.fingerprint))


def _place(definition_key: int, process_id: str, element_id: str) -> str:
    process = known.process(engine(), definition_key)
    element = process.elements.get(element_id)
    return f"{process.name or process_id}: {(element and element.name) or element_id}"


def _tile_link(state: str, midnight: datetime) -> str:
    if state == "completed":
        return url_for("console.instances", state=state, ended_from=midnight.strftime("%Y-%m-%dT%H:%M"))
    return url_for("console.instances", state=state)


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
    return done(_("You act as %(name)s.", name=name) if name else _("You act as before."), url_for("console.home"))
