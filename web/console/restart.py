"""Restart: an instance goes on from an element of its past; one that has ended as a new instance."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import InvalidInput, NotFound, Rejection
from engine.queries import definitions as known
from engine.queries import instance as found
from engine.queries.instances import InstanceFilter
from engine.states import InstanceState
from web.console import changing, many, marks, numbers
from web.console.blueprint import bp, engine
from web.console.many import Many, Tried


@bp.get("/instances/<key:key>/restart")
def restart(key: int) -> ResponseReturnValue:
    """The page. `element` in the address chooses the element."""
    return _page(key, request.args.get("element", ""), None, "")


@bp.post("/instances/<key:key>/restart")
def restart_choice(key: int) -> ResponseReturnValue:
    """The page with other choices, or the plan of them. No instance is changed by this."""
    chosen, text = request.form.get("chosen", ""), request.form.get("variables", "")
    definition = numbers.field("definition")
    if request.form.get("do") == "plan":
        try:
            return changing.plan("RESTART", _parameters(key, chosen, definition, text), InstanceFilter(key=key))
        except Rejection as error:
            return _page(key, chosen, definition, text, str(error)), 422
    return _page(key, chosen, definition, text)


@bp.route("/restart", methods=["GET", "POST"])
def restart_many() -> ResponseReturnValue:
    """The same for many instances of one definition. Running ones are moved, ended ones start as new ones."""
    those = many.chosen()
    chosen, text = request.form.get("chosen", ""), request.form.get("variables", "")
    definition = numbers.field("definition")
    if request.form.get("do") == "plan":
        try:
            return changing.plan("RESTART", _of_many(those, chosen, definition, text), those.filter, those.query)
        except Rejection as error:
            return _page_of_many(those, chosen, definition, text, str(error)), 422
    return _page_of_many(those, chosen or request.args.get("element", ""), definition, text)


def _of_many(those: Many, chosen: str, definition: int | None, text: str) -> dict[str, Any]:
    own = those.definition.key
    made = {"elements": [chosen] if chosen else [], "variables": changing.variables_of(text),
            "definitionKey": None if definition in (None, own) else str(definition)}
    return {name: value for name, value in made.items() if value}


def _page_of_many(those: Many, chosen: str, definition: int | None, text: str, trouble: str = "") -> str:
    own = those.definition
    versions = known.versions(engine(), own.process_id, tenant_id=own.tenant_id)
    target = own.key if definition is None else definition
    if target not in {each.key for each in versions}:
        raise NotFound(f"Expected version {target} of process {own.process_id!r}, but there is none.")
    process = known.process(engine(), target)
    if chosen not in process.elements:
        chosen = ""
    tried: list[Tried] = []
    payload, why_not = "", trouble
    if not trouble:
        try:
            parameters = _of_many(those, chosen, definition, text)
            tried = many.tried("RESTART", parameters, those)
            payload = changing.request_of_many("RESTART", parameters, those.keys, those.query)
        except InvalidInput as error:
            trouble = why_not = str(error)
    if not chosen and tried and all(each.judged.obstacle for each in tried):
        # Those that run go on from an element only.
        tried, why_not = [], _("Choose the element from which it is to go on.")
    there = those.tokens if target == own.key else ()
    return render_template(
        "restart/many.html", section="instances", many=those, chosen=chosen, text=text, tried=tried, trouble=trouble,
        choices=changing.choices(process, there), marks=marks.live(there), payload=payload, why_not=why_not,
        versions=versions, target=target,
    )


def _parameters(key: int, chosen: str, definition: int | None, text: str) -> dict[str, Any]:
    own = found.detail(engine(), key).row.definition_key
    made: dict[str, Any] = {"elements": [chosen] if chosen else [], "variables": changing.variables_of(text),
                            "definitionKey": None if definition in (None, own) else str(definition)}
    return {name: value for name, value in made.items() if value}


def _page(key: int, chosen: str, definition: int | None, text: str, trouble: str = "") -> str:
    detail = found.detail(engine(), key)
    running = detail.row.state == InstanceState.ACTIVE
    versions = known.versions(engine(), detail.row.process_id, tenant_id=detail.row.tenant_id)
    target = detail.row.definition_key if running or definition is None else definition
    if target not in {each.key for each in versions}:
        raise NotFound(f"Expected version {target} of process {detail.row.process_id!r}, but there is none.")
    process = known.process(engine(), target)
    if chosen not in process.elements:
        chosen = ""
    judged, payload, why_not = None, "", trouble
    if running and not chosen:
        why_not = _("Choose the element from which it is to go on.")
    elif not trouble:
        try:
            parameters = _parameters(key, chosen, definition, text)
            judged = changing.judged("RESTART", parameters, key)
            payload, why_not = changing.request_text("RESTART", parameters, [key]), judged.obstacle or ""
        except InvalidInput as error:
            trouble = why_not = str(error)
    same = target == detail.row.definition_key
    looks = marks.live(detail.tokens, passed=detail.completed, flows=detail.flows) if same else marks.live(())
    return render_template(
        "restart/page.html", section="instances", instance=detail.row, running=running, versions=versions,
        target=target, chosen=chosen, text=text, choices=changing.choices(process, detail.tokens if same else ()),
        marks=looks, judged=judged, trouble=trouble, why_not=why_not, payload=payload,
    )
