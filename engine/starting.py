"""Brings instances into being, whoever asks: a command, a call activity, a message, a signal, a timer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bpmn.interpreter import Execution
from engine import schema
from engine.actions import Go
from engine.cluster.partitions import partition_of
from engine.errors import InvalidInput
from engine.events import noting
from engine.live import Live
from engine.programs import Definition
from engine.states import InstanceState

if TYPE_CHECKING:
    from engine.transaction import Transaction


def start(tx: Transaction, definition: Definition, *, variables: Mapping[str, Any] | None = None,
          start_event: str | None = None, elements: Sequence[str] = (), terminate_after: Sequence[str] = (),
          business_id: str | None = None, correlation_id: str | None = None, trace_parent: str | None = None,
          start_key: str | None = None, message_key: str | None = None, tags: Sequence[str] | None = None,
          parent: Live | None = None, parent_token: int | None = None) -> Live:
    """Insert an instance and let its tokens move after the command. Raises InvalidInput if it cannot start there."""
    key = tx.key()
    begun = definition.program.process.elements.get(start_event) if start_event else definition.none_start
    if begun is not None and begun.initiator and parent is None:
        variables = {**(variables or {}), begun.initiator: tx.actor}
    try:
        run = Execution.start(
            definition.program, key=key, keys=tx.engine.keys, variables=variables or {}, start_event=start_event,
            elements=elements, stop_after=terminate_after, has_caller=parent is not None,
        )
    except LookupError as error:
        raise InvalidInput(str(error)) from error
    root_key = parent.root_key if parent else key
    if parent is None:
        trace_parent = trace_parent or tx.trace_parent
    live = Live(
        key=key, definition=definition, run=run, tenant_id=definition.tenant_id, business_id=business_id,
        parent_key=parent.key if parent else None, parent_token=parent_token, root_key=root_key,
        partition_key=parent.partition_key if parent else partition_of(root_key),
        correlation_id=correlation_id or uuid.uuid4().hex, trace_parent=trace_parent, message_key=message_key,
        depth=parent.depth + 1 if parent else 0,
    )
    tx.rows.insert(schema.instances, {
        "key": key, "definition_key": definition.key, "process_id": definition.process_id,
        "version": definition.version, "tenant_id": live.tenant_id, "business_id": business_id,
        "state": InstanceState.ACTIVE, "suspended_at": None, "incident_count": 0, "parent_key": live.parent_key,
        "parent_element_instance_key": parent_token, "root_key": root_key, "depth": live.depth,
        "partition_key": live.partition_key, "started_at": tx.now, "ended_at": None, "end_reason": None,
        "correlation_id": live.correlation_id, "trace_parent": trace_parent, "start_key": start_key,
        "start_process_id": definition.process_id if start_key is not None else None,
        "message_key": message_key, "tags": list(tags) if tags else None, "tokens": None, "revision": 0, "steps": 0,
    })
    tx.count("instances_started", live.definition.process_id)
    if tx.engine.tenants.several:
        tx.count("tenant_instances_started", live.tenant_id)
    tx.live[key] = live
    if tx.engine.targets.now:
        noting.started(tx, live)
    tx.resume(key, Go())
    return live
