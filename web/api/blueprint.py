"""The blueprint of the interface, and what its errors look like: problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from engine.columns import to_json
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound, Rejection, Unavailable, WrongState
from web import doors
from web.origins import refuse_other_sites

logger = structlog.get_logger(__name__)

PREFIX = "/api"
bp = Blueprint("api", __name__, url_prefix=PREFIX)
bp.before_request(refuse_other_sites)

STATUS: dict[type[Rejection], int] = {
    NotFound: 404, NotAllowed: 403, WrongState: 409, Conflict: 409, InvalidInput: 400}


def problem(status: int, sentence: str) -> Response:
    """A problem detail."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": sentence,
               "instance": request.path}
    return Response(to_json(content), status, content_type="application/problem+json")


@bp.errorhandler(Rejection)
def _rejected(error: Rejection) -> Response:
    return problem(next((code for family, code in STATUS.items() if isinstance(error, family)), 400), str(error))


@bp.errorhandler(Unavailable)
def _unavailable(error: Unavailable) -> Response:
    response = problem(503, str(error))
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@bp.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    return doors.with_headers(problem(error.code or 500, error.description or error.name), error)


@bp.errorhandler(Exception)
def _failed(error: Exception) -> Response:
    logger.error("request failed", method=request.method, path=request.path, exc_info=error)
    return problem(500, "This is a fault in Partitur, not in your request. Its log says more.")


@bp.route("/", methods=doors.METHODS)
@bp.route("/<path:anything>", methods=doors.METHODS)
def nothing(anything: str = "") -> ResponseReturnValue:
    """Say that there is no such operation, or not with this method."""
    raise doors.nothing_here(request.endpoint or "")


doors.speak(f"{PREFIX}/", _refused)
