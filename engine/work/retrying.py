"""What a diagram says about a job that fails: how long to wait before the next attempt, and which failure is a BPMN
error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping

from bpmn.expressions import EvaluationError
from bpmn.interpreter import TokenNotFound, journal
from bpmn.model import JobDefinition
from bpmn.retry_cycle import read_cycle
from engine import live as lives
from engine import schedules
from engine.contracts import JobContract
from engine.errors import InvalidTimer

if TYPE_CHECKING:
    from engine.transaction import Transaction


def attempts(entry: journal.JobOpened, contract: JobContract | None) -> int:
    """How often a job is tried: as the diagram says, else as the service's contract does."""
    definition = entry.element.job
    if contract is None or contract.retries is None or definition is None:
        return entry.retries
    return contract.retries if definition.retries is None and definition.retry_cycle is None else entry.retries


def named_result(drawn: JobDefinition | None, result: dict[str, Any]) -> dict[str, Any]:
    """The variables that a result becomes: those in it, or the one that the diagram names for it.

    A result of one value is that value then; one of several is an object. Source: Camunda 7 manual, "Service Task",
    `camunda:resultVariable`.
    """
    if drawn is None or drawn.result_variable is None:
        return result
    value = next(iter(result.values())) if len(result) == 1 else result or None
    return {drawn.result_variable: value}


def pause(tx: Transaction, job: RowMapping, left: int, otherwise: timedelta | None = None) -> timedelta:
    """How long to wait before the next of `left` attempts, where the worker does not say: the diagram's retry cycle,
    or `otherwise` where there is none.

    Source: Camunda 7 manual, "The Job Executor", section "Failed Jobs".
    """
    definition = drawn(tx, job)
    unsaid = otherwise or timedelta()
    # An attempt that was given back unused is no failure.
    if definition is None or definition.retry_cycle is None or left >= job["retries"]:
        return unsaid
    try:
        cycle = read_cycle(str(_value(tx, job, definition.retry_cycle, {})))
        if cycle is None:
            return unsaid
        return schedules.duration(cycle.wait_after(cycle.attempts - left)).after(tx.now) - tx.now
    except (EvaluationError, InvalidTimer, OverflowError):
        # It could be read when the job began; a wait that no longer can must not keep the failure from being told.
        return unsaid


def declared_error(tx: Transaction, job: RowMapping, variables: Mapping[str, Any], message: str | None,
                   retries: int) -> str | None:
    """The code of the BPMN error that a worker's answer is by the diagram's rules; None for none.

    Source: Camunda 7 manual, "External Tasks", `camunda:errorEventDefinition`. Raises
    `bpmn.expressions.EvaluationError` if a rule cannot be evaluated.
    """
    definition = drawn(tx, job)
    if definition is None or not definition.errors:
        return None
    task = {"errorMessage": message, "errorDetails": message, "retries": retries, "topicName": job["type"],
            "workerId": job["locked_by"], "priority": job["priority"], "activityId": job["element_id"]}
    more = {**variables, "externalTask": task}
    for error in definition.errors:
        if _value(tx, job, error.condition, more) is True:
            return str(_value(tx, job, error.code, more))
    return None


def drawn(tx: Transaction, job: RowMapping) -> JobDefinition | None:
    """What the diagram says of a job; None for one of a listener."""
    if job["kind"] != "BPMN_ELEMENT":
        return None
    element = tx.definition(job["definition_key"]).process.elements.get(job["element_id"])
    return None if element is None else element.job


def _value(tx: Transaction, job: RowMapping, expression: Any, more: Mapping[str, Any]) -> Any:
    if expression.is_static:
        return expression.evaluate(more)
    live = lives.restore(tx, job["instance_key"])
    if live is None:
        return None
    try:
        seen = live.run.variables(job["element_instance_key"])
    except TokenNotFound:
        return None
    return expression.evaluate({**seen, **more})
