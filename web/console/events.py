"""Where events go, and what could not be delivered."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from engine import secrets
from engine.errors import InvalidInput
from engine.events import outbox, targets
from engine.events.types import TYPES
from web.console import forms, numbers
from web.console.blueprint import acting, bp, done, engine


@bp.get("/events")
def events() -> ResponseReturnValue:
    """The targets of events, how they stand, and dead letters."""
    counts = outbox.counts(engine())
    return render_template(
        "events.html", section="", live=10, types=TYPES, dead=outbox.dead_letters(engine()),
        secrets=[secret.name for secret in secrets.all_of_them(engine())],
        targets=[(target, counts.get(target.key, outbox.Count())) for target in targets.all_of_them(engine())],
    )


@bp.post("/events/targets")
def add_event_target() -> ResponseReturnValue:
    """Send events to a webhook."""
    form = request.form
    made = acting().execute(
        targets.add, form.get("name", ""), form.get("address", ""), types=form.get("types", "").split(),
        processes=form.get("processes", "").split(), secret=form.get("secret", "").strip() or None,
    )
    return done(_("%(name)s gets events in a few seconds.", name=made.name), url_for("console.events"))


@bp.post("/events/targets/pause")
def pause_event_target() -> ResponseReturnValue:
    """Send a target nothing for now, or go on."""
    name, paused = request.form.get("name", ""), request.form.get("paused") == "yes"
    acting().execute(targets.pause, name, paused=paused, reason=forms.reason())
    sentence = _("%(name)s is paused; what comes meanwhile waits.", name=name) if paused else \
        _("%(name)s gets events again.", name=name)
    return done(sentence, url_for("console.events"))


@bp.post("/events/targets/change")
def change_event_target() -> ResponseReturnValue:
    """Give a target another address or another secret."""
    form, name = request.form, request.form.get("name", "")
    acting().execute(targets.change, name, forms.reason(), address=form.get("address", "").strip() or None,
                     secret=form.get("secret", "").strip() or None)
    return done(_("%(name)s is changed.", name=name), url_for("console.events"))


@bp.post("/events/targets/resending")
def resend_events() -> ResponseReturnValue:
    """Try all dead events of a target again."""
    name = request.form.get("name", "")
    count = acting().execute(outbox.revive_all, name, forms.reason())
    return done(ngettext("%(num)s event is sent again.", "%(num)s events are sent again.", count),
                url_for("console.events"))


@bp.post("/events/targets/removal")
def remove_event_target() -> ResponseReturnValue:
    """Take a target away, with what waits for it."""
    name = request.form.get("name", "")
    acting().execute(targets.remove, name, forms.reason())
    return done(_("%(name)s gets no more events.", name=name), url_for("console.events"), "terminated")


@bp.post("/events/dead/retry")
def retry_event() -> ResponseReturnValue:
    """Try a dead event again."""
    acting().execute(outbox.revive, _dead(), forms.reason())
    return done(_("The event is sent again."), url_for("console.events"))


@bp.post("/events/dead/discard")
def discard_event() -> ResponseReturnValue:
    """Give a dead event up."""
    acting().execute(outbox.discard, _dead(), forms.reason())
    return done(_("The event is discarded."), url_for("console.events"), "terminated")


def _dead() -> int:
    key = numbers.field("key")
    if key is None:
        raise InvalidInput("Expected the key of an event, but there is none.")
    return key
