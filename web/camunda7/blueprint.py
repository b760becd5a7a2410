"""The blueprint of the interface: which engine it acts on, and what its answers and errors look like.

Errors are `{type, message, code}`; Camunda Modeler shows `message`.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from bpmn.problems import Problem, Severity
from engine.declared import Declarations
from engine.engine import Engine
from engine.errors import DeploymentRefused, NeedsApproval, NotAllowed, NotFound, Rejection, TooMany, Unavailable
from web import doors
from web.answers import answer, done, engine
from web.auth import identity
from web.origins import refuse_other_sites

__all__ = ["acting", "answer", "bp", "done", "engine", "link", "refusal"]

logger = structlog.get_logger(__name__)

PREFIX = "/engine-rest"
bp = Blueprint("camunda7", __name__, url_prefix=PREFIX)
bp.before_request(refuse_other_sites)

ACTOR = "Camunda 7 REST"
"""Who the audit trail says it was, where nobody has to log in."""

TYPES = {403: "AuthorizationException", 404: "NotFoundException", 405: "NotAllowedException"}
"""What errors of HTTP are called."""
COULD_NOT_PARSE = "ENGINE-09005 Could not parse BPMN process."
"""Camunda Modeler recognises a refused diagram by this beginning."""


def acting() -> Engine:
    """The engine, its audit rows saying that this interface acted, and knowing what the request says of variables."""
    return identity.acting(engine(), ACTOR, declarations())


def declarations() -> Declarations:
    """What this request says of the types of variables; it grows while the body is read."""
    said: Declarations = g.setdefault("declarations", Declarations())
    return said


def link(path: str) -> dict[str, str]:
    """A link to something of this interface, as answers list them."""
    return {"method": "GET", "href": f"{request.host_url.rstrip('/')}{PREFIX}{path}", "rel": "self"}


def refusal(status: int, type: str, message: str, code: int | None = 0, **more: Any) -> Response:
    """An error answer."""
    return answer({"type": type, "message": message, "code": code, **more}, status)


@bp.errorhandler(DeploymentRefused)
def _deployment_refused(error: DeploymentRefused) -> Response:
    errors = [problem for problem in error.problems if error.strict or problem.severity == Severity.ERROR]
    message = "\n".join([COULD_NOT_PARSE, *map(str, errors)])
    return refusal(400, "ParseException", message, details=_details(error.problems))


def _details(problems: tuple[Problem, ...]) -> dict[str, Any]:
    """The problems of each file (Camunda 7 REST reference, "Post Deployment", parse exceptions)."""
    found: dict[str, Any] = {}
    for problem in problems:
        of_file = found.setdefault(problem.resource_name, {"errors": [], "warnings": []})
        of_file["errors" if problem.severity == Severity.ERROR else "warnings"].append({
            "message": problem.message, "line": problem.line or 0, "column": 0, "mainElementId": problem.element_id,
            "elementIds": [problem.element_id] if problem.element_id else [],
        })
    return found


@bp.errorhandler(Rejection)
def _rejected(error: Rejection) -> Response:
    if isinstance(error, NotFound):
        return refusal(404, "InvalidRequestException", str(error), None)
    if isinstance(error, NotAllowed):
        return refusal(403, TYPES[403], str(error), None)
    if isinstance(error, NeedsApproval):
        return refusal(409, "RestException", str(error))
    if isinstance(error, TooMany):
        return refusal(429, "RestException", str(error))
    return refusal(400, "RestException", str(error))


@bp.errorhandler(Unavailable)
def _unavailable(error: Unavailable) -> Response:
    response = refusal(503, "ProcessEngineException", str(error))
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@bp.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    status = error.code or 500
    made = refusal(status, TYPES.get(status, "RestException"), error.description or error.name, None)
    return doors.with_headers(made, error)


doors.speak(PREFIX, _refused)


@bp.errorhandler(Exception)
def _failed(error: Exception) -> Response:
    logger.error("request failed", method=request.method, path=request.path, exc_info=error)
    return refusal(500, "ProcessEngineException",
                   "This is a fault in Partitur, not in your request. Its log says more.")
