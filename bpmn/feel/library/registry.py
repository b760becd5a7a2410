"""How functions of the library are declared, and how arguments are fitted to their parameters.

A signature is a text such as `"string: text, start position: integer, length?: integer"`: names as in DMN 1.5
§10.3.4, kinds from `KINDS`, `?` behind a name that may be left out or null. A function with several signatures takes
the first that fits. Arguments that fit none give null with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from bpmn.feel.limits import warn
from bpmn.feel.temporal import Date, DateTime, DaysDuration, MonthsDuration, Time, midnight
from bpmn.feel.values import FUNCTIONS, NUMBERS, Builtin, Range, Value, decimal, type_name

F = TypeVar("F", bound=Callable[..., Value])

BUILTINS: dict[str, Builtin] = {}

KINDS: Mapping[str, frozenset[type]] = {
    "text": frozenset({str}),
    "number": NUMBERS,
    "integer": NUMBERS,
    "boolean": frozenset({bool}),
    "list": frozenset({list}),
    "context": frozenset({dict}),
    "function": FUNCTIONS,
    "range": frozenset({Range}),
    "date": frozenset({Date}),
    "time": frozenset({Time}),
    "datetime": frozenset({DateTime}),
    "day": frozenset({Date, DateTime}),
    "temporal": frozenset({Date, DateTime, Time}),
    "duration": frozenset({DaysDuration, MonthsDuration}),
    "days": frozenset({DaysDuration}),
    "months": frozenset({MonthsDuration}),
}


class Unfit(Exception):
    """An argument is not what the function takes; the message says why."""


class Parameter:
    """One parameter of a signature; of kind "any" it takes everything, null too."""

    __slots__ = ("_accepted", "_finish", "kind", "name", "optional")

    def __init__(self, name: str, kind: str, optional: bool) -> None:
        self.name = name
        self.kind = kind
        self.optional = optional
        self._accepted = KINDS.get(kind, frozenset())
        self._finish: Callable[[Value], Value] | None = _FINISH.get(kind)

    def fit(self, value: Value) -> Value:
        """The argument converted implicitly. Raises Unfit."""
        if type(value) not in self._accepted:
            if self.kind == "any" or (value is None and self.optional):
                return value
            value = self._convert(value)
        return value if self._finish is None else self._finish(value)

    def _convert(self, value: Value) -> Value:
        if self.kind == "context" and isinstance(value, dict):
            return value
        if self.kind == "list" and value is not None:
            return [value]
        if type(value) is list and len(value) == 1 and type(value[0]) in self._accepted:
            return value[0]
        if type(value) is Date and DateTime in self._accepted:
            return midnight(value)
        raise Unfit(f"Expected a {self.kind} as `{self.name}`, but it is {_article(type_name(value))}.")


_FINISH: Mapping[str, Callable[[Value], Value]] = {"number": decimal, "integer": lambda value: int(decimal(value))}


def _article(name: str) -> str:
    return "null" if name == "Null" else f"a {name}"


def read_signature(text: str) -> tuple[Parameter, ...]:
    """The parameters that a signature's text declares."""
    found: list[Parameter] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, kind = (word.strip() for word in part.rsplit(":", 1))
        found.append(Parameter(name.rstrip("?"), kind, name.endswith("?")))
    return tuple(found)


def builtin(name: str, *signatures: str, spread: bool = False) -> Callable[[F], F]:
    """Put a function into the library.

    Arguments: the FEEL name, its signatures, and `spread` if `f(a, b, c)` means `f([a, b, c])`.
    """

    def register(function: F) -> F:
        overloads = [read_signature(text) for text in signatures]

        def invoke(positional: list[Value], named: dict[str, Value] | None) -> Value:
            if spread and named is None and len(positional) != 1:
                return _run(name, function, (list(positional),)) if positional else None
            return _choose(name, function, overloads, positional, named)

        BUILTINS[name] = Builtin(name, invoke, signatures)
        return function

    return register


def variadic(name: str) -> Callable[[F], F]:
    """Put a function into the library that takes any number of arguments by position."""

    def register(function: F) -> F:
        def invoke(positional: list[Value], named: dict[str, Value] | None) -> Value:
            arguments = positional if named is None else list(named.values())
            return _run(name, function, (arguments,)) if arguments else None

        BUILTINS[name] = Builtin(name, invoke, ("list: list, …",))
        return function

    return register


def _choose(name: str, function: Callable[..., Value], overloads: Sequence[Sequence[Parameter]],
            positional: list[Value], named: dict[str, Value] | None) -> Value:
    reason = f"Expected the arguments that `{name}` takes, but there are others."
    for parameters in overloads:
        given = _by_position(parameters, positional) if named is None else _by_name(parameters, named)
        if given is None:
            continue
        try:
            arguments = [parameter.fit(value) for parameter, value in zip(parameters, given, strict=True)]
        except Unfit as unfit:
            reason = str(unfit)
            continue
        except ArithmeticError:
            continue
        return _run(name, function, arguments)
    warn(f"`{name}`: {reason}")
    return None


def _by_position(parameters: Sequence[Parameter], values: list[Value]) -> list[Value] | None:
    if len(values) == len(parameters):
        return values
    missing = parameters[len(values):]
    if len(values) > len(parameters) or not all(parameter.optional for parameter in missing):
        return None
    return values + [None] * len(missing)


def _by_name(parameters: Sequence[Parameter], values: Mapping[str, Value]) -> list[Value] | None:
    names = {parameter.name for parameter in parameters}
    if not values.keys() <= names:
        return None
    if any(parameter.name not in values and not parameter.optional for parameter in parameters):
        return None
    return [values.get(parameter.name) for parameter in parameters]


def _run(name: str, function: Callable[..., Value], arguments: Sequence[Value]) -> Value:
    try:
        return function(*arguments)
    except (Unfit, ValueError, ArithmeticError) as error:
        warn(f"`{name}`: no such number." if isinstance(error, ArithmeticError) else f"`{name}`: {error}")
        return None
