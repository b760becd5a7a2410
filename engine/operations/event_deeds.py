"""Deeds about what an instance waits for: give it a message or a signal, fire a timer before its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from sqlalchemy import Connection, bindparam, select

from engine import messages, schema, strays, values
from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import firing
from engine.operations.deed import Deed, Done, Target, assigned
from engine.rows import AnyRow

if TYPE_CHECKING:
    from engine.transaction import Transaction

_s, _t = schema.subscriptions.c, schema.timers.c
WAITS = select(_s.key, _s.name, _s.element_id).where(_s.instance_key == bindparam("key")).order_by(_s.key)
TIMERS = select(_t.key, _t.element_id, _t.due_at).where(_t.instance_key == bindparam("key")).order_by(_t.key)


class Deliver(Deed, frozen=True, tag="DELIVER"):
    """Give a message to an instance that waits for it.

    `subscription` is for one instance: the event that waits there gets it, a signal too, whatever the keys say; `kept`
    is the key of a message that is kept or reached nobody, which then is the one that is given.
    """

    final: ClassVar[bool] = True

    message: str = ""
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    subscription: int | None = None
    kept: int | None = None

    def check(self, tx: Transaction) -> None:
        if self.subscription is None and not values.name(self.message, "the name of a message"):
            raise InvalidInput("Expected the name of a message, but it is empty.")
        if self.kept is not None and self.subscription is None:
            raise InvalidInput("Expected the subscription that is to get the kept message, but none was given.")
        values.checked(self.variables)

    def _waiting(self, connection: Connection, key: int) -> list[AnyRow]:
        return [row for row in connection.execute(WAITS, {"key": key}).all()
                if (row.name == self.message if self.subscription is None else row.key == self.subscription)]

    def told(self, connection: Connection, target: Target) -> list[str]:
        name = self.message or next((row.name for row in self._waiting(connection, target.key)), "")
        said = [f"Gets the message {name}."] if name else []
        return [*said, *assigned(connection, target.key, self.variables)]

    def elements(self, connection: Connection, target: Target) -> Sequence[str]:
        return [row.element_id for row in self._waiting(connection, target.key)
                if row.element_id in target.process.elements]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        if self.subscription is None:
            messages.correlate(tx, self.message, instance_key=key, variables=self.variables, start=False,
                               tenant_id=str(tx.instance_rows[key]["instance_tenant_id"]))
            return Done()
        tx.rows.flush()
        if not self._waiting(tx.connection, key):
            raise NotFound(f"Expected instance {key} to wait with subscription {self.subscription}, but it does not: "
                           f"it may have got its event meanwhile.")
        if self.kept is None:
            firing.deliver(tx, self.subscription, self.variables, reason)
        else:
            strays.deliver(tx, self.kept, self.subscription, reason)
        return Done()


class Fire(Deed, frozen=True, tag="FIRE"):
    """Fire what waits for a time now: the timers of one `element`, or one `timer`; without both every open timer."""

    final: ClassVar[bool] = True

    element: str | None = None
    timer: int | None = None

    def _meant(self, connection: Connection, key: int) -> list[AnyRow]:
        return [row for row in connection.execute(TIMERS, {"key": key}).all()
                if self.element in (None, row.element_id) and self.timer in (None, row.key)]

    def told(self, connection: Connection, target: Target) -> list[str]:
        return [f"The timer of {target.names.get(row.element_id, row.element_id)} fires now, and not at "
                f"{row.due_at:%Y-%m-%d %H:%M:%S} UTC." for row in self._meant(connection, target.key)[:10]]

    def elements(self, connection: Connection, target: Target) -> Sequence[str]:
        return [row.element_id for row in self._meant(connection, target.key)
                if row.element_id in target.process.elements]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        tx.rows.flush()
        meant = self._meant(tx.connection, key)
        if not meant and self.timer is not None:
            raise NotFound(f"Expected to find an open timer with key {self.timer}, but there is none: it may have "
                           f"fired meanwhile.")
        if not meant:
            where = f"an open timer at {self.element!r}" if self.element else "an open timer"
            raise WrongState(f"Expected {where}, but there is none.")
        for row in meant:
            firing.fire(tx, row.key, reason)
        return Done()
