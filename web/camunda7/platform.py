"""What clients ask before they do anything else: which version, which engines; and where Camunda Modeler links to."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from web.camunda7 import formats
from web.camunda7.blueprint import answer, bp

VERSION = "7.24.0"
"""The version whose interface this is."""

pages = Blueprint("camunda7_pages", __name__)
"""Addresses outside the interface that Camunda Modeler opens."""


@bp.get("/version")
def version() -> Response:
    """The version that Camunda Modeler asks for before it deploys."""
    return answer({"version": VERSION})


@bp.get("/engine")
def engines() -> Response:
    """The engines of this server: one."""
    return answer([{"name": "default"}])


@pages.get("/.well-known/camunda-automation-platform/webapps")
def webapps() -> Response:
    """Where the web applications are: Camunda Modeler's "Open in Cockpit" leads to our pages."""
    base = request.host_url.rstrip("/")
    return answer({
        "cockpitUrl": f"{base}{url_for('camunda7_pages.cockpit')}",
        "tasklistUrl": f"{base}{url_for('console.tasks')}", "adminUrl": f"{base}{url_for('console.home')}",
    })


@pages.get("/camunda7/")
def cockpit() -> ResponseReturnValue:
    """Cockpit's start page."""
    return redirect(url_for("console.home"))


@pages.get("/camunda7/process-instance/<id>")
def cockpit_instance(id: str) -> ResponseReturnValue:
    """What the Modeler opens after it has started an instance."""
    return redirect(url_for("console.instance", key=max(formats.key(id), 0)))


@pages.get("/camunda7/repository")
@pages.get("/camunda7/repository/")
def cockpit_repository() -> ResponseReturnValue:
    """What the Modeler opens after it has deployed."""
    return redirect(url_for("console.processes"))
