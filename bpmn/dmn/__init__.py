"""DMN 1.1 to 1.5: decision tables and everything else that a decision may be made of, compiled once.

    model = parse(content, "discount.dmn")               # or DmnRefused, with every problem at once
    outcome = model.evaluate("discount", {"amount": 1200, "customer": {"status": "gold"}})
    outcome.output, outcome.decisions[-1].rules          # the result, and which rules matched
"""

from __future__ import annotations

from collections.abc import Mapping

from bpmn.dmn.checks import check
from bpmn.dmn.models import DecisionModel
from bpmn.dmn.outcome import (
    DecisionError,
    EvaluatedDecision,
    EvaluatedInput,
    EvaluatedOutput,
    MatchedRule,
    Outcome,
)
from bpmn.dmn.results import map_result
from bpmn.dmn.xml import MODEL_NAMESPACES, children
from bpmn.problems import Problem, Severity
from bpmn.reading.document import Unreadable, load
from bpmn.reading.nodes import line, local_name, namespace

__all__ = ["DecisionError", "DecisionModel", "DmnRefused", "EvaluatedDecision", "EvaluatedInput", "EvaluatedOutput",
           "MatchedRule", "Outcome", "map_result", "namespaces", "parse", "read"]

_NO_IMPORTS: Mapping[str, bytes] = {}


class DmnRefused(Exception):
    """A file cannot be deployed. `problems` says everything that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def parse(content: bytes, resource_name: str, imports: Mapping[str, bytes] = _NO_IMPORTS) -> DecisionModel:
    """Read a DMN file.

    Args:
        content: the bytes of the file, as uploaded.
        resource_name: its name, for messages.
        imports: other files by name, among which it finds the models that it imports.

    Raises:
        DmnRefused: the file is not XML, not DMN, over the limits, or has expressions that do not parse.
    """
    model, problems = read(content, resource_name, imports)
    if model is None or any(problem.severity is Severity.ERROR for problem in problems):
        raise DmnRefused(problems)
    return model


def read(content: bytes, resource_name: str,
         imports: Mapping[str, bytes] = _NO_IMPORTS) -> tuple[DecisionModel | None, tuple[Problem, ...]]:
    """Read a DMN file and say everything that is wrong in it.

    Warnings say what is doubtful in decision tables. The model is None only if the file cannot be read at all;
    decisions that cannot be compiled are refused when they are evaluated. Nothing in the file makes this raise.
    """
    try:
        models = [_load(content, resource_name)]
    except Unreadable as refusal:
        return None, (Problem(severity=Severity.ERROR, message=refusal.message, resource_name=resource_name,
                              line=refusal.line),)
    for name, other in imports.items():
        try:
            models.append(_load(other, name))
        except Unreadable:
            continue  # it is refused where it is deployed itself
    for model in models:
        model.link([other for other in models if other is not model])
    for model in models:
        model.compile()
    return models[0], (*models[0].problems, *check(models[0]))


def namespaces(content: bytes) -> tuple[str, frozenset[str]]:
    """The namespace of a DMN file, and those of the files that it imports; none if it cannot be read."""
    try:
        root = load(content)
    except Unreadable:
        return "", frozenset()
    imported = (node.get("namespace") or "" for node in children(root, "import"))
    return root.get("namespace") or "", frozenset(filter(None, imported))


def _load(content: bytes, resource_name: str) -> DecisionModel:
    root = load(content)
    if local_name(root) != "definitions" or namespace(root) not in MODEL_NAMESPACES:
        raise Unreadable(f"Expected DMN definitions, but the file begins with <{local_name(root)}>.", line(root))
    return DecisionModel(root, resource_name)
