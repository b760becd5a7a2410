"""Says what in a diagram is documentation: it is read without harm, but does nothing when the process runs."""

from __future__ import annotations

from bpmn.reading.nodes import BPMN, CAMUNDA, ZEEBE, Node, extensions
from bpmn.reading.source import Source

DOCUMENTATION = {
    "lane": "lanes do not assign work",
    "messageFlow": "message flows do not carry messages (messages go by name)",
    "dataInputAssociation": "data objects and data stores hold no data (variables do)",
    "dataOutputAssociation": "data objects and data stores hold no data (variables do)",
}


def check_listeners(processes: list[Node], source: Source) -> None:
    """Warn where a listener is drawn that is not run: on a process and on a sequence flow."""
    for process in processes:
        for node in (process, *process.iter(BPMN + "sequenceFlow")):
            if extensions(node, CAMUNDA + "executionListener") or extensions(node, ZEEBE + "executionListeners"):
                source.warn(node, "Listeners run on flow nodes only: the ones here are not called.")


def check_documentation(processes: list[Node], source: Source) -> None:
    """Warn once per file about the kinds of documentation in it."""
    inside = [node for process in processes for node in process.iter(*(BPMN + name for name in DOCUMENTATION))]
    inside += source.root.findall(f"{BPMN}collaboration/{BPMN}messageFlow") if processes else []
    found = dict.fromkeys(DOCUMENTATION[node.tag.removeprefix(BPMN)] for node in inside)
    if found:
        source.warn(None, f"Some of the diagram is documentation only: {', '.join(found)}.")
