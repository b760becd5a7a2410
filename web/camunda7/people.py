"""Who there is and what they may do, as far as it is known here, and other lists that user interfaces ask for.

Users and groups are those of the access file; tenants are in `web.camunda7.tenants`. Filters belong to our own task
list, whose words are not those of Camunda 7, so none is listed; and nothing is done in batches.
"""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, request

from engine.errors import NotFound
from engine.queries import statistics
from web.auth.access import Access
from web.auth.accessfile import Content
from web.camunda7 import formats
from web.camunda7.blueprint import answer, bp, engine
from web.camunda7.listing import Asked

OTHER_METRICS = {"process-instances": "root-process-instance-start", "flow-node-instances": "activity-instance-start",
                 "decision-instances": "executed-decision-instances"}
"""The names that Camunda 7 gives to the same sums since version 7.17."""


def _content() -> Content:
    access: Access = current_app.extensions["access"]
    return access.file.read()


def _users() -> list[dict[str, Any]]:
    return [{"id": name, "firstName": None, "lastName": None, "email": None} for name in sorted(_content().users)]


def _groups(user: str | None = None) -> list[dict[str, Any]]:
    users = _content().users
    found = {group for name, each in users.items() for group in each.groups if user in (None, name)}
    return [{"id": group, "name": group, "type": None} for group in sorted(found)]


def _part(found: list[dict[str, Any]]) -> Response:
    """The part of a list that is asked for: of one id, and from a place on."""
    asked = Asked.here()
    if "id" in asked.content:
        found = [each for each in found if each["id"] == asked.content["id"]]
    first, most = asked.number("firstResult") or 0, asked.number("maxResults")
    return answer(found[first:] if most is None else found[first:first + most])


def _found(found: list[dict[str, Any]], id: str, what: str) -> dict[str, Any]:
    for each in found:
        if each["id"] == id:
            return each
    raise NotFound(f"Expected to find a {what} with id {id!r}, but there is none.")


@bp.get("/user")
def list_users() -> Response:
    """The users of the access file."""
    return _part(_users())


@bp.get("/user/count")
def count_users() -> Response:
    """How many users there are."""
    return answer({"count": len(_users())})


@bp.get("/user/<id>/profile")
def get_profile(id: str) -> Response:
    """One user."""
    return answer(_found(_users(), id, "user"))


@bp.get("/group")
def list_groups() -> Response:
    """The groups of the users, or those of one user (`member`)."""
    return _part(_groups(request.args.get("member")))


@bp.get("/group/count")
def count_groups() -> Response:
    """How many groups there are."""
    return answer({"count": len(_groups(request.args.get("member")))})


@bp.get("/group/<id>")
def get_group(id: str) -> Response:
    """One group."""
    return answer(_found(_groups(), id, "group"))


@bp.get("/identity/groups")
def groups_of_user() -> Response:
    """The groups of a user, and the other users in them."""
    user = request.args.get("userId", "")
    own = _groups(user)
    names = {group["id"] for group in own}
    others = [each for each in _users() if each["id"] != user and names & set(_content().users[each["id"]].groups)]
    return answer({"groups": [{"id": each["id"], "name": each["name"]} for each in own],
                   "groupUsers": [{"id": each["id"], "firstName": None, "lastName": None, "displayName": each["id"]}
                                  for each in others]})


@bp.get("/authorization")
@bp.get("/filter")
@bp.get("/batch")
@bp.get("/batch/statistics")
@bp.get("/history/batch")
def nobody() -> Response:
    """What there is none of."""
    return answer([])


@bp.get("/authorization/count")
@bp.get("/filter/count")
@bp.get("/batch/count")
@bp.get("/batch/statistics/count")
@bp.get("/history/batch/count")
def count_nobody() -> Response:
    """How many there are of what there is none of."""
    return answer({"count": 0})


@bp.get("/metrics/<name>/sum")
def sum_of_metric(name: str) -> Response:
    """How often something happened, in a time or ever, as far as its history is kept."""
    asked = Asked.here().content
    since, before = (formats.moment(asked[each], each) if each in asked else None for each in ("startDate", "endDate"))
    return answer({"result": statistics.metric(engine(), OTHER_METRICS.get(name, name), since, before)})
