"""Which JSON types a value has: by its JSON Schema, or by the expression that gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpmn import composites
from bpmn.expressions import Expression, Feel, Literal
from bpmn.feel import syntax

NUMBERS = frozenset({"number", "integer"})
EVERY_TYPE = frozenset({"string", "boolean", "object", "array", "null"}) | NUMBERS
TRUTHS = (syntax.Comparison, syntax.Between, syntax.In, syntax.InstanceOf, syntax.Quantified, syntax.Logic)

Schema = Mapping[str, Any]
Types = frozenset[str]


def json_types(description: Schema, schema: Schema) -> Types:
    """The JSON types that a property of a JSON Schema may have."""
    if "$ref" in description:
        return json_types(resolved(description, schema), schema)
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in description:
            return frozenset().union(*(json_types(option, schema) for option in description[alternatives]))
    if "type" in description:
        written = description["type"]
        return frozenset([written] if isinstance(written, str) else written)
    return EVERY_TYPE


def resolved(description: Schema, schema: Schema) -> Schema:
    """A property's description, looked up where it only refers to one."""
    while "$ref" in description:
        description = schema.get("$defs", {}).get(str(description["$ref"]).rsplit("/", 1)[-1], {})
    return description


def fits(given: Types, wanted: Types) -> bool:
    """Whether a value of one of the types `given` may be taken where one of `wanted` is expected."""
    # pydantic reads numbers from text (Decimal is written as text) and the other way round never.
    if wanted & NUMBERS and given & (NUMBERS | {"string"}):
        return True
    return bool(given & wanted)


def types_in_words(types: Types) -> str:
    """The types as a person reads them."""
    return " or ".join(sorted(types))


def types_of(expression: Expression) -> Types | None:
    """The types that the value of an expression may have; None where only the run can tell."""
    if isinstance(expression, Literal):
        return _type_of_value(expression.value)
    if isinstance(expression, composites.ListOf):
        return frozenset({"array"})
    if isinstance(expression, composites.MapOf):
        return frozenset({"object"})
    return _types_of_node(expression.program.node) if isinstance(expression, Feel) else None


def entries_of(expression: Expression) -> frozenset[str] | None:
    """The names of the entries of a context that is written out; None if it is something else."""
    node = expression.program.node if isinstance(expression, Feel) else None
    if isinstance(node, syntax.ContextOf):
        return frozenset(name for name, _ in node.entries)
    return None


def path_of(expression: Expression) -> tuple[str, ...]:
    """`("reservation", "id")` for an expression that is nothing but `reservation.id`; empty for any other."""
    node = expression.program.node if isinstance(expression, Feel) else None
    names: list[str] = []
    while isinstance(node, syntax.Path):
        names.append(node.name)
        node = node.source
    if isinstance(node, syntax.Name):
        return (node.name, *reversed(names))
    text = expression.text.strip()
    bare = text[2:-1].strip() if text[:2] in ("${", "#{") and text.endswith("}") else ""
    return (bare,) if bare.isidentifier() else ()


def _types_of_node(node: syntax.Node) -> Types | None:
    if isinstance(node, syntax.Constant):
        return _type_of_value(node.value)
    if isinstance(node, syntax.ContextOf):
        return frozenset({"object"})
    if isinstance(node, syntax.ListOf | syntax.For):
        return frozenset({"array"})
    if isinstance(node, TRUTHS):
        return frozenset({"boolean", "null"})
    if isinstance(node, syntax.If):
        then, otherwise = _types_of_node(node.then), _types_of_node(node.otherwise)
        return None if then is None or otherwise is None else then | otherwise
    return None


def _type_of_value(value: Any) -> Types | None:
    if value is None:
        return frozenset({"null"})
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, int):
        return NUMBERS
    kinds = {str: "string", float: "number", dict: "object", list: "array", tuple: "array"}
    kind = kinds.get(type(value))
    return None if kind is None else frozenset({kind})
