"""Operations of the interface: what they take, what they list, and how both are told in OpenAPI."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Union, get_args, get_origin, get_type_hints

from flask import Response, request

from engine.engine import Engine
from engine.errors import InvalidInput
from engine.queries.paging import Page
from web.answers import answer, engine
from web.api.blueprint import PREFIX, bp
from web.auth import identity
from web.body import body, shown

ACTOR = "API"
"""Who the audit trail says it was, where nobody has to log in."""
NO_KEYS = ("idempotency_key", "form_key")
LARGEST_KEY = 2**63 - 1
MOST = 1_000
USUAL = 50
FARTHEST = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What the address may say. Texts unless `schema` says otherwise; `many`: it may be said several times."""

    name: str
    description: str
    schema: Mapping[str, Any] = dataclasses.field(default_factory=lambda: {"type": "string"})
    many: bool = False

    def check(self) -> None:
        """Raises InvalidInput if the address says something that cannot be."""
        values = request.args.getlist(self.name)
        if len(values) > 1 and not self.many:
            raise InvalidInput(f"Expected '{self.name}' once, but it is there {len(values)} times.")
        for value in values:
            if "\0" in value:
                raise self._unexpected("a text without the character NUL", value)
            allowed = self.schema.get("enum")
            if allowed and value not in allowed:
                raise self._unexpected(f"one of {', '.join(allowed)}", value)
            if self.schema["type"] == "integer":
                self._check_number(value)

    def _check_number(self, value: str) -> None:
        least, most = self.schema["minimum"], self.schema["maximum"]
        if not (value.isascii() and value.isdecimal() and len(value) < 20 and least <= int(value) <= most):
            raise self._unexpected(f"a number from {least} to {most}", value)

    def _unexpected(self, wanted: str, value: str) -> InvalidInput:
        return InvalidInput(f"Expected '{self.name}' to be {wanted}, but found {shown(value)}.")

    def described(self) -> dict[str, Any]:
        """The parameter in OpenAPI."""
        schema = {"type": "array", "items": dict(self.schema)} if self.many else dict(self.schema)
        return {"name": self.name, "in": "query", "description": self.description, "schema": schema}


KEY = {"type": "integer", "minimum": 0, "maximum": LARGEST_KEY}
MOMENT = {"type": "string", "examples": ["2026-11-24T09:30", "2026-11-24T09:30:00+01:00"]}
PAGING = (
    Parameter(name="limit", description=f"How many at most; {USUAL} if it is not said.",
              schema={"type": "integer", "minimum": 1, "maximum": MOST}),
    Parameter(name="offset", description="How many to pass over.",
              schema={"type": "integer", "minimum": 0, "maximum": FARTHEST}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `row` is what it answers, or lists; `schema` describes an answer that is no row. `body`: the JSON
    Schema of the object that it is sent."""

    path: str
    name: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    row: type | None = None
    is_list: bool = False
    schema: Mapping[str, Any] = dataclasses.field(default_factory=lambda: {"type": "object"})
    method: str = "GET"
    body: Mapping[str, Any] | None = None


OPERATIONS: list[Operation] = []


def listing(path: str, summary: str, row: type, *parameters: Parameter) -> Callable[
        [Callable[..., Page[Any]]], Callable[..., Page[Any]]]:
    """Make a function that finds a page of rows, from its limit and offset and what the path says, an operation."""
    def add(find: Callable[..., Page[Any]]) -> Callable[..., Page[Any]]:
        operation = Operation(path=path, name=find.__name__, summary=summary, parameters=(*parameters, *PAGING),
                              row=row, is_list=True)

        def view(**arguments: Any) -> Response:
            check(operation.parameters)
            page = find(int(request.args.get("limit", USUAL)), int(request.args.get("offset", 0)), **arguments)
            return answer({"items": [written(item) for item in page.items], "total": page.total, "more": page.more})

        _add(operation, view)
        return find
    return add


def getting(path: str, summary: str, row: type | None = None, schema: Mapping[str, Any] | None = None,
            parameters: Sequence[Parameter] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function that finds one thing an operation. Without `row` the thing is answered as it is."""
    def add(find: Callable[..., Any]) -> Callable[..., Any]:
        operation = Operation(path=path, name=find.__name__, summary=summary, row=row, parameters=tuple(parameters),
                              schema=schema or {"type": "object"})

        def view(**arguments: Any) -> Response:
            check(operation.parameters)
            found = find(**arguments)
            return answer(written(found) if row else found)

        _add(operation, view)
        return find
    return add


def posting(path: str, summary: str, fields: Mapping[str, Mapping[str, Any]], row: type | None = None, *,
            required: Sequence[str] = (), schema: Mapping[str, Any] | None = None,
            waits: Callable[[Any], bool] = lambda _: False) -> Callable[
        [Callable[..., Any]], Callable[..., Any]]:
    """Make a function that acts an operation: it is given what the path says and the `Body` that was sent.

    `fields`: each field of the body with its JSON Schema; another one is refused. `waits`: whether what is answered was
    accepted, but waits for somebody else (then the status is 202).
    """
    def add(act: Callable[..., Any]) -> Callable[..., Any]:
        wanted = {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}
        operation = Operation(path=path, name=act.__name__, summary=summary, row=row, method="POST", body=wanted,
                              schema=schema or {"type": "object"})

        def view(**arguments: Any) -> Response:
            check(())
            sent = body()
            for name in sent.content:
                if name not in fields:
                    raise InvalidInput(f"Expected fields among {', '.join(sorted(fields)) or 'none'}, "
                                       f"but found {shown(name)}.")
            made = act(sent, **arguments)
            return answer(written(made) if row else made, 202 if waits(made) else 200)

        _add(operation, view)
        return act
    return add


def acting() -> Engine:
    """The engine, its audit rows saying who asked, or that this interface acted."""
    return identity.acting(engine(), ACTOR)


def _add(operation: Operation, view: Callable[..., Response]) -> None:
    OPERATIONS.append(operation)
    bp.add_url_rule(operation.path.removeprefix(PREFIX), operation.name, view, methods=[operation.method])


def check(parameters: Sequence[Parameter]) -> None:
    """Raises InvalidInput for what the address says and should not: an unknown filter would find too much."""
    known = {parameter.name for parameter in parameters}
    for name in request.args:
        if name not in known:
            raise InvalidInput(f"Expected parameters among {', '.join(sorted(known)) or 'none'}, "
                               f"but found {shown(name)}.")
    for parameter in parameters:
        parameter.check()


def written(value: Any, name: str = "") -> Any:
    """A row as the interface writes it: camelCase names, keys as texts of digits, times in ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {camel(field.name): written(getattr(value, field.name), field.name)
                for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int) and not isinstance(value, bool) and is_key(name):
        return str(value)
    if isinstance(value, (tuple, frozenset)):
        return [written(each, name) for each in value]
    return value


def camel(name: str) -> str:
    """A name of ours as JavaScript would spell it."""
    first, *more = name.split("_")
    return first + "".join(part.capitalize() for part in more)


def is_key(name: str) -> bool:
    """Whether a field holds a key."""
    return name in ("key", "compensated_by", "delivered_to") or (name.endswith("_key") and name not in NO_KEYS)


def schema_of(row: type, name: str = "") -> dict[str, Any]:
    """What `written` makes of a row, in JSON Schema."""
    hints = get_type_hints(row)
    fields = [field.name for field in dataclasses.fields(row)]
    return {
        "type": "object", "required": [camel(field) for field in fields], "additionalProperties": False,
        "properties": {camel(field): _schema(hints[field], field) for field in fields},
    }


def _schema(hint: Any, name: str) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(each, name) for each in arguments]}
    if origin in (list, tuple, frozenset):
        return {"type": "array", "items": _schema(arguments[0], name)}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return schema_of(hint)
    if hint is int and is_key(name):
        return {"type": "string", "pattern": "^[0-9]+$"}
    known: dict[Any, dict[str, Any]] = {
        type(None): {"type": "null"}, int: {"type": "integer"}, bool: {"type": "boolean"}, str: {"type": "string"},
        float: {"type": "number"}, datetime: {"type": "string", "format": "date-time"}, timedelta: {"type": "number"},
    }
    return dict(known.get(hint, {}))
