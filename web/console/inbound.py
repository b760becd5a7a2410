"""Where events come from, and what could not be taken."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import secrets
from engine.errors import InvalidInput
from engine.inbound import receiving, sources
from engine.inbound.mappings import WORDS
from engine.schema import DEFAULT_TENANT
from web.console import forms, numbers
from web.console.blueprint import acting, bp, done, engine


@bp.get("/inbound")
def inbound() -> ResponseReturnValue:
    """The sources of events, how they stand, and what was set aside."""
    aside = sources.set_aside_counts(engine())
    return render_template(
        "inbound.html", section="", live=10, aside=receiving.all_set_aside(engine()),
        secrets=[secret.name for secret in secrets.all_of_them(engine())],
        sources=[(each, aside.get(each.key, 0)) for each in sources.all_of_them(engine())],
    )


@bp.post("/inbound/sources")
def add_source() -> ResponseReturnValue:
    """Take events from a webhook or a broker."""
    form = request.form
    address = form.get("address", "").strip() or None
    made = acting().execute(
        sources.add, form.get("name", ""), address, secret=form.get("secret"),
        proof=form.get("proof") if address is None else None, header=form.get("header") if address is None else None,
        mapping={name: form.get(name) for name in WORDS}, tenant_id=form.get("tenant") or DEFAULT_TENANT,
    )
    return done(_("%(name)s takes events at %(place)s.", name=made.name, place=made.place), url_for("console.inbound"))


@bp.post("/inbound/sources/pause")
def pause_source() -> ResponseReturnValue:
    """Take nothing from a source for now, or go on."""
    name, paused = request.form.get("name", ""), request.form.get("paused") == "yes"
    acting().execute(sources.pause, name, paused=paused, reason=forms.reason())
    return done(_("%(name)s is paused.", name=name) if paused else _("%(name)s takes events again.", name=name),
                url_for("console.inbound"))


@bp.post("/inbound/sources/removal")
def remove_source() -> ResponseReturnValue:
    """Take a source away, with what was set aside of it."""
    name = request.form.get("name", "")
    acting().execute(sources.remove, name, forms.reason())
    return done(_("%(name)s takes no more events.", name=name), url_for("console.inbound"), "terminated")


@bp.post("/inbound/aside/retry")
def retry_inbound() -> ResponseReturnValue:
    """Try again to take an event."""
    acting().execute(receiving.retry, _key(), forms.reason())
    return done(_("The event is taken."), url_for("console.inbound"))


@bp.post("/inbound/aside/discard")
def discard_inbound() -> ResponseReturnValue:
    """Give an event up."""
    acting().execute(receiving.discard, _key(), forms.reason())
    return done(_("The event is discarded."), url_for("console.inbound"), "terminated")


def _key() -> int:
    key = numbers.field("key")
    if key is None:
        raise InvalidInput("Expected the key of an event, but there is none.")
    return key
