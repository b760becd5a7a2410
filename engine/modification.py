"""Changes where a running instance is: tokens are put at other elements and taken away, in one transaction.

Source: Camunda 7 manual, "Process Instance Modification"; Camunda 8 docs, "Process instance modification".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bpmn.interpreter import ModificationRefused, Put, Take
from engine import audit, guard, values
from engine import live as lives
from engine.actions import Modify
from engine.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from engine.transaction import Transaction

MOST = 1_000
"""How many tokens one modification may put or take."""


def modify(tx: Transaction, key: int, puts: Sequence[Put] = (), takes: Sequence[Take] = (), *, reason: str) -> None:
    """Put tokens at elements and take tokens away; what they wait for is opened and closed as if the flow did it.

    A suspended instance can be modified: what is put begins when it is resumed. An instance that is left without any
    token is cancelled. Audited. Raises NotFound; WrongState if it has ended; InvalidInput if there is nothing to do, no
    reason, or a token cannot be put or taken so; then nothing was changed.
    """
    why = guard.reason_given(reason, "modify an instance")
    if not 1 <= len(puts) + len(takes) <= MOST:
        raise InvalidInput(f"Expected 1 to {MOST} tokens to put or take, but found {len(puts) + len(takes)}.")
    for put in puts:
        for given in put.variables.values():
            values.checked(given)
    found = tx.first(lives.BY_KEY, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find a process instance with key {key}, but there is none.")
    guard.active(found._mapping)
    tx.instance_rows[key] = found._mapping
    before = elements(tx, key)
    audit.record(tx, "MODIFY", "INSTANCE", key, instance_key=key, reason=why, details={
        "puts": msgspec.to_builtins(list(puts)), "takes": msgspec.to_builtins(list(takes)), "before": before,
    })
    tx.resume(key, Modify(puts=list(puts), takes=list(takes)))


def elements(tx: Transaction, key: int) -> list[str]:
    """The ids of the elements at which an instance is, each as often as it is there."""
    live = lives.restore(tx, key)
    return [] if live is None else sorted(element for _, element in live.run.open_tokens())


def move(tx: Transaction, key: int, source: str, target: str, *, reason: str) -> None:
    """Move every token of one element to another one, each within the scope that it is in, if the other element is
    in the same. Raises as `modify` does.
    """
    live = lives.restore(tx, key)
    puts, takes = [Put(element=target)], [Take(element=source)]
    if live is not None:
        elements = live.definition.process.elements
        near = source in elements and target in elements and elements[source].scope == elements[target].scope
        try:
            found = live.run.places(source)
        except ModificationRefused as error:
            raise InvalidInput(str(error)) from error
        puts = [Put(element=target, ancestor=scope if near else None) for _, scope in found]
        takes = [Take(key=token) for token, _ in found]
    modify(tx, key, puts, takes, reason=reason)
