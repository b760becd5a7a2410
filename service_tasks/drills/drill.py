"""A compensation drill: lets every step of a process fail in turn, and tells what is left undone each time.

For each step (an element that calls a service) two kinds of failure are tried: every error that the service declares,
and a technical failure that stays an incident until an operator cancels the instance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bpmn.model import Element, Model, Process
from engine.definitions import Resource
from engine.engine import Engine
from service_tasks.drills import guesses
from service_tasks.drills.rehearsal import Failing, Rehearsal, Tree
from service_tasks.drills.remains import Remains, remains
from service_tasks.drills.report import Effect, Report, Step, Trial
from service_tasks.drills.scenarios import Found, codes_of, explore, steps_of
from service_tasks.given import given_in
from service_tasks.registry import Registry
from service_tasks.use import service_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What is drilled. `resources` are the file of the process and those that it needs (called processes, decisions).

    `variables` are what the process is started with, as far as that is known; `results` what services answer, by
    name. `good_ends` are end events at which effects are meant to stay, although a step failed on the way.
    """

    resources: Sequence[Resource]
    model: Model
    process: Process
    registry: Registry
    variables: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    good_ends: Collection[str] = ()


def drill(asked: Drill) -> Report:
    """Run the drill on a scratch engine that is thrown away.

    Raises `engine.errors.Rejection` if the files cannot be deployed there, or the process cannot be started.
    """
    conditions = {path[0] for path in guesses.trials(asked.process)}
    free = frozenset(conditions - given_in(asked.model, asked.process, asked.registry).keys())
    rehearsal = Rehearsal(asked.resources, asked.process.id, asked.registry, results=asked.results, free=free)
    try:
        processes = rehearsal.processes()
        found = explore(rehearsal, asked.model, processes, asked.registry, asked.variables)
        trials = [_trial(asked, rehearsal, found, *failure) for failure in _failures(asked, rehearsal.engine, found)]
    finally:
        rehearsal.close()
    used = sorted({trial.scenario for trial in trials})
    return Report(
        process_id=asked.process.id, trials=trials, runs=rehearsal.runs,
        unreached=list(_unreached(processes, found, asked.registry)),
        scenarios=[{"number": number, **asdict(found.kept[number][0])} for number in used],
    )


def _failures(asked: Drill, engine: Engine, found: Found) -> Iterator[tuple[int, Step, Failing]]:
    """Each step with each of its failures, in the first scenario that comes to it, at its last call there."""
    seen: set[tuple[str, str]] = set()
    for number, (scenario, tree) in enumerate(found.kept):
        for _, process in tree.instances:
            for element in steps_of(process):
                count = tree.calls.get(element.id, 0)
                place = (process.id, element.id)
                if not count or place in seen or element.id in scenario.raises:
                    continue  # or it fails already in this scenario
                seen.add(place)
                step = _step(process, element, asked.registry)
                for code in (*codes_of(process, element.id, asked.registry), None):
                    yield number, step, Failing(element.id, count, code)


def _trial(asked: Drill, rehearsal: Rehearsal, found: Found, number: int, step: Step, failing: Failing) -> Trial:
    scenario, undisturbed = found.kept[number]
    tree = rehearsal.run(scenario, failing)
    after = remains(rehearsal.engine, tree, asked.registry)
    left, by_hand, kept = _judged(asked, tree, undisturbed, failing, after)
    return Trial(
        step=step, code=failing.code, outcome=_outcome(tree, failing), scenario=number, handlers=after.handlers,
        compensated=after.compensated, remained=left, by_hand=by_hand, kept=kept,
    )


def _judged(asked: Drill, tree: Tree, undisturbed: Tree, failing: Failing,
            after: Remains) -> tuple[list[Effect], list[Effect], list[Effect]]:
    """Which of the effects that are left count, which an operator has to undo, and which are meant to stay."""
    left = list(after.left)
    good = undisturbed.ends | set(asked.good_ends)
    if tree.completed and tree.ends and tree.ends <= good and not after.handlers:
        return [], [], left
    if failing.code is None and tree.stuck:
        # The operator who cancels knows how to undo what can be undone; nothing else would have told him to.
        return ([effect for effect in left if effect.undoing is None],
                [effect for effect in left if effect.undoing is not None], [])
    return left, [], []


def _outcome(tree: Tree, failing: Failing) -> str:
    if tree.stuck:
        at, _, why = tree.stuck.partition(": ")
        if at != failing.element_id:
            return f"stuck and cancelled: {at}: {why}" if why else f"stuck and cancelled: {at}"
        return "incident, cancelled" if failing.code is None else "nothing catches it: incident, cancelled"
    process = tree.instances[0][1]
    ends = [process.elements[id].name or id for id in process.elements if id in tree.ends]
    return f"ended at {', '.join(ends)}" if ends else "completed" if tree.completed else "terminated"


def _unreached(processes: Sequence[Process], found: Found, registry: Registry) -> Iterator[Step]:
    reached = {id for _, tree in found.kept for id in tree.calls}
    why = found.stuck[0] if found.stuck else None
    for process in processes:
        for element in steps_of(process):
            if element.id not in reached:
                yield _step(process, element, registry, why)


def _step(process: Process, element: Element, registry: Registry, why: str | None = None) -> Step:
    assert element.job is not None
    service = service_name(element.job, registry) or element.job.type.text
    return Step(process_id=process.id, element_id=element.id, name=element.name, service=service, why=why)
