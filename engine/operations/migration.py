"""Migration: a running instance goes on in another version of its process, or in another process.

What it waits for stays as it is (jobs keep their keys, user tasks their assignee, timers their time); tokens change
their elements as the mapping says. One instance is one transaction.
Source: Camunda 7 manual, "Process Instance Migration"; Camunda 8 docs, "Process instance migration".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, case, select, update

from bpmn.comparing import counterparts
from bpmn.interpreter import Execution, MigrationRefused, Obstacle
from bpmn.model import Process
from engine import audit, guard, permits, recording, schema
from engine import live as lives
from engine.actions import Modify
from engine.errors import InvalidInput, WrongState
from engine.programs import Definition
from engine.states import ElementState, IncidentState, InstanceState

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

Counterparts = Mapping[str, str]
"""Element ids of the source → of the target. An element that is left out keeps its id."""

_e, _i = schema.element_instances.c, schema.instances.c
_j, _t, _s, _u, _n = (table.c for table in (
    schema.jobs, schema.timers, schema.subscriptions, schema.user_tasks, schema.incidents))

OPEN: tuple[tuple[Table, ColumnElement[bool] | None], ...] = (
    (schema.element_instances, _e.state == ElementState.ACTIVE),
    # A job that failed for good is put back when its incident is resolved.
    (schema.jobs, _j.ended_at.is_(None) | _j.key.in_(
        select(_n.job_key).where(_n.state == IncidentState.ACTIVE, _n.instance_key == _j.instance_key))),
    (schema.user_tasks, _u.ended_at.is_(None)),
    (schema.incidents, _n.state == IncidentState.ACTIVE),
    (schema.timers, None),
    (schema.subscriptions, None),
)
"""The tables whose rows say in which definition and at which element something waits, and which rows still count."""
MOVE_INSTANCE = update(schema.instances).where(_i.key == bindparam("b_key")).values(
    definition_key=bindparam("b_definition_key"), process_id=bindparam("b_process_id"), version=bindparam("b_version"))
ROW = select(_i.definition_key, _i.tokens, _i.parent_key, _i.state).where(_i.key == bindparam("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a migration would do to one instance: `obstacles` keep it from that; else `elements` tells where it is and
    where it would be."""

    instance_key: int
    elements: tuple[tuple[str, str], ...] = ()
    obstacles: tuple[Obstacle, ...] = ()


def suggested(source: Process, target: Process) -> dict[str, str]:
    """A mapping between two versions: every element that kept its id, and elements and flows probably renamed."""
    return with_flows(source, target, {id: each.id for id, each in counterparts(source, target).items()})


def with_flows(source: Process, target: Process, elements: Counterparts) -> dict[str, str]:
    """A mapping of elements, and of the flows whose ids are gone: each is the new one between the same elements."""
    found = dict(elements)
    fresh = [flow for id, flow in target.flows.items() if id not in source.flows]
    for id, flow in source.flows.items():
        ends = (found.get(flow.source, flow.source), found.get(flow.target, flow.target))
        alike = [other.id for other in fresh if (other.source, other.target) == ends]
        if id not in target.flows and len(alike) == 1:
            found[id] = alike[0]
    return found


def plan(engine: Engine, keys: Sequence[int], definition_key: int,
         mapping: Counterparts | None = None) -> list[Planned]:
    """What a migration would do to each of some instances; nothing is changed.

    Without a mapping elements keep their ids. Raises NotFound if there is no such definition, InvalidInput if it does
    not have an element that the mapping names.
    """
    with engine.read() as connection:
        target = engine.programs.get(connection, definition_key)
        _check_ids(target, (mapping or {}).values())
        return [_planned(engine, connection, key, target, mapping or {}) for key in keys]


def migrate(tx: Transaction, key: int, definition_key: int, mapping: Counterparts | None = None, *,
            reason: str) -> None:
    """Let an instance go on in another definition.

    Audited. Raises NotFound (no such instance or definition); InvalidInput (no reason, it is in that definition
    already, another tenant's definition, an element of the mapping that is not there); WrongState (ended, or what the
    instance waits for has no counterpart: the sentences say what).
    """
    why = guard.reason_given(reason, "migrate an instance")
    permits.check_instance(tx, "migrate", key)
    permits.check_definition(tx, "migrate to", definition_key)
    lives.active(tx, key)
    target = tx.definition(definition_key)
    live = lives.restore(tx, key)
    assert live is not None
    source, mapping = live.definition, dict(mapping or {})
    _check(source, target, mapping, key)
    try:
        moved = live.run.migrated(target.program, mapping)
    except MigrationRefused as error:
        raise WrongState(f"Expected process instance {key} to fit version {target.version} of process "
                         f"{target.process_id!r}, but: {error}") from error
    for entry in live.run.journal:
        recording.record(tx, live, entry)
    live.run, live.definition = moved, target
    live.tokens = dict(moved.open_tokens() + moved.armed_tokens())
    _move_rows(tx, key, target, mapping)
    audit.record(tx, "MIGRATE", "INSTANCE", key, instance_key=key, reason=why, details={
        "from": _named(source), "to": _named(target), "mapping": {a: b for a, b in mapping.items() if a != b},
    }, before={"version": source.version}, after={"version": target.version})
    tx.resume(key, Modify())    # what it waits for anew is written down, also while it is suspended


def _check(source: Definition, target: Definition, mapping: Counterparts, key: int) -> None:
    """Raises InvalidInput if what is asked for is not possible, wherever the instance is."""
    if source.key == target.key:
        raise InvalidInput(f"Expected another definition, but process instance {key} is in version {target.version} of "
                           f"process {target.process_id!r} already.")
    if source.tenant_id != target.tenant_id:
        raise InvalidInput(f"Expected a definition of tenant {source.tenant_id!r}, but it is of {target.tenant_id!r}.")
    _check_ids(source, mapping)
    _check_ids(target, mapping.values())


def _check_ids(definition: Definition, ids: Iterable[str]) -> None:
    for id in ids:
        if id not in definition.process.elements and id not in definition.process.flows:
            raise InvalidInput(f"Expected version {definition.version} of process {definition.process_id!r} to "
                               f"have an element {id!r}, but it has none.")


def _named(definition: Definition) -> dict[str, Any]:
    return {"key": str(definition.key), "processId": definition.process_id, "version": definition.version}


def _move_rows(tx: Transaction, key: int, target: Definition, mapping: Counterparts) -> None:
    tx.rows.flush()
    renamed = {a: b for a, b in mapping.items() if a != b}
    tx.connection.execute(MOVE_INSTANCE, {
        "b_key": key, "b_definition_key": target.key, "b_process_id": target.process_id, "b_version": target.version,
    })
    for table, still in OPEN:
        columns = table.c
        values: dict[str, Any] = {"definition_key": target.key}
        if "process_id" in columns:
            values["process_id"] = target.process_id
        if renamed:
            values["element_id"] = case(renamed, value=columns.element_id, else_=columns.element_id)
        rows = columns.instance_key == key if still is None else (columns.instance_key == key) & still
        tx.connection.execute(update(table).where(rows).values(values))
    if renamed:
        _rename_tasks(tx, key, target, renamed)


def _rename_tasks(tx: Transaction, key: int, target: Definition, renamed: Mapping[str, str]) -> None:
    for id in renamed.values():
        element = target.process.elements.get(id)
        if element is not None and element.user_task is not None:
            tx.connection.execute(
                update(schema.user_tasks)
                .where(_u.instance_key == key, _u.element_id == id, _u.ended_at.is_(None)).values(name=element.name))


def _planned(engine: Engine, connection: Connection, key: int, target: Definition, mapping: Counterparts) -> Planned:
    row = connection.execute(ROW, {"key": key}).first()
    if row is None or row.state != InstanceState.ACTIVE:
        gone = "there is none" if row is None else f"it is {row.state.lower()}"
        return Planned(instance_key=key, obstacles=(
            Obstacle("", f"Expected process instance {key} to be active, but {gone}."),))
    source = engine.programs.get(connection, row.definition_key)
    variables = connection.execute(lives.VARIABLES, {"key": key}).all()
    run = Execution.load(source.program, row.tokens, [(v.scope_key, v.name, v.value) for v in variables], key=key,
                         keys=count(-1, -1), has_caller=row.parent_key is not None)
    places = sorted((id, mapping.get(id, id)) for _, id in run.open_tokens())
    obstacles = run.obstacles(target.program, mapping)
    try:
        _check(source, target, mapping, key)
        if not obstacles:
            run.migrated(target.program, mapping)   # of a copy: what begins to wait then may fail, too
    except (InvalidInput, MigrationRefused) as error:
        obstacles = [Obstacle("", str(error))]
    if obstacles:
        return Planned(instance_key=key, obstacles=tuple(obstacles))
    return Planned(instance_key=key, elements=tuple(places))
