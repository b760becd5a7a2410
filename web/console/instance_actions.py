"""What an operator does to one instance by a dialog. Each is an operation of one item: planned, applied, verified."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import revealing
from engine.errors import InvalidInput
from engine.operations import trial
from engine.operations.deeds import deed_of
from web.console import at_once, forms, numbers
from web.console.blueprint import acting, bp, engine
from web.console.operation_words import ON_INSTANCES

ASKED = ("incident", "timer", "subscription", "job", "decision", "retries")
"""What the preview of a dialog may be told of the deed."""


def _page(key: int, **more: Any) -> str:
    return url_for("console.instance", key=key, **more)


@bp.get("/instances/<key:key>/preview")
def preview(key: int) -> ResponseReturnValue:
    """What a deed would do to one instance, for the dialog that asks why. It is tried and taken back.

    Raises:
        InvalidInput: it is no kind of deed, or not about instances.
    """
    kind = request.args.get("kind", "")
    if kind not in ON_INSTANCES:
        raise InvalidInput(f"Expected a kind out of {', '.join(ON_INSTANCES)}, but found {kind[:40]!r}.")
    deed = deed_of(kind, {name: request.args[name] for name in ASKED if request.args.get(name)})
    judged = engine().execute(trial.judge, deed, key)
    # Whoever stops an instance means it, wherever it is by now.
    return render_template("operations/_preview.html", judged=judged, seen=kind not in ("SUSPEND", "CANCEL"),
                           ask=judged.risky and not deed.final)


@bp.post("/instances/<key:key>/suspension")
def suspend_instance(key: int) -> ResponseReturnValue:
    """Pause an instance."""
    return at_once.on_instance("SUSPEND", {}, key, _("The instance is suspended."), _page(key), colour="suspended")


@bp.post("/instances/<key:key>/resumption")
def resume_instance(key: int) -> ResponseReturnValue:
    """Let a suspended instance go on."""
    return at_once.on_instance("RESUME", {}, key, _("The instance goes on."), _page(key))


@bp.post("/instances/<key:key>/cancellation")
def cancel_instance(key: int) -> ResponseReturnValue:
    """Abandon an instance."""
    return at_once.on_instance("CANCEL", {}, key, _("The instance is cancelled."), _page(key), colour="terminated")


@bp.post("/instances/<key:key>/variables")
def set_variable(key: int) -> ResponseReturnValue:
    """Set one variable, in the scope the form names, or remove it."""
    name = request.form.get("name", "").strip()
    if not name:
        raise InvalidInput("Expected the name of a variable, but there is none.")
    scope = numbers.field("scope")
    where = {"scope": scope if scope != key else None}
    page = _page(key, tab="variables")
    if "remove" in request.form:
        return at_once.on_instance("SET_VARIABLES", {"remove": [name], **where}, key,
                                   _("%(name)s is removed.", name=name), page, colour="completed")
    value = forms.json_value(request.form.get("value", ""), f"the value of {name!r}")
    return at_once.on_instance("SET_VARIABLES", {"variables": {name: value}, **where}, key,
                               _("%(name)s is set.", name=name), page, colour="completed")


@bp.post("/instances/<key:key>/variables/revelation")
def reveal_variable(key: int) -> ResponseReturnValue:
    """Show one value that is hidden; the audit trail says who saw it."""
    name, scope = request.form.get("name", ""), numbers.field("scope")
    value = acting().execute(revealing.variable, key, name, scope)
    return render_template("instances/revealed.html", section="instances", key=key, name=name, value=value)


@bp.post("/instances/<key:key>/timers/<key:timer_key>/firing")
def fire_timer(key: int, timer_key: int) -> ResponseReturnValue:
    """Let a timer fire now."""
    return at_once.on_instance("FIRE", {"timer": timer_key}, key, _("The timer has fired."), _page(key, tab="events"))


@bp.post("/instances/<key:key>/subscriptions/<key:subscription_key>/delivery")
def deliver_event(key: int, subscription_key: int) -> ResponseReturnValue:
    """Give a message or a signal to this instance alone."""
    variables = forms.json_object("variables", "the variables")
    return at_once.on_instance("DELIVER", {"subscription": subscription_key, "variables": variables}, key,
                               _("Delivered."), _page(key, tab="events"))


@bp.post("/instances/<key:key>/jobs/<key:job_key>/attempts")
def set_attempts(key: int, job_key: int) -> ResponseReturnValue:
    """Change how many attempts a job has left."""
    retries = numbers.field("retries")
    if retries is None:
        raise InvalidInput("Expected how many attempts the job has left, but there is no number.")
    return at_once.on_instance("SET_RETRIES", {"job": job_key, "retries": retries}, key,
                               _("The attempts are changed."), _page(key, tab="jobs"))


@bp.post("/instances/<key:key>/incidents/<key:incident_key>/resolution")
def resolve_incident(key: int, incident_key: int) -> ResponseReturnValue:
    """Try again what failed."""
    return at_once.on_instance("RETRY", {"incident": incident_key, "retries": numbers.field("retries")}, key,
                               _("Tried again. If it fails once more, a new incident appears."), _page(key),
                               consent=False)


@bp.post("/instances/<key:key>/retry")
def retry_instance(key: int) -> ResponseReturnValue:
    """Try again everything that failed in an instance."""
    return at_once.on_instance("RETRY", {}, key, _("Tried again. If it fails once more, a new incident appears."),
                               _page(key), consent=False)
