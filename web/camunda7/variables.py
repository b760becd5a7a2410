"""Variables of instances and tasks: read, set, removed."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Response, request

from engine import variables
from engine.errors import NotFound
from engine.queries import scopes
from engine.queries.criteria import Criterion, Search, one, search_all
from engine.queries.searches import VARIABLES, FoundVariable
from engine.states import InstanceState
from engine.transaction import Transaction
from web.body import Body, body, printable
from web.camunda7 import formats, instances, tasks, values
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Asked, Kind, as_texts, serve
from web.camunda7.parameters import TENANTS, any_key_of, any_of, field, like

_MEDIA_TYPE = re.compile(r"(?!text/html|application/xhtml|image/svg)[a-z]+/[\w.+-]+(; ?charset=[\w-]+)?\Z", re.ASCII)
"""A media type that is passed on: none in which a browser would run a script."""

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


def _seen(criteria: Sequence[Criterion]) -> dict[str, FoundVariable]:
    found = search_all(engine(), VARIABLES, Search(criteria=criteria, sort=[("name", False)]))
    return {variable.name: variable for variable in found}


def _typed(found: FoundVariable) -> dict[str, Any]:
    return values.written(found.value, found.declared)


def _one(criteria: Sequence[Criterion], name: str) -> FoundVariable:
    found = _seen([*criteria, Criterion("name", "eq", name)])
    if name not in found:
        raise NotFound(f"Expected to find a variable named {name!r}, but there is none.")
    return found[name]


def of_task(id: str, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The variables that a task sees, typed. Raises NotFound."""
    seen = _seen(_of_task(id)[1])
    return {name: _typed(found) for name, found in seen.items() if names is None or name in names}


def _change(tx: Transaction, scope_key: int, changed: Mapping[str, Any], removed: Sequence[str], local: bool) -> None:
    """Set and remove variables together."""
    if changed or not removed:
        variables.set(tx, scope_key, changed, local=local)
    if removed:
        variables.remove(tx, scope_key, removed, local=local)


def _uploaded(name: str) -> Any:
    """The variable in an upload: a part `data`, and `valueType`, which is Bytes or File, or an object as JSON."""
    part = request.files.get("data")
    raw = part.read() if part is not None else request.form.get("data", "").encode()
    type = request.form.get("valueType") or request.form.get("type") or "Bytes"
    typed: dict[str, Any] = {"type": type}
    if type.lower() in ("bytes", "file"):
        typed["value"] = base64.b64encode(raw).decode()
        if type.lower() == "file" and part is not None:
            typed["valueInfo"] = {"filename": printable(part.filename or name, "filename"), **(
                {"mimetype": printable(part.mimetype, "mimetype")} if part.mimetype else {})}
    else:
        typed |= {"type": "Object", "value": raw.decode(errors="replace"), "valueInfo": {
            "objectTypeName": printable(type, "type"), "serializationDataFormat": values.JSON_FORMAT}}
    return values.read_one(Body(typed), name, name)


def data_of(found: FoundVariable) -> Response:
    """The bytes of a variable."""
    content, type, filename = values.content(found.value, found.declared)
    # Whatever a client put in is nothing that a browser may show as a page of ours.
    response = Response(content, content_type=type if _MEDIA_TYPE.match(type) else "application/octet-stream")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if filename is not None or not type.startswith("text/plain"):
        response.headers.set("Content-Disposition", "attachment", filename=filename or found.name)
    return response


def serve_variables(path: str, find: Find, *, local: bool = False) -> None:
    """Let the variables below a path be read, set and removed."""
    endpoint = path.strip("/").replace("/", "-").replace("<id>", "of")

    def list_them(id: str) -> Response:
        return answer({name: _typed(found) for name, found in _seen(find(id)[1]).items()})

    def modify(id: str) -> Response:
        asked = body()
        acting().execute(_change, find(id)[0], values.read_all(asked, "modifications"),
                         asked.texts("deletions") or (), local)
        return done()

    def get_one(id: str, name: str) -> Response:
        return answer(_typed(_one(find(id)[1], name)))

    def get_data(id: str, name: str) -> Response:
        return data_of(_one(find(id)[1], name))

    def put_data(id: str, name: str) -> Response:
        acting().execute(variables.set, find(id)[0], {name: _uploaded(name)}, local=local)
        return done()

    def put_one(id: str, name: str) -> Response:
        acting().execute(variables.set, find(id)[0], {name: values.read_one(body(), name, name)}, local=local)
        return done()

    def delete_one(id: str, name: str) -> Response:
        acting().execute(variables.remove, find(id)[0], [name], local=local)
        return done()

    bp.add_url_rule(path, endpoint, list_them, methods=["GET"])
    bp.add_url_rule(path, f"{endpoint}-modify", modify, methods=["POST"])
    bp.add_url_rule(f"{path}/<name>", f"{endpoint}-get", get_one, methods=["GET"])
    bp.add_url_rule(f"{path}/<name>/data", f"{endpoint}-data", get_data, methods=["GET"])
    bp.add_url_rule(f"{path}/<name>/data", f"{endpoint}-put-data", put_data, methods=["POST"])
    bp.add_url_rule(f"{path}/<name>", f"{endpoint}-put", put_one, methods=["PUT"])
    bp.add_url_rule(f"{path}/<name>", f"{endpoint}-delete", delete_one, methods=["DELETE"])


serve_variables("/process-instance/<id>/variables", _of_instance)
serve_variables("/task/<id>/variables", _of_task)
serve_variables("/task/<id>/localVariables", _local_to_task, local=True)


@bp.get("/task/<id>/form-variables")
def form_variables(id: str) -> Response:
    """The variables for the form of a task, or those of them that are named."""
    names = Asked.here().content.get("variableNames")
    return answer(of_task(id, None if names is None else as_texts(names, "variableNames")))


def _written(found: FoundVariable) -> dict[str, Any]:
    activity = None if found.scope_key == found.instance_key else formats.id(found.scope_key)
    return _typed(found) | {
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


def _running_variable(id: str) -> FoundVariable:
    found = one(engine(), VARIABLES, formats.key(id))
    if found is None or found.ended or instances.found(found.instance_key).ended_at is not None:
        raise NotFound(f"Expected to find a variable instance with id {id}, but there is none.")
    return found


@bp.get("/variable-instance/<id>")
def get_variable_instance(id: str) -> Response:
    """One variable of an active instance."""
    return answer(_written(_running_variable(id)))


@bp.get("/variable-instance/<id>/data")
def get_variable_instance_data(id: str) -> Response:
    """What one variable is made of."""
    return data_of(_running_variable(id))
