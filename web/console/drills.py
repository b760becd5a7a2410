"""Compensation drills: when a version was drilled last, and what was left undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from engine.errors import NotFound
from engine.queries import definitions as known
from engine.queries import drills
from engine.queries.definitions import DefinitionRow
from engine.queries.drills import DrillRow
from web.console import marks
from web.console.blueprint import bp, engine

LOOKS = {"remained": marks.FAILING, "unreached": marks.DOUBTFUL, "undone": marks.PASSED}


@bp.app_template_global()
def drills_of(definitions: Iterable[DefinitionRow]) -> dict[int, DrillRow]:
    """The last drill of each of these versions that was ever drilled, by its key."""
    return drills.latest(engine(), [definition.key for definition in definitions])


@bp.app_template_global()
def undoes(definition: DefinitionRow) -> bool:
    """Whether anything in a process is undone when a later step fails, so that it wants to be drilled."""
    return any(element.for_compensation or element.compensation_handler is not None
               for element in known.process(engine(), definition.key).elements.values())


@bp.get("/definitions/<key:key>/drill")
def drill(key: int) -> ResponseReturnValue:
    """What the last drill of a version found: each failure, what was undone and what was left."""
    definition = known.get(engine(), key)
    row = drills.latest(engine(), [key]).get(key)
    if row is None:
        raise NotFound(f"Expected version {definition.version} of process {definition.process_id!r} to have been "
                       f"drilled, but it was not: run `partitur drill {definition.process_id}`.")
    report = drills.report(engine(), row.key)
    return render_template("processes/drill.html", section="processes", definition=definition, drill=row,
                           report=report, marks=_marks(report, definition.process_id))


def _marks(report: Mapping[str, Any], process_id: str) -> marks.Marks:
    """Red where a failure left something, green where all was undone, amber where no run came to."""
    elements: dict[str, dict[str, Any]] = {}
    for trial in report["trials"]:
        step = trial["step"]
        if step["process_id"] != process_id:
            continue
        look = LOOKS["remained" if trial["remained"] else "undone"]
        if elements.get(step["element_id"], {}).get("classes") != [LOOKS["remained"]]:
            elements[step["element_id"]] = {"classes": [look]}
    for step in report["unreached"]:
        if step["process_id"] == process_id:
            elements[step["element_id"]] = {"classes": [LOOKS["unreached"]]}
    return {"elements": elements, "flows": []}
