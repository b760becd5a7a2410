"""The lifecycles, each as a table of allowed moves. Every change of state goes through `move`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from engine.errors import WrongState


class InstanceState(StrEnum):
    """A process instance. Suspended is no state of its own: an active instance has `suspended_at`."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"  # came to its end
    TERMINATED = "TERMINATED"  # was cancelled, or ended by an error that went to its caller


class ElementState(StrEnum):
    """An element instance."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    TERMINATED = "TERMINATED"  # interrupted, or its scope ended


class JobState(StrEnum):
    """A job."""

    CREATED = "CREATED"  # a worker may take it, once it is due
    ACTIVATED = "ACTIVATED"  # a worker holds its lock
    FAILED = "FAILED"  # no retries left: an incident is open
    ERROR_THROWN = "ERROR_THROWN"  # a worker answered with a BPMN error
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"  # its element is over


class UserTaskState(StrEnum):
    """A user task. While its listeners are asked, nobody can do anything else to it."""

    CREATING = "CREATING"
    CREATED = "CREATED"
    ASSIGNING = "ASSIGNING"
    UPDATING = "UPDATING"
    COMPLETING = "COMPLETING"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


class DelegationState(StrEnum):
    """A user task that its owner gave to somebody else for a while (Camunda 7 manual, "Delegation")."""

    PENDING = "PENDING"  # the other one is at work on it
    RESOLVED = "RESOLVED"  # it went back to its owner


class IncidentState(StrEnum):
    """An incident."""

    ACTIVE = "ACTIVE"
    RESOLVED = "RESOLVED"


class EffectState(StrEnum):
    """What is known of an effect that a service may have had."""

    INTENDED = "INTENDED"  # it is certain that no service was asked yet
    SENT = "SENT"  # a worker has it: the service may have acted
    CONFIRMED = "CONFIRMED"  # the service acted
    FAILED = "FAILED"  # the service said that it did not
    IN_DOUBT = "IN_DOUBT"  # nobody knows


INSTANCE_MOVES = {
    InstanceState.ACTIVE: {InstanceState.COMPLETED, InstanceState.TERMINATED},
    InstanceState.COMPLETED: set(),
    InstanceState.TERMINATED: set(),
}
JOB_MOVES = {
    # A worker whose lock ran out may still answer, as long as no other one took the job.
    JobState.CREATED: set(JobState),
    JobState.ACTIVATED: set(JobState) - {JobState.ACTIVATED},
    JobState.FAILED: {JobState.CREATED, JobState.CANCELED},
    # Nothing caught the error and the incident was resolved.
    JobState.ERROR_THROWN: {JobState.CREATED, JobState.CANCELED},
    JobState.COMPLETED: set(),
    JobState.CANCELED: set(),
}
USER_TASK_MOVES = {
    UserTaskState.CREATING: {UserTaskState.CREATED, UserTaskState.CANCELED},
    UserTaskState.CREATED: set(UserTaskState) - {UserTaskState.CREATING},
    UserTaskState.ASSIGNING: {UserTaskState.CREATED, UserTaskState.CANCELED},
    UserTaskState.UPDATING: {UserTaskState.CREATED, UserTaskState.CANCELED},
    UserTaskState.COMPLETING: {UserTaskState.CREATED, UserTaskState.COMPLETED, UserTaskState.CANCELED},
    UserTaskState.COMPLETED: set(),
    UserTaskState.CANCELED: set(),
}
EFFECT_MOVES = {
    EffectState.INTENDED: {EffectState.SENT},
    EffectState.SENT: set(EffectState),
    EffectState.FAILED: {EffectState.SENT, EffectState.INTENDED},
    EffectState.IN_DOUBT: set(EffectState),
    EffectState.CONFIRMED: set(),
}
INCIDENT_MOVES = {
    IncidentState.ACTIVE: {IncidentState.RESOLVED},
    IncidentState.RESOLVED: set(),
}

# Keyed by the class first: members of different StrEnums that have the same text are equal.
MOVES: Mapping[type[StrEnum], Mapping[Any, Collection[Any]]] = {
    InstanceState: INSTANCE_MOVES,
    JobState: JOB_MOVES,
    UserTaskState: USER_TASK_MOVES,
    IncidentState: INCIDENT_MOVES,
    EffectState: EFFECT_MOVES,
}

OPEN_JOB_STATES = (JobState.CREATED, JobState.ACTIVATED, JobState.FAILED)


State = TypeVar("State", bound=StrEnum)


def move(what: str, key: int, current: State, target: State) -> State:
    """Check that a thing may go from one state to another.

    `what` names the kind of thing in the message ("job"). Returns `target`; raises WrongState.
    """
    if target not in MOVES[type(current)][current]:
        raise WrongState(
            f"Expected {what} {key} to be one that can become {target.lower()}, but it is {current.lower()}."
        )
    return target
