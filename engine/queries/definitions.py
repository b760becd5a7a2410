"""Process definitions, and how their instances are doing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, literal_column, select, text

from bpmn.model import Process
from bpmn.reading import excerpt
from engine import schema, sight
from engine.errors import NotFound
from engine.programs import Definition
from engine.queries.paging import COUNTED, Page, page
from engine.schema import DEFAULT_TENANT
from engine.sighted import OF_ANY_SIGHT
from engine.states import ElementState, IncidentState, InstanceState
from engine.wording import within

if TYPE_CHECKING:
    from engine.engine import Engine

_d = schema.definitions.c
_i = schema.instances.c
_e = schema.element_instances.c
_n = schema.incidents.c
_r = schema.resources.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many instances are active, stuck, resting and over. More than `engine.queries.paging.COUNTED` means
    that there are more than that."""

    active: int = 0
    incident: int = 0
    suspended: int = 0
    completed: int = 0
    terminated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionRow:
    """One version of a process."""

    key: int
    process_id: str
    name: str | None
    version: int
    version_tag: str | None
    resource_name: str
    resource_key: int
    deployment_key: int
    dialect: str
    tenant_id: str
    deployed_at: datetime
    deployed_by: str | None
    counts: Counts = Counts()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """A process with all its versions together; `latest` is the newest, `versions` their numbers, newest first."""

    process_id: str
    name: str | None
    tenant_id: str
    latest: DefinitionRow
    versions: tuple[int, ...]
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementCount:
    """How many tokens are at an element now, and how many of them cannot go on."""

    element_id: str
    tokens: int
    incidents: int


_ROWS = select(
    _d.key, _d.process_id, _d.name, _d.version, _d.version_tag, _d.resource_name, _d.resource_key, _d.deployment_key,
    _d.dialect, _d.tenant_id, _d.deployed_at, schema.deployments.c.deployed_by,
).join(schema.deployments, schema.deployments.c.key == _d.deployment_key)


def processes(engine: Engine, *, counted: bool = True) -> tuple[ProcessRow, ...]:
    """Every process, by name; without counts unless `counted`."""
    with engine.read() as connection:
        counts = _counts(connection) if counted else {}
        rows = connection.execute(_ROWS.order_by(_d.tenant_id, _d.process_id, _d.version.desc())).all()
    groups: dict[tuple[str, str], list[DefinitionRow]] = defaultdict(list)
    for row in rows:
        groups[row.tenant_id, row.process_id].append(
            DefinitionRow(**row._mapping, counts=counts.get(row.key, Counts()))
        )
    found = [
        ProcessRow(
            process_id=process_id, name=versions[0].name, tenant_id=tenant_id, latest=versions[0],
            versions=tuple(version.version for version in versions),
            counts=_sum([version.counts for version in versions]),
        )
        for (tenant_id, process_id), versions in groups.items()
    ]
    return tuple(sorted(found, key=lambda process: (process.name or process.process_id).casefold()))


def versions(engine: Engine, process_id: str, *, tenant_id: str = DEFAULT_TENANT) -> tuple[DefinitionRow, ...]:
    """All versions of a process, the newest first; empty if it was never deployed."""
    statement = _ROWS.where(_d.process_id == process_id, _d.tenant_id == tenant_id).order_by(_d.version.desc())
    with engine.read() as connection:
        counts = _counts(connection, process_id)
        rows = connection.execute(statement).all()
    return tuple(DefinitionRow(**row._mapping, counts=counts.get(row.key, Counts())) for row in rows)


def get(engine: Engine, key: int) -> DefinitionRow:
    """One version by its key; raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(_ROWS.where(_d.key == key)).one_or_none()
        if row is None:
            raise NotFound(f"Expected to find a process definition with key {key}, but there is none.")
        counts = _counts(connection, row.process_id)
    return DefinitionRow(**row._mapping, counts=counts.get(key, Counts()))


def search(engine: Engine, *, process_id: str | None = None, version: int | None = None, key: int | None = None,
           name: str | None = None, tenant_id: str | None = None, latest: bool = False, counted: bool = False,
           limit: int = 50, offset: int = 0) -> Page[DefinitionRow]:
    """Definitions by what is known of them, newest first; without counts unless `counted`."""
    statement = _ROWS.order_by(_d.key.desc())
    number = None if version is None else within(version)
    for column, value in ((_d.process_id, process_id), (_d.version, number), (_d.key, key), (_d.name, name),
                          (_d.tenant_id, tenant_id)):
        if value is not None:
            statement = statement.where(column == value)
    if latest:
        newer = schema.definitions.alias()
        statement = statement.where(~select(newer.c.key).where(
            newer.c.process_id == _d.process_id, newer.c.tenant_id == _d.tenant_id, newer.c.version > _d.version
        ).exists())
    with engine.read() as connection:
        found = page(connection, statement, DefinitionRow, limit, offset)
        counts = _counts(connection, process_id) if counted else {}
    if not counts:
        return found
    return replace(found, items=tuple(replace(row, counts=counts.get(row.key, Counts())) for row in found.items))


def content(engine: Engine, key: int) -> bytes:
    """The file of a definition, exactly as it was deployed, or what the reader may see of it; raises NotFound."""
    statement = select(_r.key, _r.content).join(schema.definitions, _d.resource_key == _r.key).where(_d.key == key)
    with engine.read() as connection:
        found = connection.execute(statement).first()
    if found is None:
        raise NotFound(f"Expected to find a process definition with key {key}, but there is none.")
    return as_seen(engine, found.key, bytes(found.content))


def as_seen(engine: Engine, resource_key: int, content: bytes) -> bytes:
    """A file without those of its processes that the reader may not see."""
    seen = sight.current()
    if seen is None:
        return content
    with sight.unlimited(), engine.read() as connection:
        there = connection.execute(
            select(_d.process_id, _d.tenant_id).where(_d.resource_key == resource_key)).all()
    hidden = {row.process_id for row in there if not seen.has(row.process_id, row.tenant_id)}
    return excerpt.without(content, hidden) if hidden else content


def prepared(engine: Engine, key: int) -> Definition:
    """A definition as the engine runs it; raises NotFound."""
    with engine.read() as connection:
        return engine.programs.get(connection, key)


def process(engine: Engine, key: int) -> Process:
    """The model of a definition, for its elements' names and types; raises NotFound."""
    return prepared(engine, key).process


def element_counts(engine: Engine, *definition_keys: int) -> tuple[ElementCount, ...]:
    """Where the tokens of all instances of some definitions are."""
    at_work = (_e.definition_key.in_(definition_keys), _e.state == literal_column(f"'{ElementState.ACTIVE}'"))
    # Apart, because the index alone has the tokens, but each row would have to be read for its incident.
    tokens = select(_e.element_id, func.count()).where(*at_work).group_by(_e.element_id).order_by(_e.element_id)
    failed = (
        select(_n.element_id, func.count(_n.element_instance_key.distinct()))
        .where(_n.state == literal_column(f"'{IncidentState.ACTIVE}'"), _n.definition_key.in_(definition_keys))
        .group_by(_n.element_id)
    )
    with engine.read() as connection:
        incidents = {row[0]: row[1] for row in connection.execute(failed)}
        return tuple(ElementCount(element_id=element, tokens=count, incidents=incidents.get(element, 0))
                     for element, count in connection.execute(tokens))


_BY_STATE = (
    "SELECT d.key, s.state, (SELECT count(*) FROM (SELECT 1 FROM instances i WHERE i.definition_key = d.key"
    f" AND i.state = s.state LIMIT {COUNTED + 1}) AS counted) FROM definitions d CROSS JOIN (SELECT 'ACTIVE' AS state"
    " UNION ALL SELECT 'COMPLETED' UNION ALL SELECT 'TERMINATED') AS s"
)
"""In words, because SQLAlchemy has none for a part of a part that belongs to the outer row."""


def _counts(connection: Connection, process_id: str | None = None) -> dict[int, Counts]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    by_state = text(_BY_STATE + ("" if process_id is None else " WHERE d.process_id = :process_id"))
    # It goes by keys of definitions: those that are hidden are known to nobody who asks here.
    by_state = by_state.execution_options(**{OF_ANY_SIGHT: True})
    for key, state, count in connection.execute(by_state, {} if process_id is None else {"process_id": process_id}):
        found[key][state.lower()] = count
    # Not by the indexes of processes, states or definitions: what has an incident or rests has one of its own, and is
    # little.
    of_process = () if process_id is None else (_i.process_id.concat("") == process_id,)
    of_any_state, definition_key = _i.state.concat(""), _i.definition_key + literal_column("0")
    for name, condition in (("incident", _i.incident_count > literal_column("0")),
                            ("suspended", _i.suspended_at.is_not(None))):
        statement = select(definition_key, func.count()).where(
            of_any_state == InstanceState.ACTIVE.value, condition, *of_process).group_by(definition_key)
        for key, count in connection.execute(statement):
            found[key][name] = min(count, COUNTED + 1)
    return {key: Counts(**counts) for key, counts in found.items()}


def _sum(counts: list[Counts]) -> Counts:
    return Counts(**{
        name: sum(getattr(count, name) for count in counts)
        for name in ("active", "incident", "suspended", "completed", "terminated")
    })
