"""Stand-ins for services and people: told beforehand what to answer, and asked afterwards what they were asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Self, TypeVar

from engine.tasks.user_tasks import ListenerAnswer
from engine.testing.answers import Answer, BpmnError, Call, Failure, Reply


class Stub:
    """Answers in the order in which it was told. An answer given `times` is used up after so many calls; one without
    stays, until another one is told."""

    def __init__(self, what: str, name: str) -> None:
        self.name = name
        self.calls: list[Call] = []
        self.delay = timedelta()
        self.told = False
        """Whether it was told anything; until then it leaves its calls to the stand-in for all others."""
        self._what = what
        self._answers: list[tuple[Answer, int | None]] = []

    def answers(self, *answers: Answer) -> Self:
        """Answer these in turn, the last one from then on: mappings of variables, exceptions, functions of the call.

        Raises ValueError if there is none.
        """
        if not answers:
            raise ValueError(f"Expected at least one answer of {self._what} {self.name!r}, but there is none.")
        for answer in answers[:-1]:
            self._add(answer, 1)
        return self._add(answers[-1], None)

    def does(self, function: Callable[[Call], Reply], *, times: int | None = None) -> Self:
        """Answer with what a function makes of the call; it may raise BpmnError and Failure. What else it raises is
        raised in the test. Raises ValueError for `times` below 1."""
        return self._add(function, times)

    def takes(self, length: timedelta | None = None, **duration: float) -> Self:
        """Answer only so long after it was asked (`takes(minutes=5)`). Raises ValueError for less than nothing."""
        delay = timedelta(**duration) if length is None else length
        if delay < timedelta():
            raise ValueError(f"Expected a duration of nothing or more, but got {delay}.")
        self.delay = delay
        return self

    def hangs(self) -> Self:
        """Take no more calls: what waits for it goes on waiting."""
        self.told = True
        self._answers.clear()
        return self

    def assert_called(self, times: int | None = None, **variables: Any) -> None:
        """It was called at least once (or exactly `times`), with these variables among those that it saw.

        Raises AssertionError.
        """
        __tracebackhide__ = True
        fitting = [call for call in self.calls if _has(call.variables, variables)]
        if (times is None and fitting) or times == len(fitting):
            return
        wanted = "at least one call" if times is None else f"{times} call{'' if times == 1 else 's'}"
        with_these = f" with {_shown(variables)}" if variables else ""
        seen = "; ".join(f"#{call.number} at {call.element_id} ({_shown(call.variables)})" for call in self.calls)
        raise AssertionError(f"Expected {wanted} of {self._what} {self.name!r}{with_these}, but there were "
                             f"{len(fitting)}. All its calls: {seen or 'none'}.")

    def assert_not_called(self) -> None:
        """No call. Raises AssertionError."""
        __tracebackhide__ = True
        self.assert_called(times=0)

    @property
    def is_ready(self) -> bool:
        """Whether it has an answer."""
        return bool(self._answers)

    def next_answer(self) -> Answer:
        """The answer to the next call, which counts as used. Raises IndexError if there is none (see `is_ready`)."""
        answer, left = self._answers[0]
        if left == 1:
            self._answers.pop(0)
        elif left is not None:
            self._answers[0] = (answer, left - 1)
        return answer

    def _add(self, answer: Answer, times: int | None) -> Self:
        if times is not None and times < 1:
            raise ValueError(f"Expected an answer of {self._what} {self.name!r} at least once, but got times={times}.")
        if self._answers and self._answers[-1][1] is None:
            self._answers.pop()
        self.told = True
        self._answers.append((answer, times))
        return self


class StubService(Stub):
    """The stand-in for a service, found by its job type. It answers listeners of that type, too."""

    def __init__(self, type: str) -> None:
        super().__init__("service", type)

    def returns(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """Answer with variables."""
        return self._add({**(variables or {}), **more}, None)

    def raises(self, code: str, message: str = "", variables: Mapping[str, Any] | None = None, *,
               times: int | None = None) -> Self:
        """Answer with a BPMN error. Raises ValueError for `times` below 1."""
        return self._add(BpmnError(code, message, variables), times)

    def fails(self, message: str = "The stubbed service failed.", *, times: int | None = None,
              retries: int | None = None, retry_in: timedelta | None = None) -> Self:
        """Let attempts fail, as technical failures (see `Failure`). Raises ValueError for `times` below 1."""
        return self._add(Failure(message, retries=retries, retry_in=retry_in), times)

    def denies(self, reason: str, *, times: int | None = None) -> Self:
        """As a listener of a user task: refuse what is to happen to it. Raises ValueError for `times` below 1."""
        return self._add(ListenerAnswer(denied=reason), times)


class StubTask(Stub):
    """The stand-in for a person who does a user task, found by the id of its element."""

    def __init__(self, element_id: str) -> None:
        super().__init__("user task", element_id)

    def completes(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """Complete the task with variables."""
        return self._add({**(variables or {}), **more}, None)


class Stubs:
    """All stand-ins of a scratch engine. `others` answers for services, `other_people` for user tasks without one of
    their own."""

    def __init__(self) -> None:
        self.services: dict[str, StubService] = {}
        self.tasks: dict[str, StubTask] = {}
        self.others = StubService("any other")
        self.other_people = StubTask("any other")

    def service(self, type: str) -> StubService:
        """The stand-in for a job type, made when it is asked for first."""
        return self.services.setdefault(type, StubService(type))

    def task(self, element_id: str) -> StubTask:
        """The stand-in for a user task, made when it is asked for first."""
        return self.tasks.setdefault(element_id, StubTask(element_id))

    def for_job(self, type: str) -> StubService | None:
        """Who answers a job of this type; None if nobody does."""
        return _ready(self.services.get(type), self.others)

    def for_task(self, element_id: str) -> StubTask | None:
        """Who does this user task; None if nobody does."""
        return _ready(self.tasks.get(element_id), self.other_people)


StubOf = TypeVar("StubOf", bound=Stub)


def _ready(own: StubOf | None, other: StubOf) -> StubOf | None:
    found = own if own is not None and own.told else other
    return found if found.is_ready else None


def _has(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in seen and seen[name] == value for name, value in wanted.items())


def _shown(variables: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in variables.items()) or "no variables"
