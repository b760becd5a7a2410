"""Approvals: what one person asked for and another one has to approve, and what was decided."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import definitions
from engine.approvals import deciding
from engine.approvals.asking import ApprovalKind, ApprovalState
from engine.errors import NotFound
from engine.queries import approvals as found
from engine.queries.approvals import ApprovalRow
from engine.schema import DEFAULT_TENANT
from web.auth.identity import expect_approver
from web.console import forms, paging, reviews
from web.console.blueprint import acting, bp, done, engine
from web.console.operation_words import APPROVAL_STATES


@bp.app_context_processor
def _words() -> dict[str, object]:
    return {"APPROVAL_STATES": APPROVAL_STATES, "FOUR_EYES": engine().four_eyes}


@bp.get("/approvals")
def approvals() -> ResponseReturnValue:
    """What waits for another person, and what was decided, the newest first."""
    state = request.args.get("state", ApprovalState.WAITING)
    states = (state,) if state in set(ApprovalState) else ()
    page = paging.page(found.approvals(engine(), states=states, limit=paging.SIZE, offset=paging.offset()))
    return render_template("approvals/list.html", section="operations", live=5, page=page,
                           state=state if states else "", waiting=found.waiting(engine()))


@bp.get("/approvals/<key:key>")
def approval(key: int) -> ResponseReturnValue:
    """A deployment that waits: what it changes, and the two buttons; afterwards what was decided."""
    row = found.approval(engine(), key)
    files = found.files(engine(), key)
    reviewed = list(reviews.reviewed(files, row.tenant_id)) if row.is_waiting else []
    problems = engine().execute(definitions.check, files, row.tenant_id or DEFAULT_TENANT) if files else ()
    return render_template(
        "approvals/deployment.html", section="operations", approval=row, reviewed=reviewed, problems=problems,
        others=[file.name for file in files if not reviews.is_process(file)], files=[], anything=True,
    )


@bp.post("/approvals/deployments/<key:key>/approval")
def approve_deployment(key: int) -> ResponseReturnValue:
    """Deploy what another person asked to deploy."""
    row = _of_kind(key, ApprovalKind.DEPLOYMENT)
    expect_approver()
    acting().execute(deciding.approve, key, forms.reason())
    return done(_("Approved, and deployed for %(name)s.", name=row.requester), url_for("console.approval", key=key))


@bp.post("/approvals/deployments/<key:key>/refusal")
def decline_deployment(key: int) -> ResponseReturnValue:
    """Let a deployment not happen."""
    _of_kind(key, ApprovalKind.DEPLOYMENT)
    acting().execute(deciding.decline, key, forms.reason())
    return done(_("It is not deployed."), url_for("console.approval", key=key), "terminated")


@bp.post("/approvals/operations/<key:key>/approval")
def approve_operation(key: int) -> ResponseReturnValue:
    """Let an operation be carried out that another person applied."""
    row = _of_kind(key, ApprovalKind.OPERATION)
    expect_approver()
    acting().execute(deciding.approve, key, forms.reason())
    return done(_("Approved. It is under way."), _operation(row), "active")


@bp.post("/approvals/operations/<key:key>/refusal")
def decline_operation(key: int) -> ResponseReturnValue:
    """Let an operation not happen."""
    row = _of_kind(key, ApprovalKind.OPERATION)
    acting().execute(deciding.decline, key, forms.reason())
    return done(_("It is not carried out."), _operation(row), "terminated")


def _of_kind(key: int, kind: ApprovalKind) -> ApprovalRow:
    """The request, which is of the kind that the address asked the permission for. Raises NotFound."""
    row = found.approval(engine(), key)
    if row.kind != kind:
        raise NotFound(f"Expected request {key} to be about an {kind.lower()}, but it is about something else.")
    return row


def _operation(row: ApprovalRow) -> str:
    return url_for("console.operation", key=row.operation_key)
