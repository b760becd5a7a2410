"""Lists: `GET` with parameters in the address, or `POST` with them in the body; part of them, sorted; counted.

A parameter that is not known is refused: a filter that is silently ignored finds too much.
Source: Camunda 7 REST reference, the "Get List" and "Get List Count" of each kind of thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from engine.errors import InvalidInput
from engine.queries.criteria import Criterion, Search, Searchable, count, search
from engine.queries.paging import MAX_LIMIT
from engine.schema import DEFAULT_TENANT
from web.body import LARGEST_NUMBER, Body, body, printable, shown
from web.camunda7.blueprint import answer, bp, engine

MOST = 10_000
"""An answer lists no more than this; the rest is found with `firstResult`."""

Value = Any
ReadValue = Callable[[Value, str], Any]
ReadCriteria = Callable[[Value, str], list[Criterion]]

TENANTS = "tenantIdIn"
CONTROLS = frozenset({"sortBy", "sortOrder", "firstResult", "maxResults", "sorting"})


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a request. Empty ones and null mean that nothing is asked."""

    content: Mapping[str, Value]

    @classmethod
    def here(cls) -> Asked:
        """Those of the present request: of the address, and of the body of a POST."""
        in_body = body().content if request.method == "POST" else {}
        # Lists come as one text with commas, or as one parameter for each.
        in_address = {name: ",".join(values) for name, values in request.args.to_dict(flat=False).items()}
        given = {**in_address, **in_body}
        return cls({name: value for name, value in given.items() if value is not None and value != ""})

    def number(self, name: str) -> int | None:
        """A whole number that is not negative; None if absent. Raises InvalidInput."""
        value = self.content.get(name)
        return None if value is None else max(as_number(value, name), 0)

    @property
    def with_default_tenant(self) -> bool:
        """Whether what belongs to no tenant is asked for beside that of some tenants."""
        return any(name.startswith("include") and name.endswith("WithoutTenantId") and self.flag(name)
                   for name in self.content)

    def flag(self, name: str) -> bool:
        """Whether something is asked for. Raises InvalidInput."""
        value = self.content.get(name)
        return value is not None and as_flag(value, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of thing that clients list.

    `always` limits every list; `further` reads parameters that depend on each other, named in `ignored` with those
    that change nothing.
    """

    what: Searchable[Any]
    write: Callable[[Any], dict[str, Any]]
    parameters: Mapping[str, ReadCriteria]
    sorts: Mapping[str, str] = field(default_factory=dict)
    always: Sequence[Criterion] = ()
    further: Callable[[Asked], list[Criterion]] | None = None
    ignored: frozenset[str] = frozenset()

    def listed(self, *more: Criterion) -> Response:
        """Answer the present request with a list. Raises InvalidInput."""
        asked = Asked.here()
        criteria = [*self.criteria(asked), *more]
        wanted = asked.number("maxResults")
        return answer([self.write(item) for item in self._found(
            criteria, self._sort(asked), asked.number("firstResult") or 0, MOST if wanted is None else wanted)])

    def counted(self, *more: Criterion) -> Response:
        """Answer the present request with a number. Raises InvalidInput."""
        return answer({"count": count(engine(), self.what, [*self.criteria(Asked.here()), *more])})

    def criteria(self, asked: Asked) -> list[Criterion]:
        """What the parameters mean. Raises InvalidInput."""
        found = list(self.always)
        for name, value in asked.content.items():
            read = self.parameters.get(name)
            if read is not None and name == TENANTS and asked.with_default_tenant:
                found += read([*as_texts(value, name), DEFAULT_TENANT], name)
            elif read is not None:
                found += read(value, name)
            elif name not in CONTROLS | self.ignored | EVERYBODY and value not in (False, "false"):
                # Flags that are off ask for nothing; pycamunda sends all of them.
                known = ", ".join(sorted({*self.parameters, *self.ignored}))
                raise InvalidInput(f"Expected to filter by one of {known}, but found {shown(name)}.")
        return found + (self.further(asked) if self.further else [])

    def _found(self, criteria: list[Criterion], sort: list[tuple[str, bool]], first: int, most: int) -> list[Any]:
        found: list[Any] = []
        most = min(most, MOST)
        while len(found) < most:
            limit = min(most - len(found), MAX_LIMIT)
            part = search(engine(), self.what, Search(
                criteria=criteria, sort=sort, limit=limit, offset=first + len(found)))
            found += part.items
            if len(part.items) < limit:
                break
        return found

    def _sort(self, asked: Asked) -> list[tuple[str, bool]]:
        given = Body(asked.content).inners("sorting") if request.method == "POST" else []
        pairs = [(each.content.get("sortBy"), each.content.get("sortOrder")) for each in given]
        pairs.append((asked.content.get("sortBy"), asked.content.get("sortOrder")))
        sort = []
        for by, order in pairs:
            if by is None and order is None:
                continue
            if not isinstance(by, str) or by not in self.sorts or order not in ("asc", "desc"):
                known = ", ".join(self.sorts)
                raise InvalidInput(f"Expected to sort by one of {known}, in order asc or desc, "
                                   f"but found {shown(by)} and {shown(order)}.")
            sort.append((self.sorts[by], order == "desc"))
        return sort


def serve(path: str, kind: Kind, *, by_post: bool = True) -> None:
    """Let a kind of thing be listed and counted below a path; `by_post` tells whether with a body too."""
    methods = ["GET", "POST"] if by_post else ["GET"]
    name = path.strip("/").replace("/", "-")
    bp.add_url_rule(path, f"{name}-list", kind.listed, methods=methods)
    bp.add_url_rule(f"{path}/count", f"{name}-count", kind.counted, methods=methods)


EVERYBODY = frozenset({"deserializeValues", "deserializeValue"})
"""What changes nothing anywhere: values are JSON, whoever asks."""


def as_text(value: Value, name: str) -> str:
    """A text. Raises InvalidInput."""
    if not isinstance(value, str):
        raise InvalidInput(f"Expected '{name}' to be a text, but found {shown(value)}.")
    return printable(value, name)


def as_texts(value: Value, name: str) -> list[str]:
    """Texts: a list, or one text with commas. Raises InvalidInput."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        raise InvalidInput(f"Expected '{name}' to be a list, but found {shown(value)}.")
    return [as_text(each, name).strip() for each in value]


def as_number(value: Value, name: str) -> int:
    """A whole number. Raises InvalidInput."""
    text = value if isinstance(value, str) else str(value)
    digits = text.removeprefix("-")
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit()) or len(digits) > 10 \
            or abs(int(text)) > LARGEST_NUMBER:
        raise InvalidInput(f"Expected '{name}' to be a whole number, but found {shown(value)}.")
    return int(text)


def as_flag(value: Value, name: str) -> bool:
    """True or false. Raises InvalidInput."""
    text = str(value).lower() if isinstance(value, (bool, str)) else ""
    if text not in ("true", "false"):
        raise InvalidInput(f"Expected '{name}' to be true or false, but found {shown(value)}.")
    return text == "true"
