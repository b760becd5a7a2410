"""What the console calls things: one word, icon and explanation per state, everywhere the same."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _

from engine.queries.instances import InstanceRow
from engine.states import InstanceState
from web.console import vocabulary


@dataclass(frozen=True, slots=True)
class StateWords:
    """How a state is shown. The icon is a name of templates/_icons.html; the colour follows from `data-state`."""

    word: str
    icon: str
    hint: str


STATES: dict[str, StateWords] = {
    "active": StateWords(_("In flight"), "active", _("Started and not ended")),
    "waiting": StateWords(_("Waiting"), "waiting", _("For a person, a message or a time")),
    "retrying": StateWords(_("Retrying"), "retrying", _("A service failed and is tried again by itself")),
    "stalled": StateWords(_("Stalled"), "stalled", _("Later than promised, or than nearly all were")),
    "in_doubt": StateWords(_("In doubt"), "in_doubt", _("A service may have acted; nobody knows")),
    "held": StateWords(_("Held"), "held", _("For a service that is not called for now")),
    "incident": StateWords(_("Failed"), "incident", _("Cannot go on until somebody acts")),
    "snoozed": StateWords(_("Snoozed"), "snoozed", _("Failed, and calls nobody until later")),
    "suspended": StateWords(_("Suspended"), "suspended", _("Paused by an operator")),
    "completed": StateWords(_("Completed"), "completed", _("Came to its end")),
    "terminated": StateWords(_("Cancelled"), "terminated", _("Ended before its end")),
}

NAVIGATION = (
    ("console.home", _("Home"), "home"),
    ("console.processes", _("Processes"), "processes"),
    ("console.instances", _("Instances"), "instances"),
    ("console.incidents", _("Incidents"), "incident"),
    ("console.operations", _("Operations"), "operations"),
    ("console.tasks", _("Tasks"), "tasks"),
    ("console.messages", _("Messages"), "mail"),
    ("console.decisions", _("Decisions"), "decisions"),
    ("console.services", _("Services"), "services"),
    ("console.report", _("Reports"), "reports"),
    ("console.audit", _("Audit"), "audit"),
)

DEEDS = {
    ("DEPLOY", "DEPLOYMENT"): _("deployed"),
    ("DRILL", "DEFINITION"): _("drilled the process"),
    ("REVEAL", "INSTANCE"): _("saw a hidden value of"),
    ("PAUSE", "DEFINITION"): _("paused the new starts of a process"),
    ("RESUME", "DEFINITION"): _("resumed the new starts of a process"),
    ("RESOLVE", "INCIDENT"): _("retried"),
    ("ACKNOWLEDGE", "INCIDENT"): _("acknowledged an incident of"),
    ("WITHDRAW_ACKNOWLEDGEMENT", "INCIDENT"): _("withdrew the acknowledgement of an incident of"),
    ("ASSIGN", "INCIDENT"): _("assigned an incident of"),
    ("UNASSIGN", "INCIDENT"): _("took back an incident of"),
    ("SNOOZE", "INCIDENT"): _("snoozed an incident of"),
    ("WAKE", "INCIDENT"): _("ended the snooze of an incident of"),
    ("SET_TICKET", "INCIDENT"): _("noted the ticket of an incident of"),
    ("ANNOTATE", "INCIDENT"): _("wrote a note about an incident of"),
    ("START", "INSTANCE"): _("started the instance"),
    ("CANCEL", "INSTANCE"): _("cancelled the instance"),
    ("SUSPEND", "INSTANCE"): _("suspended the instance"),
    ("RESUME", "INSTANCE"): _("resumed the instance"),
    ("SET_RETRIES", "JOB"): _("set the attempts of a job in"),
    ("SET_VARIABLES", "INSTANCE"): _("set variables of"),
    ("REMOVE_VARIABLES", "INSTANCE"): _("removed variables of"),
    ("COMPLETE", "USER_TASK"): _("completed a task of"),
    ("CLAIM", "USER_TASK"): _("claimed a task of"),
    ("ASSIGN", "USER_TASK"): _("assigned a task of"),
    ("UNCLAIM", "USER_TASK"): _("gave back a task of"),
    ("DELEGATE", "USER_TASK"): _("delegated a task of"),
    ("RESOLVE", "USER_TASK"): _("resolved a delegated task of"),
    ("CHANGE", "USER_TASK"): _("changed a task of"),
    ("DENY", "USER_TASK"): _("let a listener deny a change to a task of"),
    ("COMMENT", "USER_TASK"): _("wrote a comment on a task of"),
    ("SAVE", "TASK_FILTER"): _("kept a filter of tasks"),
    ("SAVE", "VIEW"): _("kept a view of instances"),
    ("DELETE", "VIEW"): _("deleted a view of instances"),
    ("DELETE", "TASK_FILTER"): _("deleted a filter of tasks"),
    ("EVALUATE", "DECISION"): _("evaluated a decision"),
    ("HOLD", "SERVICE"): _("held the service"),
    ("RELEASE", "SERVICE"): _("released the service"),
    ("OPEN_BREAKER", "SERVICE"): _("stopped calling the service"),
    ("CLOSE_BREAKER", "SERVICE"): _("calls again the service"),
    ("ASK_SERVICE", "EFFECT"): _("had a service asked about a call of"),
    ("REPEAT_CALL", "EFFECT"): _("repeated a call in doubt of"),
    ("RECORD_OUTCOME", "EFFECT"): _("recorded the outcome of a call of"),
    ("CREATE", "SECRET"): _("stored a secret"),
    ("REPLACE", "SECRET"): _("replaced a secret"),
    ("DELETE", "SECRET"): _("deleted a secret"),
    ("ROTATE", "SECRET"): _("encrypted the secrets anew"),
    ("LOG_IN", "SESSION"): _("logged in"),
    ("LOG_OUT", "SESSION"): _("logged out"),
    ("END", "SESSION"): _("ended a session"),
    ("CHANGE", "PASSWORD"): _("changed the password"),
    ("CONFIRM", "SESSION"): _("showed again who it is"),
    ("ADD", "SECOND_FACTOR"): _("set up a second factor"),
    ("REPLACE", "SECOND_FACTOR"): _("replaced a second factor"),
    ("REMOVE", "SECOND_FACTOR"): _("removed a second factor"),
    ("RESET", "SECOND_FACTOR"): _("reset a second factor"),
    ("REFUSE", "SECOND_FACTOR"): _("showed a wrong code of a second factor"),
    ("USE", "RECOVERY_CODE"): _("used a recovery code"),
    ("RENEW", "RECOVERY_CODE"): _("made new recovery codes"),
    ("PUBLISH", "MESSAGE"): _("published a message"),
    ("PLAN", "OPERATION"): _("planned an operation"),
    ("APPLY", "OPERATION"): _("applied an operation"),
    ("PAUSE", "OPERATION"): _("paused an operation"),
    ("GO_ON", "OPERATION"): _("let an operation go on"),
    ("STOP", "OPERATION"): _("stopped an operation"),
    ("REQUEST", "DEPLOYMENT"): _("asked for the approval of a deployment"),
    ("APPROVE", "DEPLOYMENT"): _("approved a deployment"),
    ("DECLINE", "DEPLOYMENT"): _("declined a deployment"),
    ("WITHDRAW", "DEPLOYMENT"): _("withdrew a deployment"),
    ("REQUEST", "OPERATION"): _("asked for the approval of an operation"),
    ("APPROVE", "OPERATION"): _("approved an operation"),
    ("DECLINE", "OPERATION"): _("declined an operation"),
    ("WITHDRAW", "OPERATION"): _("withdrew an operation"),
    ("FIRE", "TIMER"): _("fired a timer of"),
    ("DELIVER", "MESSAGE"): _("delivered a message to"),
    ("DELIVER", "SIGNAL"): _("delivered a signal to"),
    ("CREATE", "ALERT"): _("added an alert"),
    ("ENABLE", "ALERT"): _("switched an alert on"),
    ("DISABLE", "ALERT"): _("switched an alert off"),
    ("DELETE", "ALERT"): _("removed an alert"),
    ("CREATE", "EVENT_TARGET"): _("added a webhook"),
    ("PAUSE", "EVENT_TARGET"): _("paused a webhook"),
    ("RESUME", "EVENT_TARGET"): _("let a webhook go on"),
    ("DELETE", "EVENT_TARGET"): _("removed a webhook"),
    ("RETRY", "EVENT"): _("sent an event again"),
    ("DISCARD", "EVENT"): _("discarded an event"),
    ("MODIFY", "INSTANCE"): _("moved tokens of"),
    ("MIGRATE", "INSTANCE"): _("migrated the instance"),
    ("RESTART", "INSTANCE"): _("restarted the instance"),
    ("SET_RETENTION", "DEFINITION"): _("changed how long history is kept of"),
    ("BROADCAST", "SIGNAL"): _("broadcast a signal"),
}


def type_word(constant: str) -> str:
    """An element type or another constant as words: "SERVICE_TASK" → "service task"."""
    return str(vocabulary.CONSTANTS.get(constant) or constant.lower().replace("_", " "))


def deed(operation: str, entity: str) -> str:
    """An entry of the audit trail as a verb that goes between who and what."""
    return str(DEEDS.get((operation, entity)) or f"{type_word(operation)} {type_word(entity)}")


def states_of(row: InstanceRow) -> list[str]:
    """Everything that an instance is at the moment, the worst first; "active" only if nothing says more."""
    if row.state != InstanceState.ACTIVE:
        return [row.state.lower()]
    found = [word for word, applies in (
        ("snoozed" if row.snoozed else "incident", row.incident_count > 0), ("in_doubt", row.in_doubt),
        ("suspended", row.suspended_at is not None), ("stalled", row.stalled),
        ("held", row.held),
        ("retrying", row.retrying), ("waiting", row.waiting),
    ) if applies]
    return found or ["active"]
