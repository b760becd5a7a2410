"""Decision definitions: found, read, evaluated."""

from __future__ import annotations

from typing import Any

from flask import Response

from bpmn.dmn.results import rows
from engine import decisions
from engine.columns import to_json
from engine.errors import NotFound
from engine.queries import deployed
from engine.queries.criteria import Criterion, Search, one, search
from engine.queries.deployed import DECISIONS, FoundDecision
from engine.tenants import within
from engine.transaction import Transaction
from web.answers import written
from web.body import body
from web.camunda7 import formats, tenants, values
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Kind, as_number, serve
from web.camunda7.parameters import TENANTS, any_key_of, any_of, definition, field, key, like, only_if


def _written(found: FoundDecision) -> dict[str, Any]:
    graph = formats.definition_id(found.requirements_id, found.requirements_version, found.requirements_key)
    return {
        "id": formats.definition_id(found.decision_id, found.version, found.key), "key": found.decision_id,
        "category": None, "name": found.name, "version": found.version, "resource": found.resource_name,
        "deploymentId": formats.id(found.deployment_key), "tenantId": formats.tenant(found.tenant_id),
        "decisionRequirementsDefinitionId": graph, "decisionRequirementsDefinitionKey": found.requirements_id,
        "historyTimeToLive": found.history_days, "versionTag": None,
    }


KIND = Kind(
    what=DECISIONS, write=_written,
    parameters={
        "decisionDefinitionId": definition("key"),
        "decisionDefinitionIdIn": any_key_of("key", formats.definition_key),
        "name": field("name"), "nameLike": like("name"), "deploymentId": key("deployment_key"),
        "key": field("decision_id"), "keyLike": like("decision_id"), "keysIn": any_of("decision_id"),
        "version": field("version", read=as_number), "latestVersion": only_if("latest", "eq", True),
        "resourceName": field("resource_name"), "resourceNameLike": like("resource_name"),
        "decisionRequirementsDefinitionId": definition("requirements_key"),
        "decisionRequirementsDefinitionKey": field("requirements_id"), **TENANTS,
    },
    sorts={"id": "key", "key": "decision_id", "name": "name", "version": "version",
           "deploymentId": "deployment_key", "tenantId": "tenant_id"},
    ignored=frozenset({"includeDecisionDefinitionsWithoutTenantId"}),
)


serve("/decision-definition", KIND, by_post=False)


@bp.get("/decision-definition/<id>")
def get_decision(id: str) -> Response:
    """One decision definition."""
    return answer(get(formats.definition_key(id)))


@bp.get("/decision-definition/key/<decision_id>")
@bp.get("/decision-definition/key/<decision_id>/tenant-id/<tenant_id>")
def get_latest_decision(decision_id: str, tenant_id: str | None = None) -> Response:
    """The newest version of a decision."""
    return answer(_written(_latest(decision_id, tenant_id)))


@bp.get("/decision-definition/<id>/xml")
def get_decision_xml(id: str) -> Response:
    """The file of a decision definition, as it was deployed."""
    return _xml(formats.definition_key(id))


@bp.get("/decision-definition/key/<decision_id>/xml")
@bp.get("/decision-definition/key/<decision_id>/tenant-id/<tenant_id>/xml")
def get_latest_decision_xml(decision_id: str, tenant_id: str | None = None) -> Response:
    """The file of the newest version of a decision."""
    return _xml(_latest(decision_id, tenant_id).key)


@bp.get("/decision-definition/<id>/diagram")
@bp.get("/decision-definition/key/<decision_id>/diagram")
@bp.get("/decision-definition/key/<decision_id>/tenant-id/<tenant_id>/diagram")
def get_decision_diagram(id: str = "", decision_id: str = "", tenant_id: str | None = None) -> Response:
    """A picture: there is none, because only the file itself is deployed. Camunda 7 answers 204 then."""
    get(formats.definition_key(id) if id else _latest(decision_id, tenant_id).key)
    return done()


@bp.post("/decision-definition/<id>/evaluate")
def evaluate(id: str) -> Response:
    """Evaluate a decision definition."""
    return _evaluate(formats.definition_key(id))


@bp.post("/decision-definition/key/<decision_id>/evaluate")
@bp.post("/decision-definition/key/<decision_id>/tenant-id/<tenant_id>/evaluate")
def evaluate_latest(decision_id: str, tenant_id: str | None = None) -> Response:
    """Evaluate the newest version of a decision."""
    return _evaluate(_latest(decision_id, tenant_id).key)


def get(key: int) -> dict[str, Any]:
    """A decision definition as it is written. Raises NotFound."""
    found = one(engine(), DECISIONS, key)
    if found is None:
        raise NotFound(f"Expected to find a decision definition with key {key}, but there is none.")
    return _written(found)


def _latest(decision_id: str, tenant_id: str | None) -> FoundDecision:
    tenant = tenants.of_path(tenant_id)
    found = search(engine(), DECISIONS, Search(
        criteria=[Criterion("decision_id", "eq", decision_id), Criterion("latest", "eq", True),
                  Criterion("tenant_id", "eq", tenant)], limit=1,
    )).items
    if not found:
        raise NotFound(f"Expected to find a decision with the key {decision_id!r}{within(tenant)}, but there is none.")
    return found[0]


def _xml(key: int) -> Response:
    content = deployed.decision_content(engine(), key)
    return answer({"id": get(key)["id"], "dmnXml": content.decode("utf-8", "replace")})


def _evaluate(key: int) -> Response:
    return written(acting().execute(_evaluated, key, values.read_all(body())))


def _evaluated(tx: Transaction, key: int, variables: dict[str, Any]) -> str:
    made = decisions.evaluate(tx, variables=variables, decision_key=key)
    # The model was just used, so it is there: its columns give the results their names.
    decision = tx.engine.decision_models[made.requirements_key].decisions[made.decision_id]
    return to_json([values.all_written(row) for row in rows(decision, made.outcome.output)])
