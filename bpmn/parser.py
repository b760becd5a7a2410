"""Reads a BPMN file into the frozen model, whichever Camunda dialect it was drawn in.

    model = parse(content, "order.bpmn")            # or ParseRefused, with every problem at once
    model, problems = read(content, "order.bpmn")   # the same, with the warnings
    model, problems = examine(content, "order.bpmn")   # the model also where it cannot run, for further checks
"""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType

from bpmn import validation
from bpmn.model import Model
from bpmn.problems import Problem, Severity
from bpmn.reading.document import (
    MAX_ATTRIBUTES,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_NESTED_SUB_PROCESSES,
    Unreadable,
    load,
)
from bpmn.reading.documentation import check_documentation
from bpmn.reading.drawing import check_drawing
from bpmn.reading.nodes import (
    BPMN,
    BPMN_NS,
    DIAGRAM_NS,
    attribute,
    descendants,
    elements,
    flag,
    identifier,
    line,
    local_name,
    namespace,
)
from bpmn.reading.normalise import normalise
from bpmn.reading.processes import read_process
from bpmn.reading.source import NO_LANGUAGES, ScriptLanguages, Source
from bpmn.wording import quoted

__all__ = [
    "MAX_ATTRIBUTES", "MAX_BYTES", "MAX_DEPTH", "MAX_ELEMENTS", "MAX_NESTED_SUB_PROCESSES", "ParseRefused", "examine",
    "parse", "read",
]


NCNAME = re.compile(r"[^\W\d][\w.·-]*\Z")
"""A name without colon (Namespaces in XML 1.0)."""
MAX_PROCESSES = 200
"""How many executable processes one file may have: each is compiled and versioned for itself."""
CHOREOGRAPHIES = frozenset({"choreography", "globalChoreographyTask"})


class ParseRefused(Exception):
    """A file cannot be deployed. `problems` says everything that is wrong with it, warnings too."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def parse(content: bytes, resource_name: str, languages: ScriptLanguages = NO_LANGUAGES) -> Model:
    """Read a BPMN file.

    Args:
        content: the bytes of the file, as uploaded.
        resource_name: its name, for messages and for the deployment.
        languages: what compiles scripts beside FEEL and JUEL, such as `bpmn.python_scripts`.

    Raises:
        ParseRefused: the file is not XML, not BPMN, over the limits, or cannot run.
    """
    model, problems = read(content, resource_name, languages)
    if model is None:
        raise ParseRefused(problems)
    return model


def read(content: bytes, resource_name: str,
         languages: ScriptLanguages = NO_LANGUAGES) -> tuple[Model | None, tuple[Problem, ...]]:
    """Read a BPMN file and say everything that is wrong or doubtful in it.

    The model is None if any problem is an error. Nothing in the file makes this raise.
    """
    model, problems = examine(content, resource_name, languages)
    is_refused = any(problem.severity is Severity.ERROR for problem in problems)
    return (None if is_refused else model), problems


def examine(content: bytes, resource_name: str,
            languages: ScriptLanguages = NO_LANGUAGES) -> tuple[Model | None, tuple[Problem, ...]]:
    """Read a BPMN file as far as it can be read, so that further checks can say what else is wrong with it.

    The model is None if the file is no BPMN at all; one with errors holds what was understood, and must not be run.
    Nothing in the file makes this raise.
    """
    try:
        root = load(content)
    except Unreadable as refusal:
        return None, (_about_file(resource_name, refusal.message, refusal.line),)
    if root.tag != BPMN + "definitions":
        found = f"<{root.tag.rpartition('}')[2]}>"
        message = f"Expected BPMN 2.0 definitions, but the file begins with {found}."
        return None, (_about_file(resource_name, message, line(root)),)
    normalise(root)
    source = Source(root, resource_name, languages)
    _check_ids(source)
    check_drawing(source)
    model = _model(source)
    return model, _ordered((*source.problems, *_located(validation.check(model), source)))


def _model(source: Source) -> Model:
    root = source.root
    for node in elements(root):
        if local_name(node) in CHOREOGRAPHIES:
            source.error(node, "Expected processes, but there is a choreography, which cannot be run.")
    executable = [node for node in root.iterchildren(BPMN + "process") if flag(node, "isExecutable")]
    if not executable:
        source.error(None, "Expected an executable process (isExecutable), but there is none.")
    if len(executable) > MAX_PROCESSES:
        source.error(executable[MAX_PROCESSES], f"Expected at most {MAX_PROCESSES} executable processes in one file, "
                                                f"but there are {len(executable)}.")
        del executable[MAX_PROCESSES:]
    check_documentation(executable, source)
    return Model(
        resource_name=source.resource_name,
        dialect=source.dialect,
        processes=tuple(read_process(node, source) for node in executable),
        names=MappingProxyType({
            id: name for id, node in source.nodes.items() if (name := attribute(node, "name")) is not None
        }),
        has_diagram=root.find(f"{{{DIAGRAM_NS}}}BPMNDiagram") is not None,
        states_platform=source.stated,
    )


def _check_ids(source: Source) -> None:
    """Ids are XML names, unique in a file (BPMN 2.0, XML schema, type xsd:ID); those of the diagram do no harm."""
    seen: set[str] = set()
    for node in descendants(source.root):
        id = identifier(node)
        if namespace(node) != BPMN_NS or not id:
            continue
        if not NCNAME.match(id):
            source.error(node, f"Expected an id of letters, digits, '_', '-' and '.', but it is {quoted(id)}.")
        if id in seen:
            source.error(node, f"Expected each id once in the file, but {quoted(id)} stands there several times.")
        seen.add(id)


def _located(problems: tuple[Problem, ...], source: Source) -> list[Problem]:
    """The problems with the line of their element."""
    located = []
    for problem in problems:
        node = source.nodes.get(problem.element_id or "")
        located.append(replace(problem, line=problem.line or line(node)))
    return located


def _ordered(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Errors first, then in the order of the file."""
    return tuple(sorted(problems, key=lambda problem: (problem.severity is not Severity.ERROR, problem.line or 0)))


def _about_file(resource_name: str, message: str, line: int | None) -> Problem:
    return Problem(severity=Severity.ERROR, message=message, resource_name=resource_name, line=line)
