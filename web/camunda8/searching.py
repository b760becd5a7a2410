"""Search requests: `{filter, page, sort}` becomes an engine search, what it finds becomes a page.

Source: Camunda 8 docs, "Orchestration Cluster REST API", "Search requests" (filter operators, pagination).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Response

from engine.errors import InvalidInput, NotFound
from engine.queries.criteria import Criterion, Search, Searchable, one, search
from web.body import LARGEST_NUMBER, Body, body, date_of, key_of, printable, shown
from web.camunda8.blueprint import answer, engine

Item = TypeVar("Item")

OPERATORS = {
    "$eq": "eq", "$neq": "neq", "$exists": "exists", "$in": "in", "$notIn": "not_in", "$like": "like",
    "$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte",
}
DEFAULT_LIMIT = 100
MOST_ALTERNATIVES = 100


def as_key(value: Any, name: str) -> int:
    """A key in a filter."""
    return key_of(value, name)


def as_text(value: Any, name: str) -> str:
    """A text in a filter."""
    if not isinstance(value, str):
        raise InvalidInput(f"Expected '{name}' to be a text, but found {shown(value)}.")
    return printable(value, name)


def as_number(value: Any, name: str) -> int:
    """A whole number in a filter."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_NUMBER:
        raise InvalidInput(f"Expected '{name}' to be a whole number, but found {shown(value)}.")
    return value


def as_flag(value: Any, name: str) -> bool:
    """True or false in a filter."""
    if not isinstance(value, bool):
        raise InvalidInput(f"Expected '{name}' to be true or false, but found {shown(value)}.")
    return value


def as_date(value: Any, name: str) -> Any:
    """A time in a filter."""
    return date_of(value, name)


Read = Callable[[Any, str], Any]
ReadCriteria = Callable[[Any, str], list[Criterion]]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a filter: what the engine calls it, and how its values are read.

    `words` translates the values where both sides use words of their own: one of theirs may be several of ours.
    """

    name: str
    read: Read = as_text
    words: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def criteria(self, value: Any, where: str) -> list[Criterion]:
        """The criteria that the value of this field stands for; raises InvalidInput."""
        if not isinstance(value, dict):
            return [self._criterion("$eq", value, where)]
        # The Java client sends $in and $notIn with every condition, empty where nothing was asked for: as in Camunda 8,
        # that says nothing, and nor does null.
        return [self._criterion(operator, operand, where) for operator, operand in value.items()
                if operand is not None and not (operator in ("$in", "$notIn") and operand == [])]

    def _criterion(self, operator: str, operand: Any, where: str) -> Criterion:
        meant = OPERATORS.get(operator)
        if meant is None:
            raise InvalidInput(f"Expected '{where}' to use {', '.join(OPERATORS)}, but found {operator!r}.")
        if meant == "exists":
            return Criterion(self.name, meant, as_flag(operand, where))
        if meant in ("in", "not_in"):
            if not isinstance(operand, list):
                raise InvalidInput(f"Expected '{where}' to have a list for {operator}, but found {shown(operand)}.")
            return self._listed(meant, [self.read(each, where) for each in operand])
        if meant == "like":
            return Criterion(self.name, meant, as_text(operand, where))
        value = self.read(operand, where)
        if self.words and meant in ("eq", "neq"):
            return self._listed({"eq": "in", "neq": "not_in"}[meant], [value])
        return Criterion(self.name, meant, value)

    def _listed(self, operator: str, values: list[Any]) -> Criterion:
        if self.words:
            values = [ours for value in values for ours in self.words.get(value, ())]
        return Criterion(self.name, operator, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of thing that clients search: its fields, and how a found one is written. `noun` is for error sentences,
    `key` what its key is called."""

    noun: str
    key: str
    what: Searchable[Any]
    fields: Mapping[str, Field]
    write: Callable[[Any], dict[str, Any]]
    special: Mapping[str, ReadCriteria] = field(default_factory=dict)
    """Fields of a filter that are no simple field of the thing."""

    def search(self, *further: Criterion) -> Response:
        """Answer this request: what its body asks for, limited by `further`. Raises InvalidInput."""
        asked = body()
        query = self.query(asked, further)
        found = search(engine(), self.what, query)
        return answer({
            "items": [self.write(item) for item in found.items],
            "page": {"totalItems": found.total, "hasMoreTotalItems": found.more, "startCursor": found.first,
                     "endCursor": found.last},
        })

    def found(self, key: str) -> Any:
        """The thing whose key stands in the address. Raises InvalidInput, NotFound."""
        number = key_of(key, self.key)
        found = one(engine(), self.what, number)
        if found is None:
            raise NotFound(f"Expected to find {self.noun} with key {number}, but there is none.")
        return found

    def get(self, key: str) -> Response:
        """Answer this request with one thing. Raises InvalidInput, NotFound."""
        return answer(self.write(self.found(key)))

    def query(self, asked: Body, further: Sequence[Criterion] = ()) -> Search:
        """The engine search that a request body stands for. Raises InvalidInput."""
        filter = asked.inner("filter")
        page = asked.inner("page")
        limit = page.integer("limit", 0)
        return Search(
            criteria=[*self.criteria(filter), *further], alternatives=self._alternatives(filter),
            sort=self._sort(asked), limit=DEFAULT_LIMIT if limit is None else limit,
            offset=page.integer("from", 0) or 0, after=page.text("after"), before=page.text("before"),
        )

    def criteria(self, filter: Body) -> list[Criterion]:
        """The criteria of a filter. A field that is not known is refused: without it too much would be found."""
        criteria: list[Criterion] = []
        for name, value in filter.content.items():
            if value is None or name == "$or":
                continue
            read = self.special.get(name)
            if read is None:
                known = self.fields.get(name)
                if known is None:
                    names = ", ".join(sorted({*self.fields, *self.special}))
                    raise InvalidInput(f"Expected to filter by one of {names}, but found {shown(name)}.")
                read = known.criteria
            criteria += read(value, f"filter.{name}")
        return criteria

    def _alternatives(self, filter: Body) -> list[list[Criterion]]:
        bodies = filter.inners("$or")
        if len(bodies) > MOST_ALTERNATIVES:
            raise InvalidInput(f"Expected at most {MOST_ALTERNATIVES} filters in '$or', but found {len(bodies)}.")
        return [self.criteria(each) for each in bodies]

    def _sort(self, asked: Body) -> list[tuple[str, bool]]:
        sort = []
        for each in asked.inners("sort"):
            name = each.required_text("field")
            order = (each.text("order") or "ASC").upper()
            if order not in ("ASC", "DESC"):
                raise InvalidInput(f"Expected the order ASC or DESC, but found {order!r}.")
            if name not in self.fields:
                names = ", ".join(sorted(self.fields))
                raise InvalidInput(f"Expected to sort by one of {names}, but found {shown(name)}.")
            sort.append((self.fields[name].name, order == "DESC"))
        return sort

