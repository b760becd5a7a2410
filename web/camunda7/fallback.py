"""Operations that Camunda 7 has and this server does not, or nobody has: an error answer instead of a page."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from web import doors
from web.camunda7.blueprint import bp


@bp.route("", methods=doors.METHODS)
@bp.route("/", methods=doors.METHODS)
@bp.route("/<path:anything>", methods=doors.METHODS)
def nothing(anything: str = "") -> ResponseReturnValue:
    """Say that there is no such operation, or not with this method."""
    raise doors.nothing_here(request.endpoint or "")
