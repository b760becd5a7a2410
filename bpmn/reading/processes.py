"""Reads one process (BPMN 2.0 §10.3)."""

from __future__ import annotations

from types import MappingProxyType

from bpmn import camunda, zeebe
from bpmn.model import NOTHING, Dialect, Listener, Process
from bpmn.reading.compensation import read_handlers
from bpmn.reading.elements import read_elements, read_flows
from bpmn.reading.forms import read_embedded
from bpmn.reading.nodes import BPMN, CAMUNDA, DAYS, Node, attribute, child, identifier, text
from bpmn.reading.source import Source
from bpmn.wording import quoted


def read_process(node: Node, source: Source) -> Process:
    """One executable process with everything in it."""
    if not identifier(node):
        source.error(node, "Expected the process to have an id, but it has none.")
    flows = read_flows(node, source)
    return Process(
        id=identifier(node),
        name=attribute(node, "name"),
        dialect=source.dialect,
        elements=MappingProxyType(read_elements(node, flows, read_handlers(source), source)),
        flows=MappingProxyType(flows),
        version_tag=_version_tag(node, source),
        documentation=text(child(node, BPMN + "documentation")),
        listeners=_listeners(node, source),
        history_ttl_days=_history_ttl(node, source),
        forms=read_embedded(node) if source.reads(Dialect.CAMUNDA_8) else NOTHING,
        tree=node,
    )


def _version_tag(node: Node, source: Source) -> str | None:
    tag = zeebe.read_version_tag(node) if source.reads(Dialect.CAMUNDA_8) else None
    return tag or (camunda.read_version_tag(node) if source.reads(Dialect.CAMUNDA_7) else None)


def _listeners(node: Node, source: Source) -> tuple[Listener, ...]:
    listeners = zeebe.read_listeners(node, source) if source.reads(Dialect.CAMUNDA_8) else ()
    return listeners + (camunda.read_listeners(node, source) if source.reads(Dialect.CAMUNDA_7) else ())


def _history_ttl(node: Node, source: Source) -> int | None:
    """`camunda:historyTimeToLive`: a number of days, bare or as P30D (Camunda 7 manual, "History Time To Live")."""
    written = attribute(node, CAMUNDA + "historyTimeToLive")
    if written is None:
        return None
    match = DAYS.match(written)
    if match is None:
        source.error(node, f"Expected historyTimeToLive to be days such as 30 or P30D, but it is {quoted(written)}.")
        return None
    return int(match.group(1) or match.group(2))
