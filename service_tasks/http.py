"""A base for typed clients of HTTP services: one pooled connection per service, the call's identity on every request,
and HTTP's answers read as what they mean for a process.

    class BillingClient(HttpService):
        @service_task("authorize-payment", timeout=5, idempotent=True, errors={"PAYMENT_DECLINED": "…"})
        def authorize(self, order_id: str, amount: Decimal, *, call: Call) -> Authorization:
            return self.post("/authorizations", {"orderId": order_id, …}, call, Authorization)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from bpmn.wording import article
from service_tasks.call import Call
from service_tasks.errors import BpmnError, GiveUp, NotSent, RetryLater, UnknownOutcome, UnusableAnswer, faults_of

MAX_RESPONSE_BYTES = 1_000_000
DEFAULT_WAIT = 5.0
"""Seconds to wait after a 429 or 503 that names no time."""

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
RETRIED_STATUS = frozenset({408, 425, 500, 502, 504})
LATER_STATUS = frozenset({429, 503})
LONGEST_WAIT = 86_400.0

Answer = TypeVar("Answer", bound=BaseModel)


class HttpService:
    """A client of one HTTP service.

    Arguments:
        base_url: where the service is.
        headers: sent with every request (credentials, for instance).
        max_response_bytes: a longer answer is not read to its end and counts as wrong.
        transport: for tests, or to change how connections are made.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self._max_response_bytes = max_response_bytes
        # A redirect could lead a request, with its credentials, to a host nobody allowed.
        self._client = httpx.Client(
            base_url=base_url, headers=dict(headers or {}), transport=transport, follow_redirects=False,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def post(self, path: str, body: Mapping[str, Any], call: Call, answer: type[Answer]) -> Answer:
        """Send `body` as JSON and give back the answer, checked to be an `answer`. Errors: see `request`."""
        return _checked(self.request("POST", path, call, json=body), answer, self.base_url + path)

    def get(self, path: str, call: Call, answer: type[Answer], params: Mapping[str, str] | None = None) -> Answer:
        """Ask for a resource and give it back, checked to be an `answer`. Errors: see `request`."""
        return _checked(self.request("GET", path, call, params=params), answer, self.base_url + path)

    def request(self, method: str, path: str, call: Call, **options: Any) -> Any:
        """Make one request on behalf of `call`, and give back the decoded JSON answer (None if it is empty).

        Raises:
            BpmnError: a 4xx answer whose problem document (RFC 9457) carries a `code`: the business says no.
            RetryLater: 429 or 503; after `Retry-After` (RFC 9110 §10.2.3).
            GiveUp: another 4xx answer, or a redirect.
            UnusableAnswer: an answer that is too large, not JSON, or not what was expected, although it says success.
            NotSent: no connection; the service has not seen the request.
            UnknownOutcome: a timeout, a broken connection, or a 5xx answer.
        """
        remaining = (call.deadline - datetime.now(UTC)).total_seconds()
        if remaining <= 0:
            raise NotSent(f"Expected to call {call.service!r} before its deadline, but it has passed.")
        try:
            with self._client.stream(method, path, headers=call.headers(), timeout=remaining, **options) as response:
                content = self._read(response, call.deadline)
        except NOT_SENT as error:
            raise NotSent(f"Expected to reach {self.base_url}, but there was no connection: {error}.") from error
        except httpx.TimeoutException as error:
            raise UnknownOutcome(
                f"Expected {method} {self.base_url}{path} to answer within {call.timeout:g} s, but it did not."
            ) from error
        except httpx.HTTPError as error:
            raise UnknownOutcome(f"Expected {method} {self.base_url}{path} to answer, but: {error}.") from error
        if response.is_success:
            return _decode(response, content)
        raise _problem(response, content)

    def _read(self, response: httpx.Response, deadline: datetime) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            # httpx's timeout is per read: a service that drips its answer would outlast it.
            if datetime.now(UTC) > deadline:
                raise UnknownOutcome(f"Expected {response.request.url} to finish its answer in time, but it did not.")
            if size > self._max_response_bytes:
                raise (UnusableAnswer if response.is_success else GiveUp)(
                    f"Expected an answer of at most {self._max_response_bytes} bytes from {response.request.url}, "
                    f"but it is longer."
                )
            parts.append(part)
        return b"".join(parts)


def _checked(content: Any, answer: type[Answer], url: str) -> Answer:
    try:
        return answer.model_validate(content)
    except ValidationError as error:
        wanted = article(answer.__name__)
        raise UnusableAnswer(f"Expected {url} to answer with {wanted}, but {faults_of(error)}.") from error


def _decode(response: httpx.Response, content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError as error:
        kind = response.headers.get("Content-Type", "no content type")
        raise UnusableAnswer(f"Expected JSON from {response.request.url}, but the answer ({kind}) is none.") from error


def _problem(response: httpx.Response, content: bytes) -> Exception:
    """What an answer that is no success means."""
    status = response.status_code
    document = _problem_document(content)
    detail = str(document.get("detail") or document.get("title") or response.reason_phrase)
    if status in LATER_STATUS:
        wait = retry_after(response.headers.get("Retry-After"))
        return RetryLater(wait, f"Expected {response.request.url} to answer now, but it said {status}: {detail}")
    if status in RETRIED_STATUS or status >= 500:
        return UnknownOutcome(f"Expected {response.request.url} to succeed, but it answered {status}: {detail}")
    code = document.get("code")
    if 400 <= status < 500 and isinstance(code, str) and code:
        variables = document.get("variables")
        return BpmnError(code, detail, variables if isinstance(variables, dict) else None)
    return GiveUp(f"Expected {response.request.url} to succeed, but it answered {status}: {detail}")


def _problem_document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def retry_after(text: str | None) -> float:
    """Seconds from now that `Retry-After` asks for: a number of seconds or an HTTP date (RFC 9110 §10.2.3)."""
    if text is None:
        return DEFAULT_WAIT
    try:
        seconds = float(text) if text.strip()[:1].isdigit() else _until(text)
    except (ValueError, TypeError):
        return DEFAULT_WAIT
    return min(max(0.0, seconds), LONGEST_WAIT) if math.isfinite(seconds) else DEFAULT_WAIT


def _until(text: str) -> float:
    when = parsedate_to_datetime(text)
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
