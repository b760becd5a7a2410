"""Which values are nobody's business: passwords, tokens, account numbers. They stay what they are for processes and
their services; whoever only looks on sees that there is a value, and no more.

Hidden is what a service's contract declares sensitive, and whatever is called like one of the patterns. It is hidden

- for good in what is written to be read by others: the audit trail, events, messages of incidents, logs;
- in what is read under a mask (`begin`): the console, and the history that the REST interfaces give;
- from whoever searches (`check_search`): what is found, or how it is sorted, would tell what is hidden.

`engine.revealing` shows a single value, and says so in the audit trail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from engine.errors import InvalidInput

HIDDEN = "••••••"
"""What stands for a value that is hidden."""
DEFAULT = ("password", "passwd", "pwd", "passphrase", "secret", "token", "api key", "apikey", "authorization",
           "private key", "iban", "card number", "credit card", "cvv", "cvc", "pin", "ssn", "social security")
"""Words of names whose values are hidden unless somebody says otherwise."""
_PASSWORD_OF_ADDRESS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DEEP = 60
SHORTEST = 4
"""Characters of a value that is looked for in texts: a shorter one could be anything."""

BEGINNING = 16
"""Characters of a value that, if a text has them, are taken for the value, or for its beginning."""

NamesOf = Callable[[], Iterable[str]]


class MaskError(ValueError):
    """The setting says nothing that could be a word of a name."""


class Masking:
    """What is hidden: by patterns, which are one or several words of a name, and by whole names.

    Arguments: the patterns; `declared` gives the names that contracts declare sensitive, whenever it is asked.
    """

    def __init__(self, patterns: Iterable[str] = DEFAULT, declared: NamesOf = tuple) -> None:
        self.patterns = tuple(dict.fromkeys(" ".join(words_of(pattern)) for pattern in patterns))
        self._declared = declared
        self._by_pattern = lru_cache(10_000)(self._fits)
        names = "|".join(pattern.replace(" ", "[-_ ]?") for pattern in self.patterns)
        # In a text: the name, a colon or an equals sign, and a value in quotes or up to the next blank.
        self._said = re.compile(
            rf"""(?i)((?:[\w-]*(?:{names})[\w-]*)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|(?:(?:Bearer|Basic)\s+)?[^\s,;&"')}}\]]+)"""
        ) if names else None

    @classmethod
    def of(cls, setting: str, declared: NamesOf = tuple) -> Masking:
        """Read a setting such as `default, patient id, salary`; empty is `default`, `off` is nothing but what contracts
        declare. Raises MaskError."""
        parts = [part.strip().lower() for part in setting.split(",") if part.strip()]
        if not parts:
            parts = ["default"]
        if parts == ["off"]:
            return cls((), declared)
        wrong = [part for part in parts if not words_of(part)]
        if wrong or "off" in parts:
            raise MaskError(f"Expected PARTITUR_MASK to be 'off', or words of names such as 'default, patient id', "
                            f"but found {(wrong or parts)[0]!r}.")
        named = [part for part in parts if part != "default"]
        return cls([*(DEFAULT if "default" in parts else ()), *named], declared)

    def with_setting(self, setting: str) -> Masking:
        """The same names of contracts, with the patterns of a setting. Raises MaskError."""
        return Masking.of(setting, self._declared)

    def hides(self, name: str) -> bool:
        """Whether the value of what is called so is hidden."""
        return self._by_pattern(name) or name in self._declared()

    def inside_json(self) -> str:
        """What is found in the JSON text of a list or an object that has something hidden in it, perhaps in others.

        A pattern for Python and for PostgreSQL, which know no words of a name as `words_of` does.
        """
        words = "|".join("[^a-zA-Z0-9\"]*".join(map(_as_word, pattern.split())) for pattern in self.patterns)
        names = "|".join(re.sub(r"(\W)", r"\\\1", name) for name in sorted(self._declared()))
        name = "|".join(filter(None, (f'[^"]*({words})[^"]*' if words else "", names)))
        return rf'"({name})"\s*:|"name"\s*:\s*"({name})"' if name else ""

    def value(self, value: Any, name: str = "") -> Any:
        """A JSON value of something called `name`, with everything in it hidden that is to be hidden."""
        if name and value not in (None, "") and self.hides(name):
            return HIDDEN
        return self._inside(value, 0)

    def text(self, text: str) -> str:
        """A text without what is hidden in it: `password=x`, `"token": "x"`, `https://ann:x@host`."""
        if "://" in text:
            text = _PASSWORD_OF_ADDRESS.sub(lambda found: found[1] + HIDDEN, text)
        if self._said is None or ("=" not in text and ":" not in text):
            return text
        return self._said.sub(lambda found: found[1] + HIDDEN, text)

    def without(self, text: str, variables: Any) -> str:
        """A text without what is hidden in it, nor what is hidden in some variables: a service may repeat what it was
        given."""
        for hidden in sorted(self._hidden_in(variables, False, 0), key=len, reverse=True):
            # As it is, and as it is written in quotes.
            for written in dict.fromkeys((hidden, repr(hidden)[1:-1], json.dumps(hidden)[1:-1])):
                text = _without(text, written)
        return self.text(text)

    def _hidden_in(self, value: Any, is_hidden: bool, depth: int) -> set[str]:
        if depth > _DEEP:
            return set()
        if isinstance(value, Mapping):
            return {text for key, item in value.items()
                    for text in self._hidden_in(item, is_hidden or self.hides(str(key)), depth + 1)}
        if isinstance(value, list | tuple):
            return {text for item in value for text in self._hidden_in(item, is_hidden, depth + 1)}
        text = "" if value is None or isinstance(value, bool) else str(value)
        return {text} if is_hidden and len(text) >= SHORTEST else set()

    def all_of_it(self, value: Any, depth: int = 0) -> Any:
        """Like `value`, with the texts in it looked through, too: for what is written into a log."""
        if isinstance(value, str):
            return self.text(value)
        if depth > _DEEP:
            return value
        if isinstance(value, Mapping):
            return {key: HIDDEN if isinstance(key, str) and item not in (None, "") and self.hides(key)
                    else self.all_of_it(item, depth + 1) for key, item in value.items()}
        return [self.all_of_it(item, depth + 1) for item in value] if isinstance(value, list | tuple) else value

    def _inside(self, value: Any, depth: int) -> Any:
        if depth > _DEEP:
            return value
        if isinstance(value, Mapping):
            name = value.get("name")
            if isinstance(name, str) and "value" in value and self.hides(name):
                # A pair of name and value, as decisions write down what they read.
                return {**value, "value": HIDDEN}
            return {key: self.value(item, key) if isinstance(key, str) and self.hides(key) else
                    self._inside(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._inside(item, depth + 1) for item in value]
        return value

    def _fits(self, name: str) -> bool:
        words = f" {' '.join(words_of(name))} "
        return any(f" {pattern} " in words for pattern in self.patterns)


@lru_cache(10_000)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case and in the singular: `accessTokens` is access, token."""
    found = (word.lower() for word in _WORDS.findall(name))
    return tuple(word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
                 for word in found)


def _without(text: str, hidden: str) -> str:
    """A text without another one, nor the beginning of it: sentences cut what is long."""
    begins = hidden[:BEGINNING]
    at = text.find(begins)
    while at >= 0:
        end = at + len(begins)
        while end < len(text) and end - at < len(hidden) and text[end] == hidden[end - at]:
            end += 1
        text = text[:at] + HIDDEN + text[end:]
        at = text.find(begins, at + len(HIDDEN))
    return text


def _as_word(word: str) -> str:
    """A word of a name, as it is written with others: `pin`, `userPin`, `USER_PIN`, but not `shipping`."""
    return f"((?<![a-zA-Z]){word}|{word.capitalize()}|(?<![A-Z]){word.upper()})[sS]?(?![a-z])"


_mask: ContextVar[Masking | None] = ContextVar("mask", default=None)
_searched: ContextVar[Masking | None] = ContextVar("searched", default=None)


def begin(mask: Masking | None, searched: Masking | None = None) -> None:
    """From now on, this thread reads with that mask, and finds nothing by what the other one hides; None: without."""
    _mask.set(mask)
    _searched.set(searched or mask)


def current() -> Masking | None:
    """The mask with which this thread reads, if with any."""
    return _mask.get()


def of_searches() -> Masking | None:
    """What hides the values by which this thread must find nothing, if anything does."""
    return _searched.get()


def check_search(name: str, *values: Any) -> None:
    """Refuse to look for the values of what is called so, to sort by them, or to compare it with lists and objects that
    have in them what is hidden: by trying one after the other, they would be found out. Raises InvalidInput."""
    mask = _searched.get()
    if mask is None:
        return
    if mask.hides(name):
        raise InvalidInput(f"Expected a variable whose values may be seen, but those of {name[:60]!r} are hidden.")
    if any(mask.value(value) != value for value in values):
        raise InvalidInput(f"Expected a value of {name[:60]!r} with nothing in it that is hidden, but something is.")


def shown(value: Any, name: str = "") -> Any:
    """A value as the reader may see it."""
    mask = _mask.get()
    return value if mask is None else mask.value(value, name)


def holds_mask(value: Any) -> bool:
    """Whether somebody sends back what stands for a hidden value."""
    if isinstance(value, Mapping):
        return any(map(holds_mask, value.values()))
    return any(map(holds_mask, value)) if isinstance(value, list | tuple) else value == HIDDEN
