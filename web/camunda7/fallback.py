"""Operations that Camunda 7 has and this server does not, or nobody has: an error answer instead of a page."""

from __future__ import annotations

from flask import Response, request

from web.camunda7.blueprint import PREFIX, bp, refusal


@bp.route("/", methods=["GET", "POST", "PUT", "DELETE"])
@bp.route("/<path:anything>", methods=["GET", "POST", "PUT", "DELETE"])
def nothing(anything: str = "") -> Response:
    """Say that there is no such operation."""
    message = f"Expected an operation of the REST interface, but there is no {request.method} {PREFIX}/{anything}."
    return refusal(404, "NotFoundException", message, None)
