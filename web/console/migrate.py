"""Migration: live instances go on in another definition. The mapping is suggested by the diff of the two diagrams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bpmn.comparing import Counterpart, compare, counterparts
from bpmn.model import Process
from engine.errors import InvalidInput, NotFound, Rejection
from engine.operations import migration, radius
from engine.operations.migration import Planned
from engine.operations.radius import Radius
from engine.queries import definitions as known
from engine.queries import instances as found
from engine.queries.definitions import DefinitionRow
from engine.queries.instances import InstanceFilter
from web.console import changing, differences, instance_query, numbers, paging
from web.console.blueprint import bp, engine
from web.console.words import type_word

SHOWN = 25
"""How many instances are validated on the page, one by one; the plan does so for all."""
WHICH = ("all", "filter", "selected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One element of the old diagram, what it becomes, and how sure that is.

    `how` is "same" (it kept its id), "guess" (probably renamed), "chosen" (by whoever maps) or "none".
    """

    id: str
    name: str
    type: str
    tokens: int
    target: str
    how: str
    obstacles: tuple[str, ...] = ()

    @property
    def look(self) -> str:
        """The state whose colour shows it; empty if nothing needs to be looked at."""
        if self.obstacles or (self.how == "none" and self.tokens):
            return "incident"
        return {"guess": "retrying", "none": "terminated"}.get(self.how, "")

    @property
    def matters(self) -> bool:
        """Whether there is something to look at: tokens, or a mapping that is not beyond doubt."""
        return bool(self.tokens or self.obstacles) or self.how != "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was chosen on the page."""

    which: str
    query: str
    keys: tuple[int, ...]
    variables: str
    mapping: Mapping[str, str]

    @classmethod
    def read(cls) -> Chosen:
        """Out of the form, or of the address at first: `instance` selects one, `query` is the filter of a list."""
        single, query = numbers.argument("instance"), request.values.get("query", "")
        which = request.form.get("which") or ("selected" if single is not None else "filter" if query else "all")
        keys = [single] if single is not None and request.method == "GET" else [
            int(key) for key in request.form.getlist("key") if key.isdecimal() and len(key) < 19]
        # A mapping to another version than the one that is chosen now says nothing.
        fresh = request.form.get("mapped_to") == request.form.get("to")
        mapping = {name.removeprefix("map-"): value for name, value in request.form.items()
                   if fresh and name.startswith("map-")}
        return cls(which=which if which in WHICH else "all", query=query, keys=tuple(dict.fromkeys(keys)),
                   variables=request.form.get("variables", ""), mapping=mapping)


@bp.get("/migrate")
def migrate() -> ResponseReturnValue:
    """The page: `from` and `to` in the address are the keys of the two definitions."""
    return _page(numbers.argument("from"), numbers.argument("to"))


@bp.post("/migrate")
def migrate_choice() -> ResponseReturnValue:
    """The page with other choices, or the plan of them. No instance is changed by this."""
    source, target = numbers.field("from"), numbers.field("to")
    if request.form.get("do") != "plan" or source is None or target is None:
        return _page(source, target)
    chosen = Chosen.read()
    try:
        mapping = _mapping(known.process(engine(), source), known.process(engine(), target), chosen.mapping)
        filter, query = _filter(known.get(engine(), source), chosen)
        return changing.plan("MIGRATE", _parameters(target, mapping, chosen), filter, query)
    except Rejection as error:
        return _page(source, target, str(error)), 422


def _mapping(old: Process, new: Process, chosen: Mapping[str, str]) -> dict[str, str]:
    """Element ids of the old → the new version, and those of the flows between them. What is chosen goes before what
    is suggested; an element without counterpart is left out."""
    suggested = {id: each.id for id, each in counterparts(old, new).items()}
    for id, target in chosen.items():
        if id in old.elements and target in new.elements:
            suggested[id] = target
        elif id in old.elements and not target and id not in new.elements:
            suggested.pop(id, None)
    return migration.with_flows(old, new, suggested)


def _parameters(target: int, mapping: Mapping[str, str], chosen: Chosen) -> dict[str, Any]:
    made = {"definitionKey": str(target), "mapping": {a: b for a, b in mapping.items() if a != b},
            "variables": changing.variables_of(chosen.variables)}
    return {name: value for name, value in made.items() if value}


def _filter(source: DefinitionRow, chosen: Chosen) -> tuple[InstanceFilter, str]:
    """Which instances are meant, and the address of the list that has exactly these."""
    if chosen.which == "selected":
        if not chosen.keys:
            raise InvalidInput(_("Select at least one instance, or choose all of them."))
        return InstanceFilter(definition_key=source.key, keys=chosen.keys), ""
    wanted = instance_query.Query.parse(chosen.query if chosen.which == "filter" else "")
    texts = {**wanted.texts, "process": source.process_id, "version": str(source.version), "tenant": source.tenant_id}
    wanted = replace(wanted, states=wanted.states or ["active"], texts=texts)
    return wanted.filter(), wanted.address


def _page(source: int | None, target: int | None, trouble: str = "") -> str:
    everything = known.processes(engine(), counted=False)
    if source is None:
        return render_template("migrate/start.html", section="processes", running=_running())
    old = known.get(engine(), source)
    versions = known.versions(engine(), old.process_id, tenant_id=old.tenant_id)
    newest = versions[0]
    if target in (None, source):
        target = newest.key if newest.key != source else None
    chosen = Chosen.read()
    # Options of another process let instances move there.
    others = [row.latest for row in everything
              if row.process_id != old.process_id and row.tenant_id == old.tenant_id]
    common = {"section": "processes", "old": old, "versions": versions, "others": others, "chosen": chosen}
    if target is None:
        return render_template("migrate/page.html", **common, new=None, trouble=trouble)
    new = known.get(engine(), target)
    return render_template("migrate/page.html", **common, new=new, **_compared(old, new, chosen, trouble))


def _running() -> list[DefinitionRow]:
    """Every version that is not the newest and has live instances."""
    return [version for row in known.processes(engine(), counted=False)
            for version in known.versions(engine(), row.process_id, tenant_id=row.tenant_id)[1:]
            if version.counts.active]


def _compared(old: DefinitionRow, new: DefinitionRow, chosen: Chosen, trouble: str) -> dict[str, Any]:
    before, after = known.process(engine(), old.key), known.process(engine(), new.key)
    mapping = _mapping(before, after, chosen.mapping)
    fits = radius.between(engine(), old.key, new.key, mapping)
    tokens = {count.element_id: count for count in known.element_counts(engine(), old.key)}
    lines = _lines(before, after, {id: each.tokens for id, each in tokens.items()}, mapping, fits)
    rows, payload, why_not = None, "", trouble
    try:
        filter, address = _filter(old, replace(chosen, which="all") if chosen.which == "selected" else chosen)
        rows = paging.page(found.search(engine(), filter, limit=SHOWN, offset=0))
        parameters = _parameters(new.key, mapping, chosen)
        keys = chosen.keys if chosen.which == "selected" else ()
        payload = changing.request_of_many("MIGRATE", parameters, keys, address)
    except (InvalidInput, NotFound) as error:
        trouble = trouble or str(error)
    judged = _judged([row.key for row in rows.rows] if rows else [], new.key, mapping)
    if not why_not:
        why_not = trouble or (_("Select at least one instance, or choose all of them.")
                              if chosen.which == "selected" and not chosen.keys else "")
    if not why_not and not (rows and rows.total):
        why_not = _("No instance is meant: version %(version)s has none that is live and fits the filter.",
                    version=old.version)
    difference = compare(before, after)
    return {
        "lines": lines, "fits": fits, "targets": [(id, differences.title(each)) for id, each in after.elements.items()],
        "old_marks": differences.old_marks(difference, tokens.values()), "new_marks": differences.new_marks(difference),
        "sentences": differences.sentences(difference, before, after), "rows": rows, "judged": judged,
        "trouble": trouble, "why_not": why_not, "payload": payload,
    }


def _judged(keys: Sequence[int], target: int, mapping: Mapping[str, str]) -> dict[int, Planned]:
    try:
        return {each.instance_key: each for each in migration.plan(engine(), keys, target, mapping)}
    except Rejection:
        return {}   # the sentence stands beside the mapping


def _lines(old: Process, new: Process, tokens: Mapping[str, int], mapping: Mapping[str, str],
           fits: Radius) -> list[Line]:
    """Every element that is to be mapped, those first that keep instances from going on."""
    found_by_diff = counterparts(old, new)
    lines = []
    for id, element in old.elements.items():
        target = mapping.get(id) or (id if id in new.elements else "")    # what is left out keeps its id
        lines.append(Line(
            id=id, name=element.name or id, type=type_word(element.type), tokens=tokens.get(id, 0), target=target,
            how=_how(target, found_by_diff.get(id)),
            obstacles=tuple(reason.message for reason in fits.reasons if reason.element == id),
        ))
    weight = {"incident": 0, "retrying": 1, "": 2, "terminated": 3}
    return sorted(lines, key=lambda line: (weight[line.look], not line.tokens))


def _how(target: str, suggested: Counterpart | None) -> str:
    if not target:
        return "none"
    if suggested is None or suggested.id != target:
        return "chosen"
    return "same" if suggested.sure else "guess"
