"""Process instance modification and migration.

Source: Camunda 7 REST reference, "Modify Process Instance Execution State" and "Migration".
"""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response

from bpmn.interpreter import Put, Take
from engine import requests
from engine.approvals import asking
from engine.errors import InvalidInput, WrongState
from engine.operations import at_once, migration
from engine.programs import Definition
from web.body import Body, body
from web.camunda7 import formats, instances, known, values
from web.camunda7.activities import BODY_SUFFIX
from web.camunda7.blueprint import acting, answer, bp, done, engine

MODIFIED, MIGRATED = "Modified through the REST interface.", "Migrated through the REST interface."


@bp.post("/process-instance/<id>/modification")
def modify(id: str) -> Response:
    """Carry out the instructions together, those that start something before those that cancel."""
    asked, found = body(), instances.running(id)
    _refuse_skipping(asked)
    puts, takes = [], []
    for each in asked.inners("instructions"):
        type = each.required_text("type")
        if type == "cancel":
            takes.append(_take(each))
        elif type in ("startBeforeActivity", "startAfterActivity"):
            element = _activity(each.required_text("activityId"))
            puts.append(Put(element=element, after=type == "startAfterActivity", ancestor=_ancestor(each),
                            variables=_variables(each, element)))
        elif type == "startTransition":
            puts.append(Put(flow=each.required_text("transitionId"), ancestor=_ancestor(each),
                            variables=_variables(each, None)))
        else:
            raise InvalidInput(f"Expected 'type' to be cancel, startBeforeActivity, startAfterActivity or "
                               f"startTransition, but found {type!r}.")
    at_once.act(acting(), "MODIFY", msgspec.to_builtins({"puts": puts, "takes": takes}), found.key,
                asked.text("annotation") or MODIFIED, consent=True)
    return done()


def _refuse_skipping(asked: Body) -> None:
    for name in ("skipCustomListeners", "skipIoMappings"):
        if asked.flag(name):
            raise InvalidInput(f"Expected '{name}' to be false, but it is true: nothing can be skipped here.")


def _take(asked: Body) -> Take:
    instance = asked.text("activityInstanceId")
    if instance is not None:
        return Take(key=formats.key(instance))
    if asked.text("transitionInstanceId") is not None:
        raise InvalidInput("Expected 'activityInstanceId' or 'activityId', but found 'transitionInstanceId': nothing "
                           "waits on a sequence flow here.")
    return Take(element=_activity(asked.required_text("activityId")))


def _activity(id: str) -> str:
    return id.removesuffix(BODY_SUFFIX)


def _ancestor(asked: Body) -> int | None:
    id = asked.text("ancestorActivityInstanceId")
    return None if id is None else formats.key(id)


def _variables(asked: Body, element: str | None) -> dict[str, dict[str, Any]]:
    """The local ones belong to the activity that is started, the others to the instance."""
    given = values.read_all(asked)
    local = {name for name in given if Body(asked.mapping("variables")[name], f"variables.{name}").flag("local")}
    if local and element is None:
        raise InvalidInput("Expected variables of the instance, but some are local, and a sequence flow has none.")
    found = {"": {name: value for name, value in given.items() if name not in local}}
    if local and element is not None:
        found[element] = {name: given[name] for name in local}
    return {scope: variables for scope, variables in found.items() if variables}


@bp.post("/migration/generate")
def generate() -> Response:
    """A plan that maps what is alike in two definitions."""
    asked = body()
    source, target = _definitions(asked)
    mapping = migration.suggested(source.process, target.process)
    return answer({
        "sourceProcessDefinitionId": known.definition_id(source.key),
        "targetProcessDefinitionId": known.definition_id(target.key),
        "instructions": [_instruction(a, b, updates=False)
                         for a, b in mapping.items() if a in source.process.elements],
        "variables": values.all_written(values.read_all(asked)),
    })


@bp.post("/migration/validate")
def validate() -> Response:
    """What is wrong with the instructions of a plan."""
    asked = body()
    source, target = _definitions(asked)
    reports = []
    for each in asked.inners("instructions"):
        failures = _failures(each, source, target)
        if failures:
            a, b = _pair(each)
            reports.append({"instruction": _instruction(a, b, updates=bool(each.flag("updateEventTrigger"))),
                            "failures": failures})
    return answer({"instructionReports": reports, "variableReports": {}})


@bp.post("/migration/execute")
def execute() -> Response:
    """Migrate some instances: all of them, if a plan shows that all can be; each in a transaction of its own."""
    asked = body()
    _refuse_skipping(asked)
    plan = asked.inner("migrationPlan")
    source, target = _definitions(plan)
    if asked.mapping("processInstanceQuery"):
        raise InvalidInput("Expected 'processInstanceIds', but found a 'processInstanceQuery', which is not supported.")
    keys = [formats.key(id) for id in dict.fromkeys(asked.texts("processInstanceIds") or ())]
    if not keys:
        raise InvalidInput("Expected 'processInstanceIds' to name instances, but there are none.")
    asking.expect_one(engine().four_eyes, len(keys))
    mapping: dict[str, str] = {}
    for each in plan.inners("instructions"):
        failures = _failures(each, source, target)
        if failures:
            raise InvalidInput(" ".join(failures))
        mapping.update([_pair(each)])
    if not requests.repeats():  # or some of them are migrated already
        _refuse_obstacles(keys, source, target, mapping)
    for key in keys:
        at_once.act(acting(), "MIGRATE", {"definitionKey": target.key, "mapping": mapping}, key,
                    asked.text("annotation") or MIGRATED, consent=True)
    return done()


def _refuse_obstacles(keys: list[int], source: Definition, target: Definition, mapping: dict[str, str]) -> None:
    for key in keys:
        if instances.found(key).definition_key != source.key:
            raise InvalidInput(f"Expected process instance {key} to be of the source definition, but it is not.")
    obstacles = [obstacle.message for planned in migration.plan(engine(), keys, target.key, mapping)
                 for obstacle in planned.obstacles]
    if obstacles:
        raise WrongState(" ".join(dict.fromkeys(obstacles)))


def _definitions(asked: Body) -> tuple[Definition, Definition]:
    source, target = (known.definition(formats.definition_key(asked.required_text(name)))
                      for name in ("sourceProcessDefinitionId", "targetProcessDefinitionId"))
    return source, target


def _pair(asked: Body) -> tuple[str, str]:
    """The one activity of the source and the one of the target that an instruction names. Raises InvalidInput."""
    found = []
    for name in ("sourceActivityIds", "targetActivityIds"):
        ids = asked.texts(name) or []
        if len(ids) != 1:
            raise InvalidInput(f"Expected '{name}' to name one activity, but it names {len(ids)}.")
        found.append(_activity(ids[0]))
    return found[0], found[1]


def _instruction(source: str, target: str, *, updates: bool) -> dict[str, Any]:
    return {"sourceActivityIds": [source], "targetActivityIds": [target], "updateEventTrigger": updates}


def _failures(asked: Body, source: Definition, target: Definition) -> list[str]:
    """What is wrong with one instruction, wherever an instance is."""
    a, b = _pair(asked)
    failures = [f"Expected version {definition.version} of process {definition.process_id!r} to have an element "
                f"{id!r}, but it has none."
                for id, definition in ((a, source), (b, target)) if id not in definition.process.elements]
    if asked.flag("updateEventTrigger"):
        failures.append("Expected 'updateEventTrigger' to be false, but it is true: what waits keeps its trigger.")
    if not failures and source.process.elements[a].type != target.process.elements[b].type:
        failures.append(f"Expected {b!r} to be of the same type as {a!r}, but it is not.")
    return failures
