"""Approvals for scripts: what waits for another person, and its decision."""

from __future__ import annotations

from typing import Any

from flask import request

from engine.approvals import deciding
from engine.approvals.asking import ApprovalKind, ApprovalState
from engine.errors import NotFound
from engine.queries import approvals as found
from engine.queries.approvals import ApprovalRow
from engine.queries.paging import Page
from web.answers import engine
from web.api.operation import Parameter, acting, getting, listing, posting
from web.auth.identity import expect_approver
from web.body import Body

REASON: dict[str, dict[str, Any]] = {
    "reason": {"type": "string", "minLength": 1, "description": "Why; the audit trail keeps it."}}


@listing(
    "/api/approvals", "Requests that another person has to approve, and those that were decided, newest first.",
    ApprovalRow,
    Parameter(name="state", description="In any of these.", many=True,
              schema={"type": "string", "enum": [str(each) for each in ApprovalState]}),
    Parameter(name="kind", description="Of this kind.",
              schema={"type": "string", "enum": [str(each) for each in ApprovalKind]}),
)
def approvals(limit: int, offset: int) -> Page[ApprovalRow]:
    """The list of the page `/approvals`."""
    return found.approvals(engine(), states=request.args.getlist("state"), kind=request.args.get("kind") or None,
                           limit=limit, offset=offset)


@getting("/api/approvals/<key:key>", "One request.", ApprovalRow)
def approval(key: int) -> ApprovalRow:
    """The request."""
    return found.approval(engine(), key)


@posting("/api/approvals/deployments/<key:key>/approve", "Deploy what another person asked to deploy.", REASON,
         ApprovalRow, required=["reason"])
def approve_deployment(sent: Body, key: int) -> ApprovalRow:
    """The request; it is APPROVED."""
    return _approve(sent, key, ApprovalKind.DEPLOYMENT)


@posting("/api/approvals/deployments/<key:key>/decline", "Let a deployment not happen.", REASON, ApprovalRow,
         required=["reason"])
def decline_deployment(sent: Body, key: int) -> ApprovalRow:
    """The request; it is DECLINED, or WITHDRAWN by who asked."""
    return _decline(sent, key, ApprovalKind.DEPLOYMENT)


@posting("/api/approvals/operations/<key:key>/approve", "Let an operation be carried out that another person applied.",
         REASON, ApprovalRow, required=["reason"])
def approve_operation(sent: Body, key: int) -> ApprovalRow:
    """The request; it is APPROVED."""
    return _approve(sent, key, ApprovalKind.OPERATION)


@posting("/api/approvals/operations/<key:key>/decline", "Let an operation not happen.", REASON, ApprovalRow,
         required=["reason"])
def decline_operation(sent: Body, key: int) -> ApprovalRow:
    """The request; it is DECLINED, or WITHDRAWN by who asked."""
    return _decline(sent, key, ApprovalKind.OPERATION)


def _approve(sent: Body, key: int, kind: ApprovalKind) -> ApprovalRow:
    _check(key, kind)
    expect_approver()
    acting().execute(deciding.approve, key, sent.required_text("reason"))
    return found.approval(engine(), key)


def _decline(sent: Body, key: int, kind: ApprovalKind) -> ApprovalRow:
    _check(key, kind)
    acting().execute(deciding.decline, key, sent.required_text("reason"))
    return found.approval(engine(), key)


def _check(key: int, kind: ApprovalKind) -> None:
    """The permission that was asked for is that of this kind."""
    if found.approval(engine(), key).kind != kind:
        raise NotFound(f"Expected a request about an {kind.lower()} with key {key}, but there is none.")
