"""Variables of instances and tasks: read, set. The engine keeps every variable, so none can be deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response

from engine import variables
from engine.database import to_json
from engine.errors import InvalidInput, NotFound
from engine.queries import scopes
from engine.queries.criteria import Criterion, Search, search
from engine.queries.searches import VARIABLES, FoundVariable
from engine.states import InstanceState
from web.body import body
from web.camunda7 import formats, instances, tasks, values
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Asked, Kind, as_texts, serve
from web.camunda7.parameters import TENANTS, any_key_of, any_of, field, like

Find = Callable[[str], tuple[int, list[Criterion]]]
"""From the id in the address: the scope in which variables are set, and which variables are seen there."""


def _of_instance(id: str) -> tuple[int, list[Criterion]]:
    key = instances.running(id).key
    return key, [Criterion("instance_key", "eq", key), Criterion("scope_key", "eq", key)]


def _of_task(id: str) -> tuple[int, list[Criterion]]:
    task = tasks.open_task(id)
    seen = scopes.seen_from(engine(), task.element_instance_key)
    return task.element_instance_key, [
        Criterion("instance_key", "eq", task.instance_key), Criterion("visible_through", "eq", seen),
    ]


def _local_to_task(id: str) -> tuple[int, list[Criterion]]:
    task = tasks.open_task(id)
    key = task.element_instance_key
    return key, [Criterion("instance_key", "eq", task.instance_key), Criterion("scope_key", "eq", key)]


def _seen(criteria: Sequence[Criterion]) -> dict[str, Any]:
    found = search(engine(), VARIABLES, Search(criteria=criteria, sort=[("name", False)], limit=1000)).items
    return {variable.name: variable.value for variable in found}


def _one(criteria: Sequence[Criterion], name: str) -> Any:
    found = _seen([*criteria, Criterion("name", "eq", name)])
    if name not in found:
        raise NotFound(f"Expected to find a variable named {name!r}, but there is none.")
    return found[name]


def of_task(id: str, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The variables that a task sees, typed. Raises NotFound."""
    seen = _seen(_of_task(id)[1])
    return values.all_written({name: value for name, value in seen.items() if names is None or name in names})


def _serve(path: str, find: Find, *, local: bool = False) -> None:
    """Let the variables below a path be read and set."""
    endpoint = path.strip("/").replace("/", "-").replace("<id>", "of")

    def list_them(id: str) -> Response:
        return answer(values.all_written(_seen(find(id)[1])))

    def modify(id: str) -> Response:
        asked = body()
        if asked.texts("deletions"):
            raise InvalidInput("Expected no 'deletions', because the engine keeps every variable, but found some.")
        acting().execute(variables.set, find(id)[0], values.read_all(asked, "modifications"), local=local)
        return done()

    def get_one(id: str, name: str) -> Response:
        return answer(values.written(_one(find(id)[1], name)))

    def get_data(id: str, name: str) -> Response:
        value = _one(find(id)[1], name)
        text = value if isinstance(value, str) else to_json(value)
        return Response(text, content_type="text/plain; charset=utf-8")

    def put_one(id: str, name: str) -> Response:
        acting().execute(variables.set, find(id)[0], {name: values.read(body(), name)}, local=local)
        return done()

    bp.add_url_rule(path, endpoint, list_them, methods=["GET"])
    bp.add_url_rule(path, f"{endpoint}-modify", modify, methods=["POST"])
    bp.add_url_rule(f"{path}/<name>", f"{endpoint}-get", get_one, methods=["GET"])
    bp.add_url_rule(f"{path}/<name>/data", f"{endpoint}-data", get_data, methods=["GET"])
    bp.add_url_rule(f"{path}/<name>", f"{endpoint}-put", put_one, methods=["PUT"])


_serve("/process-instance/<id>/variables", _of_instance)
_serve("/task/<id>/variables", _of_task)
_serve("/task/<id>/localVariables", _local_to_task, local=True)


@bp.get("/task/<id>/form-variables")
def form_variables(id: str) -> Response:
    """The variables for the form of a task, or those of them that are named."""
    names = Asked.here().content.get("variableNames")
    return answer(of_task(id, None if names is None else as_texts(names, "variableNames")))


def _written(found: FoundVariable) -> dict[str, Any]:
    activity = None if found.scope_key == found.instance_key else formats.id(found.scope_key)
    return values.written(found.value) | {
        "id": formats.id(found.key), "name": found.name, "processInstanceId": formats.id(found.instance_key),
        "executionId": formats.id(found.scope_key), "caseInstanceId": None, "caseExecutionId": None, "taskId": None,
        "batchId": None, "activityInstanceId": activity or formats.id(found.instance_key), "errorMessage": None,
        "tenantId": formats.tenant(found.tenant_id),
    }


KIND = Kind(
    what=VARIABLES, write=_written,
    always=[Criterion("ended", "eq", False), Criterion("instance_state", "eq", InstanceState.ACTIVE.value)],
    parameters={
        "variableName": field("name"), "variableNameLike": like("name"), "variableNameIn": any_of("name"),
        "processInstanceIdIn": any_key_of("instance_key"), "executionIdIn": any_key_of("scope_key"),
        "activityInstanceIdIn": any_key_of("scope_key"), **TENANTS,
    },
    sorts={"variableName": "name", "activityInstanceId": "scope_key", "tenantId": "tenant_id"},
)


serve("/variable-instance", KIND)
