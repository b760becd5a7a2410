"""The blueprint of the interface: which engine it acts on, and what its errors look like.

Errors are problem details (RFC 9457) with all five members: the JavaScript client reads `status` from the body, the
Python client fails on an absent member, and Camunda Modeler shows `detail`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException

from engine.database import to_json
from engine.engine import Engine
from engine.errors import Conflict, DeploymentRefused, InvalidInput, NotFound, Rejection, WrongState
from web.origins import refuse_other_sites

logger = structlog.get_logger(__name__)

bp = Blueprint("camunda8", __name__, url_prefix="/v2")
bp.before_request(refuse_other_sites)

ACTOR = "Camunda 8 REST"
"""Who the audit trail says it was, as long as nobody logs in."""

REJECTIONS: tuple[tuple[type[Rejection], int, str], ...] = (
    (DeploymentRefused, 400, "INVALID_ARGUMENT"),
    (NotFound, 404, "NOT_FOUND"),
    (Conflict, 409, "ALREADY_EXISTS"),
    (WrongState, 409, "INVALID_STATE"),
    (InvalidInput, 400, "INVALID_ARGUMENT"),
    (Rejection, 400, "INVALID_ARGUMENT"),
)
"""The status and title of each family of rejection; the first that fits counts."""


def engine() -> Engine:
    """The engine of this application."""
    found: Engine = current_app.extensions["engine"]
    return found


def acting() -> Engine:
    """The engine, its audit rows saying that this interface acted."""
    return engine().acting_as(ACTOR)


def answer(content: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(to_json(content), status, content_type="application/json")


def done() -> Response:
    """The answer of a command that gives nothing back: clients accept 204 only."""
    return Response(status=204)


def problem(status: int, title: str, detail: str) -> Response:
    """A problem detail."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": request.path}
    return Response(to_json(content), status, content_type="application/problem+json")


@bp.errorhandler(Rejection)
def _rejected(error: Rejection) -> Response:
    status, title = next((status, title) for family, status, title in REJECTIONS if isinstance(error, family))
    return problem(status, title, str(error))


@bp.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    status = error.code or 500
    return problem(status, HTTPStatus(status).phrase, error.description or error.name)


@bp.errorhandler(Exception)
def _failed(error: Exception) -> Response:
    logger.error("request failed", method=request.method, path=request.path, exc_info=error)
    return problem(500, "INTERNAL_ERROR", "This is a fault in Partitur, not in your request. Its log says more.")
