"""Changes to who may come in. They are in a file (web.auth.accessfile); who changed it is in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine import audit

if TYPE_CHECKING:
    from engine.transaction import Transaction


def changed(tx: Transaction, operation: str, kind: str, name: str, *, before: Mapping[str, Any] | None = None,
            after: Mapping[str, Any] | None = None) -> None:
    """Note that a `kind`, USER or TOKEN, was added, changed or removed (`operation`); never a password or a token."""
    audit.record(tx, operation, kind, 0, details={"name": name}, before=before, after=after)
