"""The tables. Runtime and history share one database and one transaction, so neither is ever behind the other.

Keys are 64-bit integers allotted by `engine.keys`. Every runtime table carries `partition_key`, a hash of the root
instance, so that several databases or nodes can share the work without a change of schema.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    desc,
    text,
)

from engine.columns import Json, UtcDateTime, Word
from engine.schema.alerts import alert_rules as alert_rules
from engine.schema.alerts import alert_samples as alert_samples
from engine.schema.approvals import approval_files as approval_files
from engine.schema.approvals import approval_subjects as approval_subjects
from engine.schema.approvals import approvals as approvals
from engine.schema.base import DEFAULT_TENANT as DEFAULT_TENANT
from engine.schema.base import metadata as metadata
from engine.schema.decisions import decision_evaluations as decision_evaluations
from engine.schema.decisions import decisions as decisions
from engine.schema.decisions import explanations as explanations
from engine.schema.decisions import requirements as requirements
from engine.schema.drills import drills as drills
from engine.schema.drills import services as services
from engine.schema.durations import element_durations as element_durations
from engine.schema.events import event_targets as event_targets
from engine.schema.events import outbox as outbox
from engine.schema.figures import report_figures as report_figures
from engine.schema.figures import report_progress as report_progress
from engine.schema.figures import saved_views as saved_views
from engine.schema.forms import forms as forms
from engine.schema.inbound import inbound_received as inbound_received
from engine.schema.inbound import inbound_set_aside as inbound_set_aside
from engine.schema.inbound import inbound_sources as inbound_sources
from engine.schema.incidents import incident_notes as incident_notes
from engine.schema.incidents import incidents as incidents
from engine.schema.jobs import job_failures as job_failures
from engine.schema.messages import messages as messages
from engine.schema.messages import stray_messages as stray_messages
from engine.schema.nodes import nodes as nodes
from engine.schema.operations import operation_items as operation_items
from engine.schema.operations import operation_parts as operation_parts
from engine.schema.operations import operations as operations
from engine.schema.pauses import held_starts as held_starts
from engine.schema.pauses import pauses as pauses
from engine.schema.requests import requests as requests
from engine.schema.second_factors import factor_setups as factor_setups
from engine.schema.second_factors import half_log_ins as half_log_ins
from engine.schema.second_factors import recovery_codes as recovery_codes
from engine.schema.second_factors import second_factors as second_factors
from engine.schema.secrets import secrets as secrets
from engine.schema.sessions import guesses as guesses
from engine.schema.sessions import last_uses as last_uses
from engine.schema.sessions import sessions as sessions
from engine.schema.tasks import task_candidates as task_candidates
from engine.schema.tasks import task_comments as task_comments
from engine.schema.tasks import task_drafts as task_drafts
from engine.schema.tasks import task_filters as task_filters
from engine.schema.tasks import user_tasks as user_tasks
from engine.schema.tenants import tenants as tenants
from engine.schema.trail import audit as audit
from engine.schema.trail import audit_chain as audit_chain
from engine.schema.variables import CUT as CUT
from engine.schema.variables import NUMBER as NUMBER
from engine.schema.variables import variable_history as variable_history
from engine.schema.variables import variables as variables

sequence = Table(
    "key_sequence", metadata,
    Column("name", String(32), primary_key=True),
    Column("next", BigInteger, nullable=False),
)
"""The next free block of keys (hi/lo): a process takes a block in its own small transaction."""

deployments = Table(
    "deployments", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text),
    Column("source", Text),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("deployed_at", UtcDateTime, nullable=False),
    Column("deployed_by", Text),
)

resources = Table(
    "resources", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("deployment_key", BigInteger, ForeignKey("deployments.key"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
)

definitions = Table(
    "definitions", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("process_id", String(255), nullable=False),
    Column("name", Text),
    Column("version", Integer, nullable=False),
    Column("version_tag", Text),
    Column("resource_key", BigInteger, ForeignKey("resources.key"), nullable=False),
    Column("resource_name", Text, nullable=False),
    Column("deployment_key", BigInteger, ForeignKey("deployments.key"), nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("dialect", String(32), nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("deployed_at", UtcDateTime, nullable=False),
    Column("suspended_at", UtcDateTime),
    Column("history_days", Integer),
    UniqueConstraint("tenant_id", "process_id", "version"),
)
"""One row per version of a process; never changed after the insert, but for `suspended_at` and `history_days`: how
long its ended instances are kept (NULL: as the engine's default says)."""

DURATION = "ended_at - started_at"
TAGS_TEXT = "CAST(tags AS TEXT)"
TAGGED = "CAST(tags AS TEXT) <> 'null'"
"""What lists of instances are sorted by that is no column, written as in the indexes that give the order."""

instances = Table(
    "instances", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("definition_key", BigInteger, ForeignKey("definitions.key"), nullable=False),
    Column("process_id", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("business_id", Text),
    Column("state", Word(16), nullable=False),
    Column("suspended_at", UtcDateTime),
    Column("incident_count", Integer, nullable=False, default=0),
    Column("parent_key", BigInteger),
    Column("parent_element_instance_key", BigInteger),
    Column("root_key", BigInteger, nullable=False),
    Column("depth", SmallInteger, nullable=False, default=0),
    Column("partition_key", SmallInteger, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("end_reason", Text),
    Column("correlation_id", String(128), nullable=False),
    Column("trace_parent", String(64)),
    Column("start_key", String(255)),
    Column("start_process_id", String(255)),
    Column("message_key", String(255)),
    Column("tags", Json),
    Column("tokens", LargeBinary),
    Column("revision", Integer, nullable=False, default=0),
    Column("steps", Integer, nullable=False, default=0),
    Index("ix_instances_unfinished", "key", sqlite_where=text("steps > 0"), postgresql_where=text("steps > 0")),
    Index("ix_instances_state", "state", "key"),
    Index("ix_instances_state_started", "state", "started_at"),
    Index("ix_instances_live", "process_id", "key", sqlite_where=text("state = 'ACTIVE'"),
          postgresql_where=text("state = 'ACTIVE'")),
    Index("ix_instances_definition", "definition_key", "state", "key"),
    Index("ix_instances_business_id", "business_id"),
    Index("ix_instances_parent", "parent_key"),
    Index("ix_instances_root", "root_key"),
    Index("ix_instances_started", "started_at"),
    Index("ix_instances_end_reason", "end_reason", "key", sqlite_where=text("end_reason IS NOT NULL"),
          postgresql_where=text("end_reason IS NOT NULL")),
    Index("ix_instances_duration", text(f"({DURATION})"), "key", sqlite_where=text("ended_at IS NOT NULL"),
          postgresql_where=text("ended_at IS NOT NULL")),
    Index("ix_instances_tags", text(f"({TAGS_TEXT})"), "key", sqlite_where=text(TAGGED), postgresql_where=text(TAGGED)),
    Index("ix_instances_by_start", "definition_key", "state", "started_at", "key"),
    Index("ix_instances_by_root", "definition_key", "state", "root_key", "key"),
    *(Index(f"ix_instances_by_{name}", "definition_key", "state", by, "key", sqlite_where=text(there),
            postgresql_where=text(there)) for name, by, there in (
        ("end", "ended_at", "ended_at IS NOT NULL"), ("duration", text(f"({DURATION})"), "ended_at IS NOT NULL"),
        ("business_id", "business_id", "business_id IS NOT NULL"), ("tags", text(f"({TAGS_TEXT})"), TAGGED),
        ("reason", "end_reason", "end_reason IS NOT NULL"), ("parent", "parent_key", "parent_key IS NOT NULL"))),
    Index("ix_instances_ended", "definition_key", "ended_at",
          sqlite_where=text("ended_at IS NOT NULL AND parent_key IS NULL"),
          postgresql_where=text("ended_at IS NOT NULL AND parent_key IS NULL")),
    Index("ix_instances_finished", "ended_at"),
    Index("ix_instances_suspended", "definition_key", sqlite_where=text("suspended_at IS NOT NULL"),
          postgresql_where=text("suspended_at IS NOT NULL")),
    Index("ix_instances_incident", "key", sqlite_where=text("incident_count > 0"),
          postgresql_where=text("incident_count > 0")),
    Index("ix_instances_message_key", "process_id", "message_key",
          sqlite_where=text("message_key IS NOT NULL AND ended_at IS NULL"),
          postgresql_where=text("message_key IS NOT NULL AND ended_at IS NULL")),
    Index("ux_instances_start_key", "tenant_id", "start_process_id", "start_key", unique=True,
          sqlite_where=text("start_key IS NOT NULL"), postgresql_where=text("start_key IS NOT NULL")),
)
"""The indexes called by something have the orders of lists for each definition and state (engine.queries.merging).
`state` is ACTIVE, COMPLETED or TERMINATED (engine.states); suspended is a property of an active instance.
`tokens` is the interpreter's blob, NULL once ended; `steps` is not 0 while it is on the move over several
transactions. `end_reason` is the reason code an instance ended with.
`start_key` makes a start of the process `start_process_id` idempotent, wherever the instance has moved since.
`message_key` is the correlation key of the message that started it: there is at most one active instance of a process
for it."""

element_instances = Table(
    "element_instances", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("definition_key", BigInteger, nullable=False),
    Column("scope_key", BigInteger, nullable=False),
    Column("element_id", String(255), nullable=False),
    Column("type", Word(32), nullable=False),
    Column("state", Word(16), nullable=False),
    Column("flow_id", Text),
    Column("position", BigInteger, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("incident_key", BigInteger),
    Index("ix_element_instances_instance", "instance_key", "position"),
    Index("ix_element_instances_at_work", "instance_key", "position", sqlite_where=text("state = 'ACTIVE'"),
          postgresql_where=text("state = 'ACTIVE'")),
    Index("ix_element_instances_active", "definition_key", "element_id", "started_at",
          sqlite_where=text("state = 'ACTIVE'"), postgresql_where=text("state = 'ACTIVE'")),
)
"""The history, one row per element instance, written in the transaction that moves the token. `flow_id` is the
sequence flow taken to it; `position` orders the rows of one instance, whichever node wrote them. `type` is an
ElementType; `state` ACTIVE, COMPLETED or TERMINATED."""

jobs = Table(
    "jobs", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("element_instance_key", BigInteger, nullable=False),
    Column("definition_key", BigInteger, nullable=False),
    Column("process_id", String(255), nullable=False),
    Column("element_id", String(255), nullable=False),
    Column("partition_key", SmallInteger, nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("type", String(255), nullable=False),
    Column("kind", String(32), nullable=False, default="BPMN_ELEMENT"),
    Column("listener_event", String(32)),
    Column("state", Word(16), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("retries", Integer, nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("headers", Json, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("expected_by", UtcDateTime),
    Column("give_up_at", UtcDateTime),
    Column("locked_by", Text),
    Column("locked_until", UtcDateTime),
    Column("lock_token", BigInteger, nullable=False, default=0),
    Column("suspended", Boolean, nullable=False, default=False),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("idempotency_key", String(128), nullable=False),
    Column("effect", Word(16), nullable=False),
    Column("repeatable", Boolean, nullable=False, default=True),
    Column("askable", Boolean, nullable=False, default=False),
    Column("sent_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
    Column("request_digest", String(64)),
    Column("response_digest", String(64)),
    Column("evidence", Text),
    Column("compensated_by", BigInteger),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_jobs_due", "type", "tenant_id", desc("priority"), "due_at", "key",
          sqlite_where=text("state = 'CREATED' AND NOT suspended"),
          postgresql_where=text("state = 'CREATED' AND NOT suspended")),
    Index("ix_jobs_expected", "expected_by", sqlite_where=text("ended_at IS NULL AND expected_by IS NOT NULL"),
          postgresql_where=text("ended_at IS NULL AND expected_by IS NOT NULL")),
    Index("ix_jobs_give_up", "give_up_at", sqlite_where=text("ended_at IS NULL AND give_up_at IS NOT NULL"),
          postgresql_where=text("ended_at IS NULL AND give_up_at IS NOT NULL")),
    Index("ix_jobs_retrying", "due_at", sqlite_where=text("ended_at IS NULL AND error_message IS NOT NULL"),
          postgresql_where=text("ended_at IS NULL AND error_message IS NOT NULL")),
    Index("ix_jobs_locked", "locked_until", sqlite_where=text("state = 'ACTIVATED'"),
          postgresql_where=text("state = 'ACTIVATED'")),
    Index("ix_jobs_sent", "type", "sent_at", sqlite_where=text("sent_at IS NOT NULL"),
          postgresql_where=text("sent_at IS NOT NULL")),
    Index("ix_jobs_in_doubt", "type", sqlite_where=text("effect = 'IN_DOUBT'"),
          postgresql_where=text("effect = 'IN_DOUBT'")),
    Index("ix_jobs_instance", "instance_key"),
    Index("ix_jobs_element_instance", "element_instance_key"),
)
"""`state`: see engine.states.JobState. `attempt` counts how often a worker took it; `lock_token` grows with every
activation, so that a late answer of a worker that lost its lock can be refused. `idempotency_key` stays the same
over all attempts, restarts and nodes, and differs between databases. `suspended` while its instance is. A job still
open after `expected_by` (the service's SLA) makes its instance *stalled*; one open after `give_up_at` becomes an
incident.

The columns from `effect` to `compensated_by` are the effects ledger (engine.effects): what the job caused outside.
`effect` is an EffectState; `repeatable` and `askable` keep what the service's contract said when it was called; the
digests are of what it was given and gave; `evidence` is what an operator knows of the outcome; `compensated_by` is
the job that undid it."""

holds = Table(
    "service_holds", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("service", String(255), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("held_at", UtcDateTime, nullable=False),
    Column("trials", Integer, nullable=False, default=0),
    Column("trial_at", UtcDateTime),
)
"""Services whose jobs are not handed out. `kind` is OPERATOR (until a person releases it) or BREAKER: then `trial_at`
is when one call may try whether the service works again, and `trials` counts those that failed."""

timers = Table(
    "timers", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger),
    Column("element_instance_key", BigInteger),
    Column("definition_key", BigInteger, nullable=False),
    Column("element_id", String(255), nullable=False),
    Column("partition_key", SmallInteger, nullable=False),
    Column("event_index", SmallInteger, nullable=False, default=0),
    Column("due_at", UtcDateTime, nullable=False),
    Column("schedule", Text),
    Column("repeats_left", Integer),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT, server_default=DEFAULT_TENANT),
    Column("attached", Boolean, nullable=False, default=False),
    Column("suspended", Boolean, nullable=False, default=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_timers_due", "tenant_id", "due_at", "key", sqlite_where=text("NOT suspended"),
          postgresql_where=text("NOT suspended")),
    Index("ix_timers_element_instance", "element_instance_key"),
    Index("ix_timers_instance", "instance_key"),
)
"""Open timers only. Without `instance_key` it is a timer start event of a definition. `schedule` is set on timers
that repeat (ISO 8601 repeating interval or cron), `repeats_left` counts down (NULL: for ever). `attached` tells a
boundary event or event sub-process, which only watches over something else, from an event that is waited at."""

subscriptions = Table(
    "subscriptions", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(255), nullable=False),
    Column("correlation_key", String(255)),
    Column("instance_key", BigInteger),
    Column("element_instance_key", BigInteger),
    Column("definition_key", BigInteger, nullable=False),
    Column("process_id", String(255), nullable=False),
    Column("element_id", String(255), nullable=False),
    Column("partition_key", SmallInteger, nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("event_index", SmallInteger, nullable=False, default=0),
    Column("interrupting", Boolean, nullable=False, default=True),
    Column("attached", Boolean, nullable=False, default=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_subscriptions_name", "kind", "name", "correlation_key"),
    Index("ix_subscriptions_element_instance", "element_instance_key"),
    Index("ix_subscriptions_instance", "instance_key"),
)
"""Open message, signal and condition subscriptions. Without `instance_key` it is a start event of a definition's newest
version."""

deferred = Table(
    "deferred", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("action", LargeBinary, nullable=False),
    Column("declared", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_deferred_instance", "instance_key", "key"),
)
"""What happened to a suspended instance and is applied, in order, when it is resumed: answers of workers that were at
work when it was suspended must not be lost."""
