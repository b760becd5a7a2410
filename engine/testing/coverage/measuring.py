"""Reads from a scratch engine what its test passed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, select

from engine import schema
from engine.engine import Engine
from engine.states import ElementState
from engine.testing.coverage.record import BEGUN, HIT, PASSED, File, Record, Trace

_d = schema.definitions.c
_e = schema.element_instances.c
_r = schema.resources.c
_q = schema.requirements.c
_v = schema.decision_evaluations.c

DEFINITIONS = select(_d.key, _d.process_id, _r.name, _r.content).join(schema.resources, _r.key == _d.resource_key)
VISITS = select(_e.definition_key, _e.element_id, _e.state).distinct()
FLOWS = select(_e.definition_key, _e.flow_id).where(_e.flow_id.is_not(None)).distinct()
GRAPHS = select(_q.key, _q.imports, _r.name, _r.content).join(schema.resources, _r.key == _q.resource_key)
EVALUATIONS = select(schema.decisions.c.requirements_key, _v.decisions).join(
    schema.decisions, schema.decisions.c.key == _v.decision_key)


def measure(engine: Engine, test: str, record: Record) -> None:
    """Add to a record what was deployed to an engine, and what its instances and decisions passed."""
    with engine.read() as connection:
        _measure_processes(connection, test, record)
        _measure_decisions(connection, test, record)


def _measure_processes(connection: Connection, test: str, record: Record) -> None:
    processes: dict[int, tuple[File, str]] = {
        row.key: (record.file(row.name, bytes(row.content)), row.process_id) for row in connection.execute(DEFINITIONS)}
    traces: dict[int, set[Trace]] = defaultdict(set)
    for key, element_id, state in connection.execute(VISITS):
        owner = processes[key][1]
        traces[key].add((BEGUN, owner, element_id))
        if state == ElementState.COMPLETED:
            traces[key].add((PASSED, owner, element_id))
    for key, flow_id in connection.execute(FLOWS):
        traces[key].add((PASSED, processes[key][1], flow_id))
    for key, found in traces.items():
        record.note(processes[key][0], test, found)


def _measure_decisions(connection: Connection, test: str, record: Record) -> None:
    graphs: dict[int, File] = {}
    imports: dict[int, list[int]] = {}
    for row in connection.execute(GRAPHS):
        graphs[row.key] = record.file(row.name, bytes(row.content))
        imports[row.key] = row.imports
    for key, decisions in connection.execute(EVALUATIONS):
        traces = set(_rules(decisions))
        # A rule of an imported file is noted in the file that imports it as well, where there is no such decision.
        for graph in (key, *imports[key]):
            record.note(graphs[graph], test, traces)


def _rules(decisions: list[dict[str, object]]) -> Iterator[Trace]:
    for decision in decisions:
        rules = decision["rules"]
        assert isinstance(rules, list)
        for rule in rules:
            yield HIT, str(decision["id"]), str(rule["index"])
