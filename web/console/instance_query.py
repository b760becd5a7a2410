"""What an address says of the list of instances: filter, order and columns. One object for the page, its counts, its
files and whatever is done to all that it lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.datastructures import MultiDict

from engine.errors import InvalidInput
from engine.queries import failures
from engine.queries.instances import InstanceFilter
from engine.queries.orders import VARIABLE
from engine.queries.variables import WITHOUT_VALUE, VariableCondition
from web.console import forms, numbers
from web.console.blueprint import engine

NEWEST_FIRST = "-started_at"
CONDITIONS = 9
"""Conditions on variables in one address: `variable`, `operator` and `value`, then `variable2` and so on."""
SHOWN_VARIABLES = 10
"""Variables as columns."""

LABELS = {
    "process": lazy_gettext("Process"), "version": lazy_gettext("Version"), "element": lazy_gettext("Element"),
    "business_id": lazy_gettext("Business id"), "key": lazy_gettext("Instance key"),
    "parent": lazy_gettext("Parent key"), "error": lazy_gettext("Error text"),
    "fingerprint": lazy_gettext("Kind of failure"), "retries": lazy_gettext("Attempts left at most"),
    "started_from": lazy_gettext("Started from"), "started_to": lazy_gettext("Started before"),
    "ended_from": lazy_gettext("Ended from"), "ended_to": lazy_gettext("Ended before"),
    "tenant": lazy_gettext("Tenant"), "operation": lazy_gettext("Operation"), "outcome": lazy_gettext("Outcome"),
}
"""Each filter that is one text, in the order of the page."""
ALWAYS = ("process", "version", "business_id", "error")
"""The filters whose fields are always there; the others are added when they are wanted."""
MOMENTS = ("started_from", "started_to", "ended_from", "ended_to")
NUMBERS = ("version", "key", "parent", "retries", "operation")

OPERATOR_WORDS = {
    "eq": lazy_gettext("is"), "neq": lazy_gettext("is not"), "lt": "<", "lte": "≤", "gt": ">", "gte": "≥",
    "contains": lazy_gettext("contains"), "exists": lazy_gettext("is there"), "null": lazy_gettext("is null"),
}

COLUMNS = {
    "process": lazy_gettext("Process"), "version": lazy_gettext("Version"), "state": lazy_gettext("State"),
    "end_reason": lazy_gettext("Reason it ended with"), "started_at": lazy_gettext("Started"),
    "ended_at": lazy_gettext("Ended"), "duration": lazy_gettext("Duration"), "key": lazy_gettext("Key"),
    "parent_key": lazy_gettext("Parent"), "root_key": lazy_gettext("Root"),
    "correlation_id": lazy_gettext("Correlation id"), "tags": lazy_gettext("Tags"), "tenant_id": lazy_gettext("Tenant"),
}
"""The columns that can be chosen, beside that of the instance itself."""
USUAL_COLUMNS = ("process", "state", "end_reason", "started_at", "ended_at")
SORT_OF = {"process": "process_id"} | {name: name for name in COLUMNS if name not in ("process", "correlation_id")}
"""By what a click on the head of a column sorts. Correlation ids have no index that a million rows could be read by."""
ORDERS = {"business_id": lazy_gettext("Business id")} | {SORT_OF[name]: COLUMNS[name] for name in SORT_OF}
"""By what the list is sorted, beside the variables that it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition on a variable, as the address has it. `number` is its place there."""

    number: int
    name: str
    operator: str
    value: str

    @property
    def names(self) -> tuple[str, str, str]:
        """The arguments of the address that it is made of."""
        suffix = "" if self.number == 1 else str(self.number)
        return f"variable{suffix}", f"operator{suffix}", f"value{suffix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One filter that is set. Without `arguments` in the address it is not."""

    label: str
    value: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """The filter as the address has it, for the form and for the engine."""

    states: list[str]
    texts: dict[str, str]
    conditions: tuple[Condition, ...] = ()
    columns: tuple[str, ...] = USUAL_COLUMNS
    variables: tuple[str, ...] = ()
    sort: str = NEWEST_FIRST

    @classmethod
    def read(cls) -> Query:
        """That of the present request."""
        return cls.of(request.args)

    @classmethod
    def parse(cls, address: str) -> Query:
        """That of the query of an address, such as a kept view has."""
        return cls.of(MultiDict(parse_qsl(address.removeprefix("?"))))

    @classmethod
    def of(cls, given: MultiDict[str, str]) -> Query:
        """That of some arguments."""
        shown = [name.strip() for name in given.get("shown", "").split(",") if name.strip()]
        return cls(
            states=[state for state in given.getlist("state") if state],
            texts={name: given.get(name, "").strip() for name in LABELS},
            conditions=tuple(_conditions(given)),
            columns=tuple(name for name in COLUMNS if name in given.getlist("column")) or USUAL_COLUMNS,
            variables=tuple(dict.fromkeys(shown))[:SHOWN_VARIABLES],
            sort=given.get("sort") or NEWEST_FIRST,
        )

    @staticmethod
    def unknown(address: str) -> list[str]:
        """What the query of an address names beside filters, order and columns."""
        known = {"state", "column", "shown", "sort", "offset", "view", "thorough", *LABELS}
        for number in range(1, CONDITIONS + 1):
            known |= {*Condition(number=number, name="", operator="", value="").names}
        given = parse_qsl(address.removeprefix("?"), keep_blank_values=True)
        return [name for name, _value in given if name not in known]

    def __getattr__(self, name: str) -> str:
        try:
            return self.texts[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return not self.states and not any(self.texts.values()) and not self.conditions

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """The address of exactly this, without what is usual."""
        found = [("state", state) for state in self.states]
        found += [(name, text) for name, text in self.texts.items() if text]
        for each in self.conditions:
            operator = "" if each.operator == "eq" else each.operator
            found += [(name, text) for name, text in zip(each.names, (each.name, operator, each.value), strict=True)
                      if text]
        if self.columns != USUAL_COLUMNS:
            found += [("column", name) for name in self.columns]
        found += [("shown", ",".join(self.variables))] if self.variables else []
        return found + ([("sort", self.sort)] if self.sort != NEWEST_FIRST else [])

    @property
    def address(self) -> str:
        """The same as the query of an address, always in the same order."""
        return urlencode(self.arguments)

    @property
    def chips(self) -> list[Chip]:
        """Every filter that is set, in words, but for the states, which show for themselves."""
        found = [Chip(label=str(LABELS[name]), value=_shown(name, text), arguments=(name,))
                 for name, text in self.texts.items() if text]
        return found + [Chip(label=each.name, arguments=each.names, value=" ".join(
            (str(OPERATOR_WORDS.get(each.operator, each.operator)), each.value)).strip()) for each in self.conditions]

    @property
    def orders(self) -> dict[str, Any]:
        """What the list can be sorted by, in words: its columns, the variables it shows, and what it is sorted by."""
        shown = {f"{VARIABLE}{name}": name for name in self.variables}
        sort = self.sort.removeprefix("-")
        return {**ORDERS, **shown, **({sort: sort.removeprefix(VARIABLE)} if sort.startswith(VARIABLE) else {})}

    @property
    def free(self) -> list[int]:
        """The places of conditions that can be added, some of them."""
        taken = {each.number for each in self.conditions}
        return [number for number in range(1, CONDITIONS + 1) if number not in taken][:3]

    def filter(self) -> InstanceFilter:
        """What the engine is asked for; raises InvalidInput for what is no number or date."""
        texts = self.texts
        number = {name: numbers.given(MultiDict(texts), name) for name in NUMBERS}
        moment = {name: _moment(texts[name]) for name in MOMENTS}
        return InstanceFilter(
            states=self.states, process_id=texts["process"] or None, business_id=texts["business_id"] or None,
            error=texts["error"] or None, fingerprint=texts["fingerprint"] or None,
            element_id=texts["element"] or None, version=number["version"], key=number["key"],
            parent_key=number["parent"], retries_at_most=number["retries"], tenant_id=texts["tenant"] or None,
            operation_key=number["operation"], operation_states=[texts["outcome"]] if texts["outcome"] else (),
            started_from=moment["started_from"], started_until=moment["started_to"],
            ended_from=moment["ended_from"], ended_until=moment["ended_to"],
            variables=tuple(VariableCondition(each.name, each.operator, _value(each)) for each in self.conditions),
        )


def _conditions(given: MultiDict[str, str]) -> list[Condition]:
    found = []
    for number in range(1, CONDITIONS + 1):
        names = Condition(number=number, name="", operator="", value="").names
        name, operator, value = (given.get(each, "").strip() for each in names)
        if name:
            found.append(Condition(number=number, name=name, operator=operator or ("eq" if value else "exists"),
                                   value="" if operator in WITHOUT_VALUE else value))
    return found


def _shown(name: str, text: str) -> str:
    if name == "fingerprint":
        return failures.words_of(engine(), text) or _("none that is known")
    return f"{text.replace('T', ' ')} UTC" if name in MOMENTS and "+" not in text else text


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"Expected a date and time such as 2026-11-24T09:30, but found {text!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _value(condition: Condition) -> Any:
    text = condition.value
    if condition.operator in WITHOUT_VALUE:
        return None
    if not text:
        raise InvalidInput(_("Expected a value that %(name)s is compared with, but there is none. Type one, or choose "
                             "“is there”.", name=condition.name))
    if condition.operator == "contains":
        return text
    try:
        return forms.json_value(text, "the value")
    except InvalidInput:
        # Few people write quotes around a text.
        return text
