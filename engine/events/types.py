"""The types of events that go out (docs/EVENTS.md)."""

from __future__ import annotations

INSTANCE_STARTED = "partitur.instance.started"
INSTANCE_COMPLETED = "partitur.instance.completed"
INSTANCE_TERMINATED = "partitur.instance.terminated"
ELEMENT_ENTERED = "partitur.element.entered"
ELEMENT_COMPLETED = "partitur.element.completed"
ELEMENT_TERMINATED = "partitur.element.terminated"
INCIDENT_OPENED = "partitur.incident.opened"
INCIDENT_RESOLVED = "partitur.incident.resolved"
JOB_CREATED = "partitur.job.created"
JOB_COMPLETED = "partitur.job.completed"
JOB_RETRIED = "partitur.job.retried"
JOB_FAILED = "partitur.job.failed"
JOB_ERROR = "partitur.job.error"
TASK_CREATED = "partitur.user-task.created"
TASK_ASSIGNED = "partitur.user-task.assigned"
TASK_CHANGED = "partitur.user-task.changed"
TASK_COMPLETED = "partitur.user-task.completed"
TASK_CANCELED = "partitur.user-task.canceled"
MESSAGE_THROWN = "partitur.message.thrown"
SIGNAL_THROWN = "partitur.signal.thrown"

TYPES: tuple[str, ...] = (
    INSTANCE_STARTED, INSTANCE_COMPLETED, INSTANCE_TERMINATED, ELEMENT_ENTERED, ELEMENT_COMPLETED, ELEMENT_TERMINATED,
    INCIDENT_OPENED, INCIDENT_RESOLVED, JOB_CREATED, JOB_COMPLETED, JOB_RETRIED, JOB_FAILED, JOB_ERROR, TASK_CREATED,
    TASK_ASSIGNED, TASK_CHANGED, TASK_COMPLETED, TASK_CANCELED, MESSAGE_THROWN, SIGNAL_THROWN,
)
"""All of ours; diagrams may throw events of other types."""
OURS = "partitur."
"""What the types of ours begin with."""
