"""The result and error expressions of a connector, and the FEEL functions that only they have.

Source: Camunda 8 docs, "Using outbound connectors", sections "Response mapping" and "Error expression"; what those
leave open as camunda/connectors, `ConnectorResultHandler.java` and `FeelConnectorFunctionProvider.java` have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bpmn.expressions import EvaluationError, ExpressionError, feel
from bpmn.feel import FeelError
from bpmn.feel.temporal import DaysDuration
from bpmn.feel.values import Builtin, Value, to_json, type_name
from engine import schedules
from engine.errors import InvalidTimer
from service_tasks.errors import BpmnError, InDoubt, JobError, ServiceError

BPMN_ERROR, JOB_ERROR, IGNORE_ERROR = "bpmnError", "jobError", "ignoreError"

_NUMBER = (int, float, Decimal)
_PARAMETERS: Mapping[str, tuple[tuple[str, tuple[type, ...], str], ...]] = {
    BPMN_ERROR: (("errorCode", (str,), "a text"), ("errorMessage", (str,), "a text"),
                 ("variables", (dict,), "a context")),
    JOB_ERROR: (("errorMessage", (str,), "a text"), ("variables", (dict,), "a context"),
                ("retries", _NUMBER, "a number"), ("retryBackoff", (DaysDuration,), "a duration")),
    IGNORE_ERROR: (("variables", (dict,), "a context"),),
}
_ALIASES = {"code": "errorCode", "message": "errorMessage"}
"""What the functions of older versions called their parameters."""
_REQUIRED = {BPMN_ERROR: 1, JOB_ERROR: 1, IGNORE_ERROR: 0}


@dataclass(frozen=True, slots=True)
class Ignored:
    """The error expression says that the error is none: the task is completed with these variables."""

    variables: Mapping[str, Any] = field(default_factory=dict)


def variables_of(headers: Mapping[str, str], response: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that the result variable and the result expression make of a response.

    Raises InDoubt if the expression cannot be evaluated or gives no context: the service has acted by then.
    """
    variables: dict[str, Any] = {}
    if name := headers.get("resultVariable", "").strip():
        variables[name] = response
    if text := headers.get("resultExpression", "").strip():
        value = _evaluate("result expression", text, {**response, "response": response})
        if value is not None:
            variables.update(_context("result expression", value))
    return variables


def verdict_of(headers: Mapping[str, str], outcome: Mapping[str, Any], retries: int) -> ServiceError | Ignored | None:
    """What the error expression makes of an outcome, a response or `{"error": …}`; None: it is no error.

    Raises InDoubt if the expression cannot be evaluated or gives something else.
    """
    text = headers.get("errorExpression", "").strip()
    if not text:
        return None
    value = _evaluate("error expression", text,
                      {**outcome, "response": outcome, "job": {"retries": retries}, **FUNCTIONS})
    if value is None:
        return None
    given = {_ALIASES.get(name, name): item for name, item in _context("error expression", value).items()}
    return _verdict(given) if given else None


def _verdict(given: Mapping[str, Any]) -> ServiceError | Ignored | None:
    kind = given.get("errorType", BPMN_ERROR)
    message, variables = given.get("errorMessage") or "", given.get("variables") or {}
    if not isinstance(message, str) or not isinstance(variables, dict):
        raise InDoubt("Expected the error expression to give a text as message and a context as variables, "
                      "but it gave something else.")
    if kind == BPMN_ERROR:
        code = given.get("errorCode")
        return BpmnError(str(code), message, variables) if code not in (None, "") else None
    if kind == IGNORE_ERROR:
        return Ignored(variables)
    if kind == JOB_ERROR:
        return JobError(message, retries=_retries(given.get("retries", 0)),
                        retry_in=_duration(given.get("retryBackoff")), variables=variables)
    raise InDoubt(f"Expected the error expression to give {BPMN_ERROR}, {JOB_ERROR} or {IGNORE_ERROR}, "
                  f"but its errorType is {kind!r}.")


def _retries(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InDoubt(f"Expected the error expression to give a whole number of retries, but it gave {value!r}.")
    return max(value, 0)


def _duration(value: Any) -> timedelta | None:
    return None if value is None else duration_of(str(value), "the error expression's retryBackoff")


def duration_of(text: str, what: str) -> timedelta:
    """An ISO 8601 duration. Raises InDoubt."""
    now = datetime.now(UTC)
    try:
        length = schedules.duration(text.strip()).after(now) - now
    except (InvalidTimer, OverflowError):
        length = timedelta(-1)
    if length < timedelta(0):
        raise InDoubt(f"Expected {what} to be a duration such as PT5S, but it is {text!r}.")
    return length


def _evaluate(what: str, text: str, scope: Mapping[str, Any]) -> Any:
    try:
        return feel(text).evaluate(scope)
    except ExpressionError as error:
        raise InDoubt(f"Expected the {what} to be FEEL, but: {error.message}") from None
    except EvaluationError as error:
        raise InDoubt(f"Expected the {what} to give a context, but it failed. {error}") from None


def _context(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InDoubt(f"Expected the {what} to give a context such as {{total: response.body.total}}, "
                      f"but it gave a {type_name(value)}.")
    return value


def _function(name: str) -> Builtin:
    parameters = _PARAMETERS[name]
    names = [parameter for parameter, _, _ in parameters]

    def invoke(positional: list[Value], named: dict[str, Value] | None) -> Value:
        if named is None:
            given = dict(zip(names, positional, strict=False))
            unknown = len(positional) - len(names)
        else:
            given = {_ALIASES.get(key, key): value for key, value in named.items()}
            unknown = len(given.keys() - set(names))
        if unknown > 0 or any(required not in given for required in names[: _REQUIRED[name]]):
            raise FeelError(f"Expected {name}({', '.join(names)}), but it was called with other arguments.")
        for parameter, kinds, word in parameters:
            if parameter in given and (not isinstance(given[parameter], kinds) or isinstance(given[parameter], bool)):
                raise FeelError(f"Expected {word} as `{parameter}` of {name}, "
                                f"but it is a {type_name(given[parameter])}.")
        return {"errorType": name, **{key: to_json(value) for key, value in given.items()}}

    return Builtin(name, invoke, (", ".join(names),))


FUNCTIONS: Mapping[str, Builtin] = {name: _function(name) for name in _PARAMETERS}
