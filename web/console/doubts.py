"""What an operator does about a call in doubt (`engine.work.doubts`): exactly three things."""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import InvalidInput
from web.console import at_once, forms
from web.console.blueprint import bp


@bp.post("/instances/<key:key>/incidents/<key:incident_key>/question")
def ask_service(key: int, incident_key: int) -> ResponseReturnValue:
    """Let the service be asked whether the call took effect."""
    return at_once.on_instance("DECIDE", {"incident": incident_key, "decision": "ASK"}, key,
                               _("The service is asked. If it cannot tell, the incident comes back."), _page(key))


@bp.post("/instances/<key:key>/incidents/<key:incident_key>/repetition")
def repeat_call(key: int, incident_key: int) -> ResponseReturnValue:
    """Let the service be called again with the same key."""
    return at_once.on_instance("DECIDE", {"incident": incident_key, "decision": "REPEAT"}, key,
                               _("The service is called again, with the same idempotency key."), _page(key))


@bp.post("/instances/<key:key>/incidents/<key:incident_key>/outcome")
def record_outcome(key: int, incident_key: int) -> ResponseReturnValue:
    """Write down whether the call took effect, and how that is known."""
    answer = request.form.get("happened")
    if answer not in ("yes", "no"):
        raise InvalidInput("Expected to hear whether the call took effect, but neither yes nor no was chosen.")
    decision = "HAPPENED" if answer == "yes" else "NOT_HAPPENED"
    variables = forms.json_object("variables", "the results of the service")
    return at_once.on_instance("DECIDE", {"incident": incident_key, "decision": decision, "variables": variables}, key,
                               _("The outcome is in the ledger."), _page(key), colour="completed")


def _page(key: int) -> str:
    return url_for("console.instance", key=key, tab="effects")
