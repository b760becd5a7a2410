"""One instance in a test: what it did, where it is, and assertions that say so when it is not as expected."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from bpmn.model import Process
from engine import incidents, instances, variables
from engine.queries import definitions, lists
from engine.queries import instance as queries
from engine.queries.instances import InstanceFilter, InstanceRow, search
from engine.queries.things import IncidentRow, UserTaskRow
from engine.states import ElementState, InstanceState
from engine.tasks import user_tasks
from engine.testing import facts
from engine.testing.standing import describe

if TYPE_CHECKING:
    from engine.testing.scratch import Scratch

MOST = 1000


class Instance:
    """A process instance of a scratch engine. Everything is read when it is asked for.

    Elements are named by their ids in the diagram; a misspelt id is a ValueError, in every assertion, so that none can
    hold by mistake.
    """

    def __init__(self, scratch: Scratch, key: int) -> None:
        self.key = key
        self._scratch = scratch

    def __repr__(self) -> str:
        if self._scratch.closed:
            return f"Process instance {self.key} of a scratch engine that was closed."
        return describe(self._scratch.engine, self._scratch.stubs, self.key)

    @property
    def row(self) -> InstanceRow:
        """Its row: process id, version, business id, times and so on."""
        return queries.get(self._scratch.engine, self.key)

    @property
    def process_id(self) -> str:
        """The id of its process."""
        return self.row.process_id

    @property
    def active(self) -> bool:
        """Whether it has not ended yet."""
        return self.row.state == InstanceState.ACTIVE

    @property
    def ended(self) -> bool:
        """Whether it has ended, in whichever way."""
        return not self.active

    @property
    def completed(self) -> bool:
        """Whether it has come to its end."""
        return self.row.state == InstanceState.COMPLETED

    @property
    def terminated(self) -> bool:
        """Whether it was cancelled, or ended by an error that went to its caller."""
        return self.row.state == InstanceState.TERMINATED

    @property
    def reason(self) -> str | None:
        """The reason code it ended with."""
        return self.row.end_reason

    @property
    def variables(self) -> dict[str, Any]:
        """Its variables at the top, by name."""
        return facts.variables(self._scratch.engine, self.key)

    @property
    def path(self) -> list[str]:
        """The ids of its elements in the order in which they began, each visit once."""
        return [visit.element_id for visit in self._history()]

    @property
    def waits_at(self) -> list[str]:
        """The ids of the elements at which it waits, sorted."""
        return sorted(visit.element_id for visit in facts.waiting(self._history()))

    @property
    def incidents(self) -> tuple[IncidentRow, ...]:
        """Its open incidents, the oldest first."""
        return lists.incidents(self._scratch.engine, instance_key=self.key, limit=MOST).items[::-1]

    @property
    def tasks(self) -> tuple[UserTaskRow, ...]:
        """Its open user tasks, the oldest first."""
        found = lists.user_tasks(self._scratch.engine, instance_key=self.key, limit=MOST).items
        return tuple(sorted(found, key=lambda task: task.key))

    @property
    def called(self) -> list[Instance]:
        """The instances that its call activities started, the oldest first."""
        found = search(self._scratch.engine, InstanceFilter(parent_key=self.key), sort="key", limit=MOST).items
        return [Instance(self._scratch, row.key) for row in found]

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, None while it is active."""
        return self.row.ended_at

    def complete(self, element_id: str, result: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Complete its oldest open user task at an element, with variables.

        Raises AssertionError if there is none, ValueError for a misspelt id, and `engine.errors.Rejection`.
        """
        __tracebackhide__ = True
        self._check(element_id)
        found = [task for task in self.tasks if task.element_id == element_id]
        if not found:
            self._fail(f"Expected a user task to be open at {element_id!r}, but there is none.")
        self._scratch.execute(user_tasks.complete, found[0].key, {**(result or {}), **more})

    def set_variables(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Set variables at the top. Raises `engine.errors.Rejection`."""
        self._scratch.execute(variables.set, self.key, {**(values or {}), **more})

    def resolve(self, element_id: str | None = None) -> None:
        """Resolve its oldest open incident (at an element): what failed is done again.

        Raises AssertionError if there is none, ValueError for a misspelt id, and `engine.errors.Rejection`.
        """
        __tracebackhide__ = True
        found = self._incidents_at(element_id)
        if not found:
            self._fail(f"Expected an incident{_at(element_id)}, but there is none.")
        self._scratch.execute(incidents.resolve, found[0].key)

    def cancel(self, reason: str = "The test ends it.") -> None:
        """Cancel it. Raises `engine.errors.Rejection`."""
        self._scratch.execute(instances.cancel, self.key, reason)

    def assert_active(self) -> None:
        """It has not ended. Raises AssertionError."""
        __tracebackhide__ = True
        if self.ended:
            self._fail("Expected the instance to be active, but it has ended.")

    def assert_ended(self, reason: str | None = None) -> None:
        """It has ended, and with `reason` if that is given. Raises AssertionError."""
        __tracebackhide__ = True
        if self.active:
            self._fail("Expected the instance to have ended, but it is active.")
        if reason is not None and self.reason != reason:
            self._fail(f"Expected the instance to end with the reason {reason!r}, but it is {self.reason!r}.")

    def assert_passed(self, *ids: str) -> None:
        """Each of these elements was completed, each of these sequence flows taken, at least once.

        Raises AssertionError, ValueError.
        """
        __tracebackhide__ = True
        self._check(*ids)
        missing = [id for id in ids if id not in self._passed()]
        if missing:
            self._fail(f"Expected the instance to pass {_list(ids)}, but it never passed {_list(missing)}.")

    def assert_not_passed(self, *ids: str) -> None:
        """None of these elements was completed, none of these sequence flows taken.

        Raises AssertionError, ValueError.
        """
        __tracebackhide__ = True
        self._check(*ids)
        found = [id for id in ids if id in self._passed()]
        if found:
            self._fail(f"Expected the instance not to pass {_list(ids)}, but it passed {_list(found)}.")

    def assert_path(self, *ids: str) -> None:
        """It completed these elements in this order; others may have come in between.

        Raises AssertionError, ValueError.
        """
        __tracebackhide__ = True
        self._check(*ids)
        rest = (visit.element_id for visit in self._history() if visit.state == ElementState.COMPLETED)
        for place, id in enumerate(ids):
            if id not in rest:
                after = f" after {ids[place - 1]!r}" if place else ""
                self._fail(f"Expected the instance to pass {' → '.join(ids)} in this order, but it did not pass "
                           f"{id!r}{after}.")

    def assert_waits_at(self, *ids: str) -> None:
        """It waits at these elements, and at no others. Raises AssertionError, ValueError."""
        __tracebackhide__ = True
        self._check(*ids)
        found = self.waits_at
        if set(found) != set(ids):
            self._fail(f"Expected the instance to wait at {_list(ids)}, but it waits at {_list(found) or 'nothing'}.")

    def assert_variables(self, expected: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """It has these variables at the top, with these values; it may have more. Raises AssertionError."""
        __tracebackhide__ = True
        found = self.variables
        wrong = [f"{name} is {found[name]!r} and not {value!r}" if name in found else f"there is no {name}"
                 for name, value in {**(expected or {}), **more}.items() if name not in found or found[name] != value]
        if wrong:
            self._fail(f"Expected other variables: {'; '.join(wrong)}.")

    def assert_no_variables(self, *names: str) -> None:
        """It has no variables of these names at the top. Raises AssertionError."""
        __tracebackhide__ = True
        found = [name for name in names if name in self.variables]
        if found:
            self._fail(f"Expected no variables {_list(names)}, but there are {_list(found)}.")

    def assert_incident(self, element_id: str | None = None, *, message: str = "", type: str | None = None) -> None:
        """It has an open incident (at this element, with this text in its message, of this type).

        Raises AssertionError, ValueError.
        """
        __tracebackhide__ = True
        found = [row for row in self._incidents_at(element_id)
                 if message in row.message and type in (None, row.type)]
        if not found:
            about = (f" of type {type}" if type else "") + (f" that says {message!r}" if message else "")
            self._fail(f"Expected an incident{_at(element_id)}{about}, but there is none.")

    def assert_no_incidents(self) -> None:
        """It has no open incident. Raises AssertionError."""
        __tracebackhide__ = True
        if self.incidents:
            self._fail(f"Expected no incident, but there are {len(self.incidents)}.")

    @property
    def _process(self) -> Process:
        return definitions.process(self._scratch.engine, self.row.definition_key)

    def _history(self) -> list[facts.Visit]:
        return facts.history(self._scratch.engine, self.key)

    def _passed(self) -> set[str]:
        return facts.passed(self._history(), self._process)

    def _incidents_at(self, element_id: str | None) -> list[IncidentRow]:
        if element_id is not None:
            self._check(element_id)
        return [row for row in self.incidents if element_id in (None, row.element_id)]

    def _check(self, *ids: str) -> None:
        process = self._process
        known = [*process.elements, *process.flows, process.id]
        for id in ids:
            if id not in known:
                like = difflib.get_close_matches(id, known, n=1)
                hint = f"did you mean {like[0]!r}?" if like else f"it has {_list(process.elements)}."
                raise ValueError(f"Expected the id of an element or sequence flow of process {process.id!r}, but "
                                 f"{id!r} is none; {hint}")

    def _fail(self, message: str) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError(f"{message}\n{self!r}")


def _list(ids: Any) -> str:
    return ", ".join(repr(id) for id in ids)


def _at(element_id: str | None) -> str:
    return f" at {element_id!r}" if element_id is not None else ""
