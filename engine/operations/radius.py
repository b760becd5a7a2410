"""What a new version of a process would mean for the instances that run in the older ones, before it is deployed.

It is told from the models and from counts of the open element instances; no instance is read. So an instance may still
be refused for what only it knows: a listener at work, compensation that has lost its handler, a message without a key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from bpmn.interpreter import Fit, Obstacle, Program, compile_process
from bpmn.model import Process
from engine import schema
from engine.operations import migration
from engine.schema import DEFAULT_TENANT
from engine.states import ElementState, InstanceState

if TYPE_CHECKING:
    from engine.engine import Engine

_d, _i, _e = schema.definitions.c, schema.instances.c, schema.element_instances.c
LIVE = (
    select(_d.key, _d.version, func.count().label("live"))
    .join(schema.instances, and_(_i.definition_key == _d.key, _i.state == InstanceState.ACTIVE))
    .group_by(_d.key, _d.version).order_by(_d.version.desc())
)
AT = _e.state == ElementState.ACTIVE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why instances cannot go on in the new version: the element at which they are, a sentence, and how many."""

    element: str
    message: str
    instances: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Radius:
    """The live instances of one version, and how many of them could be migrated. An instance may have several
    reasons."""

    definition_key: int
    version: int
    live: int
    fit: int
    reasons: tuple[Reason, ...]

    @property
    def stuck(self) -> int:
        """How many cannot be migrated."""
        return self.live - self.fit


def of(engine: Engine, process: Process, *, tenant_id: str = DEFAULT_TENANT, guess: bool = False) -> list[Radius]:
    """For each version of a process that has live instances, the newest first: what deploying `process` would mean.

    Elements keep their ids; with `guess` those that were probably renamed have counterparts, too. Raises
    `bpmn.interpreter.CompileError` if the new process cannot run.
    """
    target = compile_process(process)
    wanted = LIVE.where(_d.process_id == process.id, _d.tenant_id == tenant_id)
    found = []
    with engine.read() as connection:
        for row in connection.execute(wanted).all():
            source = engine.programs.get(connection, row.key)
            mapping = migration.suggested(source.process, process) if guess else {}
            reasons, stuck = _judged(connection, row.key, source.program, target, mapping)
            found.append(Radius(definition_key=row.key, version=row.version, live=row.live, fit=row.live - stuck,
                                reasons=tuple(reasons)))
    return found


def between(engine: Engine, source_key: int, target_key: int, mapping: Mapping[str, str]) -> Radius:
    """What migrating the live instances of one definition to another one would mean, with this mapping.

    Raises NotFound if there is no such definition.
    """
    with engine.read() as connection:
        source = engine.programs.get(connection, source_key)
        target = engine.programs.get(connection, target_key)
        live = connection.scalar(select(func.count()).where(
            _i.definition_key == source_key, _i.state == InstanceState.ACTIVE.value)) or 0
        reasons, stuck = _judged(connection, source_key, source.program, target.program, mapping)
    return Radius(definition_key=source_key, version=source.version, live=live, fit=live - stuck,
                  reasons=tuple(reasons))


def _judged(connection: Connection, key: int, source: Program, target: Program,
            mapping: Mapping[str, str]) -> tuple[Sequence[Reason], int]:
    """Why instances of a definition cannot go on, those with the most first; and how many cannot."""
    fit = Fit(source, target, mapping)
    counts = connection.execute(
        select(_e.element_id, _e.flow_id, func.count(_e.instance_key.distinct()).label("instances"))
        .where(_e.definition_key == key, AT).group_by(_e.element_id, _e.flow_id).order_by(_e.element_id, _e.flow_id)
    ).all()
    reasons: dict[Obstacle, int] = {}
    blocked: list[ColumnElement[bool]] = []
    for row in counts:
        obstacles = _obstacles(fit, source, row.element_id, row.flow_id)
        for obstacle in obstacles:
            reasons[obstacle] = reasons.get(obstacle, 0) + row.instances
        if obstacles:
            came = _e.flow_id.is_(None) if row.flow_id is None else _e.flow_id == row.flow_id
            blocked.append(and_(_e.element_id == row.element_id, came))
    stuck = connection.scalar(select(func.count(_e.instance_key.distinct())).where(
        _e.definition_key == key, AT, or_(*blocked))) if blocked else 0
    ordered = sorted(reasons.items(), key=lambda each: (-each[1], each[0].element))
    return [Reason(element=obstacle.element, message=obstacle.message, instances=instances)
            for obstacle, instances in ordered], stuck or 0


def _obstacles(fit: Fit, source: Program, element: str, flow: str | None) -> list[Obstacle]:
    node = source.by_id.get(element)
    if node is None:    # the listeners of the process or of a sequence flow are at work
        return [Obstacle(element, f"Expected the listeners of {element!r} to be done, but they are at work.")]
    nodes = [node] if node.inner is None else [node, node.inner]
    return list(dict.fromkeys(obstacle for each in nodes for obstacle in fit.obstacles(each, flow)))
