"""Changes where a running instance is: tokens are put at other elements and taken away, in one transaction.

Source: Camunda 7 manual, "Process Instance Modification"; Camunda 8 docs, "Process instance modification".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bpmn.interpreter import ModificationRefused, Put, Take
from engine import audit, guard, values
from engine import live as lives
from engine.actions import Modify
from engine.errors import InvalidInput

if TYPE_CHECKING:
    from engine.live import Live
    from engine.transaction import Transaction

MOST = 1_000
"""How many tokens one modification may put or take."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Move the element instance `key`, or every one of `source`, to `target`; `variables` as in `Put`.

    Each stays within the scope that it is in, if the target is in the same in the diagram. Otherwise that scope is
    found as for `Put`, or is `ancestor`.
    """

    target: str
    source: str | None = None
    key: int | None = None
    ancestor: int | None = None
    variables: dict[str, dict[str, Any]] = {}


def modify(tx: Transaction, key: int, puts: Sequence[Put] = (), takes: Sequence[Take] = (), *,
           moves: Sequence[Move] = (), reason: str) -> None:
    """Put tokens at elements and take tokens away; what they wait for is opened and closed as if the flow did it.

    A suspended instance can be modified: what is put begins when it is resumed. An instance that is left without any
    token is cancelled. Audited. Raises NotFound; WrongState if it has ended; InvalidInput if there is nothing to do, no
    reason, or a token cannot be put or taken so; then nothing was changed.
    """
    why = guard.reason_given(reason, "modify an instance")
    live = _running(tx, key)
    puts, takes = list(puts), list(takes)
    for each in moves:
        for token, scope in _places(live, each):
            puts.append(Put(element=each.target, ancestor=scope, variables=each.variables))
            takes.append(Take(key=token))
    if not 1 <= len(puts) + len(takes) <= MOST:
        raise InvalidInput(f"Expected 1 to {MOST} tokens to put or take, but found {len(puts) + len(takes)}.")
    for put in puts:
        for given in put.variables.values():
            values.checked(given)
    details = {"puts": msgspec.to_builtins(puts), "takes": msgspec.to_builtins(takes)}
    before = {"elements": _elements(live)}
    # Where it is afterwards is known when it has gone on.
    tx.afterwards.append(lambda: audit.record(
        tx, "MODIFY", "INSTANCE", key, instance_key=key, reason=why, details=details, before=before,
        after={"elements": _elements(live)}))
    tx.resume(key, Modify(puts=puts, takes=takes))


def _running(tx: Transaction, key: int) -> Live:
    lives.active(tx, key)
    live = lives.restore(tx, key)
    assert live is not None
    return live


def _places(live: Live, move: Move) -> list[tuple[int, int | None]]:
    """Key of each token that is meant, and the scope that it is to be in; None where that has to be found."""
    elements, source = live.definition.process.elements, move.source
    if move.key is not None:
        source = dict(live.run.open_tokens()).get(move.key)
    if source is None:
        raise InvalidInput(f"Expected element instance {move.key} to be active, but it is not.")
    try:
        found = live.run.places(source)
    except ModificationRefused as error:
        raise InvalidInput(str(error)) from error
    if move.key is not None:
        found = [each for each in found if each[0] == move.key]
        if not found:
            raise InvalidInput(f"Expected element instance {move.key} to be moved as a whole, but it is one of several "
                               f"that belong together.")
    near = move.target in elements and elements[source].scope == elements[move.target].scope
    return [(token, move.ancestor or (scope if near else None)) for token, scope in found]


def _elements(live: Live) -> list[str]:
    return sorted(element for _, element in live.run.open_tokens())


def elements(tx: Transaction, key: int) -> list[str]:
    """The ids of the elements at which an instance is, each as often as it is there."""
    live = lives.restore(tx, key)
    return [] if live is None else _elements(live)


def move(tx: Transaction, key: int, source: str, target: str, *, reason: str) -> None:
    """Move every token of one element to another one. Raises as `modify` does."""
    modify(tx, key, moves=[Move(source=source, target=target)], reason=reason)
