"""What came of a call, as a value: decided without a database, a clock or a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError
from pydantic_core import to_json as to_json_bytes

from engine.columns import from_json, to_json
from engine.states import EffectState
from service_tasks.connections import meaning_of
from service_tasks.contract import Policy, ServiceContract
from service_tasks.errors import (
    BpmnError,
    GiveUp,
    InDoubt,
    JobError,
    NotSent,
    RetryLater,
    UnknownOutcome,
    UnusableAnswer,
    faults_of,
)
from service_tasks.retry import LONGEST_WAIT

MAX_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Completed:
    """The service did it; `variables` go into the process."""

    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Thrown:
    """The business says no, with an error code that the diagram may catch."""

    code: str
    message: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    effect: EffectState = EffectState.FAILED


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not work. `retries` None counts one attempt off; 0 asks an operator at once. `effect` is what is known of
    the call's effect. `by_contract` tells that `retry_in` is only what the contract says: a wait that the diagram
    states comes before it, but not less than `at_least`, for which the service asked."""

    message: str
    retries: int | None = None
    retry_in: timedelta | None = None
    effect: EffectState = EffectState.FAILED
    variables: Mapping[str, Any] = field(default_factory=dict)
    by_contract: bool = False
    at_least: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Returned:
    """The worker stops and never called the service: the job goes back as it was."""

    retries: int
    in_doubt: bool = False


Outcome = Completed | Thrown | Failed | Returned


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Which attempt of a job it was: how many failed before it, how long ago the job began, and a die that was cast."""

    failures: int = 0
    elapsed: timedelta = timedelta(0)
    chance: float = 0.5


def arguments(contract: ServiceContract, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the service's function, from process variables.

    Raises GiveUp if one is missing or of a wrong type: no retry could mend that.
    """
    try:
        inputs = contract.inputs.model_validate({
            # A copy: the collections of outer scopes are the same objects for all calls that were taken together.
            name: from_json(to_json(value)) if isinstance(value, (dict, list)) else value
            for name, value in variables.items() if name in contract.input_names
        })
    except ValidationError as error:
        raise GiveUp(
            f"Expected the variables that service {contract.name!r} takes, but {faults_of(error)}."
        ) from error
    return {name: getattr(inputs, name) for name in contract.parameters}


def of_result(contract: ServiceContract, result: Any) -> Outcome:
    """What a returned result means: variables, if it is what the contract promises; else a failure that names the
    field. The service has acted by then, so it is not called again by itself."""
    if contract.output is None:
        return Completed()
    try:
        value = contract.output.validator.validate_python(result)
        variables = contract.output.serializer.to_python(value, mode="json", by_alias=True, warnings="error")
        size = len(to_json_bytes(variables))
    except ValidationError as error:
        return _acted(f"{_promise(contract)} {faults_of(error)}.")
    except (PydanticSerializationError, ValueError) as error:
        return _acted(f"{_promise(contract)} its result cannot be written as JSON: {error}.")
    if size > contract.policy.max_result_bytes:
        limit = contract.policy.max_result_bytes
        return _acted(f"Expected at most {limit} bytes from service {contract.name!r}, but got {size}.")
    return Completed(variables)


def _promise(contract: ServiceContract) -> str:
    return f"Expected service {contract.name!r} to give what its contract says, but"


def _acted(message: str) -> Failed:
    """The service gave something that the process cannot use: whether it did what it should is not known."""
    return Failed(_short(message), retries=0, effect=EffectState.IN_DOUBT)


def of_error(policy: Policy, error: BaseException, attempt: Attempt) -> Outcome:
    """What an exception of a service function means, by its contract."""
    message = _short(str(error) or type(error).__name__)
    match error:
        case BpmnError():
            effect = EffectState.IN_DOUBT if error.in_doubt else EffectState.FAILED
            return Thrown(error.code, error.message, error.variables, effect)
        case JobError():
            return _of_job_error(policy, error, message)
        case InDoubt() | UnusableAnswer():
            return Failed(message, retries=0, effect=EffectState.IN_DOUBT)
        case GiveUp():
            return Failed(message, retries=0)
        case RetryLater():
            return _again(policy, message, attempt, at_least=error.after)
        case NotSent():
            return _again(policy, message, attempt, effect=EffectState.INTENDED)
        case UnknownOutcome():
            return _unknown(policy, message, attempt)
    message = _short(f"{type(error).__name__}: {error}")
    effect = meaning_of(error)
    if effect is EffectState.IN_DOUBT:
        return _unknown(policy, message, attempt)
    return _again(policy, message, attempt, effect=effect)


def _unknown(policy: Policy, message: str, attempt: Attempt) -> Failed:
    """The service may have acted. If it is not idempotent, the next attempt asks it before it calls again."""
    if not policy.idempotent and policy.probe is None:
        return Failed(in_doubt(policy.name, message), retries=0, effect=EffectState.IN_DOUBT)
    return _again(policy, message, attempt, effect=EffectState.IN_DOUBT)


def _of_job_error(policy: Policy, error: JobError, message: str) -> Failed:
    if error.in_doubt and not policy.idempotent:
        message, retries, effect = in_doubt(policy.name, message), 0, EffectState.IN_DOUBT
    else:
        retries, effect = error.retries, EffectState.IN_DOUBT if error.in_doubt else EffectState.FAILED
    return Failed(message, retries=retries, retry_in=error.retry_in, effect=effect, variables=error.variables)


def of_probe_error(policy: Policy, error: BaseException, attempt: Attempt) -> Failed:
    """A service could not be asked whether a call took effect: it is asked again later."""
    message = f"Expected to ask service {policy.name!r} whether the call took effect, but {error}"
    return _again(policy, _short(message), attempt, effect=EffectState.IN_DOUBT)


def in_doubt(name: str, message: str) -> str:
    """The sentence for an operator who must find out whether a call took effect."""
    return _short(
        f"It is not known whether service {name!r} took effect, and calling it twice could act twice (it is not "
        f"idempotent): ask the service before you retry. {message}"
    )


def _again(policy: Policy, message: str, attempt: Attempt, at_least: timedelta = timedelta(0),
           effect: EffectState = EffectState.FAILED) -> Failed:
    wait = policy.retry.next(attempt.failures + 1, attempt.elapsed, attempt.chance)
    if wait is None:
        return Failed(f"{message} (The time for all attempts is over.)", retries=0, effect=effect)
    at_least = min(at_least, LONGEST_WAIT)  # a service may ask for what no calendar has
    return Failed(message, retry_in=max(wait, at_least), effect=effect, by_contract=True, at_least=at_least)


def _short(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
