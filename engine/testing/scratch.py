"""A scratch engine: the real one, on a database of its own that is thrown away, with a clock that is turned by hand."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from bpmn.reading.source import NO_LANGUAGES, ScriptLanguages
from engine import decisions, definitions, instances, messages, signals
from engine.database import Database
from engine.definitions import Deployment
from engine.engine import Engine
from engine.queries.instances import InstanceFilter, search
from engine.testing import files
from engine.testing.answers import Call
from engine.testing.clock import BEGINNING, VirtualClock
from engine.testing.instance import Instance
from engine.testing.running import Runner
from engine.testing.stubs import Stubs, StubService, StubTask
from engine.transaction import Transaction
from engine.upgrade import open_schema

P = ParamSpec("P")
Result = TypeVar("Result")


class Scratch:
    """An engine for one test. Use it in a `with` block, or close it.

    Arguments: `folders` in which files to deploy are looked for, in order; `begin`: when virtual time begins;
    `time_zone` and `scripts` as for `engine.engine.Engine`.

    After whatever is done through it, everything goes on until nothing can move: jobs whose service was told an answer
    are answered, user tasks whose person was told one are completed. The rest waits, until virtual time is turned.
    """

    def __init__(self, folders: Sequence[Path | str] = (".",), *, begin: datetime = BEGINNING, time_zone: str = "UTC",
                 scripts: ScriptLanguages = NO_LANGUAGES) -> None:
        self.clock = VirtualClock(begin)
        self.stubs = Stubs()
        self.closed = False
        self._folders = [Path(folder) for folder in folders]
        self._place = Path(tempfile.mkdtemp(prefix="partitur-test-"))
        path = self._place / "scratch.db"
        path.write_bytes(_template())
        self.engine = Engine(f"sqlite:///{path}", clock=self.clock, time_zone=time_zone, synchronous="OFF",
                             scripts=scripts)
        self._runner = Runner(self.engine, self.clock, self.stubs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Throw the database away."""
        self.closed = True
        self.engine.close()
        shutil.rmtree(self._place, ignore_errors=True)

    def deploy(self, *files_: files.File) -> Deployment:
        """Deploy files together: BPMN, DMN and whatever else a deployment may hold.

        Raises FileNotFoundError; `engine.errors.DeploymentRefused` with every problem of every file.
        """
        resources = [files.read(file, self._folders) for file in files_]
        return self.execute(definitions.deploy, resources)

    def start(self, process_id: str, variables: Mapping[str, Any] | None = None, /, *, business_id: str | None = None,
              elements: Sequence[str] = (), **more: Any) -> Instance:
        """Start an instance of a deployed process with variables, by name or as a mapping, or both.

        `elements` are where it starts instead of the none start event. Raises `engine.errors.Rejection`.
        """
        started = self.execute(instances.start, process_id, variables={**(variables or {}), **more},
                               business_id=business_id, elements=elements)
        return Instance(self, started.key)

    def service(self, type: str) -> StubService:
        """The stand-in for the service of a job type, to be told what to answer."""
        return self.stubs.service(type)

    @property
    def other_services(self) -> StubService:
        """The stand-in for every service that was told nothing itself."""
        return self.stubs.others

    def task(self, element_id: str) -> StubTask:
        """The stand-in for a person who does the user tasks of an element, to be told how to complete them."""
        return self.stubs.task(element_id)

    @property
    def other_tasks(self) -> StubTask:
        """The stand-in for people who do all user tasks that nobody was told of."""
        return self.stubs.other_people

    @property
    def calls(self) -> list[Call]:
        """Every call of a stand-in so far, in order."""
        return list(self._runner.calls)

    def publish(self, name: str, correlation_key: str | None = None, variables: Mapping[str, Any] | None = None, /, *,
                time_to_live: timedelta = timedelta(), **more: Any) -> list[Instance]:
        """Publish a message; returns the instances that it reached or started. Raises `engine.errors.Rejection`."""
        published = self.execute(messages.publish, name, correlation_key, {**(variables or {}), **more},
                                 time_to_live=time_to_live)
        return [Instance(self, key) for key in published.instance_keys]

    def broadcast(self, signal: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> int:
        """Broadcast a signal; returns how many heard it. Raises `engine.errors.Rejection`."""
        return self.execute(signals.broadcast, signal, {**(variables or {}), **more})

    def decide(self, decision_id: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """What a deployed decision says. Raises `engine.errors.Rejection`."""
        return self.execute(decisions.evaluate, decision_id, {**(variables or {}), **more}).outcome.output

    def execute(self, command: Callable[Concatenate[Transaction, P], Result],
                *args: P.args, **kwargs: P.kwargs) -> Result:
        """Run any command of the engine, and let everything go on. Raises what the command raises."""
        result = self.engine.execute(command, *args, **kwargs)
        self._runner.settle()
        return result

    def run(self) -> None:
        """Let everything go on, after a stand-in was told something new. Raises NeverAtRest."""
        self._runner.settle()

    @property
    def now(self) -> datetime:
        """The virtual time."""
        return self.clock.now

    def advance(self, length: timedelta | None = None, /, **duration: float) -> None:
        """Let virtual time pass (`advance(hours=2)`): what falls due meanwhile happens at its own moment, in order.

        Raises ValueError for less than nothing, NeverAtRest.
        """
        self.advance_to(self.now + (timedelta(**duration) if length is None else length))

    def advance_to(self, time: datetime) -> None:
        """Let virtual time pass until `time`. Raises ValueError for a time that is over, NeverAtRest."""
        self._runner.advance_to(time)

    def advance_to_next_timer(self) -> datetime:
        """Let virtual time pass until the next timer fires; returns when that was.

        Raises AssertionError if no timer is armed, NeverAtRest.
        """
        __tracebackhide__ = True
        due = self._runner.next_timer()
        if due is None:
            waiting = "\n".join(repr(instance) for instance in self.instances() if instance.active)
            raise AssertionError(f"Expected a timer to be armed, but there is none.\n{waiting}".strip())
        self.advance_to(max(due, self.now))
        return due

    def instances(self, process_id: str | None = None) -> list[Instance]:
        """All instances (of a process), called ones too, in the order of their start; at most the first 1,000."""
        found = search(self.engine, InstanceFilter(process_id=process_id), sort="key", limit=1000).items
        return [Instance(self, row.key) for row in found]

    def instance(self, process_id: str | None = None) -> Instance:
        """The only instance (of a process). Raises AssertionError if there is none, or more than one."""
        __tracebackhide__ = True
        found = self.instances(process_id)
        if len(found) != 1:
            of = f" of {process_id!r}" if process_id else ""
            raise AssertionError(f"Expected one instance{of}, but there are {len(found)}.")
        return found[0]


@cache
def _template() -> bytes:
    """A database that was just set up: made once, copied for each test."""
    with tempfile.TemporaryDirectory(prefix="partitur-test-") as folder:
        path = Path(folder) / "fresh.db"
        database = Database(f"sqlite:///{path}", synchronous="OFF")
        open_schema(database)
        database.close()
        return path.read_bytes()
