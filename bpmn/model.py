"""A process model as frozen data, the same whichever dialect it was drawn in.

`bpmn.parser` reads a file into a `Model`; `bpmn.zeebe` and `bpmn.camunda` fill in what the two Camunda
dialects say in their extension elements. After that nobody can tell which dialect a model came from, except by
the few fields that say so because the two engines differ in behaviour (`Process.dialect`).

Expressions are kept compiled (`bpmn.expressions.Expression`): a text that does not parse is a problem at deploy,
never at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml import etree

    from bpmn.expressions import Expression
    from bpmn.forms.definition import FormDefinition

NOTHING: Mapping[str, Any] = MappingProxyType({})


def nothing() -> Mapping[str, Any]:
    """The empty mapping, shared."""
    return NOTHING


class Dialect(StrEnum):
    """Which of Camunda's two dialects a model was drawn in."""

    CAMUNDA_7 = "Camunda Platform"
    CAMUNDA_8 = "Camunda Cloud"


class ElementType(StrEnum):
    """What kind of BPMN element it is, in the words of Camunda 8's REST API."""

    PROCESS = "PROCESS"
    SUB_PROCESS = "SUB_PROCESS"
    EVENT_SUB_PROCESS = "EVENT_SUB_PROCESS"
    AD_HOC_SUB_PROCESS = "AD_HOC_SUB_PROCESS"
    TRANSACTION = "TRANSACTION"
    START_EVENT = "START_EVENT"
    INTERMEDIATE_CATCH_EVENT = "INTERMEDIATE_CATCH_EVENT"
    INTERMEDIATE_THROW_EVENT = "INTERMEDIATE_THROW_EVENT"
    BOUNDARY_EVENT = "BOUNDARY_EVENT"
    END_EVENT = "END_EVENT"
    TASK = "TASK"
    MANUAL_TASK = "MANUAL_TASK"
    SERVICE_TASK = "SERVICE_TASK"
    SEND_TASK = "SEND_TASK"
    RECEIVE_TASK = "RECEIVE_TASK"
    USER_TASK = "USER_TASK"
    SCRIPT_TASK = "SCRIPT_TASK"
    BUSINESS_RULE_TASK = "BUSINESS_RULE_TASK"
    CALL_ACTIVITY = "CALL_ACTIVITY"
    EXCLUSIVE_GATEWAY = "EXCLUSIVE_GATEWAY"
    PARALLEL_GATEWAY = "PARALLEL_GATEWAY"
    INCLUSIVE_GATEWAY = "INCLUSIVE_GATEWAY"
    EVENT_BASED_GATEWAY = "EVENT_BASED_GATEWAY"
    MULTI_INSTANCE_BODY = "MULTI_INSTANCE_BODY"
    SEQUENCE_FLOW = "SEQUENCE_FLOW"


SCOPES = frozenset({
    ElementType.PROCESS,
    ElementType.SUB_PROCESS,
    ElementType.EVENT_SUB_PROCESS,
    ElementType.AD_HOC_SUB_PROCESS,
    ElementType.TRANSACTION,
})
"""Elements that contain others."""

TASKS = frozenset({
    ElementType.TASK,
    ElementType.MANUAL_TASK,
    ElementType.SERVICE_TASK,
    ElementType.SEND_TASK,
    ElementType.RECEIVE_TASK,
    ElementType.USER_TASK,
    ElementType.SCRIPT_TASK,
    ElementType.BUSINESS_RULE_TASK,
})
ACTIVITIES = TASKS | (SCOPES - {ElementType.PROCESS}) | {ElementType.CALL_ACTIVITY}
"""What may carry a boundary event, a loop and a compensation handler."""

GATEWAYS = frozenset({
    ElementType.EXCLUSIVE_GATEWAY,
    ElementType.PARALLEL_GATEWAY,
    ElementType.INCLUSIVE_GATEWAY,
    ElementType.EVENT_BASED_GATEWAY,
})
EVENTS = frozenset({
    ElementType.START_EVENT,
    ElementType.INTERMEDIATE_CATCH_EVENT,
    ElementType.INTERMEDIATE_THROW_EVENT,
    ElementType.BOUNDARY_EVENT,
    ElementType.END_EVENT,
})


class EventKind(StrEnum):
    """What an event is about (BPMN 2.0 §10.5)."""

    NONE = "NONE"
    MESSAGE = "MESSAGE"
    TIMER = "TIMER"
    SIGNAL = "SIGNAL"
    ERROR = "ERROR"
    ESCALATION = "ESCALATION"
    CONDITIONAL = "CONDITIONAL"
    LINK = "LINK"
    TERMINATE = "TERMINATE"
    COMPENSATION = "COMPENSATION"
    CANCEL = "CANCEL"


class TimerKind(StrEnum):
    """How a timer text is read (BPMN 2.0 §10.5.5, ISO 8601)."""

    DATE = "DATE"
    DURATION = "DURATION"
    CYCLE = "CYCLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableMapping:
    """One input or output mapping: the value of `source` becomes the variable `target`."""

    source: Expression
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDefinition:
    """What an event waits for or throws.

    `name` is the message, signal or link name; `code` the error or escalation code (None catches every code);
    `correlation_key` belongs to messages of Camunda 8; `timer` is the timer's text; `condition` is for conditional
    events; `activity_ref` names the activity that a compensation throw event is limited to.
    """

    kind: EventKind
    name: Expression | None = None
    code: Expression | None = None
    correlation_key: Expression | None = None
    timer_kind: TimerKind | None = None
    timer: Expression | None = None
    condition: Expression | None = None
    activity_ref: str | None = None
    code_variable: str | None = None
    """Camunda 7: the variable that gets the caught code (`camunda:errorCodeVariable`)."""
    message_variable: str | None = None
    """Camunda 7: the variable that gets the error message (`camunda:errorMessageVariable`)."""
    message: Expression | None = None
    """Of a thrown error: what it says (Camunda 7, `camunda:errorMessage`)."""
    message_id: Expression | None = None
    """Of a thrown message: while one of this id is kept, no second one is published."""
    time_to_live: Expression | None = None
    """Of a thrown message: how long it is kept for those who come later (ISO 8601 duration)."""
    payload: tuple[VariableMapping, ...] = ()
    """Of a thrown signal: the variables that it carries, beside the local ones of the event."""
    payload_all: bool = False
    """The signal carries every variable that the event sees."""
    business_id: Expression | None = None
    """Of a thrown signal: the business id of the instances that it starts."""
    variable_name: str | None = None
    """The condition is looked at only when this variable changes."""
    variable_events: frozenset[str] = frozenset()
    """Which changes of the variable count: "create", "update", "delete"; empty for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredError:
    """A worker's answer is the BPMN error `code` where `condition` holds, which sees the answer as `externalTask`."""

    code: Expression
    condition: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """The job that a service-like element creates for a worker."""

    type: Expression
    retries: Expression | None = None
    """How many attempts; None means that the retry cycle says it, or the default (3)."""
    retry_cycle: Expression | None = None
    """How many attempts, and how long to wait between them (`bpmn.retry_cycle`)."""
    headers: Mapping[str, str] = field(default_factory=nothing)
    priority: Expression | None = None
    errors: tuple[DeclaredError, ...] = ()
    names_code: bool = False
    """The type is the name of a Camunda 7 class or bean, which stands for a service (`bpmn.delegates`)."""
    result_variable: str | None = None
    """Camunda 7: the variable that gets what an expression gives (`camunda:resultVariable`)."""


USER_TASK_JOB = "io.camunda.zeebe:userTask"
"""The type of the job of a job-based user task (Camunda 8 docs, "User tasks", job worker implementation)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTaskDefinition:
    """Who may do a user task, until when, and with which form."""

    assignee: Expression | None = None
    candidate_users: Expression | None = None
    candidate_groups: Expression | None = None
    due_date: Expression | None = None
    follow_up_date: Expression | None = None
    priority: Expression | None = None
    form: FormDefinition | None = None
    headers: Mapping[str, str] = field(default_factory=nothing)
    job_based: bool = False
    """Camunda 8, without `zeebe:userTask`: a worker may do it, too, by a job of type `USER_TASK_JOB`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptDefinition:
    """An expression whose value goes into a variable (`zeebe:script`, `camunda:resultVariable`)."""

    expression: Expression
    result_variable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledProcess:
    """The process that a call activity starts, and what is handed over.

    `binding` is "latest", "deployment", "version" or "versionTag"; `version` its argument. `all_in` and `all_out`
    copy every variable. `inputs` and `outputs` are Camunda 7's `camunda:in` and `camunda:out`.
    """

    process_id: Expression
    binding: str = "latest"
    version: Expression | None = None
    all_in: bool = True
    local_in: bool = True
    """The call activity's own variables go in (Camunda 8: always), if not all do."""
    all_out: bool = True
    inputs: tuple[VariableMapping, ...] = ()
    outputs: tuple[VariableMapping, ...] = ()
    business_id: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledDecision:
    """The DMN decision that a business rule task evaluates."""

    decision_id: Expression
    result_variable: str
    binding: str = "latest"
    """As for a called process, with `version` as its argument."""
    version: Expression | None = None
    map_result: str | None = None
    """Camunda 7's `mapDecisionResult`: singleEntry, singleResult, collectEntries or resultList."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Standard loop or multi-instance characteristics of an activity (BPMN 2.0 §13.3.6, §13.3.7)."""

    multi_instance: bool
    sequential: bool = False
    collection: Expression | None = None
    cardinality: Expression | None = None
    element_variable: str | None = None
    output_collection: str | None = None
    output_element: Expression | None = None
    completion_condition: Expression | None = None
    loop_condition: Expression | None = None
    loop_maximum: int | None = None
    test_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A job that is done at `event`, before what the event is about goes on.

    Execution listeners have the events "start" and "end", on a sequence flow "take"; task listeners those of
    `TASK_EVENTS`.
    """

    event: str
    job: JobDefinition


TASK_EVENTS = frozenset({"creating", "assigning", "updating", "completing", "canceling"})
"""What can happen to a user task (Camunda 8 docs, "Task listeners")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sequence flow."""

    id: str
    source: str
    target: str
    condition: Expression | None = None
    name: str | None = None
    listeners: tuple[Listener, ...] = ()
    """Camunda 7: called when the flow is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One flow node. Fields that do not apply to its type keep their default."""

    id: str
    type: ElementType
    scope: str
    """Id of the process or sub-process that contains it."""
    name: str | None = None
    documentation: str | None = None
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    """Ids of the flows, in XML order."""
    default_flow: str | None = None
    inputs: tuple[VariableMapping, ...] = ()
    outputs: tuple[VariableMapping, ...] = ()
    job: JobDefinition | None = None
    user_task: UserTaskDefinition | None = None
    script: ScriptDefinition | None = None
    called_process: CalledProcess | None = None
    called_decision: CalledDecision | None = None
    loop: Loop | None = None
    events: tuple[EventDefinition, ...] = ()
    """Empty for everything but events; a none event has one of kind NONE; a receive task has its message here."""
    parallel_multiple: bool = False
    attached_to: str | None = None
    start_form: FormDefinition | None = None
    """Start event: the form that asks for the variables of a new instance."""
    initiator: str | None = None
    """Start event: the variable that gets the name of whoever started the instance (`camunda:initiator`)."""
    interrupting: bool = True
    """Boundary event: `cancelActivity`; start event of an event sub-process: `isInterrupting`."""
    for_compensation: bool = False
    """It is a compensation handler (`isForCompensation`)."""
    compensation_handler: str | None = None
    """Id of the handler associated with its compensation boundary event."""
    listeners: tuple[Listener, ...] = ()
    properties: Mapping[str, str] = field(default_factory=nothing)
    """`zeebe:properties` / `camunda:properties` and template ids."""
    async_before: bool = False
    async_after: bool = False
    active_elements: Expression | None = None
    """Ad-hoc sub-process: which inner elements to activate (`zeebe:adHoc`)."""
    completion_condition: Expression | None = None
    """Ad-hoc sub-process."""
    cancel_remaining: bool = True
    """Ad-hoc sub-process."""
    output_collection: str | None = None
    """Ad-hoc sub-process: the variable that gets the value of `output_element` each time a flow inside ends."""
    output_element: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One executable process of a file."""

    id: str
    name: str | None
    dialect: Dialect
    elements: Mapping[str, Element]
    """Every flow node at every depth, in XML order."""
    flows: Mapping[str, Flow]
    version_tag: str | None = None
    documentation: str | None = None
    listeners: tuple[Listener, ...] = ()
    """Called when an instance starts and before it completes."""
    history_ttl_days: int | None = None
    forms: Mapping[str, str] = field(default_factory=nothing)
    """The JSON of the forms embedded in it, by their ids (`zeebe:userTaskForm`)."""
    tree: etree._Element | None = field(default=None, repr=False, compare=False)
    """Its `<bpmn:process>` with every id filled in, for SpiffWorkflow's parser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One BPMN file."""

    resource_name: str
    dialect: Dialect
    processes: tuple[Process, ...]
    """The executable ones only (`isExecutable="true"`; absent means false, BPMN 2.0 §10.3.1)."""
    names: Mapping[str, str] = field(default_factory=nothing)
    """Element id → name, of everything in the file."""
    has_diagram: bool = True
    states_platform: bool = True
    """Whether the file says for which Camunda it was drawn (`modeler:executionPlatform`); otherwise it is a guess."""
