"""Finds process definitions by what people and models call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select

from bpmn.interpreter import journal
from engine import schema, tenants
from engine.errors import NotFound, ProcessMissing
from engine.live import Live
from engine.programs import Definition
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.transaction import Transaction

_d, _p = schema.definitions.c, schema.pauses.c

_OF_PROCESS = (
    select(_d.key, _p.process_id.is_not(None).label("paused"))
    .outerjoin(schema.pauses, (_p.process_id == _d.process_id) & (_p.tenant_id == _d.tenant_id))
    .where(_d.process_id == bindparam("process_id"), _d.tenant_id == bindparam("tenant_id"))
    .order_by(_d.version.desc()).limit(1)
)
LATEST = _OF_PROCESS
OF_VERSION = _OF_PROCESS.where(_d.version == bindparam("version"))
OF_VERSION_TAG = _OF_PROCESS.where(_d.version_tag == bindparam("version"))
OF_DEPLOYMENT = _OF_PROCESS.where(_d.deployment_key == bindparam("version"))

BINDINGS: dict[str, Select[Any]] = {
    "latest": LATEST, "version": OF_VERSION, "versionTag": OF_VERSION_TAG, "deployment": OF_DEPLOYMENT,
}


def latest(tx: Transaction, process_id: str, version: int | None = None,
           tenant_id: str = DEFAULT_TENANT) -> Definition:
    """The newest version of a process, or the given one; raises NotFound."""
    tenants.check(tx, tenant_id)
    values = {"process_id": process_id, "tenant_id": tenant_id}
    found = tx.first(LATEST, values) if version is None else tx.first(OF_VERSION, values | {"version": version})
    if found is None:
        raise NotFound(missing(process_id, version, tenant_id))
    if not found.paused:
        tx.unpaused.add((process_id, tenant_id))
    return tx.definition(found.key)


def missing(process_id: str, version: int | None, tenant_id: str) -> str:
    """What is said of a process that is not there."""
    which = f"process {process_id!r}" if version is None else f"version {version} of process {process_id!r}"
    return f"Expected {which} to be deployed{tenants.within(tenant_id)}, but it is not."


def called(tx: Transaction, live: Live, entry: journal.CallOpened) -> Definition:
    """The definition that a call activity means by its binding; raises ProcessMissing."""
    version: str | int | None = entry.version
    if entry.binding == "deployment":
        version = live.definition.deployment_key
    elif entry.binding == "version":
        version = int(entry.version) if entry.version and entry.version.isdigit() else -1
    values: dict[str, Any] = {"process_id": entry.process_id, "tenant_id": live.tenant_id}
    if entry.binding != "latest":
        values["version"] = version
    key = tx.connection.scalar(BINDINGS[entry.binding], values)
    if key is None:
        bound = "" if entry.binding == "latest" else f" ({entry.binding} {version})"
        raise ProcessMissing(
            f"Expected the called process {entry.process_id!r}{bound} to be deployed{tenants.within(live.tenant_id)}, "
            "but it is not."
        )
    return tx.definition(key)
