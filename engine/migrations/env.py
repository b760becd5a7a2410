"""Runs the revisions on the connection that `engine.upgrade` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from engine import schema

context.configure(connection=context.config.attributes["connection"], target_metadata=schema.metadata)
with context.begin_transaction():
    context.run_migrations()
