"""What a run of a process left behind: which effects were undone, by which handlers, and which were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bpmn.model import Element, Process
from engine.engine import Engine
from engine.queries import effects
from engine.queries.effects import EffectRow
from engine.queries.instance import InstanceDetail
from engine.queries.things import ElementRow
from engine.states import EffectState, ElementState
from service_tasks.contract import ServiceContract
from service_tasks.drills.rehearsal import Tree
from service_tasks.drills.report import Effect
from service_tasks.given import contract_of_job
from service_tasks.paths import scopes_around
from service_tasks.registry import Registry

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Remains:
    """The handlers that ran, in order, and the effects that were and were not undone, in the order in which they
    happened."""

    handlers: Sequence[Effect]
    compensated: Sequence[Effect]
    left: Sequence[Effect]


def remains(engine: Engine, tree: Tree, registry: Registry) -> Remains:
    """What was undone in an instance and those that it called, and what was not.

    Services that only read leave nothing behind; those that undo others are no effects themselves.
    """
    undoing = {contract.policy.compensated_by for contract in registry}
    handlers: list[Effect] = []
    compensated: list[Effect] = []
    left: list[Effect] = []
    parents = _parents(tree)
    ran = {visit.element_id for detail, process in tree.instances for visit in _handlers_run(detail, process)}
    for detail, process in tree.instances:
        handlers += _handlers(detail, process, registry)
        rows = _confirmed(engine, detail)
        explicit = Counter(row.service for row in rows if not process.elements[row.element_id].for_compensation)
        drawn = _runs_of_handlers(detail, process)
        for row in rows:
            element = process.elements[row.element_id]
            contract = registry.get(row.service)
            if element.for_compensation or row.service in undoing or (contract and contract.policy.read_only):
                continue
            around = [*scopes_around(process, element), *parents.get(detail.row.key, [])]
            effect = Effect(element_id=element.id, name=element.name, service=row.service,
                            undoing=_undoing(process, element, around, contract))
            is_undone = row.compensated_by is not None or _was_undone(
                element, around, ran, drawn, contract, explicit)
            (compensated if is_undone else left).append(effect)
    return Remains(handlers, compensated, left)


def _confirmed(engine: Engine, detail: InstanceDetail) -> list[EffectRow]:
    """The effects that certainly happened, the oldest last: what is undone, is undone newest first."""
    found = effects.effects(engine, instance_key=detail.row.key, states=[EffectState.CONFIRMED], limit=MOST).items
    return sorted(found, key=lambda row: (row.settled_at or row.created_at, row.key), reverse=True)


def _handlers_run(detail: InstanceDetail, process: Process) -> Iterator[ElementRow]:
    for visit in detail.elements:
        element = process.elements.get(visit.element_id)
        if element is not None and element.for_compensation and visit.state == ElementState.COMPLETED:
            yield visit


def _runs_of_handlers(detail: InstanceDetail, process: Process) -> Counter[str]:
    """How often handlers that are no job were completed (what a job undid, its effect says), by handler."""
    return Counter(visit.element_id for visit in _handlers_run(detail, process)
                   if process.elements[visit.element_id].job is None)


def _handlers(detail: InstanceDetail, process: Process, registry: Registry) -> Iterator[Effect]:
    for visit in _handlers_run(detail, process):
        element = process.elements[visit.element_id]
        contract = contract_of_job(element, registry)
        yield Effect(element_id=element.id, name=element.name, service=contract.name if contract else _type_of(element))


def _was_undone(element: Element, around: Sequence[Element], ran: Collection[str], drawn: Counter[str],
                contract: ServiceContract | None, explicit: Counter[str]) -> bool:
    """Whether a handler ran for a scope around the element, or one that is no job for itself, or the service that
    undoes it was called on the way."""
    own = element.compensation_handler
    if own and drawn[own]:
        drawn[own] -= 1
        return True
    if any(outer.compensation_handler in ran for outer in around):
        return True
    undo = contract.policy.compensated_by if contract else None
    if undo and explicit[undo]:
        explicit[undo] -= 1
        return True
    return False


def _undoing(process: Process, element: Element, around: Sequence[Element],
             contract: ServiceContract | None) -> str | None:
    """How an effect could have been undone: by the handler that is drawn, or the service that the contract names."""
    for host in (element, *around):
        if host.compensation_handler:
            handler = process.elements.get(host.compensation_handler)
            return _type_of(handler) if handler is not None else host.compensation_handler
    return contract.policy.compensated_by if contract else None


def _type_of(element: Element) -> str:
    return element.job.type.text if element.job is not None else element.name or element.id


def _parents(tree: Tree) -> dict[int, list[Element]]:
    """For each called instance the call activities, and the scopes around them, that lead to it."""
    by_key = {detail.row.key: (detail, process) for detail, process in tree.instances}
    found: dict[int, list[Element]] = {}
    for detail, process in tree.instances:
        elements = {visit.key: visit.element_id for visit in detail.elements}
        for called in detail.called:
            call = process.elements.get(elements.get(called.parent_element_instance_key or 0, ""))
            if call is not None and called.key in by_key:
                found[called.key] = [call, *scopes_around(process, call), *found.get(detail.row.key, [])]
    return found
