"""How process definitions and their activities are doing, and what else is asked of a definition."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine import retention
from engine.errors import InvalidInput, NotFound
from engine.queries import statistics
from engine.queries.criteria import Criterion, Search, search_all
from engine.queries.searches import DEFINITIONS
from engine.queries.statistics import Standing
from web.body import body
from web.camunda7 import definitions, formats, incidents, known
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Asked


@bp.get("/process-definition/statistics")
def definition_statistics() -> Response:
    """How many active instances, failed jobs and incidents every definition has."""
    asked = Asked.here()
    standings = statistics.of_definitions(engine())
    found = search_all(engine(), DEFINITIONS, Search(sort=[("process_id", False), ("version", False)]))
    return answer([
        _written(definitions.get(each.key)["id"], standings.get(each.key, Standing()), asked)
        | {"definition": definitions.get(each.key)} for each in found
    ])


@bp.get("/process-definition/<id>/statistics")
def activity_statistics(id: str) -> Response:
    """The same for the activities of one definition where anything is."""
    return _of_activities(formats.definition_key(id))


@bp.get("/process-definition/key/<process_id>/statistics")
@bp.get("/process-definition/key/<process_id>/tenant-id/<tenant_id>/statistics")
def activity_statistics_of_latest(process_id: str, tenant_id: str | None = None) -> Response:
    """The same for the activities of the newest version of a process."""
    return _of_activities(definitions.latest(process_id, tenant_id))


def _of_activities(key: int) -> Response:
    known.definition(key)
    asked = Asked.here()
    return answer([_written(element_id, standing, asked)
                   for element_id, standing in statistics.of_elements(engine(), key).items()])


def _written(id: str, standing: Standing, asked: Asked) -> dict[str, Any]:
    wanted = asked.content.get("incidentsForType")
    with_incidents = asked.flag("incidents") or wanted is not None
    counted = {incidents.FAILED_EXTERNAL_TASK: standing.job_incidents, incidents.FAILED_JOB: standing.other_incidents}
    return {
        "id": id, "instances": standing.tokens,
        "failedJobs": standing.other_incidents if asked.flag("failedJobs") else 0,
        "incidents": [{"incidentType": type, "incidentCount": count} for type, count in counted.items()
                      if count and wanted in (None, type)] if with_incidents else [],
    }


@bp.get("/process-definition/<id>/static-called-process-definitions")
def called_definitions(id: str) -> Response:
    """The processes that call activities of a definition name: the newest version of each, if it is deployed."""
    key = formats.definition_key(id)
    callers: dict[str, list[str]] = {}
    for element in known.definition(key).process.elements.values():
        called = element.called_process.process_id.text if element.called_process else ""
        if called and not called.startswith(("=", "${", "#{")):
            callers.setdefault(called, []).append(element.id)
    return answer([
        definitions.get(each.key) | {"calledFromActivityIds": sorted(callers[each.process_id]),
                                     "callingProcessDefinitionId": known.definition_id(key)}
        for each in search_all(engine(), DEFINITIONS, Search(criteria=[
            Criterion("process_id", "in", list(callers)), Criterion("latest", "eq", True)]))
    ])


@bp.get("/process-definition/<id>/diagram")
@bp.get("/process-definition/key/<process_id>/diagram")
@bp.get("/process-definition/key/<process_id>/tenant-id/<tenant_id>/diagram")
def get_diagram(id: str = "", process_id: str = "", tenant_id: str | None = None) -> Response:
    """A picture: there is none, because only the diagram itself is deployed. Camunda 7 answers 204 then."""
    known.definition(formats.definition_key(id) if id else definitions.latest(process_id, tenant_id))
    return done()


@bp.put("/process-definition/<id>/history-time-to-live")
def set_history_time_to_live(id: str) -> Response:
    """Change how many days the ended instances of a definition are kept; null: as long as the server says."""
    asked = body()
    if not asked.has("historyTimeToLive"):
        raise InvalidInput("Expected 'historyTimeToLive', a number of days or null, but it is missing.")
    key = formats.definition_key(id)
    if key == formats.NOWHERE:
        raise NotFound(f"Expected to find a process definition with id {id!r}, but there is none.")
    acting().execute(retention.set_version_days, key, asked.integer("historyTimeToLive", 0))
    return done()
