"""What an operator can do to an instance. Each action is one command of the engine, with a reason, audited."""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import incidents, instances, variables
from engine.errors import InvalidInput, WrongState
from engine.operations import firing
from engine.queries import effects, lists
from engine.queries.paging import MAX_LIMIT
from web.console import forms, numbers
from web.console.blueprint import acting, bp, done, engine


def _page(key: int) -> str:
    return url_for("console.instance", key=key)


@bp.post("/instances/<key:key>/suspension")
def suspend_instance(key: int) -> ResponseReturnValue:
    """Pause an instance."""
    acting().execute(instances.suspend, key, forms.reason())
    return done(_("The instance is suspended."), _page(key), "suspended")


@bp.post("/instances/<key:key>/resumption")
def resume_instance(key: int) -> ResponseReturnValue:
    """Let a suspended instance go on."""
    acting().execute(instances.resume, key, forms.reason())
    return done(_("The instance goes on."), _page(key), "active")


@bp.post("/instances/<key:key>/cancellation")
def cancel_instance(key: int) -> ResponseReturnValue:
    """Abandon an instance."""
    acting().execute(instances.cancel, key, forms.reason())
    return done(_("The instance is cancelled."), _page(key), "terminated")


@bp.post("/instances/<key:key>/variables")
def set_variable(key: int) -> ResponseReturnValue:
    """Set one variable, in the scope the form names."""
    name = request.form.get("name", "").strip()
    if not name:
        raise InvalidInput("Expected the name of a variable, but there is none.")
    scope = numbers.field("scope") or key
    value = forms.json_value(request.form.get("value", ""), f"the value of {name!r}")
    acting().execute(variables.set, scope, {name: value}, local=scope != key, reason=forms.reason())
    return done(_("%(name)s is set.", name=name), url_for("console.instance", key=key, tab="variables"))


@bp.post("/instances/<key:key>/timers/<key:timer_key>/firing")
def fire_timer(key: int, timer_key: int) -> ResponseReturnValue:
    """Let a timer fire now."""
    acting().execute(firing.fire, timer_key, forms.reason())
    return done(_("The timer has fired."), url_for("console.instance", key=key, tab="events"), "active")


@bp.post("/instances/<key:key>/subscriptions/<key:subscription_key>/delivery")
def deliver_event(key: int, subscription_key: int) -> ResponseReturnValue:
    """Give a message or a signal to this instance alone."""
    variables = forms.json_object("variables", "the variables")
    acting().execute(firing.deliver, subscription_key, variables, forms.reason())
    return done(_("Delivered."), url_for("console.instance", key=key, tab="events"), "active")


@bp.post("/instances/<key:key>/incidents/<key:incident_key>/resolution")
def resolve_incident(key: int, incident_key: int) -> ResponseReturnValue:
    """Try again what failed."""
    retries = numbers.field("retries")
    acting().execute(incidents.resolve, incident_key, retries=retries, reason=forms.reason())
    return done(_("Tried again. If it fails once more, a new incident appears."), _page(key), "active")


@bp.post("/instances/<key:key>/retry")
def retry_instance(key: int) -> ResponseReturnValue:
    """Try again everything that failed in an instance."""
    reason = forms.reason()
    failed = lists.incidents(engine(), instance_key=key, limit=MAX_LIMIT).items
    if not failed:
        raise WrongState("Expected something that failed, but there is no open incident any more.")
    doubtful = effects.in_doubt(engine(), key)
    clear = [incident for incident in failed if incident.job_key not in doubtful]
    if not clear:
        raise WrongState(
            "Expected something that can simply be tried again, but each failed call is in doubt: decide it at its "
            "incident."
        )
    for incident in clear:
        acting().execute(incidents.resolve, incident.key, reason=reason)
    return done(_("Tried again. If it fails once more, a new incident appears."), _page(key), "active")
