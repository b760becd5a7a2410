"""Says what in a diagram is documentation: it is read without harm, but does nothing when the process runs."""

from __future__ import annotations

from bpmn.reading.nodes import BPMN, Node
from bpmn.reading.source import Source

DOCUMENTATION = {
    "lane": "lanes do not assign work",
    "messageFlow": "message flows do not carry messages (messages go by name)",
    "dataInputAssociation": "data objects and data stores hold no data (variables do)",
    "dataOutputAssociation": "data objects and data stores hold no data (variables do)",
}


def check_documentation(processes: list[Node], source: Source) -> None:
    """Warn once per file about the kinds of documentation in it."""
    inside = [node for process in processes for node in process.iter(*(BPMN + name for name in DOCUMENTATION))]
    inside += source.root.findall(f"{BPMN}collaboration/{BPMN}messageFlow") if processes else []
    found = dict.fromkeys(DOCUMENTATION[node.tag.removeprefix(BPMN)] for node in inside)
    if found:
        source.warn(None, f"Some of the diagram is documentation only: {', '.join(found)}.")
