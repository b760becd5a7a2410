"""The words of FEEL: regular expressions of its tokens, string escapes, and names with spaces.

A FEEL name may hold spaces and operators (`date and time`, `order-total`), so where a name ends depends on which
names are in scope (DMN 1.5 §10.3.1.3): the longest known name that matches wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_START = r"?_$A-Za-z\u00b7\u00c0-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\U000effff"
IDENTIFIER = re.compile(rf"[{_START}][{_START}0-9\u0300-\u036f\u203f\u2040]*")
BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)*")
NUMBER = re.compile(r"(?:[0-9]+(?:\.(?!\.)[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
BACKTICK = re.compile(r"`([^`\n]+)`")
KEY = re.compile(r"([^\s:\"{}\[\](),<>=`][^:\"{}\[\](),<>=`]*):")
"""A context key or argument name, up to its colon."""
PARAMETER = re.compile(r"([^\s:\"{}\[\](),`][^:\"{}\[\](),`]*)(?=[:,)])")
LOOP_NAME = re.compile(r"([^\s\"{}\[\](),:`][^\"{}\[\](),:`]*?)\s+in(?![\w$])")
KEYWORDS = frozenset({"for", "if", "then", "else", "some", "every", "satisfies", "return", "in", "and", "or", "between",
                      "function", "true", "false", "null", "instance", "external"})
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{6}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_WORD = re.compile(r"[\w$?]+|[^\w\s]")
_WORD_CHARACTER = re.compile(r"[\w$?]")


def unescape(text: str) -> str:
    """The value of a string literal's inside. An unknown escape stays as it is (regular expressions use them)."""
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_escaped, text)
    # A character beyond the basic plane may be written as two \\u escapes.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number <= 0x10FFFF else match[0]
    return _ESCAPES.get(code, match[0])


def tidy(name: str) -> str:
    """A name with single spaces."""
    return " ".join(name.split())


def is_word(text: str, position: int) -> bool:
    """Whether the character at the position could continue a word."""
    return position < len(text) and _WORD_CHARACTER.match(text, position) is not None


class Names:
    """Known names that are not plain identifiers, found by their first word."""

    __slots__ = ("_by_word",)

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._by_word: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Make a name known."""
        if IDENTIFIER.fullmatch(name):
            return
        words = _WORD.findall(name)
        if not words:
            return
        known = self._by_word.setdefault(words[0], [])
        if all(other != name for other, _ in known):
            known.append((name, _pattern(words)))
            known.sort(key=lambda entry: -len(entry[0]))

    def match(self, text: str, position: int) -> tuple[str, int] | None:
        """The longest known name at the position, and where it ends."""
        word = _WORD.match(text, position)
        if word is None:
            return None
        for name, pattern in self._by_word.get(word[0], ()):
            found = pattern.match(text, position)
            if found:
                return name, found.end()
        return None


def _pattern(words: list[str]) -> re.Pattern[str]:
    pieces = [re.escape(words[0])]
    for before, word in pairwise(words):
        both_words = is_word(before, len(before) - 1) and is_word(word, 0)
        pieces.append((r"\s+" if both_words else r"\s*") + re.escape(word))
    return re.compile("".join(pieces) + (r"(?![\w$])" if is_word(words[-1], len(words[-1]) - 1) else ""))
