"""What the console calls things: one word, icon and explanation per state, everywhere the same."""

from __future__ import annotations

from dataclasses import dataclass

from engine.queries.instances import InstanceRow
from engine.states import InstanceState


@dataclass(frozen=True, slots=True)
class StateWords:
    """How a state is shown. The icon is a name of templates/_icons.html; the colour follows from `data-state`."""

    word: str
    icon: str
    hint: str


STATES: dict[str, StateWords] = {
    "active": StateWords("In flight", "active", "Started and not ended"),
    "waiting": StateWords("Waiting", "waiting", "For a person, a message or a time"),
    "retrying": StateWords("Retrying", "retrying", "A service failed and is tried again by itself"),
    "stalled": StateWords("Stalled", "stalled", "Later than promised, or than nearly all were"),
    "in_doubt": StateWords("In doubt", "in_doubt", "A service may have acted; nobody knows"),
    "held": StateWords("Held", "held", "For a service that is not called for now"),
    "incident": StateWords("Failed", "incident", "Cannot go on until somebody acts"),
    "suspended": StateWords("Suspended", "suspended", "Paused by an operator"),
    "completed": StateWords("Completed", "completed", "Came to its end"),
    "terminated": StateWords("Cancelled", "terminated", "Ended before its end"),
}

NAVIGATION = (
    ("console.home", "Home", "home"),
    ("console.processes", "Processes", "processes"),
    ("console.instances", "Instances", "instances"),
    ("console.tasks", "Tasks", "tasks"),
    ("console.decisions", "Decisions", "decisions"),
    ("console.services", "Services", "services"),
    ("console.audit", "Audit", "audit"),
)

TYPE_WORDS = {"AD_HOC_SUB_PROCESS": "ad-hoc sub-process", "SUB_PROCESS": "sub-process"}

DEEDS = {
    ("DEPLOY", "DEPLOYMENT"): "deployed",
    ("DRILL", "DEFINITION"): "drilled the process",
    ("RESOLVE", "INCIDENT"): "retried",
    ("START", "INSTANCE"): "started",
    ("CANCEL", "INSTANCE"): "cancelled",
    ("SUSPEND", "INSTANCE"): "suspended",
    ("RESUME", "INSTANCE"): "resumed",
    ("SET_RETRIES", "JOB"): "set the attempts of a job in",
    ("SET_VARIABLES", "INSTANCE"): "set variables of",
    ("REMOVE_VARIABLES", "INSTANCE"): "removed variables of",
    ("COMPLETE", "USER_TASK"): "completed a task of",
    ("CLAIM", "USER_TASK"): "claimed a task of",
    ("ASSIGN", "USER_TASK"): "assigned a task of",
    ("UNCLAIM", "USER_TASK"): "gave back a task of",
    ("DELEGATE", "USER_TASK"): "delegated a task of",
    ("RESOLVE", "USER_TASK"): "resolved a delegated task of",
    ("CHANGE", "USER_TASK"): "changed a task of",
    ("DENY", "USER_TASK"): "let a listener deny a change to a task of",
    ("COMMENT", "USER_TASK"): "wrote a comment on a task of",
    ("SAVE", "TASK_FILTER"): "kept a filter of tasks",
    ("DELETE", "TASK_FILTER"): "deleted a filter of tasks",
    ("EVALUATE", "DECISION"): "evaluated a decision",
    ("HOLD", "SERVICE"): "held the service",
    ("RELEASE", "SERVICE"): "released the service",
    ("OPEN_BREAKER", "SERVICE"): "stopped calling the service",
    ("CLOSE_BREAKER", "SERVICE"): "calls again the service",
    ("ASK_SERVICE", "EFFECT"): "had a service asked about a call of",
    ("REPEAT_CALL", "EFFECT"): "repeated a call in doubt of",
    ("RECORD_OUTCOME", "EFFECT"): "recorded the outcome of a call of",
    ("CREATE", "SECRET"): "stored a secret",
    ("REPLACE", "SECRET"): "replaced a secret",
    ("DELETE", "SECRET"): "deleted a secret",
    ("ROTATE", "SECRET"): "encrypted the secrets anew",
    ("PUBLISH", "MESSAGE"): "published a message",
    ("BROADCAST", "SIGNAL"): "broadcast a signal",
}


def type_word(constant: str) -> str:
    """An element type or another constant as words: "SERVICE_TASK" → "service task"."""
    return TYPE_WORDS.get(constant, constant.lower().replace("_", " "))


def deed(operation: str, entity: str) -> str:
    """An entry of the audit trail as a verb that goes between who and what."""
    return DEEDS.get((operation, entity), f"{type_word(operation)} {type_word(entity)}")


def states_of(row: InstanceRow) -> list[str]:
    """Everything that an instance is at the moment, the worst first; "active" only if nothing says more."""
    if row.state != InstanceState.ACTIVE:
        return [row.state.lower()]
    found = [word for word, applies in (
        ("incident", row.incident_count > 0), ("in_doubt", row.in_doubt),
        ("suspended", row.suspended_at is not None), ("stalled", row.stalled),
        ("held", row.held),
        ("retrying", row.retrying), ("waiting", row.waiting),
    ) if applies]
    return found or ["active"]
