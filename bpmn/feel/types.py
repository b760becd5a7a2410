"""The types of FEEL: what `instance of` asks, and what parameters convert to (DMN 1.5 §10.3.2.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bpmn.feel.limits import spend
from bpmn.feel.temporal import Date, midnight
from bpmn.feel.values import FUNCTIONS, Builtin, Range, Value, type_name


class Type:
    """A type. Null belongs to every type as a value, but is an instance of `Null` and `Any` only."""

    __slots__ = ()

    @property
    def takes_lists(self) -> bool:
        """Whether its values are lists."""
        return False

    def accepts(self, value: Value) -> bool:
        """Whether a value that is not null is of this type."""
        return True

    def allows(self, value: Value) -> bool:
        """Whether the value is null or of this type."""
        return value is None or self.accepts(value)

    def includes(self, value: Value) -> bool:
        """Whether a value that is not null is an instance; constraints on values do not count."""
        return self.accepts(value)

    def fits(self, other: Type) -> bool:
        """Whether every value of this type is of the `other` one."""
        return other in (self, ANY)

    def convert(self, value: Value) -> Value:
        """The value converted implicitly to this type, or null: a list of one is its element, an element a list
        of one, a date a date and time (DMN 1.5 §10.3.2.9.4)."""
        if value is None or self.accepts(value):
            return value
        if self.takes_lists:
            wrapped = [value]
            return wrapped if self.accepts(wrapped) else None
        if type(value) is list and len(value) == 1 and value[0] is not None and self.accepts(value[0]):
            return value[0]
        if type(value) is Date and self.accepts(midnight(value)):
            return midnight(value)
        return None


@dataclass(frozen=True, slots=True)
class Simple(Type):
    """A type by its name."""

    name: str

    @property
    def takes_lists(self) -> bool:
        return self.name == "list"

    def accepts(self, value: Value) -> bool:
        return self.name == "Any" or type_name(value) == self.name


@dataclass(frozen=True, slots=True)
class ListType(Type):
    """`list<…>`."""

    item: Type

    @property
    def takes_lists(self) -> bool:
        return True

    def accepts(self, value: Value) -> bool:
        if type(value) is not list:
            return False
        spend(len(value))
        return all(self.item.allows(item) for item in value)

    def fits(self, other: Type) -> bool:
        return other == ANY or (isinstance(other, ListType) and self.item.fits(other.item))


@dataclass(frozen=True, slots=True)
class RangeType(Type):
    """`range<…>`."""

    point: Type

    def accepts(self, value: Value) -> bool:
        return type(value) is Range and self.point.allows(value.start) and self.point.allows(value.end)

    def fits(self, other: Type) -> bool:
        return other == ANY or (isinstance(other, RangeType) and self.point.fits(other.point))


@dataclass(frozen=True, slots=True)
class ContextType(Type):
    """`context<…>`: at least these entries."""

    entries: Mapping[str, Type]

    def accepts(self, value: Value) -> bool:
        if not isinstance(value, dict):
            return False
        spend(len(self.entries))
        return all(name in value and kind.allows(value[name]) for name, kind in self.entries.items())

    def fits(self, other: Type) -> bool:
        return other == ANY or (isinstance(other, ContextType) and all(
            name in self.entries and self.entries[name].fits(kind) for name, kind in other.entries.items()))


@dataclass(frozen=True, slots=True)
class FunctionType(Type):
    """`function<…> -> …`."""

    parameters: tuple[Type, ...]
    result: Type

    def accepts(self, value: Value) -> bool:
        if type(value) is Builtin:
            return True
        if type(value) not in FUNCTIONS or len(value.parameters) != len(self.parameters):
            return False
        wanted = all(given is None or mine.fits(given) for mine, given in
                     zip(self.parameters, value.types, strict=True))
        return wanted and (value.result is None or value.result.fits(self.result))


@dataclass(frozen=True, slots=True)
class UnknownType(Type):
    """A type that nobody defined: nothing is known about its instances."""

    name: str


ANY = Simple("Any")
SIMPLE: Mapping[str, Type] = {
    **{name: Simple(name) for name in (
        "Any", "Null", "number", "string", "boolean", "date", "time", "date and time", "days and time duration",
        "years and months duration", "list", "context", "range", "function")},
    "dateTime": Simple("date and time"),
    "dayTimeDuration": Simple("days and time duration"),
    "yearMonthDuration": Simple("years and months duration"),
}


def instance_of(value: Value, kind: Type) -> bool | None:
    """`value instance of type`."""
    if isinstance(kind, UnknownType):
        return None
    if value is None:
        return kind == SIMPLE["Null"]
    return kind.includes(value)
