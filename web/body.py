"""Reads request bodies: every field is checked for its type, so that no client can make the engine stumble."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from engine.columns import from_json
from engine.errors import InvalidInput

LARGEST_KEY = 2**63 - 1
LARGEST_NUMBER = 2**31 - 1
LONGEST = timedelta(days=36_500)
_KEY = re.compile(r"-?[0-9]{1,25}\Z", re.ASCII)


class Body:
    """The JSON object of a request, or one inside it. `where` names it in error sentences."""

    def __init__(self, content: Mapping[str, Any], where: str = "") -> None:
        self.content = content
        self._where = f"{where}." if where else ""

    def text(self, name: str) -> str | None:
        """A text, or None if it is absent or null. Raises InvalidInput."""
        value = self.content.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.unexpected(name, "a text", value)
        return printable(value, self._where + name)

    def required_text(self, name: str) -> str:
        """A text that is not empty. Raises InvalidInput."""
        value = self.text(name)
        if not value:
            raise InvalidInput(f"Expected '{self._where}{name}', but it is missing or empty.")
        return value

    def integer(self, name: str, minimum: int = -LARGEST_NUMBER, maximum: int = LARGEST_NUMBER) -> int | None:
        """A whole number, or None if it is absent or null. Raises InvalidInput."""
        value = self.content.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.unexpected(name, "a whole number", value)
        if not minimum <= value <= maximum:
            raise InvalidInput(f"Expected '{self._where}{name}' to be from {minimum} to {maximum}, but it is {value}.")
        return value

    def milliseconds(self, name: str) -> timedelta | None:
        """A duration given as a number of milliseconds; longer than a century is a century. Raises InvalidInput."""
        value = self.integer(name, -(2**63), 2**63)
        if value is None:
            return None
        longest = LONGEST // timedelta(milliseconds=1)
        return timedelta(milliseconds=max(min(value, longest), -longest))

    def flag(self, name: str) -> bool | None:
        """True, false, or None if it is absent or null. Raises InvalidInput."""
        value = self.content.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.unexpected(name, "true or false", value)
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """An object, empty if it is absent or null. Raises InvalidInput."""
        value = self.content.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.unexpected(name, "an object", value)
        return value

    def inner(self, name: str) -> Body:
        """An object to be read further, empty if it is absent or null. Raises InvalidInput."""
        return Body(self.mapping(name), self._where + name)

    def inners(self, name: str) -> list[Body]:
        """A list of objects to be read further. Raises InvalidInput."""
        values = self._list(name) or []
        for value in values:
            if not isinstance(value, dict):
                raise self.unexpected(name, "a list of objects", value)
        return [Body(value, f"{self._where}{name}[{index}]") for index, value in enumerate(values)]

    def texts(self, name: str) -> list[str] | None:
        """A list of texts, or None if it is absent or null. Raises InvalidInput."""
        values = self._list(name)
        for value in values or ():
            if not isinstance(value, str):
                raise self.unexpected(name, "a list of texts", value)
            printable(value, self._where + name)
        return values

    def key(self, name: str) -> int | None:
        """A key, or None if it is absent or null. Raises InvalidInput."""
        value = self.content.get(name)
        return None if value is None else key_of(value, self._where + name)

    def date(self, name: str) -> datetime | None:
        """A point in time, or None if it is absent or null. Raises InvalidInput."""
        value = self.content.get(name)
        return None if value is None else date_of(value, self._where + name)

    def has(self, name: str) -> bool:
        """Whether the field is there, be it null."""
        return name in self.content

    def unexpected(self, name: str, wanted: str, value: Any) -> InvalidInput:
        """The error for a value of the wrong type."""
        return InvalidInput(f"Expected '{self._where}{name}' to be {wanted}, but found {shown(value)}.")

    def _list(self, name: str) -> list[Any] | None:
        value = self.content.get(name)
        if value is not None and not isinstance(value, list):
            raise self.unexpected(name, "a list", value)
        return value


def body() -> Body:
    """The body of this request. Clients send none where every field is optional, with whatever content type.

    Raises BadRequest, UnsupportedMediaType.
    """
    raw = request.get_data()
    if not raw.strip():
        return Body({})
    if not request.is_json:
        # Also what keeps other sites' pages out: a browser sends them this type only after asking.
        raise UnsupportedMediaType(f"Expected the content type application/json, but found {request.mimetype!r}.")
    try:
        content = from_json(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"Expected a body that is JSON, but {error}.") from error
    if content is None:
        return Body({})
    if not isinstance(content, dict):
        raise BadRequest(f"Expected a JSON object, but found {shown(content)}.")
    return Body(content)


def key_of(value: Any, name: str) -> int:
    """The number that a key stands for. Keys are texts of digits; the Node client sends numbers here and there.

    Raises InvalidInput.
    """
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not _KEY.match(text):
        raise InvalidInput(f"Expected '{name}' to be a key (digits in quotes), but found {shown(value)}.")
    number = int(text)
    # No key is that large: it will not be found.
    return number if abs(number) <= LARGEST_KEY else -1


def date_of(value: Any, name: str) -> datetime:
    """The time that an ISO 8601 text stands for. Raises InvalidInput."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInput(f"Expected '{name}' to be a date and time with offset (ISO 8601), but found {shown(value)}.")
    return found


def printable(value: str, name: str) -> str:
    """The text, if a database can keep it. Raises InvalidInput."""
    if "\0" in value:
        raise InvalidInput(f"Expected '{name}' to be a text without the character NUL, but it contains it.")
    return value


def shown(value: Any) -> str:
    """A value as an error sentence shows it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
