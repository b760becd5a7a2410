"""Alerts, for programs: the rules, how they stand, and switching them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine.alerts import rules
from engine.alerts.measures import MEASURES
from engine.alerts.rules import AlertRule
from engine.errors import InvalidInput
from web.answers import engine
from web.api.events import NULLABLE, TEXT, WHY, Named
from web.api.operation import acting, getting, posting, written
from web.body import Body
from web.console import watching

NUMBER = {"type": ["number", "null"], "minimum": 0}


@getting("/api/alerts", "Every alert: its rule, what was measured last, since when it is on.",
         schema={"type": "object", "required": ["items"], "properties": {"items": {"type": "array"}}})
def alerts() -> dict[str, Any]:
    """The list of the page `/alerts`; `link` is the page that shows what counts."""
    return {"items": [{**written(rule), "link": rule.link, "on": rule.fired_at is not None}
                      for rule in rules.all_of_them(engine())]}


@posting("/api/alerts", "Watch something, and tell people when it is too much.", {
    "name": TEXT, "measure": {"type": "string", "enum": list(MEASURES)}, "above": NUMBER,
    "minutes": {**NUMBER, "maximum": 10_080, "description": "For how long before anybody is told."},
    "process": {**NULLABLE, "description": "Only of this process."},
    "query": {**NULLABLE, "description": "With the measure 'list' the address of a list, with 'metric' a metric, "
                                            "a percentile of one, or the ratio of two.",
              "examples": ["/tasks?view=overdue", 'partitur_jobs_answered_total{outcome="retried"}',
                           "p95 of partitur_job_latency_seconds"]},
    "withinMinutes": {**NUMBER, "maximum": 60, "description": "The span in which a counter grows; 5 if not said."},
    "channels": {"type": "array", "items": {"type": "string"},
                 "description": "Names of stored secrets with Apprise addresses."},
    "quietFrom": {**NULLABLE, "examples": ["22:00"]}, "quietTo": {**NULLABLE, "examples": ["06:00"]},
}, AlertRule, required=("name", "measure"))
def add_alert(sent: Body) -> AlertRule:
    """The alert."""
    channels = sent.content.get("channels") or []
    if not isinstance(channels, list) or not all(isinstance(each, str) for each in channels):
        raise InvalidInput("Expected 'channels' to be a list of texts.")
    quiet = (sent.text("quietFrom") or "", sent.text("quietTo") or "")
    measure, within = sent.required_text("measure"), min(_number(sent, "withinMinutes"), 100_000)
    return acting().execute(
        rules.add, sent.required_text("name"), measure, above=_number(sent, "above"),
        for_=timedelta(minutes=min(_number(sent, "minutes"), 100_000)), process_id=sent.text("process"),
        query=watching.checked(engine(), measure, sent.text("query")),
        within=timedelta(minutes=within) if within else rules.WITHIN, channels=channels,
        quiet=quiet if any(quiet) else None)


def _number(sent: Body, name: str) -> float:
    value = sent.content.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"Expected {name!r} to be a number.")
    return value


@posting("/api/alerts/<name>/disable", "Stop watching.", WHY, Named, required=("reason",))
def disable_alert(sent: Body, name: str) -> Named:
    """The alert's name."""
    acting().execute(rules.switch, name, disabled=True, reason=sent.required_text("reason"))
    return Named(name=name)


@posting("/api/alerts/<name>/enable", "Watch again.", WHY, Named, required=("reason",))
def enable_alert(sent: Body, name: str) -> Named:
    """The alert's name."""
    acting().execute(rules.switch, name, disabled=False, reason=sent.required_text("reason"))
    return Named(name=name)


@posting("/api/alerts/<name>/removal", "Take an alert away.", WHY, Named, required=("reason",))
def remove_alert(sent: Body, name: str) -> Named:
    """The alert's name."""
    acting().execute(rules.remove, name, sent.required_text("reason"))
    return Named(name=name)
