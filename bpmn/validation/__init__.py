"""Says what in a model cannot run (errors) and what is doubtful (warnings), all of it at once.

The rules are those of BPMN 2.0 and of Camunda's engines, each named at its rule. What cannot even be read is said
while reading (`bpmn.parser`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bpmn.model import Model, Process
from bpmn.problems import Problem, Severity
from bpmn.validation import activities, compensation, events, flows, gateways, links, paths, scopes
from bpmn.validation.findings import Finding

Rule = Callable[[Process, Model], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    *flows.RULES, *scopes.RULES, *events.RULES, *links.RULES, *gateways.RULES, *activities.RULES, *compensation.RULES,
    *paths.RULES,
)
"""Every rule, in the order in which their findings are shown for one element."""


def check(model: Model) -> tuple[Problem, ...]:
    """Everything that is wrong or doubtful in the executable processes of a model."""
    problems = []
    if model.processes and not model.has_diagram:
        problems.append(_problem(model, None, "The file has no diagram, so instances cannot be shown on one."))
    for process in model.processes:
        for rule in RULES:
            problems += [_located(model, process, finding) for finding in rule(process, model)]
    return tuple(dict.fromkeys(problems))


def _problem(model: Model, id: str | None, message: str) -> Problem:
    return Problem(severity=Severity.WARNING, message=message, resource_name=model.resource_name, element_id=id)


def _located(model: Model, process: Process, finding: Finding) -> Problem:
    return Problem(
        severity=finding.severity,
        message=finding.message,
        resource_name=model.resource_name,
        element_id=finding.id,
        element_name=process.name if finding.id == process.id else model.names.get(finding.id),
    )
