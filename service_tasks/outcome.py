"""What came of a call, as a value: decided without a database, a clock or a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from service_tasks.contract import Policy, ServiceContract
from service_tasks.errors import BpmnError, GiveUp, InDoubt, NotSent, RetryLater, UnknownOutcome, faults_of

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


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not work. `retries` None counts one attempt off; 0 asks an operator at once."""

    message: str
    retries: int | None = None
    retry_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """The worker stops and never called the service: the job goes back as it was."""

    retries: int


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
        inputs = contract.inputs.model_validate(variables)
    except ValidationError as error:
        raise GiveUp(
            f"Expected the variables that service {contract.name!r} takes, but {faults_of(error)}."
        ) from error
    return {name: getattr(inputs, name) for name in contract.inputs.model_fields}


def of_result(contract: ServiceContract, result: Any) -> Outcome:
    """What a returned result means: variables, if it is what the contract promises; else a failure that names the
    field. The service has acted by then, so it is not called again by itself."""
    if contract.output is None:
        return Completed()
    promise = f"Expected service {contract.name!r} to give what its contract says, but"
    try:
        value = contract.output.validate_python(result)
        variables = contract.output.dump_python(value, mode="json", by_alias=True, warnings="error")
        size = len(to_json(variables))
    except ValidationError as error:
        return Failed(_short(f"{promise} {faults_of(error)}."), retries=0)
    except (PydanticSerializationError, ValueError) as error:
        return Failed(_short(f"{promise} its result cannot be written as JSON: {error}."), retries=0)
    if size > contract.policy.max_result_bytes:
        limit = contract.policy.max_result_bytes
        return Failed(f"Expected at most {limit} bytes from service {contract.name!r}, but got {size}.", retries=0)
    return Completed(variables)


def of_error(policy: Policy, error: BaseException, attempt: Attempt) -> Outcome:
    """What an exception of a service function means, by its contract."""
    message = _short(str(error) or type(error).__name__)
    match error:
        case BpmnError():
            return Thrown(error.code, error.message, error.variables)
        case GiveUp() | InDoubt():
            return Failed(message, retries=0)
        case RetryLater():
            return _again(policy, message, attempt, at_least=error.after)
        case NotSent():
            return _again(policy, message, attempt)
        case UnknownOutcome() | TimeoutError() | ConnectionError() if not policy.idempotent:
            return Failed(in_doubt(policy.name, message), retries=0)
        case UnknownOutcome():
            return _again(policy, message, attempt)
    return _again(policy, _short(f"{type(error).__name__}: {error}"), attempt)


def in_doubt(name: str, message: str) -> str:
    """The sentence for an operator who must find out whether a call took effect."""
    return _short(
        f"It is not known whether service {name!r} took effect, and calling it twice could act twice (it is not "
        f"idempotent): ask the service before you retry. {message}"
    )


def _again(policy: Policy, message: str, attempt: Attempt, at_least: timedelta = timedelta(0)) -> Failed:
    wait = policy.retry.next(attempt.failures + 1, attempt.elapsed, attempt.chance)
    if wait is None:
        return Failed(f"{message} (The time for all attempts is over.)", retries=0)
    return Failed(message, retry_in=max(wait, at_least))


def _short(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
