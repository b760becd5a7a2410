"""Checks a diagram against the services it uses, when it is deployed.

What is certain to fail refuses the deployment; what may be meant so is a warning. The checks of a `Catalogue` are
handed to `Engine.checks`, so the upload page, `partitur deploy` and the Camunda Modeler all say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from bpmn.expressions import Expression, Literal
from bpmn.model import Element, Model, Process
from bpmn.problems import Problem, Severity
from engine.contracts import JobContract
from engine.engine import Engine
from service_tasks.contract import ServiceContract
from service_tasks.dataflow import unready_inputs
from service_tasks.errorpaths import uncaught_errors
from service_tasks.registry import Registry

SIMILAR = 0.85
"""From this likeness on (0 to 1, `difflib`), an unknown job type is taken for a misspelt service."""


@dataclass(frozen=True, slots=True)
class Use:
    """One element of a diagram that calls a service."""

    model: Model
    process: Process
    element: Element
    contract: ServiceContract
    registry: Registry

    def warning(self, message: str) -> Problem:
        """A warning at the element."""
        return _problem(Severity.WARNING, self.model, self.element, message)


Check = Callable[[Use], Iterator[str]]


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
        engine.contracts.update((contract.name, job_contract(contract)) for contract in self.registry)
        engine.checks.append(self.check)

    def publish(self, engine: Engine) -> None:
        """Tell the engine what the contracts say now, and which are gone."""
        engine.contracts.update((contract.name, job_contract(contract)) for contract in self.registry)
        for name in engine.contracts.keys() - self.registry.contracts.keys():
            del engine.contracts[name]

    def check(self, model: Model) -> Iterable[Problem]:
        """The problems of a model's jobs: unknown services (errors), and warnings about the known ones."""
        for process in model.processes:
            for element in process.elements.values():
                for expression in _job_types(element):
                    yield from self._check_job(model, process, element, expression)

    def _check_job(self, model: Model, process: Process, element: Element, type: Expression) -> Iterator[Problem]:
        name = static_text(type)
        if not name:
            return  # computed while the process runs
        contract = self.registry.get(name)
        if contract is None:
            problem = self._unknown(model, element, name)
            if problem is not None:
                yield problem
        elif element.job is not None and type is element.job.type:
            use = Use(model, process, element, contract, self.registry)
            for check in CHECKS:
                yield from map(use.warning, check(use))

    def _unknown(self, model: Model, element: Element, name: str) -> Problem | None:
        if any(fnmatchcase(name, pattern) for pattern in self.external_types or ()):
            return None
        near = near_misses(name, [contract.name for contract in self.registry])
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        if near or self.external_types is not None:
            known = "" if near else _known(self.registry)
            message = f"Expected a service named {name!r}, but there is none.{hint}{known}"
            return _problem(Severity.ERROR, model, element, message)
        message = (
            f"Expected a service named {name!r}, but none is registered here: jobs of this type will wait until an "
            f"external worker asks for them."
        )
        return _problem(Severity.WARNING, model, element, message)


def job_contract(contract: ServiceContract) -> JobContract:
    """What the engine has to know of a service."""
    policy, fields = contract.policy, contract.inputs.model_fields
    return JobContract(
        expected=policy.expected, retries=policy.retry.attempts, pickup=policy.pickup, total=policy.total,
        repeatable=policy.idempotent,
        askable=contract.probe is not None,
        inputs=frozenset(fields) | {field.alias for field in fields.values() if field.alias},
    )


def near_misses(name: str, known: Iterable[str]) -> list[str]:
    """Which of the known names `name` is probably a misspelling of, best first."""
    plain = {_plain(other): other for other in known}
    return [plain[match] for match in get_close_matches(_plain(name), list(plain), n=3, cutoff=SIMILAR)]


def static_text(expression: Expression | None) -> str | None:
    """The text that an expression always gives; None if it is computed."""
    if isinstance(expression, Literal) and isinstance(expression.value, str):
        return expression.value
    return None


def _errors_caught(use: Use) -> Iterator[str]:
    codes = uncaught_errors(use.process, use.element, use.contract.policy.errors)
    for code in codes:
        text = use.contract.policy.errors[code]
        yield (
            f"Expected an error event that catches {code} from service {use.contract.name!r} ({text.rstrip('.')}), "
            f"but there is none: the error would become an incident."
        )


def _inputs_ready(use: Use) -> Iterator[str]:
    yield from unready_inputs(use.process, use.element, use.contract, use.registry)


def _compensation_drawn(use: Use) -> Iterator[str]:
    undo = use.contract.policy.compensated_by
    if undo is None or use.element.for_compensation:
        return
    handler = use.process.elements.get(use.element.compensation_handler or "")
    if handler is None:
        yield (
            f"Expected a compensation handler with service {undo!r}, which undoes {use.contract.name!r}, "
            f"but there is none: it cannot be undone when a later step fails."
        )
        return
    drawn = static_text(handler.job.type) if handler.job else None
    if drawn is not None and drawn != undo:
        yield f"Expected the compensation handler to call {undo!r}, but it calls {drawn!r}."


def _retries_allowed(use: Use) -> Iterator[str]:
    job = use.element.job
    written = static_text(job.retries) if job else None
    if written and written.isdigit() and int(written) > 1 and not use.contract.policy.idempotent:
        yield (
            f"Expected 1 retry at most, because calling {use.contract.name!r} twice acts twice (it is not "
            f"idempotent), but the diagram asks for {written}."
        )


CHECKS: tuple[Check, ...] = (_errors_caught, _inputs_ready, _compensation_drawn, _retries_allowed)


def _job_types(element: Element) -> Iterator[Expression]:
    if element.job is not None:
        yield element.job.type
    for listener in element.listeners:
        yield listener.job.type


def _plain(name: str) -> str:
    # reserveInventory, Reserve_Inventory and reserve.inventory are the same word, written by different people.
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9]+", "-", words.lower())


def _known(registry: Registry) -> str:
    names = [contract.name for contract in registry]
    if not names:
        return " No service is registered."
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f" Registered are: {shown}."


def _problem(severity: Severity, model: Model, element: Element, message: str) -> Problem:
    return Problem(
        severity=severity, message=message, resource_name=model.resource_name, element_id=element.id,
        element_name=element.name,
    )
