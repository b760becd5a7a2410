"""Keeps the secrets of a call out of everything that is written down: messages, results, error variables."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from service_tasks.connector.target import encoded

SHORTEST_PIECE = 8
"""Characters of Base64 that are sure to be a secret's; fewer could be anything's."""


class Mask:
    """Replaces secrets, also where they are encoded, by their names.

    Arguments: `values`, the secrets of one call by what they are called; more may be added while it goes on.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._names: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        for name, value in (values or {}).items():
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Hide one value more."""
        if not value:
            return
        for form in _forms(value):
            self._names.setdefault(form, name)
        # The longest first: a secret may be part of another one.
        forms = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, forms)))

    def text(self, text: str) -> str:
        """A text without the secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: f"[secret {self._names[found[0]]}]", text)

    def value(self, value: Any) -> Any:
        """A JSON value without the secrets, in the names of its entries neither."""
        if self._pattern is None or value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float):
            shown = repr(value)
            masked = self.text(shown)
            return value if masked == shown else masked
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        return [self.value(item) for item in value]


def _forms(value: str) -> Iterator[str]:
    """A secret as it may occur: itself, and in the encodings that requests, answers and messages use."""
    for plain in {value, value.strip()} - {""}:
        yield plain
        yield plain.lower()  # in the name of a host
        yield from (quote(plain, safe=""), quote_plus(plain), quote(plain), encoded(plain))
        yield from {_lower_escapes(quote(plain, safe="")), _lower_escapes(quote_plus(plain))}
        yield from (json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1])
        yield from (repr(plain)[1:-1], html.escape(plain), plain.encode().hex(), plain.encode().hex().upper())
        yield from _in_base64(plain.encode())


def _in_base64(content: bytes) -> Iterator[str]:
    """What is the same of a text's Base64 wherever in a longer text it stands (RFC 4648 §4 and §5)."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + content).decode()
        # The first characters hold bits of what comes before, the last ones of what comes after.
        start = (before * 8 + 5) // 6
        end = (before + len(content)) * 8 // 6
        piece = encoded[start:end]
        if len(piece) >= SHORTEST_PIECE or (before == 0 and len(content) >= 4):
            yield piece
            yield piece.replace("+", "-").replace("/", "_")
            yield quote(piece, safe="")


def _lower_escapes(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), text)
