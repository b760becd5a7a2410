"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "audit",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=32), nullable=False),
        sa.Column("entity_key", sa.BigInteger(), nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("details", Json(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_index("ix_audit_instance", "audit", ["instance_key", "key"], unique=False)
    op.create_table(
        "decision_evaluations",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision_key", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.String(length=255), nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=True),
        sa.Column("element_instance_key", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("evaluated_at", UtcDateTime(), nullable=False),
        sa.Column("output", Json(), nullable=True),
        sa.Column("decisions", Json(), nullable=False),
        sa.Column("warnings", Json(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_decision_evaluations_decision", "decision_evaluations", ["decision_key"], unique=False)
    op.create_index("ix_decision_evaluations_instance", "decision_evaluations", ["instance_key"], unique=False)
    op.create_table(
        "explanations",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("element_id", sa.String(length=255), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("reasons", Json(), nullable=False),
        sa.Column("explained_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_explanations_instance", "explanations", ["instance_key"], unique=False)
    op.create_table(
        "deferred",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_deferred_instance", "deferred", ["instance_key", "key"], unique=False)
    op.create_table(
        "deployments",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("deployed_at", UtcDateTime(), nullable=False),
        sa.Column("deployed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "service_holds",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("held_at", UtcDateTime(), nullable=False),
        sa.Column("trials", sa.Integer(), nullable=False),
        sa.Column("trial_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("service"),
    )
    op.create_table(
        "element_instances",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("scope_key", sa.BigInteger(), nullable=False),
        sa.Column("element_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("flow_id", sa.Text(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("incident_key", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(
        "ix_element_instances_active",
        "element_instances",
        ["definition_key", "element_id"],
        unique=False,
        sqlite_where=sa.text("state = 'ACTIVE'"),
        postgresql_where=sa.text("state = 'ACTIVE'"),
    )
    op.create_index("ix_element_instances_instance", "element_instances", ["instance_key", "position"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("element_instance_key", sa.BigInteger(), nullable=False),
        sa.Column("job_key", sa.BigInteger(), nullable=True),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.String(length=255), nullable=False),
        sa.Column("element_id", sa.String(length=255), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_incidents_element_instance", "incidents", ["element_instance_key"], unique=False)
    op.create_index("ix_incidents_instance", "incidents", ["instance_key"], unique=False)
    op.create_index(
        "ix_incidents_open",
        "incidents",
        ["process_id", "created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'ACTIVE'"),
        postgresql_where=sa.text("state = 'ACTIVE'"),
    )
    op.create_table(
        "jobs",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("element_instance_key", sa.BigInteger(), nullable=False),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.String(length=255), nullable=False),
        sa.Column("element_id", sa.String(length=255), nullable=False),
        sa.Column("partition_key", sa.SmallInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("listener_event", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("headers", Json(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("expected_by", UtcDateTime(), nullable=True),
        sa.Column("give_up_at", UtcDateTime(), nullable=True),
        sa.Column("locked_by", sa.Text(), nullable=True),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("lock_token", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=128), nullable=False),
        sa.Column("effect", sa.String(length=16), nullable=False),
        sa.Column("repeatable", sa.Boolean(), nullable=False),
        sa.Column("askable", sa.Boolean(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=True),
        sa.Column("response_digest", sa.String(length=64), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("compensated_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_jobs_element_instance", "jobs", ["element_instance_key"], unique=False)
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["type", sa.text("priority DESC"), "due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'CREATED' AND NOT suspended"),
        postgresql_where=sa.text("state = 'CREATED' AND NOT suspended"),
    )
    op.create_index(
        "ix_jobs_expected",
        "jobs",
        ["expected_by"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL AND expected_by IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NULL AND expected_by IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_give_up",
        "jobs",
        ["give_up_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL AND give_up_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NULL AND give_up_at IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_in_doubt",
        "jobs",
        ["type"],
        unique=False,
        sqlite_where=sa.text("effect = 'IN_DOUBT'"),
        postgresql_where=sa.text("effect = 'IN_DOUBT'"),
    )
    op.create_index(
        "ix_jobs_sent",
        "jobs",
        ["type", "sent_at"],
        unique=False,
        sqlite_where=sa.text("sent_at IS NOT NULL"),
        postgresql_where=sa.text("sent_at IS NOT NULL"),
    )
    op.create_index("ix_jobs_instance", "jobs", ["instance_key"], unique=False)
    op.create_index(
        "ix_jobs_locked",
        "jobs",
        ["locked_until"],
        unique=False,
        sqlite_where=sa.text("state = 'ACTIVATED'"),
        postgresql_where=sa.text("state = 'ACTIVATED'"),
    )
    op.create_index(
        "ix_jobs_retrying",
        "jobs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL AND error_message IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NULL AND error_message IS NOT NULL"),
    )
    op.create_table(
        "key_sequence",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "messages",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("correlation_key", sa.String(length=255), nullable=True),
        sa.Column("message_id", sa.String(length=255), nullable=True),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("variables", Json(), nullable=False),
        sa.Column("correlated_to", Json(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_messages_expiry", "messages", ["expires_at"], unique=False)
    op.create_index("ix_messages_name", "messages", ["name", "correlation_key"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("correlation_key", sa.String(length=255), nullable=True),
        sa.Column("instance_key", sa.BigInteger(), nullable=True),
        sa.Column("element_instance_key", sa.BigInteger(), nullable=True),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.String(length=255), nullable=False),
        sa.Column("element_id", sa.String(length=255), nullable=False),
        sa.Column("partition_key", sa.SmallInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("event_index", sa.SmallInteger(), nullable=False),
        sa.Column("interrupting", sa.Boolean(), nullable=False),
        sa.Column("attached", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_subscriptions_element_instance", "subscriptions", ["element_instance_key"], unique=False)
    op.create_index("ix_subscriptions_instance", "subscriptions", ["instance_key"], unique=False)
    op.create_index("ix_subscriptions_name", "subscriptions", ["kind", "name", "correlation_key"], unique=False)
    op.create_table(
        "timers",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=True),
        sa.Column("element_instance_key", sa.BigInteger(), nullable=True),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("element_id", sa.String(length=255), nullable=False),
        sa.Column("partition_key", sa.SmallInteger(), nullable=False),
        sa.Column("event_index", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("repeats_left", sa.Integer(), nullable=True),
        sa.Column("attached", sa.Boolean(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(
        "ix_timers_due",
        "timers",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("NOT suspended"),
        postgresql_where=sa.text("NOT suspended"),
    )
    op.create_index("ix_timers_element_instance", "timers", ["element_instance_key"], unique=False)
    op.create_index("ix_timers_instance", "timers", ["instance_key"], unique=False)
    op.create_table(
        "user_tasks",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("element_instance_key", sa.BigInteger(), nullable=False),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.String(length=255), nullable=False),
        sa.Column("element_id", sa.String(length=255), nullable=False),
        sa.Column("partition_key", sa.SmallInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("candidate_users", Json(), nullable=False),
        sa.Column("candidate_groups", Json(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("follow_up_at", UtcDateTime(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_user_tasks_element_instance", "user_tasks", ["element_instance_key"], unique=False)
    op.create_index("ix_user_tasks_instance", "user_tasks", ["instance_key"], unique=False)
    op.create_index(
        "ix_user_tasks_open",
        "user_tasks",
        ["assignee", "created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'CREATED'"),
        postgresql_where=sa.text("state = 'CREATED'"),
    )
    op.create_table(
        "variables",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("scope_key", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", Json(), nullable=True),
        sa.Column("lookup", sa.String(length=64), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("instance_key", "scope_key", "name"),
    )
    op.create_index("ix_variables_lookup", "variables", ["lookup", "name"], unique=False)
    op.create_table(
        "resources",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deployment_key", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_key"],
            ["deployments.key"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_resources_deployment_key"), "resources", ["deployment_key"], unique=False)
    op.create_table(
        "decision_requirements",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("requirements_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("resource_key", sa.BigInteger(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=False),
        sa.Column("deployment_key", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("imports", Json(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("deployed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_key"],
            ["deployments.key"],
        ),
        sa.ForeignKeyConstraint(
            ["resource_key"],
            ["resources.key"],
        ),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("tenant_id", "requirements_id", "version"),
    )
    op.create_table(
        "definitions",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("process_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("version_tag", sa.Text(), nullable=True),
        sa.Column("resource_key", sa.BigInteger(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=False),
        sa.Column("deployment_key", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("dialect", sa.String(length=32), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("deployed_at", UtcDateTime(), nullable=False),
        sa.Column("suspended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_key"],
            ["deployments.key"],
        ),
        sa.ForeignKeyConstraint(
            ["resource_key"],
            ["resources.key"],
        ),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("tenant_id", "process_id", "version"),
    )
    op.create_table(
        "decisions",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("version_tag", sa.Text(), nullable=True),
        sa.Column("requirements_key", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["requirements_key"],
            ["decision_requirements.key"],
        ),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("tenant_id", "decision_id", "version"),
    )
    op.create_index(op.f("ix_decisions_requirements_key"), "decisions", ["requirements_key"], unique=False)
    op.create_table(
        "instances",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("business_id", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("suspended_at", UtcDateTime(), nullable=True),
        sa.Column("incident_count", sa.Integer(), nullable=False),
        sa.Column("parent_key", sa.BigInteger(), nullable=True),
        sa.Column("parent_element_instance_key", sa.BigInteger(), nullable=True),
        sa.Column("root_key", sa.BigInteger(), nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("partition_key", sa.SmallInteger(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("trace_parent", sa.String(length=64), nullable=True),
        sa.Column("start_key", sa.String(length=255), nullable=True),
        sa.Column("message_key", sa.String(length=255), nullable=True),
        sa.Column("tags", Json(), nullable=True),
        sa.Column("tokens", sa.LargeBinary(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_key"],
            ["definitions.key"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_instances_business_id", "instances", ["business_id"], unique=False)
    op.create_index("ix_instances_definition", "instances", ["definition_key", "state"], unique=False)
    op.create_index(
        "ix_instances_incident",
        "instances",
        ["key"],
        unique=False,
        sqlite_where=sa.text("incident_count > 0"),
        postgresql_where=sa.text("incident_count > 0"),
    )
    op.create_index(
        "ix_instances_message_key",
        "instances",
        ["process_id", "message_key"],
        unique=False,
        sqlite_where=sa.text("message_key IS NOT NULL AND ended_at IS NULL"),
        postgresql_where=sa.text("message_key IS NOT NULL AND ended_at IS NULL"),
    )
    op.create_index("ix_instances_parent", "instances", ["parent_key"], unique=False)
    op.create_index("ix_instances_process", "instances", ["process_id", "version", "state"], unique=False)
    op.create_index("ix_instances_root", "instances", ["root_key"], unique=False)
    op.create_index("ix_instances_started", "instances", ["started_at"], unique=False)
    op.create_index("ix_instances_state", "instances", ["state", "key"], unique=False)
    op.create_index(
        "ux_instances_start_key",
        "instances",
        ["tenant_id", "process_id", "start_key"],
        unique=True,
        sqlite_where=sa.text("start_key IS NOT NULL"),
        postgresql_where=sa.text("start_key IS NOT NULL"),
    )
    op.create_index(
        "ix_instances_unfinished",
        "instances",
        ["key"],
        unique=False,
        sqlite_where=sa.text("steps > 0"),
        postgresql_where=sa.text("steps > 0"),
    )
    op.execute("INSERT INTO key_sequence (name, next) VALUES ('key', 1)")
