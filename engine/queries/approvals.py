"""What waits for another person's approval, and what was decided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import schema
from engine.approvals.asking import ApprovalState
from engine.definitions import Resource
from engine.errors import NotFound
from engine.queries.paging import Page, page

if TYPE_CHECKING:
    from engine.engine import Engine

_a, _f = schema.approvals.c, schema.approval_files.c
APPROVALS = select(_a.key, _a.kind, _a.state, _a.operation_key, _a.deployment_key, _a.tenant_id, _a.name, _a.source,
                   _a.content, _a.requester, _a.reason, _a.requested_at, _a.decided_by, _a.decided_at, _a.decision)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """One request (see `engine.schema.approvals`)."""

    key: int
    kind: str
    state: str
    operation_key: int | None
    deployment_key: int | None
    tenant_id: str | None
    name: str | None
    source: str | None
    content: dict[str, Any]
    requester: str
    reason: str | None
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None

    @property
    def is_waiting(self) -> bool:
        """Whether nobody decided yet."""
        return self.state == ApprovalState.WAITING


def approvals(engine: Engine, *, states: Collection[str] = (), kind: str | None = None, limit: int = 50,
              offset: int = 0) -> Page[ApprovalRow]:
    """Requests, the newest first."""
    statement = APPROVALS.order_by(_a.key.desc())
    if states:
        statement = statement.where(_a.state.in_(list(states)))
    if kind is not None:
        statement = statement.where(_a.kind == kind)
    with engine.read() as connection:
        return page(connection, statement, ApprovalRow, limit, offset)


def approval(engine: Engine, key: int) -> ApprovalRow:
    """One request; raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(APPROVALS.where(_a.key == key)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"Expected to find a request for an approval with key {key}, but there is none.")
    return ApprovalRow(**{str(name): row[name] for name in row})


def of_operation(engine: Engine, operation_key: int) -> ApprovalRow | None:
    """The request of an operation, if it needed one."""
    with engine.read() as connection:
        row = connection.execute(APPROVALS.where(_a.operation_key == operation_key)).mappings().one_or_none()
    return None if row is None else ApprovalRow(**{str(name): row[name] for name in row})


def files(engine: Engine, key: int) -> list[Resource]:
    """The files of a deployment that waits; none of one that is decided."""
    with engine.read() as connection:
        rows = connection.execute(
            select(_f.name, _f.content).where(_f.approval_key == key).order_by(_f.position)).all()
    return [Resource(name=row.name, content=row.content) for row in rows]


def waiting(engine: Engine) -> int:
    """How many requests wait."""
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(schema.approvals).where(
            _a.decided_at.is_(None))) or 0
