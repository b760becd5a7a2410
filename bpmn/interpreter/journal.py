"""What happened inside an instance while its tokens moved, in order, for the engine to write down.

The interpreter changes nothing outside itself: it appends entries here, and `engine.execution` turns them into
history rows, jobs, timers, subscriptions and incidents in the same transaction that saves the tokens.

The classes are not frozen only because that would triple the cost of making one.

Every entry names the *token* it is about by its key: the key of the element instance. `element` is the id in the XML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bpmn.model import CalledProcess, Element


@dataclass(slots=True)
class Entered:
    """An element instance began and may last; a token that waits at a joining gateway is one too.

    `flow` is the sequence flow taken to it; `scope` the key of the element instance that contains it (the instance's
    own key at the top)."""

    key: int
    element: Element
    scope: int
    flow: str | None


@dataclass(slots=True)
class Passed:
    """An element began and ended at once (gateway, script, none event, undefined task).

    It has no key: nothing can refer to it. The engine gives it one.
    """

    element: Element
    scope: int
    flow: str | None


@dataclass(slots=True)
class Left:
    """The element instance `key` completed."""

    key: int


@dataclass(slots=True)
class Terminated:
    """The element instance `key` was cancelled (interrupted, terminated, its scope ended)."""

    key: int


@dataclass(slots=True)
class JobOpened:
    """The element waits for a worker to complete a job of `type`."""

    key: int
    element: Element
    type: str
    retries: int
    headers: Mapping[str, str]
    kind: str = "BPMN_ELEMENT"
    listener_event: str | None = None
    priority: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What the listener of a user task is asked about: what the task is to be like."""


@dataclass(slots=True)
class UserTaskOpened:
    """The element waits for a person. Dates are ISO 8601 texts as the expressions gave them."""

    key: int
    element: Element
    assignee: str | None = None
    candidate_users: tuple[str, ...] = ()
    candidate_groups: tuple[str, ...] = ()
    due_date: str | None = None
    follow_up_date: str | None = None
    priority: int = 50
    form_key: str | None = None
    form_id: str | None = None
    form_version: str | None = None
    """The argument of the form's binding."""
    creating: bool = False
    """Nobody may do it yet: a listener has to answer first."""


@dataclass(slots=True)
class UserTaskChanged:
    """The listeners of a user task have answered what was to happen to it (`event`: one of `bpmn.model.TASK_EVENTS`).

    `changes` is what the task is to be like now: what was asked for, as the listeners corrected it. `denied` is why
    it was refused; then nothing changes."""

    key: int
    event: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    denied: str | None = None


@dataclass(slots=True)
class TimerOpened:
    """The token waits for a time. `kind` and `text` are the evaluated timer (ISO 8601, or cron in a cycle);
    the engine computes the due date from its clock. `index` tells the events of one token apart."""

    key: int
    element: Element
    kind: str
    text: str
    index: int = 0
    repeats: bool = False
    """A non-interrupting cycle: after firing, the engine arms it again."""


@dataclass(slots=True)
class SubscriptionOpened:
    """The token waits for a message, a signal or a condition.

    `kind` is "MESSAGE", "SIGNAL" or "CONDITION" (then `name` is the condition's text, for display: the interpreter
    evaluates it itself). `correlation_key` is None for signals and for Camunda 7 messages without key.
    `interrupting` False: it stays open after firing."""

    key: int
    element: Element
    kind: str
    name: str
    correlation_key: str | None = None
    index: int = 0
    interrupting: bool = True


@dataclass(slots=True)
class WaitClosed:
    """The token waits no longer: whatever job, task, timers or subscriptions were open for `key` are void.

    Follows a completed wait as well as a cancelled one; the engine ignores what is already closed.
    """

    key: int


@dataclass(slots=True)
class CallOpened:
    """A call activity wants a child instance of `process_id`; `variables` are what it gets."""

    key: int
    element: Element
    called: CalledProcess
    process_id: str
    binding: str
    version: str | None
    variables: Mapping[str, Any] = field(default_factory=dict)
    business_id: str | None = None


@dataclass(slots=True)
class Thrown:
    """A message or signal was thrown; the engine delivers it to whoever waits (this instance too)."""

    key: int | None
    element: Element
    kind: str
    name: str
    correlation_key: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    time_to_live: str | None = None
    """How long a message is kept for those who come later, an ISO 8601 duration."""
    business_id: str | None = None
    """Of the instances that a signal starts."""


@dataclass(slots=True)
class Failed:
    """The token cannot go on: one incident on it. `type` is one of Camunda 8's incident error types
    (`IO_MAPPING_ERROR`, `EXTRACT_VALUE_ERROR`, `CONDITION_ERROR`, `UNHANDLED_ERROR_EVENT`, `CALLED_ELEMENT_ERROR`,
    `DECISION_EVALUATION_ERROR`, `UNKNOWN`)."""

    key: int
    element: Element
    type: str
    message: str


@dataclass(slots=True)
class NullExplained:
    """An expression of the element gave null, and `reasons` say why (a variable that is not there, say). `seen` are the
    variables that it could read, which they may tell."""

    element: Element
    purpose: str
    expression: str
    reasons: tuple[str, ...]
    seen: Mapping[str, Any]


@dataclass(slots=True)
class Recovered:
    """The incident on `key` is over (retried, or its token is gone)."""

    key: int


@dataclass(slots=True)
class Completed:
    """The instance came to its end."""


@dataclass(slots=True)
class Canceled:
    """The instance was terminated from outside."""


@dataclass(slots=True)
class ErrorEscaped:
    """A BPMN error that nothing in this instance catches. Only when the instance has a caller (otherwise it is a
    `Failed`): the instance is over, and the engine throws the error at the call activity."""

    key: int
    code: str
    message: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class EscalationEscaped:
    """An escalation that nothing in this instance catches; offered to the call activity if there is one."""

    key: int
    code: str


Entry = (
    Entered | Passed | Left | Terminated | JobOpened | UserTaskOpened | UserTaskChanged | TimerOpened
    | SubscriptionOpened | WaitClosed | CallOpened | Thrown | Failed | NullExplained | Recovered | Completed | Canceled
    | ErrorEscaped | EscalationEscaped
)
