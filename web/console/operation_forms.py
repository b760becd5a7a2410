"""Reads what the form of an operation says: which instances, and the parameters of its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from engine.engine import Engine
from engine.errors import InvalidInput, NotFound
from engine.operations import migration
from engine.queries import definitions as known
from engine.queries import instances as found
from engine.queries.definitions import DefinitionRow
from engine.queries.instances import InstanceFilter
from web.console import forms, numbers
from web.console.instance_query import Query

MOST_CHOSEN = 10_000
"""How many instances may be named by their keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which instances are meant: those of `keys`, or without any all that the list of `query` has."""

    query: Query
    keys: tuple[int, ...]

    @property
    def filter(self) -> InstanceFilter:
        """What the engine is asked for: the very filter of the list."""
        return InstanceFilter(keys=self.keys) if self.keys else self.query.filter()

    @property
    def address(self) -> str:
        """The filter as the list's address has it; empty for chosen instances."""
        return "" if self.keys else self.query.address


def selection(given: MultiDict[str, str]) -> Selection:
    """What the arguments of the list and its check-boxes say. Raises InvalidInput."""
    texts = [part for text in given.getlist("chosen") for part in text.replace(",", " ").split()]
    if len(texts) > MOST_CHOSEN:
        raise InvalidInput(f"Expected at most {MOST_CHOSEN:,} chosen instances, but found {len(texts):,}. Use a filter "
                           f"of the list instead.")
    keys = () if given.get("of") == "all" else tuple(dict.fromkeys(_key(text) for text in texts))
    if given.get("of") == "chosen" and not keys:
        raise InvalidInput("Expected chosen instances, but none is: tick some in the list, or choose all of the list.")
    query = Query.parse(given["query"]) if "query" in given else Query.of(given)
    return Selection(query=query, keys=keys)


def _key(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > numbers.LARGEST:
        raise InvalidInput(f"Expected keys of instances, but found {text[:40]!r}.")
    return int(text)


def parameters(engine: Engine, kind: str) -> dict[str, Any]:
    """The parameters that the form of a kind has. Raises InvalidInput."""
    read = _READERS.get(kind)
    return read(engine) if read else {}


def _text(name: str) -> str:
    return request.form.get(name, "").strip()


def _texts(name: str) -> list[str]:
    return _text(name).replace(",", " ").split()


def _retry(_: Engine) -> dict[str, Any]:
    return {"retries": numbers.field("retries"), "element": _text("element") or None,
            "incident": numbers.field("incident")}


def _variables(_: Engine) -> dict[str, Any]:
    names = [name.strip() for name in _text("remove").split(",")]
    return {"variables": forms.json_object("variables", "the variables"), "scope": numbers.field("scope"),
            "remove": [name for name in names if name]}


def _fire(_: Engine) -> dict[str, Any]:
    return {"element": _text("element") or None, "timer": numbers.field("timer")}


def _retries(_: Engine) -> dict[str, Any]:
    return {"retries": numbers.field("retries"), "service": _text("service") or None}


def _deliver(_: Engine) -> dict[str, Any]:
    return {"message": _text("message"), "variables": forms.json_object("variables", "the variables")}


def _modify(_: Engine) -> dict[str, Any]:
    content = forms.json_object("variables", "the variables")
    given = {"": content} if content else {}
    source, target = _text("source"), _text("target")
    if bool(source) != bool(target):
        raise InvalidInput("Expected both from where and to where tokens are moved, or neither, but only one is there.")
    return {
        "moves": [{"source": source, "target": target, "variables": given}] if source else [],
        "puts": [{"element": id, "variables": given} for id in _texts("put")],
        "takes": [{"element": id} for id in _texts("take")],
    }


def _migrate(engine: Engine) -> dict[str, Any]:
    key = numbers.field("definition_key")
    if key is None:
        raise InvalidInput("Expected a version to migrate to, but none is chosen.")
    mapping = forms.json_object("mapping", "the mapping")
    if "suggested" in request.form:
        source = numbers.field("source_key")
        if source is not None:
            mapping = {**_suggested(engine, source, key), **mapping}
    return {"definitionKey": key, "mapping": mapping, "variables": forms.json_object("variables", "the variables")}


def _suggested(engine: Engine, source: int, target: int) -> dict[str, str]:
    found_ = migration.suggested(known.process(engine, source), known.process(engine, target))
    return {old: new for old, new in found_.items() if old != new}


def _restart(_: Engine) -> dict[str, Any]:
    # A field that is called "elements" would take the place of the form's own property of that name.
    return {"elements": _texts("at"), "variables": forms.json_object("variables", "the variables"),
            "definitionKey": numbers.field("definition_key")}


def _service(_: Engine) -> dict[str, Any]:
    return {"service": _text("service")}


_READERS: dict[str, Callable[[Engine], dict[str, Any]]] = {
    "RETRY": _retry, "SET_VARIABLES": _variables, "SET_RETRIES": _retries, "DELIVER": _deliver, "MODIFY": _modify,
    "MIGRATE": _migrate, "RESTART": _restart, "FIRE": _fire,
    "HOLD": _service, "RELEASE": _service,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the form offers: the versions to migrate to, the elements that there are, and where the instances are from.
    """

    definition_key: int | None
    versions: Sequence[DefinitionRow]
    elements: Sequence[tuple[str, str]]


def choices(engine: Engine, selected: Selection) -> Choices:
    """What fits the first of the selected instances."""
    first = found.search(engine, selected.filter, limit=1).items
    if not first:
        return Choices(definition_key=None, versions=(), elements=())
    try:
        process = known.process(engine, first[0].definition_key)
    except NotFound:
        return Choices(definition_key=None, versions=(), elements=())
    versions = known.search(engine, process_id=first[0].process_id, limit=200).items
    elements = sorted((element.name or element.id, element.id) for element in process.elements.values())
    return Choices(
        definition_key=first[0].definition_key,
        versions=[each for each in versions if each.tenant_id == first[0].tenant_id
                  and each.key != first[0].definition_key],
        elements=[(id, name) for name, id in elements],
    )
