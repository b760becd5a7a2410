"""Why a message and somebody who waits did not meet, as differences between the two; the closest pairs first."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING

from bpmn import near
from engine.queries import messages
from engine.queries.messages import MessageRow, WaitingRow

if TYPE_CHECKING:
    from engine.engine import Engine

CANDIDATES = 500
"""Those who wait that a message is compared with."""
CLOSE = 4
"""Pairs that differ by more are no near misses."""
SHOWN = 20
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


class Kind(StrEnum):
    """What differs."""

    LATE = "LATE"
    EXPIRED = "EXPIRED"
    HAD_IT = "HAD_IT"
    BLANK = "BLANK"
    CASE = "CASE"
    QUOTES = "QUOTES"
    NUMBER = "NUMBER"
    INVISIBLE = "INVISIBLE"
    NO_KEY = "NO_KEY"
    KEY_WANTED = "KEY_WANTED"
    KEY_ALIKE = "KEY_ALIKE"
    KEY_OTHER = "KEY_OTHER"
    NAME_WRITTEN = "NAME_WRITTEN"
    NAME_ALIKE = "NAME_ALIKE"
    TENANT = "TENANT"


WEIGHTS = {
    Kind.LATE: 0, Kind.EXPIRED: 0, Kind.HAD_IT: 0, Kind.BLANK: 1, Kind.CASE: 1, Kind.QUOTES: 1, Kind.NUMBER: 1,
    Kind.INVISIBLE: 1, Kind.TENANT: 1, Kind.NAME_WRITTEN: 1, Kind.NAME_ALIKE: 2, Kind.KEY_ALIKE: 2, Kind.NO_KEY: 3,
    Kind.KEY_WANTED: 3, Kind.KEY_OTHER: CLOSE + 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which a message (`ours`) and who waits (`theirs`) differ; of times, by how much (`apart`)."""

    kind: Kind
    ours: str = ""
    theirs: str = ""
    apart: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """Somebody whom a message nearly reached. `distance`: 0 if only the time was against it."""

    waiting: WaitingRow
    differences: tuple[Difference, ...]
    distance: int


class Oddity(StrEnum):
    """What is odd about a message by itself, whoever waits."""

    KEY_BLANK = "KEY_BLANK"
    KEY_EMPTY = "KEY_EMPTY"
    KEY_INVISIBLE = "KEY_INVISIBLE"
    KEY_QUOTED = "KEY_QUOTED"
    NAME_BLANK = "NAME_BLANK"
    NAME_INVISIBLE = "NAME_INVISIBLE"


def oddities(message: MessageRow) -> tuple[Oddity, ...]:
    """What probably is a slip of whoever sent a message, seen without anybody who waits."""
    key, name = message.correlation_key, message.name
    found = {
        Oddity.NAME_BLANK: name != name.strip(), Oddity.NAME_INVISIBLE: _INVISIBLE.search(name) is not None,
        Oddity.KEY_EMPTY: key is not None and not key.strip(),
        Oddity.KEY_BLANK: bool(key and key.strip()) and key != (key or "").strip(),
        Oddity.KEY_INVISIBLE: key is not None and _INVISIBLE.search(key) is not None,
        Oddity.KEY_QUOTED: key is not None and len(key) > 1 and key[0] == key[-1] and key[0] in "\"'",
    }
    return tuple(oddity for oddity, there in found.items() if there)


def near_misses(engine: Engine, message: MessageRow, limit: int = SHOWN) -> tuple[Miss, ...]:
    """Who was probably meant by a message that reached nobody, the closest first."""
    alike = tuple(name for name in near.near_misses(message.name, messages.names(engine)) if name != message.name)
    found = messages.candidates(engine, message.name, alike, _spellings(message.correlation_key), CANDIDATES)
    pairs = (compare(message, waiting) for waiting in found)
    close = sorted((pair for pair in pairs if pair.distance <= CLOSE),
                   key=lambda pair: (pair.distance, _apart(message, pair.waiting)))
    return tuple(close[:limit])


def compare(message: MessageRow, waiting: WaitingRow) -> Miss:
    """In what a message and somebody who waits differ."""
    differences = _names(message.name, waiting.name)
    if waiting.instance_key is not None:    # what starts an instance takes any key
        differences += _keys(message.correlation_key, waiting.correlation_key)
    if message.tenant_id != waiting.tenant_id:
        differences.append(Difference(kind=Kind.TENANT, ours=message.tenant_id, theirs=waiting.tenant_id))
    if waiting.process_id in message.correlated_to:
        differences.append(Difference(kind=Kind.HAD_IT, ours=waiting.process_id))
    elif waiting.created_at > message.published_at and not message.kept:
        differences.append(_time(message, waiting.created_at))
    return Miss(waiting=waiting, differences=tuple(differences),
                distance=sum(WEIGHTS[each.kind] for each in differences))


def _time(message: MessageRow, opened: datetime) -> Difference:
    if message.expires_at <= message.published_at:
        return Difference(kind=Kind.LATE, apart=opened - message.published_at)
    return Difference(kind=Kind.EXPIRED, apart=opened - message.expires_at)


def _apart(message: MessageRow, waiting: WaitingRow) -> timedelta:
    return abs(waiting.created_at - message.published_at)


def _names(ours: str, theirs: str) -> list[Difference]:
    if ours == theirs:
        return []
    kind = Kind.NAME_WRITTEN if near.plain(ours) == near.plain(theirs) else Kind.NAME_ALIKE
    return [Difference(kind=kind, ours=ours, theirs=theirs)]


def _keys(ours: str | None, theirs: str | None) -> list[Difference]:
    if ours == theirs:
        return []
    if ours is None or theirs is None:
        return [Difference(kind=Kind.NO_KEY if ours is None else Kind.KEY_WANTED, ours=ours or "", theirs=theirs or "")]
    return [Difference(kind=_key_kind(ours, theirs), ours=ours, theirs=theirs)]


def _key_kind(ours: str, theirs: str) -> Kind:
    if ours.strip() == theirs.strip():
        return Kind.BLANK
    if _visible(ours) == _visible(theirs):
        return Kind.INVISIBLE
    if ours.casefold().strip() == theirs.casefold().strip():
        return Kind.CASE
    if _bare(ours) == _bare(theirs):
        return Kind.QUOTES
    if _number(ours) is not None and _number(ours) == _number(theirs):
        return Kind.NUMBER
    # Short keys that count up differ by a digit all the time and are not misspelt.
    if len(ours) >= 6 and SequenceMatcher(None, ours, theirs).ratio() >= near.SIMILAR and not _counted(ours, theirs):
        return Kind.KEY_ALIKE
    return Kind.KEY_OTHER


def _counted(ours: str, theirs: str) -> bool:
    """Whether two keys differ in their digits only, as the keys of different orders do."""
    return re.sub(r"\d+", "#", ours) == re.sub(r"\d+", "#", theirs)


def _visible(text: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()


def _bare(text: str) -> str:
    return text.strip().strip("\"'")


def _number(text: str) -> str | None:
    found = re.fullmatch(r"([+-]?)0*(\d+)(?:\.(\d*?)0*)?", text.strip())
    if found is None:
        return None
    sign = "-" if found[1] == "-" else ""
    return sign + found[2] + (f".{found[3]}" if found[3] else "")


def _spellings(key: str | None) -> tuple[str, ...]:
    """How else a key may be written, to be found by an index."""
    if key is None:
        return ()
    bare = _bare(key)
    forms = {key, key.strip(), bare, key.lower(), key.upper(), _visible(key), f'"{bare}"', f"{key.strip()} ",
             f" {key.strip()}", key.strip().lower(), key.strip().upper()}
    if (number := _number(bare)) is not None:
        forms |= {number, f"{number}.0"}
    return tuple(sorted(forms))
