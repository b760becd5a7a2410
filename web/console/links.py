"""Addresses that Camunda Modeler opens after a deployment or a start: its Operate and Tasklist, as our pages."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

bp = Blueprint("links", __name__)


@bp.get("/operate/processes/<key:key>")
@bp.get("/operate/instances/<key:key>")
def operate_instance(key: int) -> ResponseReturnValue:
    """What the Modeler opens after it has started an instance."""
    return redirect(url_for("console.instance", key=key))


@bp.get("/operate/processes")
def operate_process() -> ResponseReturnValue:
    """What the Modeler opens after it has deployed a process."""
    process_id = request.args.get("process")
    if not process_id:
        return redirect(url_for("console.processes"))
    # The version is "all" when Operate would show every one.
    version = request.args.get("version", type=int)
    return redirect(url_for("console.process", process_id=process_id, version=version))


@bp.get("/operate/decisions")
def operate_decision() -> ResponseReturnValue:
    """What the Modeler opens after it has deployed a decision: `name` is the id of the decision."""
    decision_id = request.args.get("name")
    if not decision_id:
        return redirect(url_for("console.decisions"))
    version = request.args.get("version", type=int)
    return redirect(url_for("console.decision", decision_id=decision_id, version=version))


@bp.get("/operate/")
@bp.get("/operate")
def operate() -> ResponseReturnValue:
    """Operate's start page."""
    return redirect(url_for("console.home"))


@bp.get("/tasklist/<key:key>")
def tasklist_task(key: int) -> ResponseReturnValue:
    """A single task in Tasklist."""
    return redirect(url_for("console.task", key=key))


@bp.get("/tasklist/")
@bp.get("/tasklist")
def tasklist() -> ResponseReturnValue:
    """Tasklist's start page."""
    return redirect(url_for("console.tasks"))
