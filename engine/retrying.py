"""What a diagram says about a job that fails: how long to wait before the next attempt, and which failure is a BPMN
error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping

from bpmn.expressions import EvaluationError
from bpmn.interpreter import TokenNotFound
from bpmn.model import JobDefinition
from bpmn.retry_cycle import read_cycle
from engine import live as lives
from engine import schedules
from engine.errors import InvalidTimer

if TYPE_CHECKING:
    from engine.transaction import Transaction


def pause(tx: Transaction, job: RowMapping, left: int) -> timedelta:
    """How long to wait before the next of `left` attempts, where the worker does not say: the diagram's retry cycle.

    Source: Camunda 7 manual, "The Job Executor", section "Failed Jobs".
    """
    definition = _definition(tx, job)
    # An attempt that was given back unused is no failure.
    if definition is None or definition.retry_cycle is None or left >= job["retries"]:
        return timedelta()
    try:
        cycle = read_cycle(str(_value(tx, job, definition.retry_cycle, {})))
        if cycle is None:
            return timedelta()
        return schedules.duration(cycle.wait_after(cycle.attempts - left)).after(tx.now) - tx.now
    except (EvaluationError, InvalidTimer, OverflowError):
        # It could be read when the job began; a wait that no longer can must not keep the failure from being told.
        return timedelta()


def declared_error(tx: Transaction, job: RowMapping, variables: Mapping[str, Any], message: str | None,
                   retries: int) -> str | None:
    """The code of the BPMN error that a worker's answer is by the diagram's rules; None for none.

    Source: Camunda 7 manual, "External Tasks", `camunda:errorEventDefinition`. Raises
    `bpmn.expressions.EvaluationError` if a rule cannot be evaluated.
    """
    definition = _definition(tx, job)
    if definition is None or not definition.errors:
        return None
    task = {"errorMessage": message, "errorDetails": message, "retries": retries, "topicName": job["type"],
            "workerId": job["locked_by"], "priority": job["priority"], "activityId": job["element_id"]}
    more = {**variables, "externalTask": task}
    for error in definition.errors:
        if _value(tx, job, error.condition, more) is True:
            return str(_value(tx, job, error.code, more))
    return None


def _definition(tx: Transaction, job: RowMapping) -> JobDefinition | None:
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
