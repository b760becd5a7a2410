"""Lists for scripts: instances, incidents, user tasks, process definitions, effects, the audit trail."""

from __future__ import annotations

from typing import Any

from flask import request

from engine.operations.plans import ItemState
from engine.queries import definitions as known
from engine.queries import effects as caused
from engine.queries import instance as one
from engine.queries import instances as found
from engine.queries import lists
from engine.queries.conditions import STATES
from engine.queries.definitions import DefinitionRow
from engine.queries.effects import EffectRow
from engine.queries.instances import SORTS, InstanceRow
from engine.queries.orders import VARIABLE
from engine.queries.paging import Page
from engine.queries.things import AuditRow, IncidentRow, UserTaskRow
from engine.queries.variables import OPERATORS
from engine.states import EffectState, IncidentState, UserTaskState
from web.answers import engine
from web.api.operation import KEY, MOMENT, Parameter, getting, listing
from web.console.instance_query import CONDITIONS, NEWEST_FIRST, Query


def _words(states: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [str(getattr(state, "value", state)) for state in states]}


def _one_of(texts: Any) -> dict[str, Any]:
    return {"type": "string", "enum": list(texts)}


def _states(usual: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(request.args.getlist("state")) or usual


def _number(name: str) -> int | None:
    text = request.args.get(name)
    return int(text) if text else None


PROCESS = Parameter(name="process", description="The id of a process.")
INSTANCE = Parameter(name="instance", description="The key of an instance.", schema=KEY)


@listing(
    "/api/instances", "Process instances, newest first.", InstanceRow,
    Parameter(name="state", description="Any of these words; all if none is said.", schema=_words(STATES), many=True),
    PROCESS, Parameter(name="version", description="The version of the process.", schema=KEY),
    Parameter(name="business_id", description="The business id, exactly."),
    Parameter(name="error", description="A text in an open incident, or in the last error of an open job."),
    Parameter(name="fingerprint", description="That of an open incident: failures that are the same but for numbers."),
    Parameter(name="element", description="The element that a token is at."),
    Parameter(name="key", description="The key.", schema=KEY),
    Parameter(name="parent", description="The key of the instance that called it.", schema=KEY),
    Parameter(name="variable", description="The name of a variable that it has."),
    Parameter(name="value", description="The value of that variable, as JSON or as a text without quotes."),
    Parameter(name="operator", description="How they are compared; 'eq' if it is not said.", schema=_one_of(OPERATORS)),
    *(each for number in range(2, CONDITIONS + 1) for each in (
        Parameter(name=f"variable{number}", description="One more condition; all must hold."),
        Parameter(name=f"value{number}", description="Its value."),
        Parameter(name=f"operator{number}", description="How they are compared.", schema=_one_of(OPERATORS)),
    )),
    Parameter(name="retries", description="An open job that failed has at most so many attempts left.", schema=KEY),
    Parameter(name="tenant", description="The tenant, exactly."),
    Parameter(name="started_from", description="Started then or later; UTC without an offset.", schema=MOMENT),
    Parameter(name="started_to", description="Started then or earlier.", schema=MOMENT),
    Parameter(name="ended_from", description="Ended then or later.", schema=MOMENT),
    Parameter(name="operation", description="Those that this operation froze.", schema=KEY),
    Parameter(name="outcome", description="What became of them in it.", schema=_words(ItemState)),
    Parameter(name="ended_to", description="Ended before then.", schema=MOMENT),
    Parameter(name="sort", description=f"By what: one of {', '.join(SORTS)}, or variable:NAME; descending with a '-' "
                                       "before it.",
              schema={"type": "string", "pattern": f"^-?({'|'.join(SORTS)}|{VARIABLE}.+)$"}),
)
def instances(limit: int, offset: int) -> Page[InstanceRow]:
    """The list of the page `/instances`, with the same filter."""
    sort = request.args.get("sort") or NEWEST_FIRST
    return found.search(engine(), Query.read().filter(), sort=sort, limit=limit, offset=offset)


@getting("/api/instances/<key:key>", "One process instance.", InstanceRow)
def instance(key: int) -> InstanceRow:
    """The instance."""
    return one.get(engine(), key)


@getting("/api/instances/<key:key>/variables", "The variables of a process instance.",
         schema={"type": "object", "additionalProperties": True})
def instance_variables(key: int) -> dict[str, Any]:
    """Its variables, by name."""
    one.get(engine(), key)
    return one.variables(engine(), key)


@listing(
    "/api/incidents", "Incidents, newest first.", IncidentRow, PROCESS, INSTANCE,
    Parameter(name="state", description="ACTIVE if none is said.", schema=_words(IncidentState), many=True),
    Parameter(name="element", description="The element where it happened."),
    Parameter(name="type", description="The kind of incident."),
    Parameter(name="error", description="A text in the message."),
)
def incidents(limit: int, offset: int) -> Page[IncidentRow]:
    """What failed and why."""
    texts = request.args
    return lists.incidents(
        engine(), states=_states((IncidentState.ACTIVE,)), process_id=texts.get("process") or None,
        element_id=texts.get("element") or None, type=texts.get("type") or None, error=texts.get("error") or None,
        instance_key=_number("instance"), limit=limit, offset=offset,
    )


@listing(
    "/api/user-tasks", "User tasks, the most urgent first.", UserTaskRow, PROCESS, INSTANCE,
    Parameter(name="state", description="CREATED if none is said.", schema=_words(UserTaskState), many=True),
    Parameter(name="assignee", description="Whose it is."),
    Parameter(name="candidate", description="Who could claim it."),
    Parameter(name="group", description="A group whose members could claim it.", many=True),
)
def user_tasks(limit: int, offset: int) -> Page[UserTaskRow]:
    """What waits for a person."""
    texts = request.args
    return lists.user_tasks(
        engine(), states=_states((UserTaskState.CREATED,)), process_id=texts.get("process") or None,
        assignee=texts.get("assignee") or None, candidate=texts.get("candidate") or None,
        groups=texts.getlist("group"), instance_key=_number("instance"), limit=limit, offset=offset,
    )


@listing(
    "/api/definitions", "Process definitions, newest first, with how many instances each has.", DefinitionRow, PROCESS,
    Parameter(name="version", description="The version of the process.", schema=KEY),
    Parameter(name="key", description="The key.", schema=KEY),
    Parameter(name="tenant", description="The tenant, exactly."),
    Parameter(name="latest", description="Only the newest version of each process.", schema=_one_of(["true", "false"])),
)
def definitions(limit: int, offset: int) -> Page[DefinitionRow]:
    """What is deployed."""
    return known.search(
        engine(), process_id=request.args.get("process") or None, tenant_id=request.args.get("tenant") or None,
        version=_number("version"), key=_number("key"), latest=request.args.get("latest") == "true", counted=True,
        limit=limit, offset=offset,
    )


@listing(
    "/api/effects", "What services did or may have done, newest first.", EffectRow, INSTANCE,
    Parameter(name="service", description="The job type."),
    Parameter(name="state", description="Any of these; all but INTENDED if none is said.", schema=_words(EffectState),
              many=True),
)
def effects(limit: int, offset: int) -> Page[EffectRow]:
    """The effects ledger."""
    return caused.effects(engine(), service=request.args.get("service") or None, states=_states(),
                          instance_key=_number("instance"), limit=limit, offset=offset)


@listing(
    "/api/audit", "The audit trail, newest first.", AuditRow, INSTANCE,
    Parameter(name="actor", description="Who."), Parameter(name="operation", description="What, such as HOLD_SERVICE."),
)
def audit(limit: int, offset: int) -> Page[AuditRow]:
    """Who did what, when and why."""
    return lists.audit(engine(), actor=request.args.get("actor") or None,
                       operation=request.args.get("operation") or None, instance_key=_number("instance"),
                       limit=limit, offset=offset)
