"""Draws random processes out of blocks that fit together, so that every one of them can come to its end.

A block has one way in and one way out. Whatever can keep its token from coming out (an error or terminate end event)
takes the tokens beside it along, so that no join waits in vain. Ids are numbered in the order of drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st


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

    @property
    def caught(self) -> tuple[str, ...]:
        return tuple(event for event in CAUGHT if event != "signal" or not self.watched)

    def deeper(self, **changes: object) -> Place:
        return replace(self, depth=self.depth - 1, **changes)


@st.composite
def watchers(draw, place, events, least=0, most=2):
    found = []
    for kind in draw(st.lists(st.sampled_from(events), min_size=least, max_size=most, unique=True)):
        interrupting = kind in ALWAYS_INTERRUPTING or (kind not in NEVER_INTERRUPTING and draw(st.booleans()))
        found.append(Watcher(kind, interrupting, draw(blocks(place.deeper(leaves=(), watched=True)))))
    return found


@st.composite
def scopes(draw, place, leaves):
    body = draw(blocks(replace(place, leaves=("terminate", *leaves))))
    if leaves and draw(st.booleans()):
        body = Sequence([body, Leave(draw(st.sampled_from(leaves)))])
    found = draw(watchers(place, (*WAITED_FOR, "error", "escalation"), most=1)) if place.depth > 0 else []
    if place.depth > 0 and draw(st.integers(0, 3)) == 3:
        undo = draw(blocks(place.deeper(leaves=(), watched=True)))
        found.append(Watcher("compensation", True, Sequence([undo, Event("compensation", False)])))
    endings = [None, None, None, "compensation", "escalation", *([] if place.watched else ["signal"])]
    return Scope(body, found, draw(st.sampled_from(endings)))


@st.composite
def activities(draw, place):
    kind = draw(st.sampled_from(SIMPLE + (("sub",) * 6 + ("transaction",)) * (place.depth > 0)))
    activity = Activity(kind)
    if kind in ("job", "user", "call", "sub", "transaction") and place.depth > 0 and draw(st.integers(0, 3)):
        events = (*WAITED_FOR, "error", *(("escalation",) if kind in WITH_INSIDE else ()))
        activity.watchers = draw(watchers(place, events, least=1))
    if kind in WITH_INSIDE:
        leaves = ["error"] * any(watcher.event == "error" for watcher in activity.watchers)
        if kind == "transaction":
            activity.watchers.append(Watcher("cancel", True, draw(blocks(place.deeper(leaves=(), watched=True)))))
            leaves.append("cancel")
        activity.inside = draw(scopes(place.deeper(), leaves))
    if draw(st.integers(0, 2)) == 2:
        activity.loop = (draw(st.booleans()), draw(st.integers(0, 3)))
        activity.collects = draw(st.booleans())
        activity.stops_at = draw(st.sampled_from([None, None, 1, 2]))
    if kind in ("job", "user", "call", *WITH_INSIDE) and draw(st.booleans()):
        activity.handler = Activity(draw(st.sampled_from(["job", "user", "script", "task"])))
    if draw(st.integers(0, 4)) == 4:
        activity.listened = draw(st.sampled_from([("start",), ("end",), ("start", "start", "end")]))
    activity.mapped = kind in ("job", "user", *WITH_INSIDE) and draw(st.booleans())
    return activity


@st.composite
def blocks(draw, place):
    if place.depth <= 0:
        return draw(st.one_of(activities(place), st.builds(Event, st.sampled_from(place.caught), st.just(True))))
    kind = draw(st.sampled_from(("activity",) * 4 + ("sequence",) * 2 + ("split",) * 3 + (
        "race", "repeat", "throw", "compensate") + (("leave",) if place.leaves else ())))
    inner = blocks(place.deeper())
    if kind == "sequence":
        return Sequence(draw(st.lists(inner, min_size=2, max_size=3)))
    if kind == "activity":
        activity = draw(activities(place))
        undone = activity.inside is not None and any(w.event == "compensation" for w in activity.inside.watchers)
        return Sequence([activity, Event("compensation", False)]) if undone else activity
    if kind == "split":
        return Split(draw(st.sampled_from(["exclusive", "parallel", "inclusive"])),
                     draw(st.lists(inner, min_size=2, max_size=3)))
    if kind == "race":
        events = draw(st.lists(st.sampled_from(place.caught), min_size=2, max_size=3, unique=True))
        return Race([(event, draw(inner)) for event in events])
    if kind == "repeat":
        return Repeat(draw(inner), draw(st.integers(1, 3)))
    if kind == "compensate":
        return Sequence([draw(inner), Event("compensation", False)])
    if kind == "leave":
        return Leave(draw(st.sampled_from(place.leaves)))
    return Event(draw(st.sampled_from(["none", "escalation", *([] if place.watched else ["signal"])])), False)


def models(depth):
    """Random processes, as the scope of their top: a few blocks in a row, so that there is something to happen in."""
    place = Place(depth, leaves=("terminate",))
    events = (*WAITED_FOR, "error", "escalation")
    row = st.lists(blocks(place), min_size=2, max_size=4).map(Sequence)
    return st.builds(Scope, row, watchers(place, events), st.sampled_from([None, None, "compensation", "signal"]))
