"""The syntax tree of FEEL (DMN 1.5 §10.3.1.2). `position` is the offset in the text, for messages."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that has a value."""


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable or a function of the library."""

    name: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`source.name`."""

    source: Node
    name: str


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """`source[condition]`."""

    source: Node
    condition: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """`and` or `or` of two or more."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """A chain of operators of one precedence, left to right: `first - a + b`."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`left < right`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """`-operand`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`value between low and high`."""

    value: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    """`value in (test, …)`."""

    value: Node
    tests: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class InstanceOf(Node):
    """`value instance of type`."""

    value: Node
    type: Any


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if condition then … else …`."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for name in list, … return body`."""

    iterators: tuple[tuple[str, Node], ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """`some` (or `every`) … `satisfies`."""

    some: bool
    iterators: tuple[tuple[str, Node], ...]
    condition: Node


@dataclass(frozen=True, slots=True)
class Interval(Node):
    """`[start..end)`."""

    start: Node
    end: Node
    start_included: bool
    end_included: bool
    may_descend: bool = False
    """The `3..1` of a loop, which other ranges may not be."""


@dataclass(frozen=True, slots=True)
class Test(Node):
    """A unary test with an operator, `< 5`. As a value it is a range."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[item, …]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ContextOf(Node):
    """`{key: value, …}`."""

    entries: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class FunctionOf(Node):
    """`function(a, b) body`."""

    parameters: tuple[str, ...]
    types: tuple[Any, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class External(Node):
    """`function(…) external {…}`: Java or PMML, which this engine does not load."""


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(arguments)`; `names` if they are given by name."""

    function: Node
    arguments: tuple[Node, ...]
    names: tuple[str, ...] | None
    position: int = 0


@dataclass(frozen=True, slots=True)
class UnaryTests(Node):
    """The text of a decision table's input entry; no tests is `-`, which every value passes."""

    tests: tuple[Node, ...]
    negated: bool = False


def children(node: Node) -> list[Node]:
    """The nodes directly below."""
    found: list[Node] = []
    for field in fields(node):
        _collect(getattr(node, field.name), found)
    return found


def _collect(value: Any, found: list[Node]) -> None:
    if isinstance(value, Node):
        found.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found)
