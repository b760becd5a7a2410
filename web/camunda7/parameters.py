"""The parameters of lists, each as what it means for the engine's search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.errors import InvalidInput
from engine.queries.criteria import Criterion
from engine.schema import DEFAULT_TENANT
from web.body import Body, printable, shown
from web.camunda7 import formats
from web.camunda7.listing import ReadCriteria, ReadValue, as_flag, as_number, as_text, as_texts

COMPARISONS = {"eq": "eq", "neq": "neq", "gt": "gt", "gteq": "gte", "lt": "lt", "lteq": "lte", "like": "like"}


def as_key(value: Any, name: str) -> int:
    """The key that an id stands for. Raises InvalidInput."""
    return formats.key(as_text(value, name))


def as_definition(value: Any, name: str) -> int:
    """The key in the id of a definition. Raises InvalidInput."""
    return formats.definition_key(as_text(value, name))


def field(name: str, operator: str = "eq", read: ReadValue = as_text) -> ReadCriteria:
    """A parameter that is compared with a field."""
    return lambda value, where: [Criterion(name, operator, read(value, where))]


def key(name: str) -> ReadCriteria:
    """The id of something."""
    return field(name, read=as_key)


def definition(name: str = "definition_key") -> ReadCriteria:
    """The id of a definition."""
    return field(name, read=as_definition)


def any_of(name: str, operator: str = "in") -> ReadCriteria:
    """One of several texts."""
    return field(name, operator, as_texts)


def any_key_of(name: str, read: Callable[[str], int] = formats.key) -> ReadCriteria:
    """One of several ids."""
    return lambda value, where: [Criterion(name, "in", [read(each) for each in as_texts(value, where)])]


def like(name: str) -> ReadCriteria:
    """A text with `%` for anything and `_` for one character."""
    return field(name, "like", _pattern)


def _pattern(value: Any, name: str) -> str:
    made = ""
    for character in as_text(value, name):
        made += {"%": "*", "_": "?", "*": "\\*", "?": "\\?", "\\": "\\\\"}.get(character, character)
    return made


def before(name: str) -> ReadCriteria:
    """Not after a time."""
    return field(name, "lte", formats.moment)


def after(name: str) -> ReadCriteria:
    """Not before a time."""
    return field(name, "gte", formats.moment)


def at(name: str) -> ReadCriteria:
    """At a time, exactly."""
    return field(name, "eq", formats.moment)


def at_least(name: str) -> ReadCriteria:
    """A number or more."""
    return field(name, "gte", as_number)


def at_most(name: str) -> ReadCriteria:
    """A number or less."""
    return field(name, "lte", as_number)


def only_if(name: str, operator: str, value: Any) -> ReadCriteria:
    """A flag that limits the list when it is true; false is as good as absent."""
    return lambda given, where: [Criterion(name, operator, value)] if as_flag(given, where) else []


TENANTS: dict[str, ReadCriteria] = {
    "tenantIdIn": any_of("tenant_id"), "withoutTenantId": only_if("tenant_id", "eq", DEFAULT_TENANT),
}


def variables(name: str = "variable") -> ReadCriteria:
    """Variables that a thing must have: `name_operator_value,…` in the address, a list of objects in a body.

    In the address every value is a text (Camunda 7 REST reference, "Get Instances", variables).
    """
    def read(value: Any, where: str) -> list[Criterion]:
        given = _written_out(value, where) if isinstance(value, str) else Body({where: value}).inners(where)
        criteria = []
        for each in given:
            operator = COMPARISONS.get(each.required_text("operator"))
            if operator is None:
                raise InvalidInput(f"Expected '{where}' to use {', '.join(COMPARISONS)}, "
                                   f"but found {shown(each.text('operator'))}.")
            wanted = each.content.get("value")
            if operator == "like":
                # The engine compares patterns with the value as JSON, in which texts have quotes.
                wanted = f'"{_pattern(wanted, where)}"'
            compared = Criterion("value", operator, wanted)
            criteria.append(Criterion(name, "has", (each.required_text("name"), [compared])))
        return criteria
    return read


def _written_out(value: str, where: str) -> list[Body]:
    found = []
    for each in printable(value, where).split(","):
        name, operator, wanted = _parts(each, where)
        found.append(Body({"name": name, "operator": operator, "value": wanted}, where))
    return found


def _parts(text: str, where: str) -> tuple[str, str, str]:
    """Name, operator and value: names may have underscores too, so the first operator between two of them counts."""
    words = text.split("_")
    for place in range(1, len(words) - 1):
        if words[place] in COMPARISONS:
            return "_".join(words[:place]), words[place], "_".join(words[place + 1:])
    raise InvalidInput(f"Expected '{where}' to be like 'amount_eq_5', but found {shown(text)}.")
