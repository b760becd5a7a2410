"""Failed attempts of jobs, one by one, with what their workers had to say at length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import RowMapping

from engine import live as lives
from engine import schema, values

if TYPE_CHECKING:
    from engine.transaction import Transaction


def record(tx: Transaction, job: RowMapping, retries: int, message: str, details: str | None) -> str:
    """Write down that an attempt failed; `retries` is how many are left, `details` what is too long for a message.

    Gives the message as it may be told: without what is hidden (`engine.masking`).
    """
    # A worker may repeat what it was given.
    seen = [{row.name: row.value} for row in tx.select(lives.VARIABLES, {"key": job["instance_key"]})]
    message = tx.engine.masking.without(message, seen)
    details = tx.engine.masking.without(details, seen) if details else details
    tx.rows.insert(schema.job_failures, {
        "key": tx.key(), "instance_key": job["instance_key"], "job_key": job["key"], "worker": job["locked_by"],
        "retries": retries, "message": values.text(message), "details": values.text(details), "failed_at": tx.now,
    })
    return message
