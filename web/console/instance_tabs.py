"""The tabs of the page of an instance: how each is called, how many rows it has, and what is in the chosen one."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bpmn.model import Process
from engine import secrets
from engine.durations import Learned
from engine.keyring import KeyProblem
from engine.queries import decisions, effects, explanations, instance_parts, past, variable_history
from engine.queries import instance as found
from engine.queries.decisions import EvaluationRow
from engine.queries.instance import InstanceDetail
from engine.queries.instances import InstanceRow
from engine.queries.past import HistoryRow, Moment
from service_tasks.connector.masking import Mask
from web.console import formatting, moments, numbers, paging, why
from web.console.blueprint import bp, engine

TABS = ("variables", "why", "incidents", "jobs", "tasks", "events", "called", "decisions", "effects", "operations",
        "audit", "raw")
VERSIONS = 50
"""Former values of a variable that are shown at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the page shows: an instance, narrowed to an element, now or at a moment. `work` is what its tokens wait
    for, `counts` how many rows each of its tables has, `learned` how long others stay at its elements."""

    row: InstanceRow
    process: Process
    names: Mapping[str, str]
    element: str
    moment: Moment | None
    tokens: Sequence[HistoryRow]
    work: InstanceDetail
    counts: Mapping[str, int]
    learned: Mapping[str, Learned]
    tab: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One tab: `look` is the state whose colour its number has, if any."""

    name: str
    word: str
    count: str = ""
    look: str = ""


def tabs(view: View) -> list[Tab]:
    """The tabs, in order."""
    counts: dict[str, int | None] = dict(view.counts)
    counts["events"] = view.counts["timers"] + view.counts["subscriptions"]
    if view.moment is not None:
        # Their rows are those of now.
        counts["variables"] = counts["events"] = None
    failed = len(view.work.incidents) if view.moment is None else 0
    looks = {"incidents": "incident" if failed else ""}

    def count(name: str) -> str:
        number = failed if name == "incidents" and failed else counts.get(name)
        return "" if number is None else formatting.up_to(number)

    words = {
        "variables": _("Variables"), "why": _("Why it is here"), "incidents": _("Incidents"), "jobs": _("Jobs"),
        "tasks": _("User tasks"), "events": _("Messages & timers"), "called": _("Called instances"),
        "decisions": _("Decisions"), "effects": _("Effects"), "operations": _("Operations"),
        "audit": _("Audit trail"), "raw": _("Raw"),
    }
    return [Tab(name=name, word=words[name], count=count(name), look=looks.get(name, "")) for name in TABS]


def content(view: View) -> dict[str, Any]:
    """What the template of the chosen tab needs."""
    return CONTENT.get(view.tab, _part)(view)


def _part(view: View) -> dict[str, Any]:
    """A table whose rows are shown as they are."""
    return {"page": _page(view, view.tab)}


def _page(view: View, name: str) -> paging.Page[Any]:
    rows = instance_parts.rows(engine(), view.row.key, name, element=view.element, limit=paging.SIZE,
                               offset=paging.offset(), until=view.moment.at if view.moment else None)
    return paging.Page(moments.as_it_was(name, rows.items, view.moment), rows.total, paging.offset(), rows.more)


def _variables(view: View) -> dict[str, Any]:
    scope, name = numbers.argument("scope"), request.args.get("variable", "")
    shown: dict[str, Any] = {}
    if view.moment is None:
        shown["page"] = _page(view, "variables")
        shown["explanations"] = [each for each in explanations.of_instance(engine(), view.row.key)
                                 if view.element in ("", each.element_id)]
        scopes = {each.scope_key for each in shown["page"].rows}
    else:
        held = sorted(past.variables(engine(), view.row.key, view.moment).items())
        shown["held"] = [{"scope_key": place[0], "name": place[1], "value": value} for place, value in held]
        scopes = {place[0] for place, _value in held}
    if name:
        shown["versions"], shown["older_versions"] = variable_history.versions(
            engine(), view.row.key, scope or view.row.key, name, limit=VERSIONS, before=numbers.argument("revision"))
        shown["variable"], shown["scope"] = name, scope or view.row.key
        scopes.add(shown["scope"])
    elements = instance_parts.scopes(engine(), scopes - {view.row.key})
    shown["scopes"] = {key: view.names.get(element, element) for key, element in elements.items()} | {
        view.row.key: _("Instance")}
    return shown


def _why(view: View) -> dict[str, Any]:
    def values_of(scopes: Sequence[int], revision: int, names: Collection[str]) -> dict[str, Any]:
        with engine().read() as connection:
            held = variable_history.values_at(connection, view.row.key, revision, names=names, scopes=scopes)
        # The innermost one is the one that is seen.
        return {name: held[scope, name] for scope in reversed(scopes) for name in names if (scope, name) in held}

    work = view.work
    hosts = instance_parts.hosts(engine(), view.row) if any(
        event.attached for events in (work.timers, work.subscriptions) for event in events) else {}
    surroundings = why.Surroundings(of=past.around(engine(), view.tokens), process=view.process, hosts=hosts,
                                    values_of=values_of)
    return {"whereabouts": why.tokens(view.tokens, work, surroundings, view.learned, moves=view.moment is None)}


def _incidents(view: View) -> dict[str, Any]:
    return _part(view) | {"doubts": {
        row.key: row for row in effects.effects(engine(), instance_key=view.row.key, limit=200).items
        if row.needs_decision
    }}


def _events(view: View) -> dict[str, Any]:
    return {"page": _page(view, "subscriptions"), "timers": _page(view, "timers")}


def _called(view: View) -> dict[str, Any]:
    tree = instance_parts.tree_of_called(engine(), view.row.root_key)
    return _part(view) | {"family": _nested(tree)}


def _nested(rows: Sequence[InstanceRow]) -> list[tuple[int, InstanceRow]]:
    """Callers and called ones with their depth, each called one below its caller."""
    known = {row.key for row in rows}
    below: dict[int | None, list[InstanceRow]] = {}
    for row in rows:
        below.setdefault(row.parent_key if row.parent_key in known else None, []).append(row)
    found: list[tuple[int, InstanceRow]] = []
    waiting = [(0, row) for row in reversed(below.get(None, []))]
    while waiting:
        depth, row = waiting.pop()
        found.append((min(depth, 5), row))
        waiting += [(depth + 1, child) for child in reversed(below.get(row.key, []))]
    return found


def _decisions(view: View) -> dict[str, Any]:
    shown = _part(view)
    rows: Sequence[EvaluationRow] = shown["page"].rows
    chosen = numbers.argument("evaluation")
    opened = chosen if chosen in {row.key for row in rows} else rows[0].key if rows else None
    if opened is None:
        return shown
    made = decisions.evaluation(engine(), opened)
    # Of several decisions the one that was asked for tells most, unless only one that it needed has rules.
    wanted = request.args.get("decision")
    first = sorted(made.decisions, key=lambda each: (each["id"] != wanted, not each["rules"],
                                                     each["id"] != made.row.decision_id))
    return shown | {"evaluation": made, "shown": first[0] if first else None}


def _raw(view: View) -> dict[str, Any]:
    try:
        return {"raw": raw_state(view.row.key)}
    except KeyProblem as error:
        # Without the keys nobody knows what has to be hidden.
        return {"raw": None, "trouble": str(error)}


CONTENT: Mapping[str, Callable[[View], dict[str, Any]]] = {
    "variables": _variables, "why": _why, "incidents": _incidents, "events": _events, "called": _called,
    "decisions": _decisions, "raw": _raw,
}


def raw_state(key: int) -> dict[str, Any]:
    """Everything that is stored of an instance, its tokens as the interpreter saved them; secrets are masked.

    Raises:
        KeyProblem: the secrets cannot be decrypted, so that they cannot be recognised.
    """
    stored = {**asdict(found.detail(engine(), key)), "saved_tokens": found.saved_tokens(engine(), key)}
    hidden = secrets.reveal(engine(), [secret.name for secret in secrets.all_of_them(engine())])
    content: dict[str, Any] = Mask(hidden).value(msgspec.to_builtins(stored, enc_hook=str))
    return content


@bp.get("/instances/<key:key>/raw.json")
def raw_file(key: int) -> ResponseReturnValue:
    """The raw state of an instance, as a file."""
    response = Response(json.dumps(raw_state(key), indent=2, ensure_ascii=False), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="instance-{key}.json"'
    return response
