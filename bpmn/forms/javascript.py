"""What JavaScript makes of values, where form-js relies on it: texts of numbers, lengths, truth, patterns.

Source: ECMA-262, §7.1 (type conversion), §22.1.3 (strings) and §22.2 (regular expressions).
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import regex

BLANKS = ("\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
          "\u202f\u205f\u3000\ufeff")
"""What `trim` cuts off: other characters than `str.strip` does."""
MAX_PATTERN = 2_000
PATTERN_SECONDS = 0.25
"""How long a pattern may look at one value: it comes with the form, and may be made to take for ever."""
_ESCAPES = frozenset("dDwWsSbBtnrvfxu0123456789k")
_REFERENCE = regex.compile(r"\\k<(\w+)>")
_NUMBER = regex.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_RADIX = {"0x": 16, "0o": 8, "0b": 2}
_HALF_DAY = 2**53


class BadPattern(ValueError):
    """A text is no regular expression."""


def truthy(value: Any) -> bool:
    """Whether a value counts as true: everything but false, null, 0, NaN and the empty text."""
    if isinstance(value, list | dict):
        return True
    return bool(value) and value == value


def is_number(value: Any) -> bool:
    """Whether a value is a number (in Python, true is one as well)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> float | int | None:
    """What `Number(value)` gives for a number or a text; None where it gives NaN."""
    if is_number(value):
        return None if value != value else whole(value)
    if not isinstance(value, str):
        return None
    written = value.strip(BLANKS)
    if not written:
        return 0
    if written.lstrip("+-") == "Infinity" and len(written) <= 9:
        return -math.inf if written[0] == "-" else math.inf
    radix = _RADIX.get(written[:2].lower())
    try:
        if radix is not None and "_" not in written and written[2:3].isalnum():
            return whole(float(int(written[2:], radix)))
        return whole(float(written)) if _NUMBER.fullmatch(written) else None
    except (ValueError, OverflowError):
        return None


def whole(value: float | int) -> float | int:
    """A number as JSON writes it: 3, not 3.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _HALF_DAY:
        return int(value)
    return value


LARGEST_EXPONENT = 330
"""Of ten, of a number that is looked at exactly: JavaScript's own go from -324 to 308."""


def big(value: Any) -> Decimal | None:
    """A number as exact as it is written, as the library big.js reads it; None if it is none."""
    written = value if isinstance(value, str) else text(value) if is_number(value) else ""
    if not _NUMBER.fullmatch(written.lstrip("+") if not written.startswith("+") else ""):
        return None
    try:
        found = Decimal(written)
    except InvalidOperation:
        return None
    # What no number of JavaScript comes near would be written out in millions of digits.
    return found if found.is_finite() and abs(found.adjusted()) <= LARGEST_EXPONENT else None


def text(value: Any) -> str:
    """What `String(value)` gives for a text, a number, true, false or null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if not is_number(value):
        return str(value)
    if isinstance(value, int) and abs(value) < 10**21:
        return str(value)
    try:
        return _float_text(float(value))
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"


def _float_text(value: float) -> str:
    """ECMA-262 §6.1.6.1.20: plain digits from 1e-6 up to 1e21."""
    if not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)).normalize(), "f")
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def trimmed_length(value: str) -> int:
    """The length of a text without the blanks around it, in UTF-16 units."""
    return len(value.strip(BLANKS).encode("utf-16-le", "surrogatepass")) // 2


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> regex.Pattern[str]:
    """A regular expression of JavaScript. Raises BadPattern."""
    if len(pattern) > MAX_PATTERN:
        raise BadPattern(f"Expected a pattern of at most {MAX_PATTERN:,} characters, but it has {len(pattern):,}.")
    try:
        return regex.compile(_translated(pattern), regex.VERSION0 | regex.ASCII)
    except (regex.error, OverflowError, RecursionError, ValueError) as error:
        raise BadPattern(f"Expected a regular expression, but {pattern[:60]!r} is none: {error}.") from error


def matches(pattern: str, value: str) -> bool | None:
    """Whether a pattern is found in a text; None if that takes too long. Raises BadPattern."""
    try:
        return compile_pattern(pattern).search(value, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return None


def _translated(pattern: str) -> str:
    out: list[str] = []
    inside, index = False, 0
    while index < len(pattern):
        symbol = pattern[index]
        if named := _REFERENCE.match(pattern, index):
            out.append(f"(?P={named[1]})")
            index = named.end()
            continue
        if symbol == "\\" and index + 1 < len(pattern):
            escaped = pattern[index + 1]
            # Any other letter stands for itself; to this library it might be an anchor.
            out.append(escaped if escaped.isalpha() and escaped not in _ESCAPES else _escape(escaped, inside))
            index += 2
            continue
        if symbol == "[" and not inside:
            if pattern.startswith(("[^]", "[]"), index):
                out.append(r"[\s\S]" if pattern.startswith("[^]", index) else r"(?!)")
                index += 3 if pattern.startswith("[^]", index) else 2
                continue
            inside = True
        elif symbol == "[":
            symbol = r"\["
        elif symbol == "]":
            inside = False
        elif symbol == "$" and not inside:
            symbol = r"\Z"
        elif symbol == "." and not inside:
            symbol = "[^\\n\\r\u2028\u2029]"
        out.append(symbol)
        index += 1
    return "".join(out)


def _escape(escaped: str, inside: bool) -> str:
    if escaped in "sS":
        blanks = regex.escape(BLANKS, special_only=False, literal_spaces=True)
        if inside:
            return blanks if escaped == "s" else rf"\{escaped}"
        return f"[{'' if escaped == 's' else '^'}{blanks}]"
    return "\\" + escaped
