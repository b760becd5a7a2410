"""Operations: plan what is done to instances, see what would change, let it be done, read what became of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from engine.errors import InvalidInput
from engine.operations import carrying, freezing, plans, trial
from engine.operations.deeds import deed_of
from engine.operations.plans import ItemState, OperationState
from engine.queries import approvals, lists
from engine.queries import instances as listed
from engine.queries import operations as found
from engine.queries.operations import ItemRow, OperationRow
from engine.queries.standing import standing
from engine.queries.things import AuditRow
from web.console import changing, formatting, forms, operation_forms, paging
from web.console.blueprint import acting, bp, done, engine
from web.console.export import FORMULA
from web.console.formatting import iso, to_json
from web.console.operation_words import IN_BULK, ITEM_WORDS, KINDS, ON_INSTANCES, STATE_WORDS

TABS = (ItemState.PLANNED, ItemState.BLOCKED, ItemState.WATCHING, ItemState.FIXED, ItemState.FAILED_AGAIN,
        ItemState.SKIPPED, ItemState.NOT_STARTED)
COLUMNS = ("position", "instance_key", "label", "state", "changes", "effects", "sentence", "started_at", "ended_at")


@bp.app_context_processor
def _words() -> dict[str, Any]:
    return {"KINDS": KINDS, "ON_INSTANCES": ON_INSTANCES, "IN_BULK": IN_BULK, "OPERATION_STATES": STATE_WORDS,
            "ITEM_STATES": ITEM_WORDS}


@bp.get("/operations")
def operations() -> ResponseReturnValue:
    """What was planned and done, the newest first."""
    kind, state = request.args.get("kind") or None, request.args.get("state") or None
    page = paging.page(found.operations(engine(), kind=kind, states=[state] if state else (),
                                        author=request.args.get("author") or None, limit=paging.SIZE,
                                        offset=paging.offset()))
    return render_template("operations/list.html", section="operations", live=3, page=page, kind=kind, state=state,
                           waiting=approvals.waiting(engine()), trouble=_trouble())


def _trouble() -> str:
    """Why nobody would carry out what is applied; empty if somebody would."""
    now = standing(engine())
    if now.has("scheduler"):
        return ""
    return _("No node with a scheduler is alive, so nothing that is applied here is carried out, but for operations on "
             "one instance. Start one: partitur serve, or partitur scheduler beside it.")


@bp.get("/operations/new")
def new_operation() -> ResponseReturnValue:
    """What an operation of one kind is to do: its parameters, and which instances are meant."""
    kind = _kind(request.args.get("kind", ""))
    if kind not in ON_INSTANCES:
        return render_template("operations/new.html", section="operations", kind=kind, selected=None, page=None,
                               service=request.args.get("service", ""), choices=None)
    selected = operation_forms.selection(request.args)
    page = listed.search(engine(), selected.filter, limit=5)
    return render_template("operations/new.html", section="operations", kind=kind, selected=selected,
                           page=paging.Page(page.items, page.total, 0, page.more),
                           choices=operation_forms.choices(engine(), selected), service="")


@bp.post("/operations")
def plan_operation() -> ResponseReturnValue:
    """Freeze the instances and find out what would change."""
    kind = _kind(request.form.get("kind", ""))
    parameters = {name: value for name, value in operation_forms.parameters(engine(), kind).items()
                  if value is not None}
    if kind in ON_INSTANCES:
        selected = operation_forms.selection(request.form)
        key = freezing.plan(acting(), kind, parameters, selected.filter, query=selected.address)
    else:
        key = freezing.plan(acting(), kind, parameters)
    changing.judge_few(key)
    return done(_("This is the plan. Nothing was done yet."), url_for("console.operation", key=key), "waiting")


def _kind(text: str) -> str:
    if text not in KINDS:
        raise InvalidInput(f"Expected a kind out of {', '.join(KINDS)}, but found {text[:40]!r}.")
    return text


@bp.get("/operations/<key:key>")
def operation(key: int) -> ResponseReturnValue:
    """One operation: the plan, how far it is, and what became of each instance."""
    row = found.operation(engine(), key)
    state = request.args.get("state", "")
    risky = "risky" in request.args
    page = paging.page(found.items(engine(), key, states=[state] if state in TABS else (), risky=risky,
                                   limit=paging.SIZE, offset=paging.offset()))
    counts = {each: getattr(row, each.lower()) for each in TABS}
    risks = found.risks(engine(), key)
    return render_template(
        "operations/detail.html", section="operations", operation=row, page=page,
        live=2 if row.is_open and row.state not in (OperationState.PLANNED, OperationState.WAITING) else 0,
        state=state, risky=risky, counts=counts, risks=risks, consent=row.final or risks > 0,
        approval=approvals.of_operation(engine(), key) if row.state == OperationState.WAITING else None,
        trouble=_trouble() if row.state in (OperationState.PLANNING, OperationState.RUNNING) else "",
        repeated=row.repeats_key if row.repeats_key and found.is_there(engine(), row.repeats_key) else None,
        sentence=_sentence(row), act=_last_act(row), failed=row.failed_again + row.not_started,
        outcomes=(ItemState.FIXED, ItemState.FAILED_AGAIN, ItemState.SKIPPED, ItemState.NOT_STARTED),
    )


def _last_act(row: OperationRow) -> AuditRow | None:
    """Who paused or stopped it, and why, while it rests."""
    operation = {OperationState.PAUSED: "PAUSE", OperationState.STOPPED: "STOP"}.get(OperationState(row.state))
    if operation is None:
        return None
    acts = lists.audit(engine(), operation=operation, entity="OPERATION", entity_key=row.key, limit=1).items
    return acts[0] if acts else None


def _sentence(row: OperationRow) -> tuple[str, str]:
    """How it stands, with the colour that goes with it."""
    state = OperationState(row.state)
    if state is OperationState.FREEZING:
        return "active", _("Its instances are written down: %(total)s.", total=formatting.number(row.total))
    if state is OperationState.PLANNING:
        return "active", _("It is found out what would change: %(done)s of %(total)s instances are looked at.",
                           done=formatting.number(row.total - row.frozen),
                           total=formatting.number(row.total))
    if state is OperationState.PLANNED:
        if not row.planned:
            return "stalled", _("Nothing can be done: the list says why. Plan it otherwise, or withdraw this plan.")
        return "waiting", _("Nothing was done yet. Look at what would change, say why, and apply it.")
    if state is OperationState.WAITING:
        return "held", _("%(name)s applied it. Another person, who may do the same, has to approve it before anything "
                         "is done.", name=row.applied_by)
    if state is OperationState.RUNNING:
        return "active", _("%(done)s of %(total)s have their outcome, %(watched)s are being watched.",
                           done=formatting.number(row.ended), total=formatting.number(row.total),
                           watched=formatting.number(row.watching))
    if state is OperationState.PAUSED:
        return "suspended", _("Paused: no other instance is begun until it goes on.")
    if state is OperationState.STOPPED:
        return "terminated", _("Stopped. What was begun stays as it is.") if row.applied_at else _(
            "This plan was withdrawn. Nothing was done.")
    return ("incident" if row.failed_again else "completed"), ngettext(
        "Done: %(num)s instance has its outcome.", "Done: all %(num)s instances have their outcome.", row.total)


@bp.post("/operations/<key:key>/application")
def apply_operation(key: int) -> ResponseReturnValue:
    """Let a plan be carried out."""
    acting().execute(plans.apply, key, forms.reason(), consent="consent" in request.form)
    row = found.operation(engine(), key)
    if row.total == 1:
        # Somebody waits for the one instance; many are done in the background.
        item = found.items(engine(), key, limit=1).items[0]
        carrying.carry_out(acting(), item.key)
        carrying.watch(engine())
    if row.state == OperationState.WAITING:
        return done(_("It waits for another person's approval."), _page(key), "held")
    return done(_("It is under way."), _page(key), "active")


@bp.post("/operations/<key:key>/pause")
def pause_operation(key: int) -> ResponseReturnValue:
    """Begin no more instances for now."""
    acting().execute(plans.pause, key, forms.reason())
    return done(_("The operation is paused."), _page(key), "suspended")


@bp.post("/operations/<key:key>/resumption")
def resume_operation(key: int) -> ResponseReturnValue:
    """Go on."""
    acting().execute(plans.go_on, key, forms.reason())
    return done(_("The operation goes on."), _page(key), "active")


@bp.post("/operations/<key:key>/stop")
def stop_operation(key: int) -> ResponseReturnValue:
    """Begin no more instances, for good; withdraw a plan."""
    acting().execute(plans.stop, key, forms.reason())
    return done(_("The operation is stopped."), _page(key), "terminated")


@bp.post("/operations/<key:key>/repetition")
def repeat_operation(key: int) -> ResponseReturnValue:
    """A new plan for what failed again or was not started."""
    again = freezing.plan_again(acting(), key)
    changing.judge_few(again)
    return done(_("This is a new plan. Nothing was done yet."), _page(again), "waiting")


@bp.get("/services/<path:name>/preview")
def service_preview(name: str) -> ResponseReturnValue:
    """What holding or releasing a service would do, for the dialog that asks why."""
    kind = _kind(request.args.get("kind", ""))
    if kind in ON_INSTANCES:
        raise InvalidInput(f"Expected HOLD or RELEASE, but found {kind}.")
    judged = engine().execute(trial.judge_service, deed_of(kind, {"service": name}), name)
    return render_template("operations/_preview.html", judged=judged)


def _page(key: int) -> str:
    return url_for("console.operation", key=key)


@bp.get("/operations/<key:key>/report.<form>")
def operation_file(key: int, form: str) -> ResponseReturnValue:
    """Every item with its outcome, as `csv` or `json`.

    Raises:
        InvalidInput: another form.
    """
    if form not in ("csv", "json"):
        raise InvalidInput(f"Expected csv or json, but found {form[:40]!r}.")
    row = found.operation(engine(), key)
    lines = _json(row) if form == "json" else _csv(key)
    response = Response(stream_with_context(lines), mimetype="application/json" if form == "json" else "text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="operation-{key}.{form}"'
    return response


def _plain(item: ItemRow) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(item, name) for name in COLUMNS}
    values["instance_key"] = None if item.instance_key is None else str(item.instance_key)
    for name in ("started_at", "ended_at"):
        values[name] = iso(values[name]) if values[name] else None
    return values


def _json(row: OperationRow) -> Iterator[str]:
    head = {name: getattr(row, name) for name in ("kind", "parameters", "filter", "author", "state", "reason", "total")}
    yield f'{{"operation": {to_json({"key": str(row.key), **head})}, "items": ['
    for number, item in enumerate(found.all_items(engine(), row.key)):
        yield (", " if number else "") + to_json(_plain(item))
    yield "]}"


def _csv(key: int) -> Iterator[str]:
    yield ",".join(COLUMNS) + "\r\n"
    for item in found.all_items(engine(), key):
        values = _plain(item)
        values["changes"] = " ".join(item.changes)
        values["effects"] = " ".join(f"{each['element']}:{each['service']}:{each['effect']}" for each in item.effects)
        text = io.StringIO()
        csv.writer(text).writerow([_cell(value) for value in values.values()])
        yield text.getvalue()


def _cell(value: Any) -> Any:
    # A spreadsheet must not run what somebody wrote into a business id.
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
