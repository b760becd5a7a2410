"""What may be done to the tokens of an instance, as values.

A command does not move tokens; it hands one of these to the transaction, and `engine.execution` applies it. As values
they can also be kept: what reaches a suspended instance is stored and applied when it is resumed.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from bpmn.interpreter import Directions, Execution, ModificationRefused, Put, Take
from engine.errors import InvalidInput


class Action(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="action"):
    """Something that is done to an instance."""

    waits: ClassVar[bool] = True
    """Whether it is put off while the instance is suspended."""

    may_be_late: bool = False
    """It comes from elsewhere in the same transaction, where nobody could know that the token is gone."""

    def apply(self, run: Execution) -> None:
        """Do it; raises `bpmn.interpreter.TokenNotFound` if the token is gone."""
        raise NotImplementedError


class Go(Action, frozen=True, tag=True):
    """Let the tokens move; nothing else."""

    def apply(self, run: Execution) -> None:
        pass


class Complete(Action, frozen=True, tag=True):
    """The job, user task or called instance of a token is done."""

    token: int
    variables: dict[str, Any] = {}
    denied: str | None = None
    """A listener of a user task refuses what was to happen to the task."""
    changes: dict[str, Any] = {}
    """What a listener of a user task wants the task to be like."""
    directions: Directions | None = None
    """What the worker says that leads an ad-hoc sub-process."""

    def apply(self, run: Execution) -> None:
        run.complete(self.token, self.variables, denied=self.denied, changes=self.changes, directions=self.directions)


class AskListeners(Action, frozen=True, tag=True):
    """Something is to happen to a user task, if its listeners agree."""

    token: int
    event: str
    changes: dict[str, Any] = {}
    variables: dict[str, Any] = {}

    def apply(self, run: Execution) -> None:
        run.ask_listeners(self.token, self.event, self.changes, self.variables)


class ThrowError(Action, frozen=True, tag=True):
    """A BPMN error happened at a token."""

    token: int
    code: str
    message: str = ""
    variables: dict[str, Any] = {}

    def apply(self, run: Execution) -> None:
        run.throw_error(self.token, self.code, self.message, self.variables)


class ThrowEscalation(Action, frozen=True, tag=True):
    """An escalation happened at a token."""

    token: int
    code: str
    variables: dict[str, Any] = {}

    def apply(self, run: Execution) -> None:
        run.throw_escalation(self.token, self.code, self.variables)


class Trigger(Action, frozen=True, tag=True):
    """A timer, message or signal of a token fired."""

    token: int
    index: int = 0
    variables: dict[str, Any] = {}

    def apply(self, run: Execution) -> None:
        run.trigger(self.token, self.index, self.variables)


class Fail(Action, frozen=True, tag=True):
    """The engine cannot serve what a token waits for: an incident. No token moves by that."""

    waits: ClassVar[bool] = False

    token: int
    type: str
    message: str

    def apply(self, run: Execution) -> None:
        run.fail(self.token, self.type, self.message)


class Retry(Action, frozen=True, tag=True):
    """Do again what failed at a token."""

    token: int

    def apply(self, run: Execution) -> None:
        run.retry(self.token)


class SetVariables(Action, frozen=True, tag=True):
    """Set variables of a scope. Data may be mended while an instance is suspended."""

    scope: int
    variables: dict[str, Any]
    local: bool = False

    waits: ClassVar[bool] = False

    def apply(self, run: Execution) -> None:
        run.set_variables(self.scope, self.variables, self.local)


class RemoveVariables(Action, frozen=True, tag=True):
    """Remove variables from where they are visible from a scope, or from that very scope."""

    scope: int
    names: list[str]
    local: bool = False

    waits: ClassVar[bool] = False

    def apply(self, run: Execution) -> None:
        run.remove_variables(self.scope, self.names, self.local)


class Modify(Action, frozen=True, tag=True):
    """Put tokens at other elements and take some away. A suspended instance can be modified: they move later."""

    waits: ClassVar[bool] = False

    puts: list[Put] = []
    takes: list[Take] = []

    def apply(self, run: Execution) -> None:
        try:
            run.modify(self.puts, self.takes)
        except ModificationRefused as error:
            raise InvalidInput(str(error)) from error


class Cancel(Action, frozen=True, tag=True):
    """End the instance. A suspended one can be cancelled."""

    waits: ClassVar[bool] = False

    def apply(self, run: Execution) -> None:
        run.cancel()


AnyAction = (
    Go | Complete | AskListeners | ThrowError | ThrowEscalation | Trigger | Fail | Retry | SetVariables
    | RemoveVariables | Modify | Cancel
)
