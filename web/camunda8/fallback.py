"""Operations that Camunda 8 has and this server does not, or nobody has: a problem detail instead of a page."""

from __future__ import annotations

from flask import Response, request

from web.camunda8.blueprint import bp, problem


@bp.route("/<path:anything>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def nothing(anything: str) -> Response:
    """Say that there is no such operation."""
    detail = f"Expected an operation of the REST interface, but there is no {request.method} /v2/{anything}."
    return problem(404, "NOT_FOUND", detail)
