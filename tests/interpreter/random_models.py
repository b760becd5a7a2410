"""Draws random processes out of blocks that fit together, so that every one of them can come to its end.

A block has one way in and one way out. Whatever can keep its token from coming out (an error or terminate end event)
takes the tokens beside it along, so that no join waits in vain. Nor is an inclusive join drawn where tokens of several
firings of one event meet and a parallel join counts them. Ids are numbered in the order of drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy


@dataclass
class Watcher:
    """A boundary event, or the start of an event sub-process, and what happens then."""

    event: str
    interrupting: bool
    body: Block


@dataclass
class Scope:
    """The inside of a process or sub-process."""

    body: Block
    watchers: list[Watcher] = field(default_factory=list)
    ending: str | None = None
    """What its end event throws, if anything."""


@dataclass
class Activity:
    kind: str
    loop: tuple[bool, int] | None = None
    """Sequential? And how often."""
    watchers: list[Watcher] = field(default_factory=list)
    handler: Activity | None = None
    mapped: bool = False
    inside: Scope | None = None
    collects: bool = False
    stops_at: int | None = None
    listened: tuple[str, ...] = ()
    """When its execution listeners are called."""


@dataclass
class Event:
    """An intermediate event: caught or thrown."""

    kind: str
    caught: bool


@dataclass
class Sequence:
    parts: list[Block]


@dataclass
class Split:
    """Branches between two gateways: exclusive, parallel or inclusive."""

    kind: str
    branches: list[Block]


@dataclass
class Race:
    """An event-based gateway: what happens first decides."""

    branches: list[tuple[str, Block]]


@dataclass
class Repeat:
    body: Block
    times: int


@dataclass
class Leave:
    """Sometimes ends everything around: by an error or terminate end event."""

    how: str


Block = Activity | Event | Sequence | Split | Race | Repeat | Leave
CAUGHT = ("message", "timer", "signal")
WAITED_FOR = ("message", "timer", "cycle", "signal", "condition")
WITH_INSIDE = ("sub", "transaction")
SIMPLE = ("job", "user", "script", "task", "call", "receive")
NEVER_INTERRUPTING = frozenset({"cycle"})
ALWAYS_INTERRUPTING = frozenset({"error", "compensation", "cancel"})


@dataclass(frozen=True)
class Place:
    """Where a block is drawn: how deep it may still go, and what may stand there."""

    depth: int
    leaves: tuple[str, ...] = ()
    """How the scope around may be ended from within."""
    watched: bool = False
    """What happens after an event has nothing to do with signals, or it could set itself off for ever."""
    mixed: bool = False
    """Tokens of several firings of a boundary event may be there at once."""
    counted: bool = False
    """A parallel join around takes as many of them from each branch: none may be merged with another."""

    @property
    def caught(self) -> tuple[str, ...]:
        return tuple(event for event in CAUGHT if event != "signal" or not self.watched)

    def deeper(self, **changes: object) -> Place:
        return replace(self, depth=self.depth - 1, **changes)


def of_its_own(place: Place) -> Place:
    """The place as it is inside of a new scope, where no other tokens come."""
    return replace(place, mixed=False, counted=False)


def drawn(function: Callable[..., Any]) -> Callable[..., SearchStrategy[Any]]:
    """A strategy that draws by a function. The same arguments give the same object.

    Hypothesis looks over each new strategy before it draws from it, with all that it is made of: twice the work of the
    drawing.
    """
    return cache(st.composite(function))


one_of = cache(st.sampled_from)
number = cache(st.integers)
FLAG = st.booleans()


@cache
def some(values: tuple[str, ...], least: int, most: int) -> SearchStrategy[list[str]]:
    """Some of these, each at most once."""
    return st.lists(one_of(values), min_size=least, max_size=most, unique=True)


@cache
def few(place: Place, least: int, most: int) -> SearchStrategy[list[Block]]:
    """A few blocks at a place."""
    return st.lists(blocks(place), min_size=least, max_size=most)


@cache
def leaf(place: Place) -> SearchStrategy[Block]:
    """What has nothing inside."""
    return st.one_of(activities(place), st.builds(Event, one_of(place.caught), st.just(True)))


@drawn
def watchers(draw, place, events, least=0, most=2, attached=False):
    """Of an activity if they are attached to one, else of a scope: those have each their own inside."""
    found = []
    for kind in draw(some(events, least, most)):
        interrupting = kind in ALWAYS_INTERRUPTING or (kind not in NEVER_INTERRUPTING and draw(FLAG))
        then = place.deeper(leaves=(), watched=True)
        # Its tokens leave the place for an end event of their own: what counts there does not count them.
        then = replace(then, mixed=not interrupting or then.mixed, counted=False) if attached else of_its_own(then)
        found.append(Watcher(kind, interrupting, draw(blocks(then))))
    return found


@drawn
def scopes(draw, place, leaves):
    place = of_its_own(place)
    body = draw(blocks(replace(place, leaves=("terminate", *leaves))))
    if leaves and draw(FLAG):
        body = Sequence([body, Leave(draw(one_of(leaves)))])
    found = draw(watchers(place, (*WAITED_FOR, "error", "escalation"), most=1)) if place.depth > 0 else []
    if place.depth > 0 and draw(number(0, 3)) == 3:
        undo = draw(blocks(place.deeper(leaves=(), watched=True)))
        found.append(Watcher("compensation", True, Sequence([undo, Event("compensation", False)])))
    endings = [None, None, None, "compensation", "escalation", *([] if place.watched else ["signal"])]
    return Scope(body, found, draw(one_of(tuple(endings))))


@drawn
def activities(draw, place):
    kind = draw(one_of(SIMPLE + (("sub",) * 6 + ("transaction",)) * (place.depth > 0)))
    activity = Activity(kind)
    if kind in ("job", "user", "call", "sub", "transaction") and place.depth > 0 and draw(number(0, 3)):
        events = (*WAITED_FOR, "error", *(("escalation",) if kind in WITH_INSIDE else ()))
        activity.watchers = draw(watchers(place, events, least=1, attached=True))
    if kind in WITH_INSIDE:
        leaves = ["error"] * any(watcher.event == "error" for watcher in activity.watchers)
        if kind == "transaction":
            activity.watchers.append(Watcher("cancel", True, draw(blocks(place.deeper(leaves=(), watched=True)))))
            leaves.append("cancel")
        activity.inside = draw(scopes(place.deeper(), tuple(leaves)))
    if draw(number(0, 2)) == 2:
        activity.loop = (draw(FLAG), draw(number(0, 3)))
        activity.collects = draw(FLAG)
        activity.stops_at = draw(one_of((None, None, 1, 2)))
    if kind in ("job", "user", "call", *WITH_INSIDE) and draw(FLAG):
        activity.handler = Activity(draw(one_of(("job", "user", "script", "task"))))
    if draw(number(0, 4)) == 4:
        activity.listened = draw(one_of((("start",), ("end",), ("start", "start", "end"))))
    activity.mapped = kind in ("job", "user", *WITH_INSIDE) and draw(FLAG)
    return activity


@drawn
def blocks(draw, place):
    if place.depth <= 0:
        return draw(leaf(place))
    kind = draw(one_of(("activity",) * 4 + ("sequence",) * 2 + ("split",) * 3 + (
        "race", "repeat", "throw", "compensate") + (("leave",) if place.leaves else ())))
    inner = blocks(place.deeper())
    if kind == "sequence":
        return Sequence(draw(few(place.deeper(), 2, 3)))
    if kind == "activity":
        activity = draw(activities(place))
        undone = activity.inside is not None and any(w.event == "compensation" for w in activity.inside.watchers)
        return Sequence([activity, Event("compensation", False)]) if undone else activity
    if kind == "split":
        how = draw(one_of(("exclusive", "parallel") + (() if place.counted else ("inclusive",))))
        counted = place.counted or (how == "parallel" and place.mixed)
        return Split(how, draw(few(place.deeper(counted=counted), 2, 3)))
    if kind == "race":
        events = draw(some(place.caught, 2, 3))
        return Race([(event, draw(inner)) for event in events])
    if kind == "repeat":
        return Repeat(draw(inner), draw(number(1, 3)))
    if kind == "compensate":
        return Sequence([draw(inner), Event("compensation", False)])
    if kind == "leave":
        return Leave(draw(one_of(place.leaves)))
    return Event(draw(one_of(("none", "escalation", *([] if place.watched else ["signal"])))), False)


def models(depth):
    """Random processes, as the scope of their top: a few blocks in a row, so that there is something to happen in."""
    place = Place(depth, leaves=("terminate",))
    events = (*WAITED_FOR, "error", "escalation")
    row = st.lists(blocks(place), min_size=2, max_size=4).map(Sequence)
    return st.builds(Scope, row, watchers(place, events), one_of((None, None, "compensation", "signal")))
