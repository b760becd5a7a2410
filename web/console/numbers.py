"""Keys and other numbers in addresses and forms: what is none, or does not fit into a database, is refused."""

from __future__ import annotations

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.routing import IntegerConverter, Map

from engine.errors import InvalidInput

LARGEST = 2**63 - 1


class KeyConverter(IntegerConverter):
    """A key in a path; a longer number is no address of ours."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=LARGEST)


def argument(name: str) -> int | None:
    """A number from the query of the address; None if it is absent or empty.

    Raises:
        InvalidInput: it is no number, or too large.
    """
    return _number(request.args, name)


def field(name: str) -> int | None:
    """A number from a form; None if it is absent or empty.

    Raises:
        InvalidInput: it is no number, or too large.
    """
    return _number(request.form, name)


def given(source: MultiDict[str, str], name: str) -> int | None:
    """A number out of any arguments; None if it is absent or empty.

    Raises:
        InvalidInput: it is no number, or too large.
    """
    return _number(source, name)


def _number(source: MultiDict[str, str], name: str) -> int | None:
    text = source.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > 19 or int(text) > LARGEST:
        raise InvalidInput(f"Expected {name.replace('_', ' ')} to be a number, but found {text[:40]!r}.")
    return int(text)
