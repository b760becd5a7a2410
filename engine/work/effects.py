"""The effects ledger: what the engine caused, or may have caused, outside of itself.

The ledger is part of the jobs, so that it cannot differ from them and costs no statement of its own: what hands a job
out marks its effect as *sent* (from then on the service may act), and what takes the answer settles it. What a crash
leaves is *sent* or *in doubt*, never nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, and_, bindparam, case, func, literal, null, select, update

from engine import schema
from engine.columns import to_json
from engine.contracts import ANY_WORKER
from engine.states import EffectState

if TYPE_CHECKING:
    from engine.transaction import Transaction

LOCK_EXPIRED = "LOCK_EXPIRED"
"""The error code of a job whose last worker vanished: nobody knows how far it came."""
IN_DOUBT = "IN_DOUBT"
"""The error code of a job whose last call may have taken effect: its service is to be asked first, if it can be."""
DOUBTFUL = (LOCK_EXPIRED, IN_DOUBT)

_j = schema.jobs.c
_SENT = _j.effect == EffectState.SENT.value

INTENDED: Mapping[str, Any] = {
    "effect": EffectState.INTENDED, "repeatable": True, "askable": False, "sent_at": None, "settled_at": None,
    "request_digest": None, "response_digest": None, "evidence": None, "compensated_by": None,
}
"""The ledger's part of a new job."""

SEND: Mapping[str, Any] = {
    name: bindparam(f"b_{name}") for name in ("effect", "repeatable", "askable", "request_digest")
} | {"sent_at": func.coalesce(bindparam("b_sent_at", type_=_j.sent_at.type), _j.sent_at)}
"""The ledger's part of the statement that hands a job out. Who only asks what came of a call sends nothing."""

UNSENT = case((_SENT, EffectState.INTENDED.value), else_=_j.effect)
"""The effect of a job that never reached the worker which it was locked for."""

ABANDONED = case((_SENT, EffectState.IN_DOUBT.value), else_=_j.effect)
"""The effect of a job that the process no longer waits for, while a worker may be at work on it."""

_MAY_NOT_REPEAT = and_(_SENT, ~_j.repeatable)
LAPSED = case((_MAY_NOT_REPEAT, EffectState.IN_DOUBT.value), else_=_j.effect)
"""The effect of a job that was taken from its worker: in doubt unless the call can be repeated with the same key."""
LAPSED_CODE = case((_MAY_NOT_REPEAT, literal(LOCK_EXPIRED)), else_=null())

LATE = (
    update(schema.jobs)
    .where(_j.key == bindparam("b_key"), _j.effect == EffectState.IN_DOUBT.value, _j.ended_at.is_not(None),
           _j.lock_token == bindparam("b_lock_token"))
    .values(effect=bindparam("b_effect"), response_digest=bindparam("b_response"),
            settled_at=bindparam("b_settled_at"))
)

_undone = schema.jobs.alias("undone")
UNDO = (
    update(schema.jobs)
    .where(_j.key == select(_undone.c.key).where(
        _undone.c.instance_key == bindparam("b_instance"),
        _undone.c.element_id.in_(bindparam("b_elements", expanding=True)),
        _undone.c.effect == EffectState.CONFIRMED.value, _undone.c.compensated_by.is_(None),
        _undone.c.kind == "BPMN_ELEMENT",
    ).order_by(_undone.c.settled_at.desc(), _undone.c.key.desc()).limit(1).scalar_subquery())
    .values(compensated_by=bindparam("b_job"))
)


def new_idempotency_key() -> str:
    """A key that no other call has, anywhere: a random UUID (RFC 9562, version 4), as `uuid.uuid4` makes them, but
    without an object for each."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def digest(text: str) -> str:
    """The SHA-256 of the JSON text of variables: requests and answers can be compared without being kept."""
    return hashlib.sha256(text.encode()).hexdigest()


class Sending:
    """What the ledger notes of the jobs that one transaction hands out.

    There may be hundreds that are much alike: what is the same for all jobs of a service is looked up once, and a
    collection that many of them are given is written as JSON once; it must not change meanwhile.
    """

    def __init__(self, tx: Transaction) -> None:
        self._now, self._contracts = tx.now, tx.engine.contracts
        self._same: dict[tuple[str, bool, bool], dict[str, Any]] = {}
        self._begun: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self._written: dict[int, tuple[Any, str]] = {}

    def of(self, service: str, error_code: str | None, headers: Mapping[str, str],
           variables: Mapping[str, Any] | None) -> dict[str, Any]:
        """The values of `SEND` for one job. `variables` is what the service is given, None if that is not known."""
        contract = self._contracts.get(service, ANY_WORKER)
        repeatable = contract.may_repeat(headers, variables or {})
        # Whoever takes a doubtful call asks before he calls.
        asks = not repeatable and error_code in DOUBTFUL
        same = self._same.get((service, repeatable, asks))
        if same is None:
            same = self._same[service, repeatable, asks] = {
                "b_effect": EffectState.IN_DOUBT if asks else EffectState.SENT, "b_repeatable": repeatable,
                "b_askable": contract.askable, "b_sent_at": None if asks else self._now,
            }
        return {**same, "b_request_digest": None if variables is None else digest(self._text(service, variables))}

    def _text(self, service: str, variables: Mapping[str, Any]) -> str:
        """The JSON text of those variables that the service takes, in the order of their names."""
        begun = self._begun.get((service, *variables))
        if begun is None:
            inputs = self._contracts.get(service, ANY_WORKER).inputs
            begun = self._begun[service, *variables] = [
                (name, f"{to_json(name)}:") for name in sorted(variables) if inputs is None or name in inputs]
        return "{" + ",".join([begin + self._text_of(variables[name]) for name, begin in begun]) + "}"

    def _text_of(self, value: Any) -> str:
        if not isinstance(value, (dict, list)):
            return to_json(value)
        known = self._written.get(id(value))
        if known is None:
            # Kept with its text, or another value could be given its id.
            known = self._written[id(value)] = (value, to_json(value))
        return known[1]


def settled(tx: Transaction, effect: EffectState, response: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The values with which the answer to a job settles its effect."""
    known = effect in (EffectState.CONFIRMED, EffectState.FAILED)
    return {
        "b_effect": effect, "b_response": digest(to_json(response)) if response else None,
        "b_settled_at": tx.now if known else None,
    }


def link_compensation(tx: Transaction, job: RowMapping) -> None:
    """A compensation was done: the newest effect of its activity that nothing has undone yet is undone by it."""
    elements = tx.definition(job["definition_key"]).process.elements
    handler = elements.get(job["element_id"])
    if handler is None or not handler.for_compensation or job["kind"] != "BPMN_ELEMENT":
        return
    undone = [element.id for element in elements.values() if element.compensation_handler == handler.id]
    tx.rows.flush()
    undoing = {"b_instance": job["instance_key"], "b_elements": undone, "b_job": job["key"]}
    if tx.connection.execute(UNDO, undoing).rowcount:
        tx.count("compensations", job["process_id"])


def settle_late(tx: Transaction, key: int, lock_token: int, effect: EffectState,
                response: Mapping[str, Any] | None = None) -> None:
    """An answer that came too late for the process still tells the ledger what happened."""
    tx.rows.write(LATE, {"b_key": key, "b_lock_token": lock_token, **settled(tx, effect, response)})
