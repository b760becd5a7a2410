"""The service behind the job type of Camunda's REST outbound connector."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from engine import secrets
from engine.engine import Engine
from service_tasks.breaker import Breaker
from service_tasks.call import Call
from service_tasks.connector import references
from service_tasks.connector.expressions import Ignored, duration_of, variables_of, verdict_of
from service_tasks.connector.inputs import IDEMPOTENT, Inputs
from service_tasks.connector.masking import Mask
from service_tasks.connector.reach import Reach
from service_tasks.connector.references import SecretMissing
from service_tasks.connector.sending import LONGEST, limits, request_of
from service_tasks.connector.transport import Forbidden, Response, Transport
from service_tasks.contract import Policy, service_task
from service_tasks.errors import (
    BpmnError,
    GiveUp,
    InDoubt,
    JobError,
    NotSent,
    RetryLater,
    ServiceError,
    UnknownOutcome,
    faults_of,
)
from service_tasks.http import LATER_STATUS, RETRIED_STATUS, retry_after

JOB_TYPE = "io.camunda:http-json:1"
IDEMPOTENT_HEADER = "idempotent"
"""The task header by which an analyst says that a POST or PATCH may be repeated: the service heeds Idempotency-Key."""
SPARE = 5.0
"""Seconds beside the request itself: to find the address, to read secrets, to fetch a token."""


class HttpFailure(ServiceError):
    """The service answered with an error status. `meaning` is what that says about the call's effect."""

    def __init__(self, response: Mapping[str, Any], meaning: ServiceError) -> None:
        super().__init__(str(meaning))
        self.response = response
        self.meaning = meaning


class HttpConnector:
    """Serves jobs of Camunda's REST connector.

    Arguments: `engine`, where secrets and definitions are (None: for checking diagrams only); `reach`, which hosts may
    be called; `transport`, for tests.
    """

    def __init__(self, engine: Engine | None = None, reach: Reach | None = None,
                 transport: Transport | None = None) -> None:
        self.engine = engine
        self.reach = reach or Reach()
        self._transport = transport or Transport(self.reach)

    @service_task(
        JOB_TYPE, timeout=2 * LONGEST + SPARE, per_call=lambda policy, headers, variables: policy_of(
            policy, headers, variables),
        # One host that is down must not open the breaker for all the others.
        breaker=Breaker(rate=0.9, least=50),
    )
    def request(
        self, method: str, url: str, authentication: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None, query_parameters: dict[str, Any] | None = None, body: Any = None,
        connection_timeout_in_seconds: Any = None, read_timeout_in_seconds: Any = None, skip_encoding: Any = None,
        ignore_null_values: Any = None, store_response: Any = None, follow_redirects: Any = None, *, call: Call,
    ) -> dict[str, Any]:
        """An HTTP request, as the REST outbound connector of Camunda 8 describes it. Secrets are named as
        {{secrets.NAME}}; PARTITUR_HTTP_ALLOW says which hosts may be called."""
        given = {name: value for name, value in locals().items() if name not in ("self", "call") and value is not None}
        mask = Mask()
        try:
            return self._run(given, call, mask)
        except ServiceError as error:
            raise _masked(error, mask) from None
        except Exception as error:
            raise GiveUp(mask.text(f"Expected to make the request, but {type(error).__name__}: {error}")) from None

    def _run(self, given: Mapping[str, Any], call: Call, mask: Mask) -> dict[str, Any]:
        if _is_switch(given, "store_response") or _is_switch(given, "follow_redirects"):
            raise GiveUp("Expected 'storeResponse' and 'followRedirects' to be off, but one is on.")
        try:
            response = self._response(given, call, mask)
            found = variables_of(call.task_headers, response)
        except (Forbidden, SecretMissing):
            raise  # faults of the set-up: no diagram can mean to catch them
        except ServiceError as error:
            return _of_error(error, call, mask)
        verdict = verdict_of(call.task_headers, response, call.retries)
        return _of_verdict(verdict, found, None)

    def _response(self, given: Mapping[str, Any], call: Call, mask: Mask) -> dict[str, Any]:
        inputs = self._inputs(given, call, mask)
        request = request_of(inputs, call.headers(), self._transport, mask)
        response = self._transport.send(request)
        shown: dict[str, Any] = mask.value(read_response(response))
        if response.status >= 400:
            raise HttpFailure(shown, _meaning(response, request.target.shown, request.method))
        return shown

    def _inputs(self, given: Mapping[str, Any], call: Call, mask: Mask) -> Inputs:
        fields = {to_camel(name): value for name, value in given.items()}
        named = self._named(call)
        wanted = frozenset().union(*named.values()) & references.referenced(fields)
        values = secrets.reveal(self._engine(), sorted(wanted)) if wanted else {}
        for name, value in values.items():
            mask.add(name, value)
        try:
            return Inputs.model_validate(references.resolve(fields, named, values))
        except ValidationError as error:
            raise GiveUp(f"Expected the fields of the REST connector, but {faults_of(error)}.") from None

    def _named(self, call: Call) -> Mapping[references.Path, frozenset[str]]:
        """The secrets that the diagram names at the element, by the fields for which it does."""
        engine = self._engine()
        with engine.read() as connection:
            definition = engine.programs.get(connection, call.definition_key)
        element = definition.process.elements.get(call.element_id)
        return references.drawn_at(element) if element is not None else {}

    def _engine(self) -> Engine:
        if self.engine is None:
            raise GiveUp("Expected an engine to ask for secrets, but this connector only checks diagrams.")
        return self.engine


def policy_of(policy: Policy, headers: Mapping[str, str], variables: Mapping[str, Any]) -> Policy:
    """What one call of the connector promises: by its method, its time limits and its task headers."""
    method = variables.get("method")
    idempotent = str(method).upper() in IDEMPOTENT or headers.get(IDEMPOTENT_HEADER, "").strip().lower() == "true"
    retry = policy.retry
    if text := headers.get("retryBackoff", "").strip():
        with contextlib.suppress(InDoubt):  # refused at deploy; where it is not, waits are those of services
            first = duration_of(text, "retryBackoff")
            retry = replace(retry, backoff="fixed", jitter=0.0, first=first, cap=first)
    timeout = policy.timeout
    with contextlib.suppress(ValidationError):  # the call itself says what is wrong with them
        names = ("connectionTimeoutInSeconds", "readTimeoutInSeconds")
        given = {name: variables[name] for name in names if variables.get(name) is not None}
        within = sum(limits(Inputs.model_validate({"method": "GET", "url": "-", **given})))
        has_token = _type_of(variables.get("authentication")) == "oauth-client-credentials-flow"
        timeout = timedelta(seconds=within * (2 if has_token else 1) + SPARE)
    return replace(policy, idempotent=idempotent, read_only=str(method).upper() in ("GET", "HEAD"),
                   retry=retry, timeout=timeout)


def read_response(response: Response) -> dict[str, Any]:
    """A response as result and error expressions see it."""
    headers: dict[str, Any] = {}
    for name, value in response.headers:
        if name.lower() == "set-cookie":
            headers.setdefault(name, []).append(value)
        else:
            headers.setdefault(name, value)
    return {"status": response.status, "reason": response.reason, "headers": headers, "body": _body(response)}


def _body(response: Response) -> Any:
    """The body as JSON, else as text; None if there is none."""
    kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    charset = re.search(r"charset=\"?([\w.:-]+)", kind, re.I)
    try:
        text = response.body.decode(charset[1] if charset else "utf-8", "replace")
    except LookupError:
        text = response.body.decode("utf-8", "replace")
    if not text.strip():
        return None
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _meaning(response: Response, shown: str, method: str) -> ServiceError:
    """What an error status says about the call's effect (RFC 9110 §15.5 and §15.6)."""
    said = f"Expected {method} {shown} to succeed, but it answered {response.status} {response.reason}".rstrip() + "."
    if response.status in LATER_STATUS:
        after = next((value for name, value in response.headers if name.lower() == "retry-after"), None)
        return RetryLater(retry_after(after), said)
    if response.status in RETRIED_STATUS or response.status >= 500:
        return UnknownOutcome(said)
    return RetryLater(0, said)  # as with Camunda, a refusal costs an attempt and is repeated


def _of_error(error: ServiceError, call: Call, mask: Mask) -> dict[str, Any]:
    """What the error expression makes of a call that failed; raises the error itself if it makes nothing of it."""
    verdict = verdict_of(call.task_headers, {"error": mask.value(_error_context(error))}, call.retries)
    meaning = error.meaning if isinstance(error, HttpFailure) else error
    if verdict is None:
        raise meaning
    return _of_verdict(verdict, {}, meaning)


def _of_verdict(verdict: ServiceError | Ignored | None, found: dict[str, Any],
                meaning: ServiceError | None) -> dict[str, Any]:
    match verdict:
        case None:
            return found
        case Ignored(variables=variables):
            return dict(variables)
        case BpmnError() | JobError() if isinstance(meaning, UnknownOutcome | InDoubt):
            # The diagram goes its way, but the ledger must not say that nothing happened.
            verdict.in_doubt = True
    raise verdict


def _error_context(error: ServiceError) -> dict[str, Any]:
    if isinstance(error, HttpFailure):
        response = error.response
        return {"type": "HttpFailure", "code": str(response["status"]), "message": response["reason"] or str(error),
                "variables": {"response": {"headers": response["headers"], "body": response["body"]}}}
    context = {"type": type(error).__name__, "message": str(error)}
    # Camunda gives 408 to whatever keeps a request from being answered.
    return {**context, "code": "408"} if isinstance(error, UnknownOutcome | NotSent) else context


def _masked(error: ServiceError, mask: Mask) -> ServiceError:
    """The same error without the secrets."""
    error.args = tuple(mask.text(each) if isinstance(each, str) else each for each in error.args)
    if isinstance(error, BpmnError):
        error.code, error.message = mask.text(error.code), mask.text(error.message)
    if isinstance(error, BpmnError | JobError):
        error.variables = mask.value(error.variables)
    error.__cause__, error.__context__ = None, None
    return error


def _is_switch(given: Mapping[str, Any], name: str) -> bool:
    return str(given.get(name, "")).strip().lower() in ("true", "1", "yes", "on")


def _type_of(authentication: Any) -> Any:
    return authentication.get("type") if isinstance(authentication, dict) else None
