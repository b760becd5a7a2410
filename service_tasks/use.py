"""One place of a diagram where a service is called, as the checks see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bpmn import delegates
from bpmn.expressions import Expression, Literal
from bpmn.model import Element, JobDefinition, Model, Process
from bpmn.problems import Problem, Severity
from service_tasks.contract import ServiceContract
from service_tasks.registry import Registry


@dataclass(frozen=True, slots=True)
class Use:
    """An element of a diagram, the job of it or of one of its listeners, and the service that does the job."""

    model: Model
    process: Process
    element: Element
    job: JobDefinition
    contract: ServiceContract
    registry: Registry

    @property
    def is_listener(self) -> bool:
        """Whether a listener of the element calls the service, and not the element itself."""
        return self.job is not self.element.job

    def warning(self, message: str) -> Problem:
        """Something doubtful at the element."""
        return problem(Severity.WARNING, self.model, self.element.id, self.element.name, message)

    def error(self, message: str) -> Problem:
        """Something at the element that is certain to fail."""
        return problem(Severity.ERROR, self.model, self.element.id, self.element.name, message)


Check = Callable[[Use], Iterator[Problem]]


def problem(severity: Severity, model: Model, id: str, name: str | None, message: str) -> Problem:
    """A problem at the element `id`."""
    return Problem(
        severity=severity, message=message, resource_name=model.resource_name, element_id=id, element_name=name,
    )


def static_text(expression: Expression | None) -> str | None:
    """The text that an expression always gives; None if it is computed."""
    if isinstance(expression, Literal) and isinstance(expression.value, str):
        return expression.value
    return None


def service_name(job: JobDefinition, registry: Registry) -> str | None:
    """The name of the service that a job is for; None if it is computed.

    Where the diagram names code, it is the service that is meant by it (`bpmn.delegates`).
    """
    name = static_text(job.type)
    return delegates.resolve(name, registry) if name and job.names_code else name


def drawn_inputs(element: Element) -> dict[str, Any]:
    """What the diagram writes as constants into the inputs of an element, by the name of the variable."""
    found = {mapping.target: static_text(mapping.source) for mapping in element.inputs}
    return {target: text for target, text in found.items() if text is not None}


def title(element: Element) -> str:
    """An element as the analyst knows it."""
    return repr(element.name or element.id)
