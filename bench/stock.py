"""SpiffWorkflow as it comes, used as its documentation shows."""

from __future__ import annotations

import io
import logging
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.serializer.workflow import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

# Its log records are expensive to make; a fair comparison has them off.
for name in ("spiff", "spiff.task", "spiff.workflow"):
    logging.getLogger(name).setLevel(logging.WARNING)


def parse(content: bytes, process_id: str) -> Any:
    """The specification of one process."""
    parser = BpmnParser()
    parser.add_bpmn_xml(etree.parse(io.BytesIO(content)))
    return parser.get_spec(process_id)


def start(spec: Any, variables: dict[str, Any]) -> BpmnWorkflow:
    """A new workflow with its variables, not yet run."""
    workflow = BpmnWorkflow(spec)
    workflow.task_tree.data.update(variables)
    return workflow


def run(spec: Any, variables: dict[str, Any]) -> BpmnWorkflow:
    """Start a workflow and let it run until it waits or ends."""
    workflow = start(spec, variables)
    workflow.do_engine_steps()
    return workflow


def save(workflow: BpmnWorkflow) -> str:
    """The workflow as its own serializer writes it."""
    return str(BpmnWorkflowSerializer().serialize_json(workflow))


def load(text: str) -> Any:
    """The workflow read back."""
    return BpmnWorkflowSerializer().deserialize_json(text)
