"""Breaks texts into lines that fit, without a font to measure: widths are those of Arial, roughly."""

from __future__ import annotations

import unicodedata
from html import escape

SIZE = 12
OUTSIDE_SIZE = 11
OUTSIDE_ROOM = 90
"""How wide a name is that says no width itself."""
LEADING = 14.4
MOST_LINES = 6

_NARROW = frozenset("ijlftrI.,:;'|!()[] /-")
_WIDE = frozenset("mwMW@%—…")


def width(text: str) -> float:
    """How wide a text is, about."""
    return sum(map(_advance, text))


def lines(text: str, room: float, most: int = MOST_LINES) -> list[str]:
    """A text in lines of at most `room`, at most so many; what does not fit is cut off."""
    found: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            for part in _parts(word, room):
                longer = f"{line} {part}".strip()
                if line and width(longer) > room:
                    found.append(line)
                    line = part
                else:
                    line = longer
        if line:
            found.append(line)
    if len(found) > most:
        found[most - 1:] = [f"{found[most - 1][:-1]}…"]
    return found


def centred(text: str, x: float, y: float, room: float, style: str = "") -> str:
    """SVG of a text whose lines are centred at `x`, and together at `y`."""
    rows = lines(text, room)
    top = y - (len(rows) - 1) * LEADING / 2 + SIZE * 0.36
    return _text(rows, x, top, style, "middle")


def below(text: str, x: float, y: float, room: float, style: str = "") -> str:
    """SVG of a text whose lines are centred at `x` and begin at `y`."""
    return _text(lines(text, room), x, y + SIZE * 0.9, style, "middle")


def outside(text: str, x: float, y: float, room: float | None = None) -> str:
    """SVG of the name of something, next to it. `room` is the width that Modeler measured for the longest line."""
    wide = OUTSIDE_ROOM if room is None else max(room * 1.1, 40)
    return _text(lines(text, wide * SIZE / OUTSIDE_SIZE), x, y + OUTSIDE_SIZE * 0.9, "label", "middle")


def beside(text: str, x: float, y: float, room: float, style: str = "") -> str:
    """SVG of a text that begins at `x` and `y`."""
    return _text(lines(text, room, 40), x, y + SIZE, style, "start")


def _text(rows: list[str], x: float, top: float, style: str, anchor: str) -> str:
    # The blanks between the lines are for those who hear the text, or copy it.
    spans = " ".join(f'<tspan x="{x:.1f}" y="{top + place * LEADING:.1f}">{escape(row)}</tspan>'
                    for place, row in enumerate(rows))
    return f'<text class="text {style}" text-anchor="{anchor}">{spans}</text>' if rows else ""


def _parts(word: str, room: float) -> list[str]:
    """A word, broken where it is too long for a line."""
    parts, part = [], ""
    for letter in word:
        if part and width(part + letter) > room:
            parts.append(part)
            part = ""
        part += letter
    return [*parts, part]


def _advance(letter: str) -> float:
    if letter in _NARROW:
        share = 0.31
    elif letter in _WIDE:
        share = 0.88
    elif unicodedata.east_asian_width(letter) in "WF":
        share = 1.0
    else:
        share = 0.68 if letter.isupper() else 0.55
    return share * SIZE
