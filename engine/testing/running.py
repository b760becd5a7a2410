"""Lets everything go on that can: jobs are answered, user tasks done, and what falls due happens at its own moment."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select

from bpmn.interpreter import Directions
from engine import schema, timers
from engine.cluster import scheduler
from engine.engine import Engine
from engine.errors import NotFound, WrongState
from engine.queries import lists
from engine.queries.things import UserTaskRow
from engine.states import JobState
from engine.tasks import user_tasks
from engine.tasks.user_tasks import ListenerAnswer
from engine.testing.answers import Answer, Call, call_of, give, replied
from engine.testing.clock import VirtualClock
from engine.testing.stubs import Stub, Stubs
from engine.work import activation

WORKER = "stub"
FOR_EVER = timedelta(days=365 * 1000)
"""A stand-in never loses the lock of a job that it is slow to answer."""

MOST_AT_ONCE = 10_000
"""So much happening at one moment is a loop."""

MOST_MOMENTS = 100_000
"""So many moments at which something fell due are a timer that repeats too often for the time that was to pass."""

_j = schema.jobs.c
_t = schema.timers.c
NEXT_TIMER = select(func.min(_t.due_at)).where(timers.ARMED)
OLDEST_UNTAKEN = select(_j.type, func.min(_j.due_at)).where(
    _j.state == JobState.CREATED.value, ~_j.suspended, _j.type.not_in(select(schema.holds.c.service))
).group_by(_j.type)

Work = tuple[datetime, int, Callable[[], None]]


class NeverAtRest(Exception):
    """The processes go round in circles: they never come to a point where everything waits."""


class Runner:
    """Moves one engine. `calls` has every call of a stand-in, in order."""

    def __init__(self, engine: Engine, clock: VirtualClock, stubs: Stubs) -> None:
        self.calls: list[Call] = []
        self._engine = engine
        self._clock = clock
        self._stubs = stubs
        self._under_way: list[Work] = []
        self._tasks_under_way: set[int] = set()
        self._order = itertools.count()

    def settle(self) -> int:
        """Answer what can be answered now, and let happen what is due, until nothing can move.

        Returns how much that was. Raises NeverAtRest, and what a function of a stand-in raises.
        """
        done = 0
        while step := self._step():
            done += step
            if done > MOST_AT_ONCE:
                last = f"; the last call was of {self.calls[-1].type!r} at element {self.calls[-1].element_id!r} of " \
                       f"process {self.calls[-1].process_id!r}" if self.calls else ""
                raise NeverAtRest(f"Expected the processes to come to rest, but at {self._clock.now.isoformat()} more "
                                  f"than {MOST_AT_ONCE} things happened{last}.")
        return done

    def advance_to(self, time: datetime) -> None:
        """Turn the clock to `time`; what falls due until then happens at its own moment, in order.

        Raises ValueError for a time that is over, NeverAtRest, and what a function of a stand-in raises.
        """
        self._clock.check(time)
        self.settle()
        moments = 0
        while (moment := self.next_moment()) is not None and moment <= time:
            moments += 1
            if moments > MOST_MOMENTS:
                raise NeverAtRest(f"Expected to come to {time.isoformat()}, but until {self._clock.now.isoformat()} "
                                  f"something fell due at {MOST_MOMENTS} moments already.")
            if moment <= self._clock.now:
                raise NeverAtRest(f"Expected what fell due at {moment.isoformat()} to happen, but nothing did.")
            self._clock.turn_to(moment)
            self.settle()
        self._clock.turn_to(time)

    def next_timer(self) -> datetime | None:
        """When the next timer fires; None if none is armed."""
        with self._engine.read() as connection:
            found: datetime | None = connection.scalar(NEXT_TIMER)
        return found

    def next_moment(self) -> datetime | None:
        """When something falls due next: a timer, a pause before another attempt, the time limit of a job, the end of
        a kept message, a slow answer. None if nothing does."""
        times = [scheduler.next_due(self._engine), *self._pickup_limits()]
        if self._under_way:
            times.append(self._under_way[0][0])
        return min((time for time in times if time is not None), default=None)

    def _pickup_limits(self) -> list[datetime]:
        limits = {type: contract.pickup for type, contract in self._engine.contracts.items() if contract.pickup}
        if not limits:
            return []
        with self._engine.read() as connection:
            waiting = connection.execute(OLDEST_UNTAKEN).all()
        return [due + limits[type] for type, due in waiting if type in limits]

    def _step(self) -> int:
        """One answer, or what is due now; returns how much happened."""
        if self._finish_one() or self._take_job() or self._take_task():
            return 1
        due = scheduler.next_due(self._engine)
        is_due = due is not None and due <= self._clock.now
        return scheduler.run_once(self._engine) if is_due or self._is_overdue() else 0

    def _is_overdue(self) -> bool:
        return any(limit <= self._clock.now for limit in self._pickup_limits())

    def _finish_one(self) -> bool:
        if not self._under_way or self._under_way[0][0] > self._clock.now:
            return False
        _, _, finish = heapq.heappop(self._under_way)
        finish()
        return True

    def _take_job(self) -> bool:
        ready = [type for type in lists.job_types(self._engine) if self._stubs.for_job(type)]
        if not ready:
            return False
        taken = self._engine.execute(activation.activate, ready, WORKER, 1, FOR_EVER)
        if not taken:
            return False
        [job] = taken
        stub = self._stubs.for_job(job.type)
        assert stub is not None
        call = call_of(job, len(self.calls) + 1, self._clock.now)
        answer = self._called(stub, call)
        self._later(stub, lambda: give(self._engine, job, call, answer))
        return True

    def _take_task(self) -> bool:
        for task in lists.user_tasks(self._engine, limit=1000).items:
            stub = self._stubs.for_task(task.element_id)
            if stub is None or task.suspended_at is not None or task.key in self._tasks_under_way:
                continue
            self._do_task(stub, task)
            return True
        return False

    def _do_task(self, stub: Stub, task: UserTaskRow) -> None:
        self._tasks_under_way.add(task.key)
        call = self._call_of_task(task)
        answer = self._called(stub, call)
        self._later(stub, lambda: self._complete(task, call, answer))

    def _called(self, stub: Stub, call: Call) -> Answer:
        self.calls.append(call)
        stub.calls.append(call)
        return stub.next_answer()

    def _later(self, stub: Stub, finish: Callable[[], None]) -> None:
        if not stub.delay:
            finish()
            return
        heapq.heappush(self._under_way, (self._clock.now + stub.delay, next(self._order), _if_still_open(finish)))

    def _call_of_task(self, task: UserTaskRow) -> Call:
        seen: dict[str, object] = {}
        with self._engine.read() as connection:
            for _, name, value, *_ in connection.execute(activation.VISIBLE, {"tokens": [task.element_instance_key]}):
                seen[name] = value
        return Call(number=len(self.calls) + 1, type=task.element_id, kind="USER_TASK", process_id=task.process_id,
                    element_id=task.element_id, instance_key=task.instance_key, at=self._clock.now, variables=seen,
                    business_id=task.business_id)

    def _complete(self, task: UserTaskRow, call: Call, answer: Answer) -> None:
        try:
            reply = replied(call, answer)
            if isinstance(reply, (ListenerAnswer, Directions)):
                raise TypeError(f"Expected a person to complete {call.element_id!r} with variables, but got {reply!r}.")
            self._engine.execute(user_tasks.complete, task.key, reply)
        finally:
            self._tasks_under_way.discard(task.key)


def _if_still_open(finish: Callable[[], None]) -> Callable[[], None]:
    """An answer that may come too late: the element is over, or the job was taken away."""
    def answer() -> None:
        try:
            finish()
        except (NotFound, WrongState):
            return
    return answer
