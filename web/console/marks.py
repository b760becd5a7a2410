"""What is laid over a diagram: tokens, incidents, the path taken, the problems of a refused file.

The browser's <bpmn-diagram> reads it as JSON: `elements` maps an element id to its badges and classes, `flows` lists
the sequence flows taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bpmn.problems import Problem, Severity
from engine.queries.definitions import ElementCount

Marks = dict[str, Any]

FAILING, DOUBTFUL, HERE, PASSED = "failing", "doubtful", "here", "passed"


def live(tokens: Iterable[ElementCount], *, passed: Iterable[str] = (), flows: Iterable[str] = ()) -> Marks:
    """The marks of running instances: where they are, and the elements and sequence flows that they passed."""
    elements: dict[str, dict[str, Any]] = {element_id: {"classes": [PASSED]} for element_id in passed}
    for count in tokens:
        look = FAILING if count.incidents else HERE
        elements[count.element_id] = {"tokens": count.tokens, "incidents": count.incidents, "classes": [look]}
    return {"elements": elements, "flows": sorted(flows)}


def problems(found: Iterable[Problem]) -> Marks:
    """The marks of a file that was refused: red for errors, amber for warnings."""
    elements: dict[str, dict[str, Any]] = {}
    for problem in found:
        if problem.element_id is None:
            continue
        look = FAILING if problem.severity is Severity.ERROR else DOUBTFUL
        if elements.get(problem.element_id, {}).get("classes") != [FAILING]:
            elements[problem.element_id] = {"classes": [look]}
    return {"elements": elements, "flows": []}
