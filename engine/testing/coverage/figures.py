"""What the record says of each file: passed, begun, never; and how much of it that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bpmn import dmn, parser
from bpmn.dmn.tables import Table
from bpmn.dmn.xml import children, text_of
from bpmn.model import SCOPES, Element, Process
from bpmn.reading.document import Unreadable
from engine.testing.coverage.record import BEGUN, HIT, PASSED, File, Record
from engine.testing.diagram import interchange
from engine.testing.diagram.interchange import Plane
from engine.testing.facts import trace_of

ELEMENT, FLOW, RULE = "element", "sequence flow", "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An element, sequence flow or rule, and the tests that passed it (or that only began it)."""

    kind: str
    id: str
    name: str
    type: str
    tests: tuple[str, ...]
    begun: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether any test passed it."""
        return bool(self.tests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A process or a decision, with its parts. `table` has the texts of a decision table."""

    id: str
    name: str
    is_process: bool
    parts: tuple[Part, ...]
    table: TableText | None = None

    @property
    def tests(self) -> list[str]:
        """The tests that passed anything of it."""
        return sorted({test for part in self.parts for test in part.tests})


@dataclass(frozen=True, slots=True)
class TableText:
    """What is written in a decision table."""

    policy: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is told of one file. `problem` is why it could not be read."""

    name: str
    checksum: str
    subjects: tuple[Subject, ...]
    planes: tuple[Plane, ...] = ()
    problem: str | None = None

    @property
    def parts(self) -> list[Part]:
        """The parts of all its processes and decisions."""
        return [part for subject in self.subjects for part in subject.parts]


def share(parts: Iterable[Part], kind: str | None = None) -> tuple[int, int]:
    """How many parts (of a kind) were passed, and how many there are."""
    counted = [part.passed for part in parts if kind in (None, part.kind)]
    return sum(counted), len(counted)


def percent(passed: int, total: int) -> float:
    """The share in percent, rounded down to a tenth, so that 100 means all; 100 of nothing."""
    return 100.0 if not total else passed * 1000 // total / 10


def pages(record: Record) -> list[Page]:
    """One page for each file of a record that has something to pass."""
    found = (_decisions(file) if file.name.lower().endswith(".dmn") else _processes(file) for file in record.files)
    return [page for page in found if page.subjects or page.problem]


def as_json(pages: Sequence[Page]) -> dict[str, Any]:
    """The figures for programs."""
    passed, total = share([part for page in pages for part in page.parts])
    return {
        "percent": percent(passed, total), "passed": passed, "total": total,
        "files": [{
            "name": page.name, "checksum": page.checksum, "problem": page.problem,
            "subjects": [{
                "id": subject.id, "name": subject.name, "kind": "process" if subject.is_process else "decision",
                "percent": percent(*share(subject.parts)),
                "parts": [{"kind": part.kind, "id": part.id, "name": part.name, "type": part.type,
                           "tests": list(part.tests), "begun": list(part.begun)} for part in subject.parts],
            } for subject in page.subjects],
        } for page in pages],
    }


def _processes(file: File) -> Page:
    model, problems = parser.read(file.content, file.name)
    if model is None:
        # What was deployed with scripts in further languages is examined all the same.
        model, problems = parser.examine(file.content, file.name)
    if model is None:
        return Page(name=file.name, checksum=file.checksum, subjects=(), problem=problems[0].message)
    subjects = tuple(_process(process, file) for process in model.processes)
    try:
        planes = tuple(interchange.planes(file.content))
    except Unreadable as error:
        return Page(name=file.name, checksum=file.checksum, subjects=subjects, problem=error.message)
    return Page(name=file.name, checksum=file.checksum, subjects=subjects, planes=planes)


def _process(process: Process, file: File) -> Subject:
    parts = [_element(element, process, file) for element in process.elements.values()]
    parts += [Part(kind=FLOW, id=flow.id, name=flow.name or "", type="SEQUENCE_FLOW",
                   tests=_tests(file, PASSED, process.id, flow.id)) for flow in process.flows.values()]
    return Subject(id=process.id, name=process.name or process.id, is_process=True, parts=tuple(parts))


def _element(element: Element, process: Process, file: File) -> Part:
    traced, begun_is_enough = trace_of(element, process)
    begun = _tests(file, BEGUN, process.id, traced)
    # Whether a sub-process completes is told by the flow behind it; one may be made to end by its error only.
    is_enough = begun_is_enough or element.type in SCOPES
    tests = begun if is_enough else _tests(file, PASSED, process.id, traced)
    return Part(kind=ELEMENT, id=element.id, name=element.name or "", type=element.type.value, tests=tests,
                begun=tuple(test for test in begun if test not in tests))


def _decisions(file: File) -> Page:
    model, problems = dmn.read(file.content, file.name)
    if model is None:
        return Page(name=file.name, checksum=file.checksum, subjects=(), problem=problems[0].message)
    subjects = []
    for decision in model.decisions.values():
        if decision.table is None:
            continue
        text = _text(decision.table, decision.node)
        rules = [Part(kind=RULE, id=str(rule.index), name=" | ".join(cells), type="RULE",
                      tests=_tests(file, HIT, decision.id, str(rule.index)))
                 for rule, cells in zip(decision.table.rules, text.rules, strict=True)]
        subjects.append(Subject(id=decision.id, name=decision.name or decision.id, is_process=False,
                                parts=tuple(rules), table=text))
    return Page(name=file.name, checksum=file.checksum, subjects=tuple(subjects))


def _text(table: Table, node: Any) -> TableText:
    written = next(iter(children(node, "decisionTable")))
    return TableText(
        policy=table.policy, inputs=tuple(column.name for column in table.inputs),
        outputs=tuple(column.name for column in table.outputs),
        rules=tuple(tuple(_cells(row)) for row in children(written, "rule")))


def _cells(row: Any) -> Iterator[str]:
    for tag in ("inputEntry", "outputEntry"):
        yield from (text_of(cell) or "-" for cell in children(row, tag))


def _tests(file: File, what: str, owner: str, id: str) -> tuple[str, ...]:
    return tuple(sorted(file.traces.get((what, owner, id), ())))
