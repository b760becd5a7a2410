"""What a service may say instead of a result. Anything else that it raises is a technical failure: tried again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError


class ServiceError(Exception):
    """Base of what a service function raises on purpose."""


class BpmnError(ServiceError):
    """The business says no: an error that the diagram catches by its code (BPMN 2.0 §10.5.6).

    `code` is matched with the error boundary events and error event sub-processes around the task; `variables` become
    process variables where the error is caught. It is never retried.
    """

    def __init__(self, code: str, message: str = "", variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.variables: dict[str, Any] = dict(variables or {})
        self.in_doubt = False
        """Whether the call may have taken effect all the same; the ledger says so then."""


class JobError(ServiceError):
    """The attempt failed, and the service says itself how to go on: `retries` attempts are left (0: an incident), the
    next one after `retry_in`; `variables` become local to the element. A call that may have taken effect and is not
    idempotent is not repeated all the same."""

    def __init__(self, message: str, *, retries: int = 0, retry_in: timedelta | None = None,
                 variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.retries = retries
        self.retry_in = retry_in
        self.variables: dict[str, Any] = dict(variables or {})
        self.in_doubt = False


class RetryLater(ServiceError):
    """The service cannot answer now and says when to ask again (HTTP 429 and 503 with `Retry-After`).

    It counts as an attempt. The wait is `after`, or the contract's own wait where that is longer.
    """

    def __init__(self, after: timedelta | float, reason: str = "The service asked to be called again later.") -> None:
        super().__init__(reason)
        self.after = after if isinstance(after, timedelta) else timedelta(seconds=after)


class GiveUp(ServiceError):
    """Trying again cannot help: the job fails for good, and an operator decides (an incident)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class UnusableAnswer(GiveUp):
    """The service says that it succeeded, but its answer cannot be used: it is too large, no JSON, or not what was
    expected. It has acted, so calling again is for an operator to decide."""


class NotSent(ServiceError):
    """The request never left: the service cannot have acted, so even a call that is not idempotent may be repeated."""


class UnknownOutcome(ServiceError):
    """There was no usable answer, so it is not known whether the service acted: a timeout, a lost connection, a 5xx.

    A service that is idempotent is called again with the same key; for another one the effect is in doubt.
    """


class InDoubt(ServiceError):
    """Whether a call that is not idempotent took effect is not known. It is never repeated by itself."""


def faults_of(error: ValidationError) -> str:
    """What is wrong with data, field by field: "'authorizationId' (Field required), 'amount' (…)".

    Without a colon: what follows one after `paymentToken` would be taken for its value, and hidden (`engine.masking`).
    """
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(f"{'.'.join(map(str, fault['loc'])) or 'it'!r} ({fault['msg']})" for fault in faults[:10])
