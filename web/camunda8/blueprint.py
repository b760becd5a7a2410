"""The blueprint of the interface: which engine it acts on, and what its errors look like.

Errors are problem details (RFC 9457) with all five members: the JavaScript client reads `status` from the body, the
Python client fails on an absent member, and Camunda Modeler shows `detail`.
"""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from engine.columns import to_json
from engine.engine import Engine
from engine.errors import (
    Conflict,
    DeploymentRefused,
    InvalidInput,
    NotAllowed,
    NotFound,
    Rejection,
    TooMany,
    Unavailable,
    WrongState,
)
from web import doors
from web.answers import answer, done, engine
from web.auth import identity
from web.origins import refuse_other_sites

__all__ = ["acting", "answer", "bp", "done", "engine", "problem"]

logger = structlog.get_logger(__name__)

bp = Blueprint("camunda8", __name__, url_prefix="/v2")
bp.before_request(refuse_other_sites)

ACTOR = "Camunda 8 REST"
"""Who the audit trail says it was, where nobody has to log in."""

REJECTIONS: tuple[tuple[type[Rejection], int, str], ...] = (
    (DeploymentRefused, 400, "INVALID_ARGUMENT"),
    (NotFound, 404, "NOT_FOUND"),
    (NotAllowed, 403, "FORBIDDEN"),
    (Conflict, 409, "ALREADY_EXISTS"),
    (WrongState, 409, "INVALID_STATE"),
    (TooMany, 429, "RESOURCE_EXHAUSTED"),
    (InvalidInput, 400, "INVALID_ARGUMENT"),
    (Rejection, 400, "INVALID_ARGUMENT"),
)
"""The status and title of each family of rejection; the first that fits counts."""
TITLES = {404: "NOT_FOUND", 503: "RESOURCE_EXHAUSTED"}
"""What clients look for; other titles are those of HTTP."""


def acting() -> Engine:
    """The engine, its audit rows saying that this interface acted."""
    return identity.acting(engine(), ACTOR)


def problem(status: int, title: str, detail: str) -> Response:
    """A problem detail."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": request.path}
    return Response(to_json(content), status, content_type="application/problem+json")


@bp.errorhandler(Rejection)
def _rejected(error: Rejection) -> Response:
    status, title = next((status, title) for family, status, title in REJECTIONS if isinstance(error, family))
    return problem(status, title, str(error))


@bp.errorhandler(Unavailable)
def _unavailable(error: Unavailable) -> Response:
    response = problem(503, "UNAVAILABLE", str(error))
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@bp.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    status = error.code or 500
    title = TITLES.get(status) or HTTPStatus(status).phrase
    return doors.with_headers(problem(status, title, error.description or error.name), error)


doors.speak(bp.url_prefix, _refused)


@bp.errorhandler(Exception)
def _failed(error: Exception) -> Response:
    logger.error("request failed", method=request.method, path=request.path, exc_info=error)
    return problem(500, "INTERNAL_ERROR", "This is a fault in Partitur, not in your request. Its log says more.")
