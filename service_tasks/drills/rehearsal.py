"""Runs a process once on a scratch engine, with stand-ins that answer, and fail where they are told to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bpmn.model import ElementType, EventKind, Process
from engine import instances, messages, signals
from engine.definitions import Resource
from engine.engine import Engine
from engine.errors import Rejection
from engine.queries import definitions
from engine.queries import instance as queries
from engine.queries.instance import InstanceDetail
from engine.states import ElementState, InstanceState
from engine.tasks import user_tasks
from engine.testing.answers import BpmnError, Call, Failure
from engine.testing.running import NeverAtRest
from engine.testing.scratch import Scratch
from service_tasks.checks import Catalogue
from service_tasks.drills.samples import sample
from service_tasks.registry import Registry

MOST_ROUNDS = 100
"""How often something is done for an instance that waits, before it counts as one that never ends."""
CANCELLED = "The drill cancels it, as an operator would."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way through a process: what it is started with, what people and services answer (`answers`, by variable),
    which steps throw which error, and whether everybody is so late that timers fire first."""

    variables: Mapping[str, Any]
    answers: Mapping[str, Any] = field(default_factory=dict)
    raises: Mapping[str, str] = field(default_factory=dict)
    late: bool = False


@dataclass(frozen=True, slots=True)
class Failing:
    """The call of an element that fails: which one of several, and with which error code (None: a technical one)."""

    element_id: str
    occurrence: int
    code: str | None


@dataclass(frozen=True, slots=True)
class Tree:
    """An instance and those that it called, after a run. `stuck` says why it could not go on; `ends` are the end
    events of the instance itself that were reached."""

    instances: Sequence[tuple[InstanceDetail, Process]]
    calls: Mapping[str, int]
    stuck: str | None
    completed: bool

    @property
    def visited(self) -> frozenset[str]:
        """The elements that were entered, in any of the instances."""
        return frozenset(element.element_id for detail, _ in self.instances for element in detail.elements)

    @property
    def ends(self) -> frozenset[str]:
        """The end events at which the instance itself ended."""
        detail, process = self.instances[0]
        done = {element.element_id for element in detail.elements if element.state == ElementState.COMPLETED}
        return frozenset(id for id in done if id in process.elements and process.elements[id].scope == process.id
                         and process.elements[id].type is ElementType.END_EVENT)


class Rehearsal:
    """A scratch engine with the files of a process, on which it is run again and again. To be closed."""

    def __init__(self, resources: Sequence[Resource], process_id: str, registry: Registry, *,
                 results: Mapping[str, Mapping[str, Any]], free: frozenset[str]) -> None:
        self.runs = 0
        self._registry, self._process_id, self._results, self._free = registry, process_id, results, free
        self._scratch = Scratch()
        Catalogue(registry=registry).connect(self._scratch.engine)
        self._scratch.deploy(*resources)
        self._scenario = Scenario(variables={})
        self._failing: Failing | None = None
        self._calls: Counter[str] = Counter()
        self._scratch.other_services.does(self._serve)

    def close(self) -> None:
        """Throw the scratch engine away."""
        self._scratch.close()

    def run(self, scenario: Scenario, failing: Failing | None = None) -> Tree:
        """Run the process in one scenario until it ends or can go on no more; then an operator cancels it.

        Raises `engine.errors.Rejection` if it cannot even be started.
        """
        self.runs += 1
        self._scenario, self._failing, self._calls = scenario, failing, Counter()
        if scenario.late:
            self._scratch.other_tasks.hangs()
        else:
            self._scratch.other_tasks.does(self._do_task)
        key = self._start(scenario)
        try:
            self._scratch.run()
            stuck = self._play(key)
        except NeverAtRest as error:
            stuck = str(error)
        tree = self._tree(key, stuck)
        if queries.get(self._scratch.engine, key).state == InstanceState.ACTIVE:
            self._scratch.engine.execute(instances.cancel, key, CANCELLED)
            tree = self._tree(key, stuck)
        return tree

    def _start(self, scenario: Scenario) -> int:
        process = self.processes()[0]
        starts = [element for element in process.elements.values()
                  if element.type is ElementType.START_EVENT and element.scope == process.id]
        kinds = {event.kind for start in starts for event in start.events}
        elements: list[str] = []
        if EventKind.NONE not in kinds:
            # Nobody sends its message here: it begins behind the start event.
            elements = [process.flows[flow].target for start in starts[:1] for flow in start.outgoing[:1]]
        return self._scratch.engine.execute(
            instances.start, self._process_id, variables=scenario.variables, elements=elements).key

    def processes(self) -> list[Process]:
        """The process, and those that it may call, as far as they were given."""
        found: dict[str, Process] = {}
        todo = [self._process_id]
        while todo:
            id = todo.pop(0)
            rows = definitions.search(self._scratch.engine, process_id=id, latest=True, limit=1).items
            if id not in found and rows:
                found[id] = definitions.process(self._scratch.engine, rows[0].key)
                todo += called_by(found[id])
        return list(found.values())

    def _play(self, key: int) -> str | None:
        """Do what the instance waits for, until it has ended; why it could not, if it did not."""
        for _ in range(MOST_ROUNDS):
            details = [detail for detail, _ in self._tree(key, None).instances]
            if details[0].row.state != InstanceState.ACTIVE:
                return None
            for detail in details:
                incidents = [incident for incident in detail.incidents if incident.state == "ACTIVE"]
                if incidents:
                    return f"{incidents[0].element_id}: {incidents[0].message}"
            if not self._move(details):
                where = sorted({count.element_id for detail in details for count in detail.tokens})
                return f"It waits at {', '.join(where)} for something that the drill cannot give."
        return f"It did not end after {MOST_ROUNDS} messages, timers and tasks."

    def _move(self, details: Sequence[InstanceDetail]) -> bool:
        """Do one thing for instances that wait; False if there is nothing to do."""
        steps = [self._deliver, self._complete_task, self._let_time_pass]
        if self._scenario.late:
            steps.reverse()
        return any(step(details, attached) for attached in (False, True) for step in steps)

    def _deliver(self, details: Sequence[InstanceDetail], attached: bool) -> bool:
        """Send a message or signal that one of them waits for."""
        for detail in details:
            for subscription in detail.subscriptions:
                if subscription.attached is not attached:
                    continue
                try:
                    if subscription.kind == "MESSAGE":
                        self._scratch.execute(
                            messages.correlate, subscription.name, instance_key=detail.row.key, start=False,
                            correlation_key=subscription.correlation_key, variables=dict(self._scenario.answers))
                    elif subscription.kind == "SIGNAL":
                        self._scratch.execute(signals.broadcast, subscription.name)
                    else:
                        continue
                except Rejection:
                    continue
                return True
        return False

    def _complete_task(self, details: Sequence[InstanceDetail], attached: bool) -> bool:
        for detail in details:
            for task in detail.user_tasks:
                if task.ended_at is None and not attached:
                    self._scratch.execute(user_tasks.complete, task.key, self._task_answers(detail, task.element_id))
                    return True
        return False

    def _let_time_pass(self, details: Sequence[InstanceDetail], attached: bool) -> bool:
        timers = [timer for detail in details for timer in detail.timers
                  if attached or self._scenario.late or not timer.attached]
        if not timers:
            return False
        self._scratch.advance_to(max(min(timer.due_at for timer in timers), self._scratch.now))
        return True

    def _serve(self, call: Call) -> Any:
        if call.kind != "BPMN_ELEMENT":
            return None
        self._calls[call.element_id] += 1
        failing = self._failing
        if failing and (failing.element_id, failing.occurrence) == (call.element_id, self._calls[call.element_id]):
            if failing.code is None:
                raise Failure("The drill lets it fail.", retries=0)
            raise BpmnError(failing.code, "The drill lets it throw.")
        code = self._scenario.raises.get(call.element_id)
        if code is not None:
            raise BpmnError(code, "The scenario lets it throw.")
        return self._result(call.type)

    def _result(self, service: str) -> dict[str, Any]:
        if service in self._results:
            return dict(self._results[service])
        contract = self._registry.get(service)
        if contract is None:
            return {}
        schema = contract.output_schema()
        found = sample(schema, schema, everything=True)
        if not isinstance(found, dict):
            return {}
        return {**found, **{name: value for name, value in self._scenario.answers.items()
                            if name in schema.get("properties", {})}}

    def _do_task(self, call: Call) -> dict[str, Any]:
        detail = queries.detail(self._scratch.engine, call.instance_key)
        return self._task_answers(detail, call.element_id)

    def _task_answers(self, detail: InstanceDetail, element_id: str) -> dict[str, Any]:
        """What a person fills in: what the task hands on, else what nothing else in the process gives."""
        process = definitions.process(self._scratch.engine, detail.row.definition_key)
        outputs = process.elements[element_id].outputs
        names = {name for mapping in outputs for name in mapping.source.names} if outputs else self._free
        return {name: value for name, value in self._scenario.answers.items() if name in names}

    def _tree(self, key: int, stuck: str | None) -> Tree:
        engine = self._scratch.engine
        found: list[tuple[InstanceDetail, Process]] = []
        todo = [key]
        while todo:
            detail = queries.detail(engine, todo.pop(0))
            found.append((detail, definitions.process(engine, detail.row.definition_key)))
            todo += [called.key for called in detail.called]
        completed = found[0][0].row.state == InstanceState.COMPLETED
        return Tree(found, dict(self._calls), stuck, completed)

    @property
    def engine(self) -> Engine:
        """The scratch engine, to look at what came of a run."""
        return self._scratch.engine


def called_by(process: Process) -> list[str]:
    """The ids of the processes that a process calls, but for computed ones."""
    called = [element.called_process for element in process.elements.values() if element.called_process is not None]
    return [str(each.process_id.evaluate({})) for each in called if each.process_id.is_static]
