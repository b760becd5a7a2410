"""The worker: takes jobs, calls their services with no transaction open, and reports what came of it.

One thread talks to the engine: each of its transactions carries all answers that are ready, all locks that need
renewal and as many new jobs as there is room for. Service functions run in other threads, or on an event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from engine.cluster.queue import TAKEOVER
from engine.cluster.wakeup import Listener, jobs_topic
from engine.engine import Engine
from engine.errors import Unavailable
from service_tasks.errors import UnknownOutcome
from service_tasks.exchange import Exchanged, Want, Wants
from service_tasks.held import Held, Stage, about_job
from service_tasks.limits import Allowance
from service_tasks.outcome import Outcome, Returned
from service_tasks.registry import Registry
from service_tasks.reporter import Reporter
from service_tasks.threads import STUCK, Crew, EventLoop, Threads
from service_tasks.watch import Watch

logger = logging.getLogger(__name__)

GRACE = 1.0
"""Seconds that a call may outlast its timeout: its own client notices first, and knows more."""
GATHER = 0.05
"""Seconds at most to let answers and new jobs gather while the engine is busy with others: one exchange carries them
all. Nobody has to wait so long for a single one: where little goes on, the engine is seldom busy."""
GLANCE = 0.005
"""Seconds between two looks whether the engine is still busy."""
SOON = 0.001
"""Seconds within which another call may answer, so that it is waited for: where calls answer at once, an exchange for
the first ones would fight with the others for the interpreter."""
LATELY = 8
"""Over so many calls it is seen how long a function takes."""
IN_VAIN = 0.01
"""Seconds to wait after a look for jobs that found none: where many workers hear of one job, most come too late."""
LEFT_TO_OTHERS = TAKEOVER
"""How long a worker that has enough to do leaves jobs of other nodes to their own workers: they have the instances in
memory, it would have to load each. Jobs of nodes that have no worker for them are taken at once."""
PAUSE = 1.0
"""Seconds to wait after the database could not be reached."""
REPORTS = 300
"""How often an answer is offered to the engine before it is dropped, and the job left to run out of its lock."""


class Worker:
    """Serves the services of a registry, as threads of this process.

    Arguments:
        engine: where the jobs are.
        registry: the services; a later addition is not noticed.
        name: under which the worker locks jobs; by default host, process and a number.
        threads: how many plain functions run at once.
        held: how many jobs are held at once at most, those waiting for a thread included. Services that take their
            time hold no more than there are threads, so that other workers get their share.
        lock: how long a job is held without sign of life; renewed while its call lasts.
        poll: how often the database is looked at when nothing wakes the worker (jobs made by other processes).
    """

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        *,
        name: str | None = None,
        threads: int = 16,
        held: int = 256,
        lock: timedelta = timedelta(seconds=30),
        poll: timedelta = timedelta(seconds=0.5),
    ) -> None:
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{id(self) % 10000}"
        self._contracts = dict(registry.contracts)
        self._allowances = {name: Allowance(contract.policy) for name, contract in self._contracts.items()}
        self._watch = Watch(self._contracts)
        self._engine = engine
        self._reporter = Reporter(engine, self.name, lock)
        self._lock, self._poll = lock, poll.total_seconds()
        self._size, self._most, self._pace = threads, held, 0
        self._looks_at, self._first = 0.0, 0
        self._has_enough = False
        self._crew = Crew(threads, f"service-{self.name}")
        self._took: dict[str, float] = {}
        """How many seconds functions took lately."""
        self._loop = EventLoop(f"services-{self.name}")
        self._held: dict[int, Held] = {}
        self._inbox: queue.SimpleQueue[tuple[Held, Outcome]] = queue.SimpleQueue()
        self._listener: Listener = engine.wakeup.listen([jobs_topic(name) for name in self._contracts])
        # One that serves some partitions only cannot answer for the others.
        self._listener.acts = engine.partitions is None
        self._all_ready = threading.Event()
        """No call is under way whose answer could be waited for."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"worker-{self.name}", daemon=True)

    def start(self) -> None:
        """Begin to serve, in the background."""
        if self._contracts:
            self._thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=10)) -> bool:
        """Take no more jobs, give back those not begun, and wait for the calls under way.

        True if all were answered in time. Calls that were not are called again, by the next worker, after their lock
        ran out.
        """
        self._stopping.set()
        self._listener.acts = False
        self._listener.wake()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout.total_seconds())
        self._crew.stop()
        self._loop.stop()
        return not self._thread.is_alive()

    @property
    def busy(self) -> int:
        """How many jobs it holds now."""
        return len(self._held)

    @property
    def resting(self) -> frozenset[str]:
        """The services that are held, as far as it has heard."""
        return self._watch.held

    def _run(self) -> None:
        with self._listener:
            while not (self._stopping.is_set() and not self._held):
                self._gather()
                try:
                    idle = not self._turn()
                except Unavailable as error:
                    logger.warning("Worker %s waits for its database: %s", self.name, error)
                    self._stopping.wait(PAUSE)
                    continue
                except Exception:
                    logger.exception("Expected worker %s to reach its engine, but it failed.", self.name)
                    self._stopping.wait(PAUSE)
                    continue
                if idle:
                    self._listener.wait(self._patience())

    def _gather(self) -> None:
        """Let more come before the next exchange, if the engine is busy, if one call after the other answers, or if the
        last look for jobs was in vain."""
        until = time.monotonic() + GATHER
        while self._engine.is_busy and time.monotonic() < until and not self._stopping.wait(GLANCE):
            self._all_ready.set()
        before = 0
        self._all_ready.clear()
        while before < (ready := self._inbox.qsize()) < len(self._held) and time.monotonic() < until \
                and not self._stopping.is_set() and not self._all_ready.wait(SOON):
            before = ready
        while self._inbox.empty() and not self._stopping.is_set():
            left = self._looks_at - time.monotonic()
            if left <= 0:
                break
            self._listener.wait(left)

    def _turn(self) -> bool:
        """One exchange with the engine; False if there was nothing to exchange."""
        now = time.monotonic()
        self._crew.look_after()
        self._give_up(now)
        if self._stopping.is_set():
            self._give_back()
        answers = self._ready()
        self._pace = len(answers)
        renewals = [held.job for held in self._held.values() if held.renew_at <= now and not held.lost]
        wants = Wants() if self._stopping.is_set() else self._wants(now)
        if not (answers or renewals or wants.each):
            return False
        others_after = self._others_after()
        done = self._reporter.exchange(
            [(held.job, outcome) for held, outcome in answers], renewals, wants, self._watch.due(), others_after,
        )
        self._has_enough = bool(done.taken) or not wants.each
        self._watch.put_off(done.untold)
        self._settle(answers, done, now)
        self._looks_at = 0.0 if done.taken or answers else time.monotonic() + IN_VAIN
        if done.unsaved:
            self._stopping.wait(PAUSE)
        # One that left jobs to others and found none of its own looks again, at theirs, too.
        return bool(answers or done.taken) or (others_after is not None and not self._has_enough)

    def _others_after(self) -> timedelta | None:
        """How long jobs of other nodes are left to them: not at all if this worker found none at its last look, if a
        node told of jobs that nobody takes there, or where nodes cannot tell each other."""
        needed = self._listener.needed()
        if needed or not self._has_enough or self._engine.wakeup.relay is None or self._engine.partitions is not None:
            return None
        return LEFT_TO_OTHERS

    def _ready(self) -> list[tuple[Held, Outcome]]:
        ready: list[tuple[Held, Outcome]] = []
        while True:
            try:
                held, outcome = self._inbox.get_nowait()
            except queue.Empty:
                return ready
            if held.took is not None:
                before = self._took.get(held.contract.name, held.took)
                self._took[held.contract.name] = before + (held.took - before) / LATELY
            if held.reports == 0:
                outcome = self._watch.judge(held, outcome, time.monotonic())
            ready.append((held, outcome))

    def _wants(self, now: float) -> Wants:
        """What there is room for: of each service with limits what they allow, and of all the others together. Another
        one is first each time, so that none takes all the room for itself."""
        # As many as a turn gets done may wait for a thread: few transactions for fast services, no hoard of slow ones.
        room = min(self._size + 2 * self._pace, self._most) - (len(self._held) - self._pace)
        limited = {name: allowance for name, allowance in self._allowances.items() if allowance.limited}
        unlimited = tuple(name for name in self._allowances if name not in limited)
        counts: dict[tuple[str, ...], int] = {(name,): each.available(now, room) for name, each in limited.items()}
        if unlimited:
            counts[unlimited] = room
        wants = [Want(names, count, self._taken_by(names)) for names, count in counts.items() if count > 0]
        self._first = (self._first + 1) % max(1, len(wants))
        return Wants(wants[self._first:] + wants[:self._first], room)

    def _taken_by(self, names: tuple[str, ...]) -> frozenset[str] | None:
        """The variables that one of these services takes; None if one may look at all of them."""
        contracts = [self._contracts[name] for name in names]
        if any(contract.policy.per_call is not None for contract in contracts):
            return None
        return frozenset().union(*(contract.input_names for contract in contracts))

    def _settle(self, answers: Sequence[tuple[Held, Outcome]], done: Exchanged, now: float) -> None:
        for held, outcome in answers:
            held.reports += 1
            if held.job.key in done.unsaved and held.reports < REPORTS:
                self._inbox.put((held, outcome))
            else:
                self._drop(held)
        for job, error in done.refused:
            with about_job(job):
                logger.warning("The answer of service %r came too late: %s", job.type, error)
        renew_at = now + self._lock.total_seconds() / 3
        for key in done.renewed:
            if key in self._held:
                self._held[key].renew_at = renew_at
        for key in done.lost:
            if key in self._held:
                self._held[key].lost = True
        begun = []
        for job in done.taken:
            held = Held(job, self._contracts[job.type])
            held.trial, held.renew_at = job.key in done.trials, renew_at
            self._held[job.key] = held
            begun.append(held)
        for held in begun:
            self._dispatch(held)
        if done.held is not None:
            self._heed(done.held, now)

    def _heed(self, services: frozenset[str], now: float) -> None:
        """Call no service that is held; begin gently with those that are not any more."""
        for name in self._watch.look(services) & self._allowances.keys():
            self._allowances[name].resume(now)
        for held in self._held.values():
            if held.contract.name in services and not held.trial:
                self._deliver(held, Returned(held.job.retries, held.job.in_doubt), only_from=Stage.WAITING)

    def _drop(self, held: Held) -> None:
        self._allowances[held.contract.name].end()
        # The same job may have come back in the meantime, if its lock was lost.
        if self._held.get(held.job.key) is held:
            del self._held[held.job.key]

    def _dispatch(self, held: Held) -> None:
        self._allowances[held.contract.name].begin()
        if held.contract.is_async:
            self._loop.submit(self._call_async(held))
        else:
            self._crew.submit(lambda threads: self._call(held, threads), self._took.get(held.contract.name))

    def _call(self, held: Held, threads: Threads) -> None:
        """Call a plain function; runs in a service thread, one of `threads`."""
        held.threads = threads
        if not held.begin(self._give_up_time(held)):
            return
        with held.log_ids():
            try:
                outcome = held.of_finding(held.ask()) if held.doubtful else None
                if outcome is None:
                    given, begun = held.arguments(), time.perf_counter()
                    result = held.contract.function(**given)
                    held.took = time.perf_counter() - begun
                    outcome = held.of_result(result)
            except BaseException as error:
                outcome = held.of_error(error)
        if not self._deliver(held, outcome):
            threads.shrink()  # another thread was started in place of this one

    async def _call_async(self, held: Held) -> None:
        """Call an async function; runs on the event loop."""
        if not held.begin(self._give_up_time(held)):
            return
        timeout = held.contract.policy.timeout.total_seconds()
        with held.log_ids():
            try:
                outcome = held.of_finding(await asyncio.wait_for(held.ask(), timeout)) if held.doubtful else None
                if outcome is None:
                    call: Any = held.contract.function(**held.arguments())
                    outcome = held.of_result(await asyncio.wait_for(call, timeout))
            except TimeoutError as error:
                # The service may have given up something itself, long before its own time was over.
                is_late = held.give_up_at is not None and time.monotonic() >= held.give_up_at - GRACE
                outcome = held.of_error(_too_slow(held) if is_late else error)
            except BaseException as error:
                outcome = held.of_error(error)
        self._deliver(held, outcome)

    def _deliver(self, held: Held, outcome: Outcome, *, only_from: Stage | None = None) -> bool:
        """Hand an outcome to the worker's thread; False if the job was answered already."""
        if not held.answer(only_from=only_from):
            return False
        self._inbox.put((held, outcome))
        if self._inbox.qsize() >= len(self._held):
            self._all_ready.set()
        self._listener.wake()
        return True

    def _give_up(self, now: float) -> None:
        """Answer for calls that take too long."""
        for held in self._held.values():
            if held.give_up_at is not None and held.give_up_at <= now:
                late = self._deliver(held, held.of_error(_too_slow(held)), only_from=Stage.CALLING)
                if late and held.threads is not None:
                    held.threads.grow()  # its own thread hangs

    def _give_back(self) -> None:
        for held in self._held.values():
            self._deliver(held, Returned(held.job.retries, held.job.in_doubt), only_from=Stage.WAITING)

    def _give_up_time(self, held: Held) -> float:
        return time.monotonic() + held.contract.policy.timeout.total_seconds() + GRACE

    def _patience(self) -> float:
        """How long to wait for something to happen."""
        now = time.monotonic()
        times = [held.renew_at for held in self._held.values() if not held.lost]
        times += [held.give_up_at for held in self._held.values() if held.give_up_at is not None]
        return max(0.0, min([STUCK if self._crew.is_behind else self._poll, *(moment - now for moment in times)]))


def _too_slow(held: Held) -> UnknownOutcome:
    seconds = held.contract.policy.timeout.total_seconds()
    return UnknownOutcome(f"Expected service {held.contract.name!r} to answer within {seconds:g} s, but it did not.")
