"""Saving and loading an instance: tokens only, msgpack. Variables are saved by the engine, one row each.

The definition is not part of the state; nodes are called by their number in the program of the definition version.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from bpmn.interpreter.nodes.compensation import Compensating
from bpmn.interpreter.nodes.gateways import InclusiveGateway, ParallelGateway
from bpmn.interpreter.program import Program
from bpmn.interpreter.scope import Scope
from bpmn.interpreter.task import WAITING, Token
from bpmn.interpreter.workflow import ProcessWorkflow, ScopeWorkflow, SubWorkflow
from bpmn.model import EventKind

FORMAT = 1
OWN_SCOPE, LISTENER, ENTERED = 1, 2, 4

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def dump(top: ProcessWorkflow) -> bytes:
    """The tokens of an instance."""
    scopes = [_dump_scope(top, 0)]
    scopes += [_dump_scope(inside, key) for key, inside in top.subprocesses.items()]
    further: dict[str, Any] = {}
    if top.stop_after:
        further["stop_after"] = sorted(top.stop_after)
    if top.ready:
        further["ready"] = [token.id for token in top.ready]     # saved on the move: who is next
    return _encode([FORMAT, top.sequence, scopes, further] if further else [FORMAT, top.sequence, scopes])


def _dump_scope(workflow: ScopeWorkflow, owner: int) -> list[Any]:
    rows = [_dump_token(token, workflow) for token in workflow.tasks.values()]
    record: list[Any] = [owner, rows]
    if workflow.log or workflow.done or workflow.compensates is not None:
        record += [workflow.log, workflow.done, workflow.compensates]
    return record


def _dump_token(token: Token, workflow: ScopeWorkflow) -> list[Any]:
    flags = (OWN_SCOPE if token.scope.key == token.id else 0) | (LISTENER if token.id in workflow.listeners else 0) \
        | (ENTERED if token.entered else 0)
    row: list[Any] = [token.id, token.task_spec.number, token._state, flags]
    parent = 0 if token.parent is None else token.parent.id
    extra = [parent, token.flow, token.internal_data or None]
    while extra and not extra[-1]:
        extra.pop()
    return row + extra


def load(top: ProcessWorkflow, program: Program, tokens: bytes, variables: Iterable[tuple[int, str, Any]]) -> None:
    """Fill an empty workflow from what `dump` gave and the saved variables.

    Raises:
        ValueError: the bytes are of a format that this version does not know.
    """
    format_, top.sequence, scopes, *further = _decode(tokens)
    if format_ != FORMAT:
        raise ValueError(f"Expected saved tokens of format {FORMAT}, but these are of format {format_}.")
    more: dict[str, Any] = further[0] if further else {}
    top.stop_after = frozenset(more.get("stop_after", ()))
    values: dict[int, dict[str, Any]] = {}
    for key, name, value in variables:
        values.setdefault(key, {})[name] = value
    _fill(top.scope, values)
    for owner, rows, *rest in scopes:
        workflow: ScopeWorkflow = top
        if owner:
            token = top.index[owner]
            workflow = SubWorkflow((token.task_spec.inner or token.task_spec).inside, token, token.scope)
        if rest:
            workflow.log, workflow.done, workflow.compensates = rest
        for row in rows:
            _load_token(workflow, program, values, *row)
    top.ready.extend(top.index[key] for key in more.get("ready", ()))


def _fill(scope: Scope, values: dict[int, dict[str, Any]]) -> None:
    known = values.get(scope.key)
    if known:
        dict.update(scope, known)
        scope.saved = True


def _load_token(workflow: ScopeWorkflow, program: Program, values: dict[int, dict[str, Any]], key: int, number: int,
                state: int, flags: int, parent_key: int = 0, flow: str | None = None,
                internal_data: dict[str, Any] | None = None) -> None:
    top = workflow.top_workflow
    parent = workflow.tasks[parent_key] if parent_key else None
    # A compensation handler is a child of the event that threw, but runs in the scope of what it undoes.
    scope = workflow.scope if parent is None or isinstance(parent.task_spec, Compensating) else parent.scope
    if flags & OWN_SCOPE:
        scope = Scope(key, top.ledger, scope)
        _fill(scope, values)
    token = Token(workflow, program.nodes[number], parent, state, key, flow, scope)
    token.entered = bool(flags & ENTERED)
    if internal_data:
        token.internal_data = internal_data
    if flags & LISTENER:
        workflow.listeners[key] = token
    elif parent is None:
        workflow.live += 1
    node = token.task_spec
    if state == WAITING:
        if isinstance(node, ParallelGateway):
            node.rejoin(token)
        elif isinstance(node, InclusiveGateway):
            top.joining[key] = token
    if state == WAITING and any(e.kind == EventKind.CONDITIONAL for e in node.awaited):
        top.conditions[key] = token
