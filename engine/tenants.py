"""Tenants: who share one installation, and see nothing of each other.

A tenant is named when something is deployed, and everything that comes of the deployment belongs to it. There is
always the default tenant, which is that of everybody who names none.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from engine import audit, guard, schema
from engine.errors import Conflict, InvalidInput, NotFound, WrongState
from engine.fairness import Lent, Turns
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.database import Database
    from engine.engine import Engine
    from engine.transaction import Transaction

ID = re.compile(r"[A-Za-z0-9_.-]{1,31}")
"""What a tenant may be called (Camunda 8 docs, "Orchestration Cluster REST API", the pattern of `tenantId`)."""
LONGEST_NAME = 200
MOST_STARTS = 1_000_000

CHANGED = "tenants"
"""What is announced when a tenant was added, changed or removed."""

_t = schema.tenants.c
_SHOWN = select(*(_t[name] for name in (
    "id", "name", "description", "starts_per_second", "jobs_at_once", "created_at", "created_by")))
ALL = _SHOWN.order_by(_t.id)
BY_ID = _SHOWN.where(_t.id == bindparam("id"))
CHANGE = (
    update(schema.tenants).where(_t.id == bindparam("b_id"))
    .values(name=bindparam("b_name"), description=bindparam("b_description"),
            starts_per_second=bindparam("b_starts_per_second"), jobs_at_once=bindparam("b_jobs_at_once"))
)
STARTS_LEFT = select(_t.starts_left, _t.starts_counted_at).where(_t.id == bindparam("id")).with_for_update()
COUNT_STARTS = update(schema.tenants).where(_t.id == bindparam("b_id")).values(
    starts_left=bindparam("b_left"), starts_counted_at=bindparam("b_now"))
DELETE = delete(schema.tenants).where(_t.id == bindparam("b_id"))
USES = tuple(
    (noun, select(table.c.tenant_id).where(table.c.tenant_id == bindparam("id")).limit(1))
    for noun, table in (("deployments", schema.deployments), ("process instances", schema.instances),
                        ("messages", schema.messages), ("evaluations of decisions", schema.decision_evaluations))
)
"""What keeps a tenant from being removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant. `starts_per_second` is how many instances start for it in a second on request, `jobs_at_once` how
    many of its jobs workers have at a time; None: all."""

    id: str
    name: str
    description: str | None
    starts_per_second: int | None
    jobs_at_once: int | None
    created_at: datetime
    created_by: str


class Tenants:
    """The tenants as this process knows them, and whose turn it is among them.

    Every hand-out of a job asks `several`, so it is an attribute: where there is one tenant, no statement is more.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns: dict[Collection[str], Turns] = {}
        self._lent: dict[str, Lent] = {}
        self._guard = threading.Lock()
        self.all: tuple[Tenant, ...] = ()
        self.ids: tuple[str, ...] = (DEFAULT_TENANT,)
        self.several = False
        self.jobs_at_once: dict[str, int] = {}
        """How many jobs workers have at a time of those tenants for which it is said."""
        self.refresh()

    def refresh(self) -> None:
        """Look again which there are. Raises what the database raises."""
        with self._database.read() as connection:
            found = read(connection)
        with self._guard:
            self.all = found
            self.ids = tuple(tenant.id for tenant in found)
            self.several = len(found) > 1
            self.jobs_at_once = {each.id: each.jobs_at_once for each in found if each.jobs_at_once is not None}
            self._lent = {
                tenant.id: self._lent_of(tenant.id, tenant.starts_per_second)
                for tenant in found if tenant.starts_per_second is not None
            }

    def _lent_of(self, id: str, per_second: int) -> Lent:
        known = self._lent.get(id)
        return known if known is not None and known.per_second == per_second else Lent(per_second)

    def turns(self, among: Collection[str]) -> Turns:
        """Whose turn it is with one kind of work: each has turns of its own, else two that are asked for in turn would
        each always meet the same tenant."""
        with self._guard:
            if len(self._turns) > 10_000:
                self._turns.clear()
            return self._turns.setdefault(among, Turns())

    def lent(self, id: str) -> Lent | None:
        """What this process may start for a tenant that has a limit."""
        return self._lent.get(id)


def read(connection: Connection) -> tuple[Tenant, ...]:
    """Every tenant, by id."""
    return tuple(Tenant(**row._mapping) for row in connection.execute(ALL))


def all_of_them(engine: Engine) -> tuple[Tenant, ...]:
    """Every tenant, by id."""
    with engine.read() as connection:
        return read(connection)


def get(engine: Engine, id: str) -> Tenant:
    """One tenant. Raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(BY_ID, {"id": id}).first()
    if row is None:
        raise NotFound(missing(id))
    return Tenant(**row._mapping)


def missing(id: str) -> str:
    """The sentence about a tenant that there is not."""
    return f"Expected a tenant {id[:100]!r}, but there is none of that name."


def within(id: str) -> str:
    """Where a sentence looks for something; nothing where it is the default tenant."""
    return "" if id == DEFAULT_TENANT else f" in tenant {id!r}"


def check(tx: Transaction, id: str) -> None:
    """A tenant is there; raises NotFound. Asks the database only about one that this process has not heard of."""
    hidden = tx.seen is not None and not tx.seen.has_tenant(id)
    if hidden or (id not in tx.engine.tenants.ids and tx.first(BY_ID, {"id": id}) is None):
        raise NotFound(missing(id))


def check_now(tx: Transaction, id: str) -> None:
    """The same for a transaction whose work must not be lost to a removal: the database says it. Raises NotFound."""
    if tx.seen is not None and not tx.seen.has_tenant(id):
        raise NotFound(missing(id))
    _found(tx, id)


def may_start(tx: Transaction, id: str) -> bool:
    """Whether one more instance may start for a tenant within its limit, which is that of all nodes; counts it."""
    lent = tx.engine.tenants.lent(id)
    known = True if lent is None else lent.take(tx.now)
    if lent is None or known is not None:
        return bool(known)
    row = tx.first(STARTS_LEFT, {"id": id})
    left = float(lent.per_second)
    if row is not None and row.starts_counted_at is not None:
        passed = max(0.0, (tx.now - row.starts_counted_at).total_seconds())
        left = min(left, row.starts_left + passed * lent.per_second)
    count = lent.share(left)
    if count < 1:
        lent.none_left(left, tx.now)
        return False
    tx.connection.execute(COUNT_STARTS, {"b_id": id, "b_left": left - count, "b_now": tx.now})
    # Kept when they are really taken: nobody gets more by starts that come to nothing.
    tx.after_commit.append(partial(lent.got, count - 1, tx.now))
    return True


def add(tx: Transaction, id: str, *, name: str | None = None, description: str | None = None,
        starts_per_second: int | None = None, jobs_at_once: int | None = None) -> Tenant:
    """Add a tenant. Audited. Raises InvalidInput; Conflict if there is one of that id."""
    if not ID.fullmatch(id):
        raise InvalidInput("Expected the id of a tenant to be 1 to 31 letters, digits, '_', '.' or '-', but it is "
                           f"{id[:100]!r}.")
    row = {"id": id, **_checked(name or id, description, starts_per_second, jobs_at_once), "created_at": tx.now,
           "created_by": tx.actor}
    if tx.first(BY_ID, {"id": id}) is not None:
        raise Conflict(f"Expected a new tenant, but there is one called {id!r} already.")
    tx.connection.execute(insert(schema.tenants), row)
    made = Tenant(**row)
    audit.record(tx, "CREATE", "TENANT", 0, details={"id": id}, after=_told(made))
    tx.announce(CHANGED)
    return made


def _told(tenant: Tenant) -> dict[str, Any]:
    """What the audit trail says of a tenant."""
    return {"name": tenant.name, "description": tenant.description, "starts_per_second": tenant.starts_per_second,
            "jobs_at_once": tenant.jobs_at_once}


def change(tx: Transaction, id: str, *, name: str, description: str | None = None,
           starts_per_second: int | None = None, jobs_at_once: int | None = None) -> Tenant:
    """Give a tenant another name, description or limits. Audited. Raises InvalidInput, NotFound."""
    found = _found(tx, id)
    row = _checked(name, description, starts_per_second, jobs_at_once)
    tx.connection.execute(CHANGE, {f"b_{name}": value for name, value in row.items()} | {"b_id": id})
    audit.record(tx, "CHANGE", "TENANT", 0, details={"id": id}, after=row,
                 before={name: getattr(found, name) for name in row})
    tx.announce(CHANGED)
    return Tenant(id=id, **row, created_at=found.created_at, created_by=found.created_by)


def remove(tx: Transaction, id: str, reason: str) -> None:
    """Remove a tenant that nothing belongs to. Audited.

    Raises InvalidInput (no reason; the default tenant), NotFound, WrongState (something belongs to it).
    """
    why = guard.reason_given(reason, "remove a tenant")
    found = _found(tx, id)
    if id == DEFAULT_TENANT:
        raise InvalidInput("Expected a tenant that was added, but the default one is always there.")
    # A deployment that is under way must be seen, or see that the tenant is gone.
    tx.engine.database.serialize(tx.connection, "deploy")
    for noun, statement in USES:
        if tx.first(statement, {"id": id}) is not None:
            raise WrongState(f"Expected a tenant that nothing belongs to, but {id!r} has {noun}.")
    tx.connection.execute(DELETE, {"b_id": id})
    audit.record(tx, "DELETE", "TENANT", 0, reason=why, details={"id": id}, before=_told(found))
    tx.announce(CHANGED)


def _found(tx: Transaction, id: str) -> Tenant:
    row = tx.first(BY_ID, {"id": id})
    if row is None:
        raise NotFound(missing(id))
    return Tenant(**row._mapping)


def _checked(name: str, description: str | None, starts_per_second: int | None,
             jobs_at_once: int | None) -> dict[str, Any]:
    named = name.strip()
    if not named or len(named) > LONGEST_NAME or not named.isprintable():
        raise InvalidInput(f"Expected a name of 1 to {LONGEST_NAME} printable characters, but found {named[:100]!r}.")
    if starts_per_second is not None and not 1 <= starts_per_second <= MOST_STARTS:
        raise InvalidInput(f"Expected 1 to {MOST_STARTS} starts in a second, but found {starts_per_second}.")
    if jobs_at_once is not None and not 1 <= jobs_at_once <= MOST_STARTS:
        raise InvalidInput(f"Expected 1 to {MOST_STARTS} jobs at once, but found {jobs_at_once}.")
    text = (description or "").strip() or None
    if text is not None and len(text) > 10 * LONGEST_NAME:
        raise InvalidInput(f"Expected a description of at most {10 * LONGEST_NAME} characters, but it has {len(text)}.")
    return {"name": named, "description": text, "starts_per_second": starts_per_second, "jobs_at_once": jobs_at_once}
