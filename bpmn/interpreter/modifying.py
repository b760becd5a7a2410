"""Changes where the tokens of a running instance are: puts some at other elements, takes some away.

What is put is put first, so that a scope whose only token moves within it stays; what is left empty afterwards is
cancelled. Source: Camunda 7 manual, "Process Instance Modification"; Camunda 8 docs, "Process instance modification".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bpmn.interpreter import journal
from bpmn.interpreter.failures import ModificationRefused
from bpmn.interpreter.nodes.base import Branch, Node
from bpmn.interpreter.nodes.events import BoundaryEvent
from bpmn.interpreter.nodes.multi_instance import LoopBody, MultiInstance
from bpmn.interpreter.nodes.subprocesses import EventSubProcess
from bpmn.interpreter.placing import around, open_around
from bpmn.interpreter.task import CANCELLED, Token
from bpmn.interpreter.workflow import FAREWELL, ProcessWorkflow, ScopeWorkflow

if TYPE_CHECKING:
    from bpmn.interpreter.program import Program

GLOBAL = ""
"""The name of the instance's own scope among `Put.variables`."""


class Put(msgspec.Struct, frozen=True):
    """Put a token: before `element`, or after it (`after`), or on the sequence flow `flow`.

    `ancestor` is the key of the element instance in which that is to be, where several would do. `variables` are set
    in the scope of the element, or of a sub-process around it that is opened for this (by their ids), or globally.
    """

    element: str = ""
    after: bool = False
    flow: str | None = None
    ancestor: int | None = None
    variables: dict[str, dict[str, Any]] = {}


class Take(msgspec.Struct, frozen=True):
    """Cancel the element instance `key`, or all of `element`."""

    key: int | None = None
    element: str | None = None


def modify(top: ProcessWorkflow, puts: Sequence[Put], takes: Sequence[Take]) -> None:
    """Put and take tokens.

    Raises:
        ModificationRefused: one of them is not possible; the instance must not be used any more.
    """
    if top.done:
        raise ModificationRefused(f"Expected process instance {top.key} to go on, but it is being cancelled.")
    taken = [token for take in takes for token in _found(top, take)]
    for put in puts:
        _put(top, put)
    scopes = [token.workflow for token in taken]
    for token in taken:
        if not token._state & CANCELLED:
            _cancel(top, token)
    for workflow in scopes:
        _tidy(top, workflow)


def flow_tokens(top: ProcessWorkflow) -> list[tuple[int, str]]:
    """Key and element id of every element instance that can be taken as a whole."""
    return [(token.id, token.task_spec.element.id) for token in top.index.values()
            if token.parent is None and _can_be_taken(token)]


def places(top: ProcessWorkflow, element: str) -> list[tuple[int, int]]:
    """For each instance of an element, as the flow sees it: its key, and the key of the scope that it is in.

    Raises ModificationRefused: there is no such element, or no token is there.
    """
    return [(token.id, token.workflow.key) for token in _found(top, Take(element=element))]


def _found(top: ProcessWorkflow, take: Take) -> list[Token]:
    if take.key is not None:
        token = top.index.get(take.key)
        if token is None or not _can_be_taken(token):
            raise ModificationRefused(f"Expected element instance {take.key} to be active, but it is not.")
        return [token]
    _known(top, take.element or "")
    tokens = [token for token in top.index.values()
              if token.task_spec.element.id == take.element and token.parent is None and _can_be_taken(token)]
    if not tokens:
        raise ModificationRefused(f"Expected element {take.element!r} to be active, but it is not.")
    return tokens


def _can_be_taken(token: Token) -> bool:
    if not token.entered or FAREWELL in token.internal_data:
        return False
    parent = token.parent
    return parent is None or isinstance(parent.task_spec, LoopBody)


def _known(top: ProcessWorkflow, element: str) -> Node:
    program: Program = top.spec.program
    node = program.by_id.get(element)
    if node is None or element not in program.process.elements:
        raise ModificationRefused(
            f"Expected process {program.process.id!r} to have an element {element!r}, but it has none.")
    return node


def _put(top: ProcessWorkflow, put: Put) -> None:
    top.scope.assign_all(put.variables.get(GLOBAL), local=True)
    if put.flow is not None or put.after:
        branch, node = _branch(top, put)
        workflow = _scope(top, node, put)
        if workflow is not None:
            workflow.arrive(branch.target, branch.id)
        return
    node = _known(top, put.element)
    _enterable(node)
    workflow = _scope(top, node, put)
    if workflow is None:
        return
    given = put.variables.get(put.element)
    workflow.live += 1
    token = Token(workflow, node)
    if given:
        if node.kind:
            raise ModificationRefused(
                f"Expected variables for an element that has a scope of its own, but {node.label} has none.")
        node.own_scope(token).assign_all(given, local=True)
    node._update(token)


def _enterable(node: Node) -> None:
    if isinstance(node, BoundaryEvent):
        raise ModificationRefused(f"Expected an element that the flow can come to, but {node.label} is a boundary "
                                  f"event; put the token after it.")
    if isinstance(node, EventSubProcess):
        raise ModificationRefused(f"Expected an element that the flow can come to, but {node.label} is an event "
                                  f"sub-process; put the token at an element inside it.")
    if node.element.for_compensation:
        raise ModificationRefused(f"Expected an element that the flow can come to, but {node.label} is a "
                                  f"compensation handler.")


def _branch(top: ProcessWorkflow, put: Put) -> tuple[Branch, Node]:
    """The sequence flow that is meant, and the node it comes from."""
    program: Program = top.spec.program
    if put.flow is not None:
        flow = program.process.flows.get(put.flow)
        if flow is None:
            raise ModificationRefused(
                f"Expected process {program.process.id!r} to have a sequence flow {put.flow!r}, but it has none.")
        node = program.by_id[flow.source]
        return next(branch for branch in node.branches if branch.id == put.flow), node
    node = _known(top, put.element)
    if len(node.branches) != 1:
        raise ModificationRefused(f"Expected one sequence flow out of {node.label}, but it has {len(node.branches)}; "
                                  f"name the flow instead.")
    return node.branches[0], node


def _scope(top: ProcessWorkflow, node: Node, put: Put) -> ScopeWorkflow | None:
    """Where the token is to be, the sub-processes around it opened as far as they are not; None after an incident."""
    path: Sequence[Node] = around(top.spec.program, node)
    _check_variables(put, path)
    workflow: ScopeWorkflow = top
    new = put.ancestor is not None
    if put.ancestor is not None and put.ancestor != top.key:
        workflow, path = _below(top, put.ancestor, path)
    for outer in path:
        inside = None if new else _only(top, workflow, outer)
        if inside is None:
            new = True      # what is opened now holds nothing yet
            if outer.inner is not None:
                raise ModificationRefused(f"Expected {outer.label} to be active, because it is multi-instance and "
                                          f"only its flow can enter it, but it is not.")
            if outer.element.for_compensation:
                raise ModificationRefused(f"Expected {outer.label} to be active, because it is a compensation handler, "
                                          f"which only compensation calls, but it is not.")
            inside = open_around(workflow, outer, put.variables.get(outer.element.id))
            if inside is None:
                return None
        else:
            inside.scope.assign_all(put.variables.get(outer.element.id), local=True)
        workflow = inside
    return workflow


def _check_variables(put: Put, path: Sequence[Node]) -> None:
    entered = "" if put.after or put.flow is not None else put.element
    for id in put.variables:
        if id not in (GLOBAL, entered) and all(outer.element.id != id for outer in path):
            raise ModificationRefused(f"Expected variables for the instance, the element that is entered or a "
                                      f"sub-process around it, but {id!r} is none of these.")


def _only(top: ProcessWorkflow, workflow: ScopeWorkflow, outer: Node) -> ScopeWorkflow | None:
    """The one instance of the sub-process `outer` that is active in `workflow`; None if there is none."""
    found = list(_instances(top, workflow, outer.element.id))
    if len(found) > 1:
        keys = ", ".join(str(inside.key) for inside in found)
        raise ModificationRefused(f"Expected to know which instance of {outer.label} is meant, but {len(found)} are "
                                  f"active ({keys}); name one as the ancestor.")
    return found[0] if found else None


def _instances(top: ProcessWorkflow, workflow: ScopeWorkflow, element: str) -> Iterator[ScopeWorkflow]:
    for inside in top.subprocesses.values():
        owner = inside.parent_task
        if owner is not None and owner.workflow is workflow and owner.task_spec.element.id == element \
                and not inside.done:
            yield inside


def _below(top: ProcessWorkflow, ancestor: int, path: Sequence[Node]) -> tuple[ScopeWorkflow, Sequence[Node]]:
    """The inside of the ancestor, and what of the path lies below it."""
    inside = top.subprocesses.get(ancestor)
    if inside is None or inside.parent_task is None:
        raise ModificationRefused(f"Expected the ancestor {ancestor} to be an active sub-process, but it is not.")
    element = inside.parent_task.task_spec.element.id
    for depth, outer in enumerate(path):
        if outer.element.id == element:
            return inside, path[depth + 1:]
    raise ModificationRefused(
        f"Expected the ancestor {ancestor} to be around the element, but it is {inside.parent_task.task_spec.label}.")


def _cancel(top: ProcessWorkflow, token: Token) -> None:
    """Cancel one element instance; a multi-instance body goes on with one instance less, or ends without any."""
    body = token.parent
    top.cancel_tokens([token])
    if body is None or body._state & CANCELLED:
        return
    left = [kid for kid in body.children if kid.task_spec is body.task_spec.inner]
    if not left:
        top.cancel_tokens([body])
    elif isinstance(body.task_spec, MultiInstance):
        body.internal_data["total"] -= 1
        body.task_spec.child_left(body, token)


def _tidy(top: ProcessWorkflow, workflow: ScopeWorkflow) -> None:
    """Cancel the scopes that were left without a token, from the inside out; an instance without any ends."""
    while workflow.live == 0 and not workflow.done:
        owner = workflow.parent_task
        if owner is None:
            top.abandon(kindly=True)
            if top.completed:
                top.record(journal.Canceled())
            return
        if owner.task_spec.keeps_open(owner) or owner._state & CANCELLED:
            return
        workflow = owner.workflow
        _cancel(top, owner)
