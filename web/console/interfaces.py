"""The page that tells programs' authors where the JSON interfaces are, and where each is described."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from web.api.document import path_of
from web.api.operation import OPERATIONS
from web.console.blueprint import bp

CAMUNDA_8 = "https://docs.camunda.io/docs/apis-tools/orchestration-cluster-api-rest/orchestration-cluster-api-rest-overview/"
CAMUNDA_7 = "https://docs.camunda.org/rest/camunda-bpm-platform/7.24/"


@bp.get("/api")
def interfaces() -> ResponseReturnValue:
    """The interfaces, with links to their descriptions."""
    return render_template("interfaces.html", section="services", operations=OPERATIONS, shown=path_of,
                           camunda8=CAMUNDA_8, camunda7=CAMUNDA_7)
