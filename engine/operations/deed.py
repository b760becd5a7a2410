"""What every kind of deed has in common: what it is done to, what it tells beforehand, and what it set going."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from sqlalchemy import Connection, bindparam, select

from bpmn.model import Process
from engine import schema
from engine.columns import to_json
from engine.errors import InvalidInput
from engine.rows import AnyRow

if TYPE_CHECKING:
    from engine.transaction import Transaction

LONGEST_SHOWN = 200
MOST_RETRIES = 1_000

_v = schema.variables.c
VARIABLE = select(_v.name, _v.value).where(
    _v.instance_key == bindparam("key"), _v.scope_key == bindparam("scope"), ~_v.ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a deed is done to: an instance, its process and state. `names` are what people call the elements."""

    key: int
    process: Process
    state: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a deed set going: jobs that workers have again, and the instance that goes on, where it is another one."""

    jobs: Sequence[int] = ()
    made: int | None = None


class Deed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", rename="camel", forbid_unknown_fields=True):
    """One kind of deed with its parameters."""

    on_instances: ClassVar[bool] = True
    """Whether it is done to instances; else to a service."""
    final: ClassVar[bool] = False
    """Whether nothing takes it back."""
    settles: ClassVar[bool] = False
    """Whether it is done for certain as soon as it is carried out; else it is watched what comes of it."""

    def check(self, tx: Transaction) -> None:
        """Raises InvalidInput or NotFound for parameters that fit no instance."""

    def told(self, connection: Connection, target: Target) -> list[str]:
        """What it would change, beside where the instance is."""
        return []

    def elements(self, connection: Connection, target: Target) -> Sequence[str]:
        """The elements at which it puts tokens."""
        return ()

    def jobs(self, connection: Connection, target: Target) -> list[AnyRow]:
        """The jobs that workers would get once more."""
        return []

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        """Carry it out; raises what its command raises."""
        raise NotImplementedError


def shown(value: Any) -> str:
    """A value as a sentence shows it."""
    text = to_json(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN - 1]}…"


def check_retries(retries: int | None) -> None:
    """Raises InvalidInput for a number of attempts that no job could have."""
    if retries is not None and not 1 <= retries <= MOST_RETRIES:
        raise InvalidInput(f"Expected 1 to {MOST_RETRIES} attempts, but found {retries}.")


def assigned(connection: Connection, key: int, content: Mapping[str, Any], scope: int | None = None) -> list[str]:
    """What setting variables would change: each with its value of now and the new one."""
    before = {row.name: row.value for row in connection.execute(VARIABLE, {"key": key, "scope": scope or key})}
    return [f"{name}: {shown(before[name]) if name in before else 'not set'} → {shown(value)}"
            for name, value in list(content.items())[:20]]


def removed(connection: Connection, key: int, names: Sequence[str], scope: int | None = None) -> list[str]:
    """What removing variables would change."""
    before = {row.name: row.value for row in connection.execute(VARIABLE, {"key": key, "scope": scope or key})}
    return [f"{name}: {shown(before[name])} → not set" if name in before else f"{name}: not set, and stays so"
            for name in names[:20]]
