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
from engine import instances, schema, values, variables
from engine.errors import InvalidInput
from engine.operations import migration, modification, restarting
from engine.operations.deed import Deed, Done, Target, assigned, removed
from engine.operations.event_deeds import Deliver, Fire
from engine.operations.failure_deeds import Decide, Retry, SetRetries
from engine.operations.modification import Move
from engine.states import InstanceState
from engine.work import holds

if TYPE_CHECKING:
    from engine.transaction import Transaction

_d = schema.definitions.c
_e = schema.element_instances.c
ELEMENTS = select(_e.key, _e.element_id).where(
    _e.instance_key == bindparam("key"), _e.key.in_(bindparam("keys", expanding=True)))
VERSION = select(_d.process_id, _d.version).where(_d.key == bindparam("key"))


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
        keys = [take.key for take in self.takes if take.key] + [move.key for move in self.moves if move.key]
        found = connection.execute(ELEMENTS, {"key": target.key, "keys": keys}).all() if keys else ()
        at = {row[0]: row[1] for row in found}
        said = [f"Puts a token {'behind' if put.after else 'at'} {name(put.element, put.element)}."
                for put in self.puts if put.element]
        said += [f"Takes the tokens of {name(take.element, take.element)}." for take in self.takes if take.element]
        said += [f"Takes one token of {name(at[take.key], at[take.key])}: {take.key}." for take in self.takes
                 if take.key in at]
        said += [f"Moves the tokens of {name(move.source, move.source)} to {name(move.target, move.target)}."
                 for move in self.moves if move.source]
        said += [f"Moves one token of {name(at[move.key], at[move.key])} to {name(move.target, move.target)}: "
                 f"{move.key}." for move in self.moves if move.key in at]
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
    """Set variables of an instance, each where it is visible from there, else at the top, and `remove` others there.

    `scope` is for one instance: the key of an element instance of it.
    """

    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    remove: list[str] = msgspec.field(default_factory=list)
    scope: int | None = None

    def check(self, tx: Transaction) -> None:
        if not self.variables and not self.remove:
            raise InvalidInput("Expected variables to set or to remove, but none was given.")
        both = sorted(set(self.remove) & self.variables.keys())
        if both:
            raise InvalidInput(f"Expected each variable to be set or removed, but both are asked for {both[0]!r}.")
        values.checked(self.variables)
        for name in self.remove:
            if not values.name(name, "the name of a variable"):
                raise InvalidInput("Expected the names of the variables to remove, but one is empty.")

    def told(self, connection: Connection, target: Target) -> list[str]:
        return (assigned(connection, target.key, self.variables, self.scope)
                + removed(connection, target.key, self.remove, self.scope))

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        scope, local = self.scope or key, self.scope is not None
        if self.variables:
            variables.set(tx, scope, self.variables, local=local, reason=reason)
        if self.remove:
            variables.remove(tx, scope, self.remove, local=local, reason=reason)
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


KINDS: dict[str, type[Deed]] = {
    str(cls.__struct_config__.tag): cls
    for cls in (Retry, Suspend, Resume, Cancel, Modify, Migrate, Restart, SetVariables, Deliver, Fire, SetRetries,
                Decide, Hold, Release)
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
