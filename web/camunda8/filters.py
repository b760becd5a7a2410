"""Filters that look at what belongs to a thing: the variables and the elements of an instance."""

from __future__ import annotations

from typing import Any

from engine.columns import from_json
from engine.errors import InvalidInput
from engine.queries.criteria import Criterion
from web.body import Body, shown
from web.camunda8.searching import Field, ReadCriteria, as_text


def as_json(value: Any, where: str) -> Any:
    """The value of a JSON text; a text that is no JSON stands for itself."""
    text = as_text(value, where)
    try:
        return from_json(text)
    except (ValueError, RecursionError):
        return text


VALUE = Field("value", as_json)
"""The value of a variable, compared as JSON."""


def has_variables(name: str) -> ReadCriteria:
    """Reads `[{name, value}]`: variables that the thing must have, with values that fit."""
    def read(value: Any, where: str) -> list[Criterion]:
        if not isinstance(value, list):
            raise InvalidInput(f"Expected '{where}' to be a list, but found {shown(value)}.")
        criteria = []
        for index, each in enumerate(value):
            if not isinstance(each, dict):
                raise InvalidInput(f"Expected '{where}' to be a list of objects, but found {shown(each)}.")
            wanted = Body(each, f"{where}[{index}]")
            of_value = VALUE.criteria(each["value"], f"{where}[{index}].value") \
                if each.get("value") is not None else []
            criteria.append(Criterion(name, "has", (wanted.required_text("name"), of_value)))
        return criteria
    return read


def listed(name: str) -> ReadCriteria:
    """Reads the filter of a list of texts: a list, all of which it must contain, or one text."""
    def read(value: Any, where: str) -> list[Criterion]:
        if isinstance(value, list):
            return [Criterion(name, "all", [as_text(each, where) for each in value])]
        return Field(name).criteria(value, where)
    return read
