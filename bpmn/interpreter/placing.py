"""Puts the first tokens of an instance: at its start event, or at elements of any depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bpmn.interpreter.failures import Failure
from bpmn.interpreter.nodes.subprocesses import listen
from bpmn.interpreter.task import STARTED, Token
from bpmn.interpreter.workflow import ProcessWorkflow, ScopeWorkflow, SubWorkflow

if TYPE_CHECKING:
    from bpmn.interpreter.nodes.base import Node
    from bpmn.interpreter.program import Program


def begin(top: ProcessWorkflow, start_event: str | None = None, elements: Sequence[str] = ()) -> None:
    """Let an instance begin: at `elements`, at the start event that happened, or at the none start event.

    Raises:
        LookupError: there is no such element, or no none start event.
    """
    program = top.spec.program
    if top.spec.event_sub_processes:
        listen(top)
    if elements:
        opened: dict[str, ScopeWorkflow] = {}
        for element in elements:
            _place(top, program, element, opened)
        return
    top.arrive(first_node(program, start_event), None)


def first_node(program: Program, start_event: str | None) -> Node:
    """The start event that happened, or the none start event; raises LookupError."""
    node = program.spec.none_start if start_event is None else program.by_id.get(start_event)
    if node is None:
        wanted = f"the start event {start_event!r}" if start_event else "a none start event"
        raise LookupError(f"Expected process {program.process.id!r} to have {wanted}, but it has none.")
    return node


def check_known(program: Program, elements: Sequence[str]) -> None:
    """Raises LookupError if one of the elements is none of the process."""
    for element in elements:
        if element not in program.by_id:
            raise LookupError(
                f"Expected process {program.process.id!r} to have an element {element!r}, but it has none."
            )


def _place(top: ProcessWorkflow, program: Program, element: str, opened: dict[str, ScopeWorkflow]) -> None:
    """Put a token at an element of any depth, creating the sub-processes around it once."""
    check_known(program, [element])
    node = program.by_id[element]
    workflow: ScopeWorkflow = top
    for outer in around(program, node):
        inside = opened.get(outer.name)
        if inside is None:
            if outer.inner is not None:
                raise LookupError(f"Expected {outer.label} to be entered by its flow, because it is multi-instance.")
            opened_here = open_around(workflow, outer)
            if opened_here is None:
                return
            inside = opened[outer.name] = opened_here
        workflow = inside
    workflow.arrive(node, None)


def around(program: Program, node: Node) -> list[Node]:
    """The sub-processes around a node, the outermost first."""
    path: list[Node] = []
    outer = node.element.scope
    while outer != program.process.id:
        path.append(program.by_id[outer])
        outer = path[-1].element.scope
    return path[::-1]


def open_around(workflow: ScopeWorkflow, node: Node, variables: Mapping[str, Any] | None = None) -> SubWorkflow | None:
    """Enter a sub-process without its start event, with variables of its own; None if it has an incident instead."""
    workflow.live += 1
    token = Token(workflow, node, None, STARTED)
    node.record_entered(token)
    if variables:
        node.own_scope(token).assign_all(variables, local=True)
    try:
        node.open_scope(token)
        for boundary in node.armed:
            boundary.arm(token)
    except Failure as failure:
        workflow.top_workflow.fail(token, "enter", failure)
        return None
    inside = SubWorkflow(node.inside, token, node.own_scope(token))
    node.prepare(inside)
    listen(inside)
    return inside
