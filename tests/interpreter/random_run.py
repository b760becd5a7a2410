"""Runs a random process along a random path, and looks after every step whether everything is in its place."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from bpmn.interpreter import Execution, Program, journal
from bpmn.interpreter.task import ERROR, STARTED, WAITING
from bpmn.model import CalledProcess, Element, ElementType
from engine.columns import from_json, to_json

VARIABLES = {"c": 0, "v": 0, "flag": 0, "orderId": "A-1"}
PATIENCE = 3_000
OPENED = (journal.JobOpened, journal.UserTaskOpened, journal.TimerOpened, journal.SubscriptionOpened,
          journal.CallOpened)
ATTACHED = (ElementType.BOUNDARY_EVENT, ElementType.START_EVENT)
WATCHING = (ElementType.BOUNDARY_EVENT, ElementType.EVENT_SUB_PROCESS)
"""Their tokens stay when a timer that fires once has: nothing more comes, until what they watch over has ended."""


class Stuck(AssertionError):
    """The instance does not come to its end."""


class RandomRun:
    """One instance. With `reload` it is saved, dropped and taken up again after every step."""

    def __init__(self, program: Program, *, reload: bool, variables: dict[str, Any] = VARIABLES) -> None:
        self.program, self.reload = program, reload
        self.keys = itertools.count(2)
        self.rows: dict[tuple[int, str], str] = {}
        self.waits: dict[tuple[int, int], Any] = {}
        self.incidents: dict[int, str] = {}
        self.open: dict[int, str] = {}
        self.trace: list[tuple[Any, ...]] = []
        self.run = Execution.start(program, key=1, keys=self.keys, variables=variables)
        self.settle()

    # -- moving
    def follow(self, path: Sequence[int]) -> None:
        """Take the choices of `path`, then whatever leads to the end."""
        for choice in path:
            if self.run.state != "ACTIVE":
                break
            self.step(choice)
        for number in range(PATIENCE):
            if self.run.state != "ACTIVE":
                self.check_nothing_left()
                return
            self.drain(number)
        raise Stuck(f"still at {self.run.open_tokens()} after {PATIENCE} steps")

    def complete_in_any_order(self, chance: random.Random) -> None:
        """Complete what is open, in a random order and without a result."""
        while self.run.state == "ACTIVE":
            key = chance.choice([key for key, _ in self.waits])
            del self.waits[key, 0]
            self.run.complete(key)
            self.settle()
        self.check_nothing_left()

    def ran(self) -> Counter[str]:
        """How often each element ran to its end."""
        began = {entry[1]: entry[2] for entry in self.trace if entry[0] == "Entered"}
        return Counter([began[entry[1]] for entry in self.trace if entry[0] == "Left"]
                       + [entry[1] for entry in self.trace if entry[0] == "Passed"])

    def step(self, choice: int) -> None:
        """Let one of the things happen that may happen now."""
        options: list[tuple[Any, ...]] = []
        for (key, index), wait in self.waits.items():
            match wait:
                case journal.JobOpened(kind="EXECUTION_LISTENER"):
                    options += [("complete", key), ("fail", key)]
                case journal.JobOpened():
                    options += [("complete", key), ("complete", key), ("error", key), ("fail", key)]
                case journal.CallOpened():
                    options += [("complete", key), ("complete", key), ("error", key)]
                case journal.UserTaskOpened():
                    options.append(("complete", key))
                case journal.SubscriptionOpened(kind="CONDITION"):
                    pass
                case _:
                    options.append(("trigger", key, index))
        options += [("retry", key) for key in self.incidents] + [("flag",), ("signal",)]
        which, value = choice % len(options), choice // len(options) % 4
        self.do(options[which], value)

    def drain(self, number: int) -> None:
        """Let the oldest thing happen that brings a token on its way."""
        for key in self.incidents:
            self.do(("retry", key), number % 4)
            return
        for (key, index), wait in self.waits.items():
            if isinstance(wait, journal.JobOpened | journal.UserTaskOpened | journal.CallOpened):
                self.do(("complete", key), number % 4)
                return
            if wait.element.type not in ATTACHED:
                self.do(("trigger", key, index), number % 4)
                return
        raise Stuck(f"nothing can happen at {self.run.open_tokens()}")

    def do(self, action: tuple[Any, ...], value: int) -> None:
        run = self.run
        if action[0] in ("complete", "error", "fail"):
            del self.waits[action[1], 0]
        match action:
            case ("complete", key):
                run.complete(key, {"c": value})
            case ("fail", key):
                run.fail(key, "JOB_NO_RETRIES", "It broke.")
            case ("error", key):
                run.throw_error(key, "e", "no", {"c": value})
            case ("retry", key):
                run.retry(key)
            case ("trigger", key, index):
                wait = self.waits[key, index]
                if isinstance(wait, journal.TimerOpened) and not wait.repeats:
                    del self.waits[key, index]
                run.trigger(key, index, None if isinstance(wait, journal.TimerOpened) else {"c": value})
            case ("flag",):
                run.set_variables(run.key, {"flag": value})
            case ("signal",):
                run.signal("s", {"c": value})
        self.trace.append((*action, value))
        self.settle()

    def settle(self) -> None:
        self.run.advance()
        self.read()
        self.save()
        self.check()
        if self.reload and self.run.state == "ACTIVE":
            self.take_up_again()

    # -- what the engine does
    def read(self) -> None:
        for entry in self.run.journal:
            self.trace.append(plain(entry))
            match entry:
                case journal.Entered():
                    assert entry.key not in self.open
                    assert entry.scope == 1 or entry.scope in self.open
                    self.open[entry.key] = entry.element.id
                case journal.Left() | journal.Terminated():
                    del self.open[entry.key]
                    self.close(entry.key)
                case journal.WaitClosed():
                    self.close(entry.key)
                case journal.Failed():
                    self.incidents[entry.key] = entry.message
                    self.close(entry.key)
                case journal.Recovered():
                    del self.incidents[entry.key]
                case _ if isinstance(entry, OPENED):
                    assert (entry.key, getattr(entry, "index", 0)) not in self.waits
                    self.waits[entry.key, getattr(entry, "index", 0)] = entry
        self.run.journal.clear()

    def close(self, key: int) -> None:
        for wait in [wait for wait in self.waits if wait[0] == key]:
            del self.waits[wait]

    def save(self) -> None:
        changes = self.run.changes()
        for scope, name, value in changes.set:
            self.rows[scope, name] = to_json(value)
        for row in [row for row in self.rows if row[0] in changes.ended]:
            del self.rows[row]

    def take_up_again(self) -> None:
        before, tokens = self.run, self.run.dump()
        rows = [(scope, name, from_json(value)) for (scope, name), value in self.rows.items()]
        after = Execution.load(self.program, tokens, rows, key=1, keys=self.keys)
        assert after.dump() == tokens
        assert after.variables() == before.variables()
        for ours, theirs in zip(picture(after), picture(before), strict=True):
            assert ours == theirs
        self.run = after

    # -- what must be so after every step
    def check(self) -> None:
        if self.run.state != "ACTIVE":
            return
        top = self.run.workflow
        waiting = {key for key, _ in self.waits} | self.incidents.keys()
        assert waiting <= top.index.keys()
        for key, token in top.index.items():
            children = token.kids or key in top.subprocesses
            joining = token.task_spec.element.type in (ElementType.PARALLEL_GATEWAY, ElementType.INCLUSIVE_GATEWAY)
            assert token._state & (WAITING | STARTED | ERROR), (key, token)
            spent = token.task_spec.element.type in WATCHING and token._state == WAITING
            assert key in waiting or children or spent or (joining and token._state == WAITING), (
                f"{key} waits for nothing")
        assert {key for key, _ in self.run.open_tokens()} == self.open.keys()
        assert {scope for scope, _ in self.rows} <= {1} | {t.scope.key for t in top.index.values()}

    def check_nothing_left(self) -> None:
        top = self.run.workflow
        left = (top.index, top.tasks, top.subprocesses, top.joins, top.conditions, top.joining, top.listeners,
                list(top.ready), top.ledger, top.ended_scopes, self.waits, self.incidents, self.open)
        assert not any(left), left
        assert top.live == 0
        assert {scope for scope, _ in self.rows} == {1}
        assert [entry for entry in self.trace if entry[0] == "Completed"] == [("Completed",)]


def plain(entry: Any) -> tuple[Any, ...]:
    """A journal entry as values that can be compared."""
    values = (getattr(entry, field.name) for field in fields(entry))
    return (type(entry).__name__, *(v.id if isinstance(v, Element) else v for v in values
                                    if not isinstance(v, CalledProcess)))


def picture(run: Execution) -> tuple[Any, ...]:
    """Everything an instance holds in memory beside what `dump` writes, in a comparable form."""
    top = run.workflow
    inside = [top, *top.subprocesses.values()]
    return (
        {key: (t.task_spec.number, t._state, t.entered, t.flow, t.scope.key, t._parent, sorted(t.kids or ()),
               {k: v for k, v in t.internal_data.items() if v}) for key, t in top.index.items()},
        {key: t.scope.visible() for key, t in top.index.items()},
        {w.key: (w.live, sorted(w.tasks), sorted(w.listeners), w.done, w.log, w.compensates,
                 {n: {f: [t.id for t in q] for f, q in queues.items()} for n, queues in w.joins.items() if queues})
         for w in inside},
        sorted(top.conditions), sorted(top.joining), top.sequence, [t.id for t in top.ready],
    )
