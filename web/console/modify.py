"""Modification mode: tokens are added, moved and cancelled on the diagram, first in a plan, then for good.

The steps travel in the form, so that the page works without JavaScript. A click on the diagram chooses an element.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import InvalidInput, Rejection
from engine.operations.trial import Judged
from engine.queries import definitions as known
from engine.queries import instance as found
from engine.queries import past
from engine.queries.instance import InstanceDetail
from engine.queries.instances import InstanceFilter
from engine.states import InstanceState
from web.console import changing, many, marks
from web.console.blueprint import bp, engine
from web.console.formatting import short
from web.console.many import Many, Tried

MOST = 50
"""How many steps a page takes; the command line takes more."""
KINDS = ("put", "move", "take")
SHOWN = 3
"""Variables by which tokens of one element are told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One planned step: put a token at an element, move those of `source` there, or take those of the element.

    `token` is the key of the only one that is moved or taken, empty for all of them. `variables` is what was typed for
    the new tokens; `local` says that only they see it.
    """

    kind: str
    element: str
    source: str = ""
    token: str = ""
    variables: str = ""
    local: bool = False

    @property
    def taken_from(self) -> str:
        """The element whose tokens go."""
        return {"move": self.source, "take": self.element}.get(self.kind, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One of several tokens at an element, as one can choose it."""

    key: int
    label: str


@bp.get("/instances/<key:key>/modify")
def modify(key: int) -> ResponseReturnValue:
    """The page, with nothing planned yet."""
    return _page(key, [], request.args.get("element", ""))


@bp.post("/instances/<key:key>/modify")
def modify_step(key: int) -> ResponseReturnValue:
    """The page with one step more or less, or the plan of all of them. No instance is changed by this."""
    steps, chosen = _with_step(), request.form.get("chosen", "")
    if request.form.get("do") == "plan":
        try:
            return changing.plan("MODIFY", _parameters(steps), InstanceFilter(key=key))
        except Rejection as error:
            return _page(key, steps, chosen, str(error)), 422
    return _page(key, steps, chosen)


@bp.route("/modify", methods=["GET", "POST"])
def modify_many() -> ResponseReturnValue:
    """The same for many instances of one definition: what the list lets through, or those that are named.

    With a step more or less, or the plan of all of them. No instance is changed by this.
    """
    those = many.chosen()
    if request.method == "GET":
        return _page_of_many(those, [], request.args.get("element", ""))
    steps, chosen = _with_step(), request.form.get("chosen", "")
    if request.form.get("do") == "plan":
        try:
            return changing.plan("MODIFY", _parameters(steps), those.filter, those.query)
        except Rejection as error:
            return _page_of_many(those, steps, chosen, str(error)), 422
    return _page_of_many(those, steps, chosen)


def _with_step() -> list[Step]:
    """The steps of the form, with what its button adds or drops."""
    steps, chosen = _steps(), request.form.get("chosen", "")
    what, _separator, which = request.form.get("do", "").partition(":")
    if what in KINDS and chosen and len(steps) < MOST:
        steps.append(Step(kind=what, element=chosen, source=which))
    elif what == "drop" and which.isdecimal() and int(which) < len(steps):
        del steps[int(which)]
    return steps


def _steps() -> list[Step]:
    fields = [request.form.getlist(name) for name in ("kind", "element", "source", "token", "variables", "scope")]
    if len({len(field) for field in fields}) > 1:
        raise InvalidInput("Expected each step with all its fields, but some are missing. Load the page again.")
    return [Step(kind=kind, element=element, source=source, token=token, variables=variables, local=scope == "local")
            for kind, element, source, token, variables, scope in zip(*fields, strict=True) if kind in KINDS][:MOST]


def _parameters(steps: Sequence[Step]) -> dict[str, Any]:
    """What the deed is told; raises InvalidInput for variables that are no JSON object."""
    made: dict[str, list[dict[str, Any]]] = {"puts": [], "takes": [], "moves": []}
    for step in steps:
        if step.kind == "take":
            made["takes"].append({"key": step.token} if step.token else {"element": step.element})
            continue
        variables = changing.variables_of(step.variables)
        given = {"variables": {step.element if step.local else "": variables}} if variables else {}
        if step.kind == "put":
            made["puts"].append({"element": step.element, **given})
        else:
            moved = {"key": step.token} if step.token else {"source": step.source}
            made["moves"].append({**moved, "target": step.element, **given})
    return {name: each for name, each in made.items() if each}


def _page(key: int, steps: Sequence[Step], chosen: str, trouble: str = "") -> str:
    detail = found.detail(engine(), key)
    process = known.process(engine(), detail.row.definition_key)
    tokens = {count.element_id: count.tokens for count in detail.tokens}
    judged, payload = None, ""
    if steps and not trouble:
        try:
            parameters = _parameters(steps)
            judged = changing.judged("MODIFY", parameters, key)
            payload = changing.request_text("MODIFY", parameters, [key])
        except InvalidInput as error:
            trouble = str(error)
    looks = marks.live(detail.tokens)
    _add_badges(looks, steps, tokens)
    return render_template(
        "modify/page.html", section="instances", instance=detail.row, steps=steps, chosen=chosen, trouble=trouble,
        open=detail.row.state == InstanceState.ACTIVE, choices=changing.choices(process, detail.tokens), marks=looks,
        names={id: element.name or id for id, element in process.elements.items()}, tokens=tokens, judged=judged,
        payload=payload, why_not=_why_not(steps, judged, trouble), full=len(steps) >= MOST,
        alike={each: _alike(detail, each) for each in {step.taken_from for step in steps} if tokens.get(each, 0) > 1},
    )


def _alike(detail: InstanceDetail, element: str) -> list[Token]:
    """The tokens of an element that has several, each with what is seen in the sub-process that it is in."""
    rows = past.tokens(engine(), detail.row.key, element=element)
    values: dict[int, list[str]] = {}
    for variable in detail.variables:
        values.setdefault(variable.scope_key, []).append(f"{variable.name} = {short(variable.value, 40)}")
    top = detail.row.key
    return [Token(key=row.key, label=", ".join((str(row.key), *(values.get(row.key) or (
        values.get(row.scope_key, []) if row.scope_key != top else []))[:SHOWN]))) for row in rows]


def _page_of_many(those: Many, steps: Sequence[Step], chosen: str, trouble: str = "") -> str:
    process = known.process(engine(), those.definition.key)
    tokens = {count.element_id: count.tokens for count in those.tokens}
    tried: list[Tried] = []
    payload = ""
    if steps and not trouble:
        try:
            parameters = _parameters(steps)
            tried = many.tried("MODIFY", parameters, those)
            payload = changing.request_of_many("MODIFY", parameters, those.keys, those.query)
        except InvalidInput as error:
            trouble = str(error)
    looks = marks.live(those.tokens)
    _add_badges(looks, steps, tokens)
    return render_template(
        "modify/many.html", section="instances", many=those, steps=steps, chosen=chosen, trouble=trouble, open=True,
        choices=changing.choices(process, those.tokens), marks=looks, tried=tried, tokens=tokens, payload=payload,
        names={id: element.name or id for id, element in process.elements.items()}, full=len(steps) >= MOST,
        why_not="" if tried else trouble or _("Add at least one step first."),
    )


def _why_not(steps: Sequence[Step], judged: Judged | None, trouble: str) -> str:
    """Why nothing can be planned now; empty if it can."""
    if not steps:
        return _("Add at least one step first.")
    if judged is None:
        return trouble or _("Mend the steps first.")
    return judged.obstacle or ""


def _add_badges(looks: marks.Marks, steps: Sequence[Step], tokens: dict[str, int]) -> None:
    """+n where tokens come to be, −n where they are taken."""
    plus: Counter[str] = Counter()
    minus: Counter[str] = Counter()
    for step in steps:
        if step.kind == "take":
            minus[step.element] += 1 if step.token else tokens.get(step.element, 0)
        elif step.kind == "put":
            plus[step.element] += 1
        else:
            minus[step.source] += 1 if step.token else tokens.get(step.source, 0)
            plus[step.element] += 1 if step.token else tokens.get(step.source, 0)
    for sign, counts in (("plus", plus), ("minus", minus)):
        for id, count in counts.items():
            looks["elements"].setdefault(id, {})[sign] = count
