"""The alerts: what is watched, how it stands, and who is told."""

from __future__ import annotations

import contextlib
import math
from datetime import timedelta

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import secrets
from engine.alerts import rules
from engine.alerts.measures import MEASURES
from web.console import forms, vocabulary, watching
from web.console.blueprint import acting, bp, done, engine


@bp.get("/alerts")
def alerts() -> ResponseReturnValue:
    """Every alert, those that are on first."""
    found = sorted(rules.all_of_them(engine()), key=lambda rule: (rule.fired_at is None, rule.disabled, rule.name))
    measures = {name: vocabulary.MEASURES.get(name, each.words) for name, each in MEASURES.items()}
    return render_template("alerts.html", section="", live=10, alerts=found, measures=measures,
                           secrets=[secret.name for secret in secrets.all_of_them(engine())])


@bp.post("/alerts")
def add_alert() -> ResponseReturnValue:
    """Make an alert."""
    form = request.form
    quiet = (form.get("quiet_from", ""), form.get("quiet_to", ""))
    measure = form.get("measure", "")
    rule = acting().execute(
        rules.add, form.get("name", ""), measure, above=_number("above"),
        query=watching.checked(engine(), measure, form.get("query", "").strip() or None),
        within=timedelta(minutes=min(_number("within"), 100_000)) if form.get("within") else rules.WITHIN,
        for_=timedelta(minutes=min(max(_number("minutes"), -1), 100_000)), process_id=form.get("process", "").strip(),
        channels=form.get("channels", "").split(), quiet=quiet if any(quiet) else None,
    )
    return done(_("%(name)s is watched from now on.", name=rule.name), url_for("console.alerts"))


@bp.post("/alerts/switch")
def switch_alert() -> ResponseReturnValue:
    """Stop watching, or watch again."""
    name, disabled = request.form.get("name", ""), request.form.get("disabled") == "yes"
    acting().execute(rules.switch, name, disabled=disabled, reason=forms.reason())
    return done(_("%(name)s is switched off.", name=name) if disabled else _("%(name)s is switched on.", name=name),
                url_for("console.alerts"))


@bp.post("/alerts/removal")
def remove_alert() -> ResponseReturnValue:
    """Take an alert away."""
    name = request.form.get("name", "")
    acting().execute(rules.remove, name, forms.reason())
    return done(_("%(name)s is removed.", name=name), url_for("console.alerts"), "terminated")


def _number(name: str) -> float:
    """What a field holds; -1, which every rule refuses in words, if it is no number."""
    with contextlib.suppress(ValueError):
        number = float(request.form.get(name) or 0)
        return number if math.isfinite(number) else -1.0
    return -1.0
