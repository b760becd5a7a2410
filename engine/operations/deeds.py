"""What can be done to an instance (or a service) by an operation: each kind is a value that is kept with its plan.

A deed is carried out by the same commands as everywhere. It also says what it would change, in words, and from which
elements what services did may happen once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from sqlalchemy import Connection, bindparam, select

from bpmn.interpreter import Put, Take
from bpmn.model import ElementType
from engine import incidents, instances, messages, schema, values, variables
from engine.errors import InvalidInput, WrongState
from engine.operations import migration, modification, restarting
from engine.operations.deed import LONGEST_SHOWN, Deed, Done, Target, assigned, check_retries
from engine.operations.modification import Move
from engine.rows import AnyRow
from engine.states import IncidentState, InstanceState
from engine.work import holds, jobs

if TYPE_CHECKING:
    from engine.transaction import Transaction

_n, _j, _d, _s = (table.c for table in (schema.incidents, schema.jobs, schema.definitions, schema.subscriptions))
FAILED = select(_n.key, _n.element_id, _n.message, _n.job_key, _n.type).where(
    _n.instance_key == bindparam("key"), _n.state == IncidentState.ACTIVE.value).order_by(_n.key)
OPEN_JOBS = select(schema.jobs).where(_j.instance_key == bindparam("key"), _j.ended_at.is_(None)).order_by(_j.key)
JOB = select(schema.jobs).where(_j.key == bindparam("key"))
VERSION = select(_d.process_id, _d.version).where(_d.key == bindparam("key"))
WAITS_AT = select(_s.element_id).where(_s.instance_key == bindparam("key"), _s.name == bindparam("name"))


class Retry(Deed, frozen=True, tag="RETRY"):
    """Try again what failed: every open incident that is clear, or those of one element, or one `incident`."""

    retries: int | None = None
    element: str | None = None
    incident: int | None = None

    def check(self, tx: Transaction) -> None:
        check_retries(self.retries)

    def _meant(self, connection: Connection, key: int) -> tuple[list[AnyRow], list[AnyRow]]:
        """The incidents that are meant: those that can be tried again, and those in doubt."""
        clear: list[AnyRow] = []
        doubtful: list[AnyRow] = []
        for row in connection.execute(FAILED, {"key": key}).all():
            if self.element not in (None, row.element_id) or self.incident not in (None, row.key):
                continue
            job = connection.execute(JOB, {"key": row.job_key}).first() if row.job_key is not None else None
            (doubtful if job is not None and incidents.is_doubtful(job) else clear).append(row)
        return clear, doubtful

    def told(self, connection: Connection, target: Target) -> list[str]:
        clear, doubtful = self._meant(connection, target.key)
        said = [f"Tries again {target.names.get(row.element_id, row.element_id)}, which failed: "
                f"{row.message[:LONGEST_SHOWN]}" for row in clear[:5]]
        if len(clear) > 5:
            said.append(f"Tries again {len(clear) - 5} more elements that failed.")
        if doubtful:
            said.append(f"Leaves {len(doubtful)} calls in doubt: decide each at its incident.")
        return said

    def jobs(self, connection: Connection, target: Target) -> list[AnyRow]:
        clear, _ = self._meant(connection, target.key)
        found = [connection.execute(JOB, {"key": row.job_key}).first() for row in clear if row.job_key is not None]
        return [job for job in found if job is not None]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        tx.rows.flush()
        clear, doubtful = self._meant(tx.connection, key)
        if not clear and doubtful:
            raise WrongState("Expected something that can simply be tried again, but each failed call is in doubt: "
                             "decide it at its incident.")
        if not clear:
            raise WrongState("Expected something that failed, but there is no open incident.")
        for row in clear:
            incidents.resolve(tx, row.key, retries=self.retries, reason=reason)
        return Done(jobs=[row.job_key for row in clear if row.job_key is not None])


class Suspend(Deed, frozen=True, tag="SUSPEND"):
    """Let an instance rest, with all that it called."""

    settles: ClassVar[bool] = True

    def told(self, connection: Connection, target: Target) -> list[str]:
        return ["Rests until it is resumed: no service is called and no timer fires."]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        instances.suspend(tx, key, reason)
        return Done()


class Resume(Deed, frozen=True, tag="RESUME"):
    """Let a suspended instance go on."""

    def told(self, connection: Connection, target: Target) -> list[str]:
        return ["Goes on. Timers that fell due meanwhile fire, and answers that came meanwhile count."]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        instances.resume(tx, key, reason)
        return Done()


class Cancel(Deed, frozen=True, tag="CANCEL"):
    """End an instance and all that it called."""

    final: ClassVar[bool] = True
    settles: ClassVar[bool] = True

    def told(self, connection: Connection, target: Target) -> list[str]:
        return ["Ends for good, and so does all that it called. What services did stays done."]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        instances.cancel(tx, key, reason)
        return Done()


class Modify(Deed, frozen=True, tag="MODIFY"):
    """Put, take and move tokens."""

    final: ClassVar[bool] = True

    puts: list[Put] = msgspec.field(default_factory=list)
    takes: list[Take] = msgspec.field(default_factory=list)
    moves: list[Move] = msgspec.field(default_factory=list)

    def check(self, tx: Transaction) -> None:
        if not (self.puts or self.takes or self.moves):
            raise InvalidInput("Expected tokens to put, take or move, but none was given.")

    def told(self, connection: Connection, target: Target) -> list[str]:
        name = target.names.get
        said = [f"Puts a token {'behind' if put.after else 'at'} {name(put.element, put.element)}."
                for put in self.puts if put.element]
        said += [f"Takes the tokens of {name(take.element, take.element)}." for take in self.takes if take.element]
        said += [f"Moves the tokens of {name(move.source, move.source)} to {name(move.target, move.target)}."
                 for move in self.moves if move.source]
        return said

    def elements(self, connection: Connection, target: Target) -> Sequence[str]:
        return [*(put.element for put in self.puts if put.element), *(move.target for move in self.moves)]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        modification.modify(tx, key, self.puts, self.takes, moves=self.moves, reason=reason)
        return Done()


class Migrate(Deed, frozen=True, tag="MIGRATE"):
    """Let an instance go on in another definition; `mapping` has the elements that are called otherwise there."""

    definition_key: int
    mapping: dict[str, str] = msgspec.field(default_factory=dict)
    variables: dict[str, Any] = msgspec.field(default_factory=dict)

    def check(self, tx: Transaction) -> None:
        migration.plan(tx.engine, (), self.definition_key, self.mapping)
        values.checked(self.variables)

    def told(self, connection: Connection, target: Target) -> list[str]:
        version = connection.execute(VERSION, {"key": self.definition_key}).one()
        said = [f"Goes on in version {version.version} of {version.process_id}."]
        return said + assigned(connection, target.key, self.variables)

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        migration.migrate(tx, key, self.definition_key, self.mapping, reason=reason)
        if self.variables:
            variables.set(tx, key, self.variables, reason=reason)
        return Done()


class Restart(Deed, frozen=True, tag="RESTART"):
    """Let an instance go on from elements of its past; one that has ended as a new one."""

    elements_: list[str] = msgspec.field(default_factory=list, name="elements")
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    definition_key: int | None = None

    def check(self, tx: Transaction) -> None:
        values.checked(self.variables)
        if self.definition_key is not None:
            tx.definition(self.definition_key)

    def told(self, connection: Connection, target: Target) -> list[str]:
        where = ", ".join(target.names.get(id, id) for id in self.elements_) or "its start"
        again = target.state == InstanceState.ACTIVE
        said = [f"Goes on from {where}, its other tokens are taken." if again else f"A new instance starts at {where}."]
        return said + assigned(connection, target.key, self.variables)

    def elements(self, connection: Connection, target: Target) -> Sequence[str]:
        known = target.process.elements
        if self.elements_:
            # Another version may have elements that did nothing in this one.
            return [id for id in self.elements_ if self.definition_key is None or id in known]
        return [id for id, element in known.items()
                if element.type == ElementType.START_EVENT and element.scope == target.process.id]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        made = restarting.restart(tx, key, self.elements_, variables=self.variables,
                                  definition_key=self.definition_key, reason=reason)
        return Done(made=None if made == key else made)


class SetVariables(Deed, frozen=True, tag="SET_VARIABLES"):
    """Set variables of an instance, each where it is visible from there, else at the top. `scope` is for one instance:
    the key of an element instance of it."""

    variables: dict[str, Any]
    scope: int | None = None

    def check(self, tx: Transaction) -> None:
        if not self.variables:
            raise InvalidInput("Expected variables to set, but none was given.")
        values.checked(self.variables)

    def told(self, connection: Connection, target: Target) -> list[str]:
        return assigned(connection, target.key, self.variables, self.scope)

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        variables.set(tx, self.scope or key, self.variables, local=self.scope is not None, reason=reason)
        return Done()


class Deliver(Deed, frozen=True, tag="DELIVER"):
    """Give a message to an instance that waits for it."""

    final: ClassVar[bool] = True

    message: str
    variables: dict[str, Any] = msgspec.field(default_factory=dict)

    def check(self, tx: Transaction) -> None:
        if not values.name(self.message, "the name of a message"):
            raise InvalidInput("Expected the name of a message, but it is empty.")
        values.checked(self.variables)

    def told(self, connection: Connection, target: Target) -> list[str]:
        return [f"Gets the message {self.message}.", *assigned(connection, target.key, self.variables)]

    def elements(self, connection: Connection, target: Target) -> Sequence[str]:
        found = connection.scalars(WAITS_AT, {"key": target.key, "name": self.message}).all()
        return [id for id in found if id in target.process.elements]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        messages.correlate(tx, self.message, instance_key=key, variables=self.variables, start=False,
                           tenant_id=str(tx.instance_rows[key]["instance_tenant_id"]))
        return Done()


class SetRetries(Deed, frozen=True, tag="SET_RETRIES"):
    """Change how many attempts the open jobs of an instance have left; those of one service, if it is named."""

    settles: ClassVar[bool] = True

    retries: int
    service: str | None = None

    def check(self, tx: Transaction) -> None:
        check_retries(self.retries)

    def _meant(self, connection: Connection, key: int) -> list[AnyRow]:
        rows = connection.execute(OPEN_JOBS, {"key": key}).all()
        return [row for row in rows if self.service in (None, row.type)]

    def told(self, connection: Connection, target: Target) -> list[str]:
        return [f"{target.names.get(job.element_id, job.element_id)}: {job.retries} → {self.retries} attempts left."
                for job in self._meant(connection, target.key)[:10]]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        tx.rows.flush()
        meant = self._meant(tx.connection, key)
        if not meant:
            what = f"an open job of service {self.service!r}" if self.service else "an open job"
            raise WrongState(f"Expected {what}, but there is none.")
        for job in meant:
            jobs.set_retries(tx, job.key, self.retries)
        return Done()


class Hold(Deed, frozen=True, tag="HOLD"):
    """Hand out no more jobs of a service."""

    on_instances: ClassVar[bool] = False
    settles: ClassVar[bool] = True

    service: str

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        holds.hold(tx, self.service, reason)
        return Done()


class Release(Deed, frozen=True, tag="RELEASE"):
    """Hand out the jobs of a service again."""

    on_instances: ClassVar[bool] = False
    settles: ClassVar[bool] = True

    service: str

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        holds.release(tx, self.service, reason)
        return Done()


AnyDeed = (Retry | Suspend | Resume | Cancel | Modify | Migrate | Restart | SetVariables | Deliver | SetRetries
           | Hold | Release)
KINDS: dict[str, type[Deed]] = {
    str(cls.__struct_config__.tag): cls
    for cls in (Retry, Suspend, Resume, Cancel, Modify, Migrate, Restart, SetVariables, Deliver, SetRetries, Hold,
                Release)
}
"""The kinds by their words."""


def deed_of(kind: str, parameters: Mapping[str, Any]) -> Deed:
    """The deed of a kind with these parameters. Raises InvalidInput."""
    if kind not in KINDS:
        raise InvalidInput(f"Expected a kind out of {', '.join(KINDS)}, but found {kind[:40]!r}.")
    try:
        # Keys come as texts of digits, because JavaScript's numbers do not hold them.
        made: Deed = msgspec.convert({**parameters, "kind": kind}, KINDS[kind], strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"Expected parameters for {kind}, but: {error}.") from None
    return made


def parameters_of(deed: Deed) -> dict[str, Any]:
    """The parameters of a deed, as they are kept; those that say nothing are left out."""
    everything: dict[str, Any] = msgspec.to_builtins(deed)
    return {name: value for name, value in everything.items() if name != "kind" and value not in (None, [], {})}
