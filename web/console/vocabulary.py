"""What the engine's constants are called on a page, where their plain words would not do in another language."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

ELEMENTS = {
    "PROCESS": _("process"),
    "SUB_PROCESS": _("sub-process"),
    "EVENT_SUB_PROCESS": _("event sub-process"),
    "AD_HOC_SUB_PROCESS": _("ad-hoc sub-process"),
    "TRANSACTION": _("transaction"),
    "START_EVENT": _("start event"),
    "INTERMEDIATE_CATCH_EVENT": _("intermediate catch event"),
    "INTERMEDIATE_THROW_EVENT": _("intermediate throw event"),
    "BOUNDARY_EVENT": _("boundary event"),
    "END_EVENT": _("end event"),
    "TASK": _("task"),
    "MANUAL_TASK": _("manual task"),
    "SERVICE_TASK": _("service task"),
    "SEND_TASK": _("send task"),
    "RECEIVE_TASK": _("receive task"),
    "USER_TASK": _("user task"),
    "SCRIPT_TASK": _("script task"),
    "BUSINESS_RULE_TASK": _("business rule task"),
    "CALL_ACTIVITY": _("call activity"),
    "EXCLUSIVE_GATEWAY": _("exclusive gateway"),
    "PARALLEL_GATEWAY": _("parallel gateway"),
    "INCLUSIVE_GATEWAY": _("inclusive gateway"),
    "EVENT_BASED_GATEWAY": _("event-based gateway"),
    "MULTI_INSTANCE_BODY": _("multi-instance body"),
    "SEQUENCE_FLOW": _("sequence flow"),
}
"""Types of elements."""
STATES = {
    "ACTIVE": _("active"),
    "COMPLETED": _("completed"),
    "TERMINATED": _("terminated"),
    "CREATED": _("created"),
    "ACTIVATED": _("activated"),
    "FAILED": _("failed"),
    "ERROR_THROWN": _("error thrown"),
    "CANCELED": _("cancelled"),
    "CREATING": _("creating"),
    "ASSIGNING": _("assigning"),
    "UPDATING": _("updating"),
    "COMPLETING": _("completing"),
    "PENDING": _("pending"),
    "RESOLVED": _("resolved"),
    "INTENDED": _("intended"),
    "SENT": _("sent"),
    "CONFIRMED": _("confirmed"),
    "IN_DOUBT": _("in doubt"),
}
"""States of what an instance is made of."""
TROUBLES = {
    "CONDITION_ERROR": _("condition error"),
    "IO_MAPPING_ERROR": _("input or output mapping error"),
    "EXTRACT_VALUE_ERROR": _("extract value error"),
    "CALLED_ELEMENT_ERROR": _("called element error"),
    "DECISION_EVALUATION_ERROR": _("decision evaluation error"),
    "UNHANDLED_ERROR_EVENT": _("unhandled error event"),
    "JOB_NO_RETRIES": _("job no retries"),
    "UNKNOWN": _("unknown"),
    "MESSAGE": _("message"),
    "SIGNAL": _("signal"),
    "CONDITION": _("condition"),
    "TIMER": _("timer"),
}
"""Types of incidents, and what a subscription waits for."""

MEASURES = {
    "incident": _("instances with an incident"),
    "stalled": _("stalled instances"),
    "in_doubt": _("instances with an effect in doubt"),
    "retrying": _("instances that are retrying"),
    "held": _("instances at a held service"),
    "active": _("instances in flight"),
    "held_services": _("held services"),
    "timer_lag": _("seconds by which the oldest timer is late"),
    "queue_lag": _("seconds for which the oldest entry of the queue waits"),
    "no_worker": _("no worker is alive"),
    "stuck_locks": _("locks that ended and were not released"),
    "dead_letters": _("events that could not be delivered"),
    "set_aside": _("events that came in and were set aside"),
    "unheard_sources": _("sources of events that cannot be listened to"),
    "drill_overdue": _("processes whose compensation was not drilled for 30 days"),
    "metric": _("a metric"),
    "list": _("rows of a list"),
}
"""What an alert can watch (`engine.alerts.measures`)."""

CONSTANTS = {**ELEMENTS, **STATES, **TROUBLES}

WHOSE = {"mine": _("Mine"), "groups": _("Offered to me or my groups"), "unassigned": _("Nobody's")}
DUE = {"overdue": _("Overdue"), "today": _("Due today or overdue"), "week": _("Due within a week"),
       "none": _("Without a due date")}
FOLLOW_UP = {"reached": _("Reached"), "ahead": _("Still ahead")}
