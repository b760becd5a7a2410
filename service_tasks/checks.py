"""Checks a diagram against the services it uses, when it is deployed.

What is certain to fail refuses the deployment; what may be meant so is a warning. The checks of a `Catalogue` are
handed to `Engine.checks`, so the upload page, `partitur deploy` and the Camunda Modeler all say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial

from bpmn import delegates
from bpmn.model import Element, JobDefinition, Listener, Model, Process
from bpmn.near import hint, near_misses
from bpmn.problems import Problem, Severity
from bpmn.reading.nodes import descendants, identifier, line
from bpmn.retry_cycle import read_cycle
from engine import services
from engine.contracts import ContractPerCall, JobContract
from engine.engine import Engine
from engine.events import business
from service_tasks.contract import ServiceContract
from service_tasks.dataflow import inputs_ready
from service_tasks.errorpaths import errors_caught
from service_tasks.patience import OutOfPatience, patience
from service_tasks.registry import Registry
from service_tasks.undoing import compensation_drawn, reversible
from service_tasks.use import Check, Use, drawn_inputs, problem, service_name, static_text
from service_tasks.waits import awaits_message, waits_for_ever


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The services that diagrams may use.

    `external_types` says which job types are served by workers outside of this registry (Camunda job workers, for
    instance), as patterns such as `legacy-*`. None means: any type that is not the near miss of a service here.
    An empty sequence means: none, every service must be in the registry.
    """

    registry: Registry
    external_types: Sequence[str] | None = None

    def connect(self, engine: Engine) -> None:
        """Make the services known to an engine: their SLA and number of attempts, and these checks at deploy."""
        mine = {contract.name: job_contract(contract) for contract in self.registry}
        engine.contracts.update(mine)
        engine.execute(services.publish, mine)
        engine.checks.append(self.check)

    def publish(self, engine: Engine) -> None:
        """Tell the engine, and through its database all nodes, what the contracts say now, and which are gone."""
        engine.contracts.update((contract.name, job_contract(contract)) for contract in self.registry)
        gone = engine.contracts.keys() - self.registry.contracts.keys()
        for name in gone:
            del engine.contracts[name]
        engine.execute(services.publish, dict(engine.contracts), gone)

    def check(self, model: Model) -> Iterable[Problem]:
        """The problems of a model's jobs, with their lines: unknown services, and how the known ones are used."""
        with patience():
            return [each for process in model.processes for each in self._checked(model, process)]

    def _checked(self, model: Model, process: Process) -> list[Problem]:
        lines = {} if process.tree is None else {identifier(node): line(node) for node in descendants(process.tree)}
        found = []
        try:
            for each in self._check_process(model, process):
                found.append(replace(each, line=lines.get(each.element_id or "")))
        except OutOfPatience:
            found.append(problem(
                Severity.WARNING, model, process.id, process.name,
                "Expected a process that is checked against its services in reasonable time, but it has too many "
                "elements or ways: the rest of it was not checked.",
            ))
        return found

    def _check_process(self, model: Model, process: Process) -> Iterator[Problem]:
        yield from self._check_listeners(model, process.id, process.name, process.listeners)
        for flow in process.flows.values():
            yield from self._check_listeners(model, flow.id, flow.name, flow.listeners)
        for element in process.elements.values():
            for job in _jobs(element):
                yield from self._check_job(model, process, element, job)
            if awaits_message(element) and waits_for_ever(process, element):
                yield problem(
                    Severity.WARNING, model, element.id, element.name,
                    "Expected a timer that ends the wait if the message never comes (a boundary event, or another "
                    "way out of an event-based gateway), but there is none.",
                )

    def _check_job(self, model: Model, process: Process, element: Element, job: JobDefinition) -> Iterator[Problem]:
        name = service_name(job, self.registry)
        if name == business.JOB_TYPE:
            return
        contract = self.registry.get(name) if name else None
        if contract is not None:
            contract = contract.for_call(job.headers, drawn_inputs(element))
        else:
            endless = waits_for_ever(process, element)
            yield from self._unknown(model, element.id, element.name, job, endless)
            return
        for check in CHECKS:
            yield from check(Use(model, process, element, job, contract, self.registry))

    def _check_listeners(
        self, model: Model, id: str, title: str | None, listeners: Iterable[Listener]
    ) -> Iterator[Problem]:
        """Listeners of a process or a sequence flow: there is no element whose inputs could be looked at."""
        for listener in listeners:
            name = service_name(listener.job, self.registry)
            if name is None or name not in self.registry:
                yield from self._unknown(model, id, title, listener.job, endless=True)

    def _unknown(
        self, model: Model, id: str, title: str | None, job: JobDefinition, endless: bool
    ) -> Iterator[Problem]:
        name = static_text(job.type)
        if not name:
            return  # computed while the process runs
        if any(fnmatchcase(name, pattern) for pattern in self.external_types or ()):
            return
        spellings = delegates.candidates(name) if job.names_code else (name,)
        near = next(filter(None, (near_misses(each, self.registry.contracts) for each in spellings)), [])
        if near or self.external_types is not None:
            known = hint(near) or _known(self.registry)
            message = f"Expected a service named {name!r}, but there is none.{known}"
            yield problem(Severity.ERROR, model, id, title, message)
            return
        limit = ", for ever if none does (no timer event ends the wait)" if endless else ""
        message = (
            f"Expected a service named {name!r}, but none is registered here: jobs of this type will wait until an "
            f"external worker asks for them{limit}."
        )
        yield problem(Severity.WARNING, model, id, title, message)


def job_contract(contract: ServiceContract) -> JobContract:
    """What the engine has to know of a service."""
    policy, fields = contract.policy, contract.inputs.model_fields
    made: Callable[..., JobContract] = JobContract
    if policy.per_call is not None:
        made = partial(ContractPerCall, repeatable_call=lambda headers, variables: contract.for_call(
            headers, variables).policy.idempotent)
    return made(
        expected=policy.expected, retries=policy.retry.attempts, pickup=policy.pickup, total=policy.total,
        repeatable=policy.idempotent,
        askable=contract.probe is not None,
        sensitive=contract.sensitive,
        inputs=frozenset(fields) | {field.alias for field in fields.values() if field.alias},
    )


def retries_allowed(use: Use) -> Iterator[Problem]:
    """The diagram asks for no more attempts than a service may get that acts twice when it is called twice."""
    asked = _attempts_drawn(use.job)
    if asked is not None and asked > 1 and not use.contract.policy.idempotent and not use.contract.policy.per_call:
        yield use.warning(
            f"Expected 1 attempt at most, because calling {use.contract.name!r} twice acts twice (it is not "
            f"idempotent), but the diagram asks for {asked}."
        )


def _attempts_drawn(job: JobDefinition) -> int | None:
    """How many attempts the diagram asks for; None if it leaves that open, or computes it."""
    written = static_text(job.retries)
    if written and written.strip().isdecimal():
        return int(written)
    cycle = read_cycle(static_text(job.retry_cycle) or "")
    return None if cycle is None else cycle.attempts


CHECKS: tuple[Check, ...] = (errors_caught, inputs_ready, compensation_drawn, reversible, retries_allowed)


def _jobs(element: Element) -> Iterator[JobDefinition]:
    if element.job is not None:
        yield element.job
    for listener in element.listeners:
        yield listener.job


def _known(registry: Registry) -> str:
    names = [contract.name for contract in registry]
    if not names:
        return " No service is registered."
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f" Registered are: {shown}."
