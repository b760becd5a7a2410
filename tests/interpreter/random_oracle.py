"""Says how often each element of a plain random process has to run, from the blocks alone.

Plain means that nothing happens by chance: no watchers, the variable `c` never changes, and what is compensated does
not depend on which branch was quicker.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from bpmn.model import Dialect
from tests.interpreter.random_drawing import Drawing
from tests.interpreter.random_models import Activity, Block, Event, Place, Repeat, Scope, Sequence, Split


@dataclass(frozen=True)
class PlainPlace(Place):
    """Where a plain block is drawn."""

    alone: bool = True
    """No other branch of the scope is under way: a compensation event can tell what has completed."""
    counts: bool = True
    """It runs once at a time: a loop's counter is its own."""


@st.composite
def plain_activities(draw, place):
    kind = draw(st.sampled_from(("job", "user", "script", "task", "call") + ("sub",) * (4 if place.depth > 0 else 0)))
    activity = Activity(kind)
    if draw(st.integers(0, 2)) == 2:
        activity.loop = (draw(st.booleans()), draw(st.integers(1, 3)))
    if kind == "sub":
        at_once = activity.loop is not None and not activity.loop[0]
        inside = replace(place, depth=place.depth - 1, alone=True, counts=place.counts and not at_once)
        activity.inside = draw(plain_scopes(inside))
    if kind in ("job", "user", "sub", "call") and draw(st.booleans()):
        activity.handler = Activity(draw(st.sampled_from(["job", "user", "script", "task"])))
    return activity


@st.composite
def plain_blocks(draw, place):
    if place.depth <= 0:
        return draw(plain_activities(place))
    kinds = ["activity"] * 4 + ["sequence"] * 2 + ["split"] * 3
    kind = draw(st.sampled_from(kinds + ["repeat"] * 2 * place.counts + ["compensate"] * 2 * place.alone))
    inner = plain_blocks(place.deeper())
    if kind == "activity":
        return draw(plain_activities(place))
    if kind == "sequence":
        return Sequence(draw(st.lists(inner, min_size=2, max_size=3)))
    if kind == "repeat":
        return Repeat(draw(inner), draw(st.integers(1, 3)))
    if kind == "compensate":
        return Sequence([draw(inner), Event("compensation", False)])
    how = draw(st.sampled_from(["exclusive", "parallel", "inclusive"]))
    branch = plain_blocks(place.deeper(alone=place.alone and how == "exclusive"))
    return Split(how, draw(st.lists(branch, min_size=2, max_size=3)))


@st.composite
def plain_scopes(draw, place):
    return Scope(draw(plain_blocks(place)), [], draw(st.sampled_from([None, None, "compensation"])))


def plain_models(depth):
    """Random plain processes."""
    row = st.lists(plain_blocks(PlainPlace(depth)), min_size=2, max_size=3).map(Sequence)
    return st.builds(Scope, row, st.just([]), st.sampled_from([None, "compensation"]))


@dataclass
class Oracle:
    """Walks through a plain process; `ran` counts its elements."""

    drawing: Drawing
    c: int
    ran: Counter[str] = field(default_factory=Counter)

    def scope(self, scope: Scope) -> list[str]:
        """Run a scope; the handlers that could undo it afterwards."""
        log: list[str] = []
        names = self.drawing.drawn(scope)
        self.ran[names["Start"]] += 1
        self.block(scope.body, log)
        if scope.ending == "compensation":
            self.undo(log)
        self.ran[names["End"]] += 1
        return log

    def undo(self, log: list[str]) -> None:
        self.ran.update(log)
        log.clear()

    def block(self, block: Block, log: list[str]) -> None:
        match block:
            case Sequence():
                for part in block.parts:
                    self.block(part, log)
            case Event():
                self.ran[self.drawing.drawn(block)["Compensation"]] += 1
                self.undo(log)
            case Repeat():
                self.repeat(block, log)
            case Split():
                self.split(block, log)
            case Activity():
                self.activity(block, log)

    def repeat(self, block: Repeat, log: list[str]) -> None:
        names = self.drawing.drawn(block)
        self.ran.update([names["Reset"], names["Done"]])
        for _ in range(block.times):
            self.ran.update([names["Back"], names["Count"], names["Again"]])
            self.block(block.body, log)

    def split(self, block: Split, log: list[str]) -> None:
        names, last = self.drawing.drawn(block), len(block.branches) - 1
        taken = list(range(last + 1))
        if block.kind == "exclusive":
            taken = [self.c if self.c < last else last]
        elif block.kind == "inclusive":
            taken = [number for number in range(last) if self.c > number] or [last]
        self.ran[names[block.kind.title()]] += 1
        self.ran[names["Join"]] += len(taken)
        for number in taken:
            self.block(block.branches[number], log)

    def activity(self, block: Activity, log: list[str]) -> None:
        names = self.drawing.drawn(block)
        times = 1 if block.loop is None else block.loop[1]
        self.ran[names[block.kind.title()]] += times + (block.loop is not None)
        for _ in range(times if block.inside is not None else 0):
            log += self.scope(block.inside)
        if block.handler is not None:
            # Camunda 7 undoes each instance of a multi-instance activity, Camunda 8 all of them at once.
            log += [names["Handler"]] * (times if self.drawing.dialect == Dialect.CAMUNDA_7 else 1)
