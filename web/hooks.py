"""The webhooks that events come in by (`engine.inbound`): `POST /hooks/<name>`.

Nobody logs in here: each request shows that its sender knows the secret of the hook.
"""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge, ServiceUnavailable, Unauthorized

from engine import secrets
from engine.columns import to_json
from engine.errors import Rejection, TooMany, Unavailable
from engine.inbound import arrivals, proofs, receiving, sources
from engine.inbound.arrivals import Arrival
from engine.inbound.counting import Counter
from engine.inbound.proofs import HIDDEN
from engine.inbound.receiving import Outcome, Result
from engine.inbound.sources import Source
from web import doors
from web.answers import engine
from web.idempotency import not_remembered
from web.scanning import Infected, look_at

logger = structlog.get_logger(__name__)

PREFIX = "/hooks"
MOST = 1_000_000
"""Bytes of a request."""
IDS = ("webhook-id", "x-github-delivery", "idempotency-key")
"""Headers by which senders name a delivery."""

bp = Blueprint("hooks", __name__, url_prefix=PREFIX)


@bp.post("/<name>")
@not_remembered
def receive(name: str) -> ResponseReturnValue:
    """Take an event, or a batch of them: 200 when all were taken, 422 when one never can be."""
    source = sources.named(engine(), name)
    if source is None or source.address is not None:
        raise NotFound(f"Expected a webhook, but there is none called {name[:100]!r}.")
    if (request.content_length or 0) > MOST:
        raise RequestEntityTooLarge(f"Expected at most {MOST:,} bytes, but there are more.")
    body = request.get_data()
    headers = {key.lower(): value for key, value in request.headers.items()}
    _check(source, headers, body)
    look_at(name, body)
    if source.paused:
        raise ServiceUnavailable("Expected the webhook to take events, but it is paused.", retry_after=60)
    hidden = HIDDEN | {source.proof_header, proofs.HEADERS.get(source.proof)}
    shown = {key: value for key, value in headers.items() if key not in hidden}
    arrival = Arrival(body=body, headers=shown, id=next((shown[key] for key in IDS if key in shown), None))
    outcomes = _take(source, arrival)
    _counter().note(source.key, len(outcomes))
    refused = next((each for each in outcomes if each.result is Result.SET_ASIDE), None)
    answers = [_answer(each) for each in outcomes]
    if refused is not None:
        return _problem(422, refused.error or "", results=answers)
    content = answers[0] if len(answers) == 1 else {"results": answers}
    return Response(to_json(content), 200, content_type="application/json")


def _take(source: Source, arrival: Arrival) -> list[Outcome]:
    try:
        events = arrivals.split(arrival)
    except Rejection as error:
        return [engine().execute(receiving.set_aside, source, arrival, str(error))]
    return [receiving.receive(engine(), source, event) for event in events]


def _check(source: Source, headers: dict[str, str], body: bytes) -> None:
    """Raises Unauthorized unless the request shows that its sender knows the secret."""
    secret = secrets.reveal(engine(), [source.secret or ""]).get(source.secret or "")
    if secret is None:
        logger.warning("the secret of a webhook is not stored", webhook=source.name, secret=source.secret)
        raise ServiceUnavailable("Expected the webhook to have a secret, but it is not stored.", retry_after=60)
    if not proofs.is_shown(source.proof, source.proof_header, secret, headers, body, engine().clock()):
        raise Unauthorized("Expected the request to show that its sender knows the secret of this webhook, but it does "
                           "not, or its time is too far from ours.")


def _answer(outcome: Outcome) -> dict[str, object]:
    found: dict[str, object] = {"result": outcome.result.value, "instanceKeys": [str(key) for key in
                                                                                outcome.instance_keys]}
    return found if outcome.error is None else {**found, "error": outcome.error}


def _counter() -> Counter:
    found = current_app.extensions.get("inbound")
    if not isinstance(found, Counter):
        found = current_app.extensions["inbound"] = Counter(engine())
    return found


def _problem(status: int, sentence: str, **more: object) -> Response:
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": sentence, **more}
    return Response(to_json(content), status, content_type="application/problem+json")


@bp.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    return doors.with_headers(_problem(error.code or 500, error.description or error.name), error)


@bp.errorhandler(Infected)
def _infected(error: Infected) -> Response:
    return _problem(422, str(error))


@bp.errorhandler(TooMany)
def _too_many(error: TooMany) -> Response:
    response = _problem(429, str(error))
    response.headers["Retry-After"] = "1"
    return response


@bp.errorhandler(Unavailable)
def _unavailable(error: Unavailable) -> Response:
    response = _problem(503, str(error))
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@bp.errorhandler(Exception)
def _failed(error: Exception) -> Response:
    logger.error("a webhook failed", path=request.path, exc_info=error)
    return _problem(500, "This is a fault in Partitur, not in your request. Its log says more.")


doors.speak(f"{PREFIX}/", _refused)
