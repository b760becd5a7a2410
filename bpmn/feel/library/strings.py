"""String functions (DMN 1.5 §10.3.4.3) and Camunda 8's additions."""

from __future__ import annotations

import base64
import binascii

from bpmn.feel.errors import FeelError
from bpmn.feel.library.patterns import compile_pattern, replacement
from bpmn.feel.library.registry import Unfit, builtin
from bpmn.feel.limits import REGEX_SECONDS, check_size
from bpmn.feel.values import Value


@builtin("substring", "string: text, start position: integer, length?: integer")
def substring(text: str, start: int, length: int | None) -> str:
    """From a position, counted from 1 or from the end."""
    if start == 0 or abs(start) > len(text):
        raise Unfit(f"Expected a start position up to {len(text)}, but it is {start}.")
    begin = start - 1 if start > 0 else len(text) + start
    if length is None:
        return text[begin:]
    if length < 1:
        raise Unfit(f"Expected a length of at least 1, but it is {length}.")
    return text[begin : begin + length]


@builtin("string length", "string: text")
def string_length(text: str) -> int:
    """Its number of characters."""
    return len(text)


@builtin("upper case", "string: text")
def upper_case(text: str) -> str:
    """In capitals."""
    return text.upper()


@builtin("lower case", "string: text")
def lower_case(text: str) -> str:
    """In small letters."""
    return text.lower()


@builtin("substring before", "string: text, match: text")
def substring_before(text: str, match: str) -> str:
    """What stands before the first match; "" without one."""
    before, found, _ = text.partition(match) if match else ("", "", text)
    return before if found else ""


@builtin("substring after", "string: text, match: text")
def substring_after(text: str, match: str) -> str:
    """What stands behind the first match; "" without one."""
    return text.partition(match)[2] if match else text


@builtin("contains", "string: text, match: text")
def contains(text: str, match: str) -> bool:
    """Whether the match is in it."""
    return match in text


@builtin("starts with", "string: text, match: text")
def starts_with(text: str, match: str) -> bool:
    """Whether it begins so."""
    return text.startswith(match)


@builtin("ends with", "string: text, match: text")
def ends_with(text: str, match: str) -> bool:
    """Whether it ends so."""
    return text.endswith(match)


def _timed_out(pattern: str) -> FeelError:
    return FeelError(f"Expected the pattern {pattern[:60]!r} to match within {REGEX_SECONDS} s, but it takes longer.")


@builtin("matches", "input: text, pattern: text, flags?: text")
def matches(text: str, pattern: str, flags: str | None) -> bool:
    """Whether the pattern is found in it."""
    try:
        return compile_pattern(pattern, flags or "").search(text, timeout=REGEX_SECONDS) is not None
    except TimeoutError as error:
        raise _timed_out(pattern) from error


@builtin("replace", "input: text, pattern: text, replacement: text, flags?: text")
def replace(text: str, pattern: str, new: str, flags: str | None) -> str:
    """With every match replaced; `$1` in the replacement is a group."""
    compiled = compile_pattern(pattern, flags or "")
    expand = (lambda match: new) if "q" in (flags or "") else replacement(new, compiled.groups)
    try:
        return str(compiled.sub(expand, text, timeout=REGEX_SECONDS))
    except TimeoutError as error:
        raise _timed_out(pattern) from error


@builtin("split", "string: text, delimiter: text")
def split(text: str, delimiter: str) -> list[Value]:
    """The parts between the matches of a pattern."""
    compiled = compile_pattern(delimiter, "")
    try:
        parts: list[Value] = compiled.split(text, timeout=REGEX_SECONDS)
    except TimeoutError as error:
        raise _timed_out(delimiter) from error
    return parts[:: compiled.groups + 1]


@builtin("extract", "string: text, pattern: text")
def extract(text: str, pattern: str) -> list[Value]:
    """Camunda 8: every match of the pattern."""
    try:
        return [match[0] for match in compile_pattern(pattern, "").finditer(text, timeout=REGEX_SECONDS)]
    except TimeoutError as error:
        raise _timed_out(pattern) from error


@builtin("string join", "list: list, delimiter?: text", "list: list, delimiter?: text, prefix: text, suffix: text")
def string_join(items: list[Value], delimiter: str | None, prefix: str = "", suffix: str = "") -> str:
    """The strings of a list in one; nulls are left out. Prefix and suffix are Camunda 8's."""
    texts: list[str] = []
    for item in items:
        if item is not None:
            if type(item) is not str:
                raise Unfit("Expected a list of strings, but there is something else in it.")
            texts.append(item)
    check_size(sum(map(len, texts)) + len(delimiter or "") * len(texts))
    return prefix + (delimiter or "").join(texts) + suffix


@builtin("trim", "string: text")
def trim(text: str) -> str:
    """Camunda 8: without blanks at both ends."""
    return text.strip()


@builtin("is blank", "string: text")
def is_blank(text: str) -> bool:
    """Camunda 8: whether it is nothing but blanks."""
    return not text.strip()


@builtin("to base64", "value: text")
def to_base64(text: str) -> str:
    """Camunda 8: its UTF-8 bytes in Base64."""
    return base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")


@builtin("from base64", "value: text")
def from_base64(text: str) -> str:
    """Camunda 8: the text whose UTF-8 bytes are given in Base64."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unfit("Expected a text in Base64, but it is none.") from error
