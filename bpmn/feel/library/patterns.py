"""Regular expressions of FEEL: XPath's (XQuery and XPath Functions 3.1 §5.6), run by the `regex` library.

`regex` knows `\\p{…}` and set difference, which Python's `re` does not, and takes a time limit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import regex

from bpmn.feel.library.registry import Unfit

_FLAGS = {"s": regex.DOTALL, "m": regex.MULTILINE, "i": regex.IGNORECASE, "x": 0, "q": 0}
_MAX_PATTERN = 2_000
# Look-around, atomic groups and anchors that XPath does not have.
_FOREIGN = regex.compile(r"\(\?(?!:)|(?<!\\)(?:\\\\)*\\[AZzGBbKXRN0]")
_BLOCK = regex.compile(r"\\([pP])\{Is(\w[\w-]*)\}")
_NAME_START = r"\p{L}_:"
_NAME_PART = r"\p{L}\p{N}\p{M}_:.\-·"
_BLANKS = regex.compile(r"\[(?:\\.|[^\]\\])*\]|\s+")
_GROUP = regex.compile(r"\\([\\$])|\$(\d+)")
_BAD_REPLACEMENT = regex.compile(r"\\(?![\\$])|\$(?!\d)")


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, flags: str) -> regex.Pattern[str]:
    """The compiled pattern. Raises Unfit if it or its flags are not XPath's."""
    if len(pattern) > _MAX_PATTERN:
        raise Unfit(f"Expected a pattern of at most {_MAX_PATTERN} characters, but it has {len(pattern)}.")
    options = regex.VERSION1
    for flag in flags:
        if flag not in _FLAGS:
            raise Unfit(f"Expected the flags s, m, i, x or q, but there is {flag!r}.")
        options |= _FLAGS[flag]
    text = regex.escape(pattern) if "q" in flags else _translate(_without_blanks(pattern, flags), "s" in flags)
    try:
        return regex.compile(text, options)
    except (regex.error, OverflowError, RecursionError) as error:
        raise Unfit(f"Expected a regular expression, but {pattern[:60]!r} is none: {error}.") from error


def _without_blanks(pattern: str, flags: str) -> str:
    """The pattern without its blanks outside of classes, if the flag x asks for it."""
    if "x" not in flags:
        return pattern
    return _BLANKS.sub(lambda found: found[0] if found[0].startswith("[") else "", pattern)


def _translate(pattern: str, dot_matches_all: bool) -> str:
    if _FOREIGN.search(pattern):
        raise Unfit(f"Expected a regular expression of XPath, but {pattern[:60]!r} uses more than it has.")
    out: list[str] = []
    depth = index = 0
    while index < len(pattern):
        symbol = pattern[index]
        if symbol == "\\":
            escape = pattern[index : index + 2]
            out.append(_escape(escape, inside=depth > 0))
            index += 2
            continue
        if symbol == "[":
            depth += 1
        elif symbol == "]":
            depth -= 1
        elif symbol == "-" and depth and pattern.startswith("-[", index):
            symbol = "--"
        elif symbol == "." and not depth and not dot_matches_all:
            symbol = r"[^\n\r]"
        out.append(symbol)
        index += 1
    return _BLOCK.sub(r"\\\1{In\2}", "".join(out))


def _escape(escape: str, inside: bool) -> str:
    if inside and escape[1:].isdigit():
        raise Unfit("Expected no reference to a group inside a character class, but there is one.")
    names = {"\\i": _NAME_START, "\\c": _NAME_PART}
    if escape in names:
        return names[escape] if inside else f"[{names[escape]}]"
    if escape in ("\\I", "\\C"):
        return f"[^{names[escape.lower()]}]"
    return escape


def replacement(text: str, groups: int) -> Callable[[regex.Match[str]], str]:
    """What stands for a match: `$1` is a group, `\\$` a dollar. Raises Unfit if the text is neither."""
    if _BAD_REPLACEMENT.search(_GROUP.sub("", text)):
        raise Unfit("Expected `$` with a number or `\\\\`, `\\$` in the replacement, but there is something else.")

    def expand(match: regex.Match[str]) -> str:
        return str(_GROUP.sub(lambda found: found[1] or _group(match, found[2], groups), text))

    return expand


def _group(match: regex.Match[str], digits: str, groups: int) -> str:
    # XPath: as many digits as make a group that exists, the others are text.
    size = len(digits)
    while size > 1 and int(digits[:size]) > groups:
        size -= 1
    number = int(digits[:size])
    return (str(match[number] or "") if number <= groups else "") + digits[size:]
