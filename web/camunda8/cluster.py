"""What clients ask before they do anything: is somebody there, who am I, which version."""

from __future__ import annotations

from importlib import metadata

from flask import Response, request

from engine.database import ping
from web.auth.identity import current
from web.camunda8 import tenants
from web.camunda8.blueprint import answer, bp, done, engine

GATEWAY_VERSION = "8.9.0"
"""Camunda Modeler draws for this version, and offers its task testing from 8.8 on."""


@bp.get("/topology")
def topology() -> Response:
    """The cluster: one broker with one partition. Camunda Modeler's connection check."""
    host, _, port = request.host.rpartition(":")
    partition = {"partitionId": 1, "role": "leader", "health": "healthy", "state": "active"}
    broker = {
        "nodeId": 0, "brokerId": "0", "host": host or request.host,
        "port": int(port) if host and port.isdigit() else 80, "partitions": [partition], "version": GATEWAY_VERSION,
    }
    return answer({
        "brokers": [broker], "clusterId": "partitur", "clusterSize": 1, "partitionsCount": 1, "replicationFactor": 1,
        "gatewayVersion": GATEWAY_VERSION, "lastCompletedChangeId": "-1",
    })


@bp.get("/status")
def status() -> Response:
    """204 as long as the database answers."""
    with engine().read() as connection:
        ping(connection)
    return done()


@bp.get("/license")
def license() -> Response:
    """There is nothing to pay."""
    return answer({"validLicense": True, "licenseType": "Apache-2.0", "isCommercial": False, "expiresAt": None})


@bp.get("/authentication/me")
def me() -> Response:
    """Who asks; where nobody has to log in, everybody is the same."""
    identity = current()
    return answer({
        "username": identity.name if identity else "anonymous",
        "displayName": identity.name if identity else f"Partitur {metadata.version('partitur')}", "email": None,
        "authorizedComponents": ["*"], "tenants": [tenants.written(tenant) for tenant in tenants.usable()],
        "groups": list(identity.groups) if identity else [],
        "roles": [], "salesPlanType": None, "c8Links": {}, "canLogout": False,
    })
