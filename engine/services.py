"""Which services there are, as their nodes publish it: a node without services must know their time limits, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from bpmn import delegates
from bpmn.interpreter import journal
from bpmn.model import Dialect
from engine import schema
from engine.contracts import JobContract
from engine.database import Upsert
from engine.values import LONGEST_NAME

if TYPE_CHECKING:
    from engine.live import Live
    from engine.transaction import Transaction

_s = schema.services.c

ALL = select(_s.name, _s.contract)
PUBLISH = Upsert(schema.services, ["name"], ["contract", "published_at"])
LENGTHS = ("expected", "pickup", "total")


def publish(tx: Transaction, contracts: Mapping[str, JobContract], gone: Collection[str] = ()) -> int:
    """Tell all nodes what the services of this one promise, and which it has no longer; returns how many are new to
    them, or others than before."""
    before = {row.name: row.contract for row in tx.connection.execute(ALL)}
    written = {name: _written(contract) for name, contract in contracts.items() if len(name) <= LONGEST_NAME}
    news = [name for name, contract in written.items() if before.get(name) != contract]
    for name in news:
        tx.rows.write(PUBLISH, {"name": name, "contract": written[name], "published_at": tx.now})
    left = [name for name in gone if name in before]
    if left:
        tx.connection.execute(delete(schema.services).where(_s.name.in_(left)))
    return len(news)


def refresh(tx: Transaction) -> None:
    """Read what the nodes have published."""
    published = tx.engine.published
    published.contracts = {row.name: _read(row.contract) for row in tx.connection.execute(ALL)}
    published.is_read = True


def known(tx: Transaction) -> Mapping[str, JobContract]:
    """Every service that is known here: those of this node, and those that others have published."""
    if not tx.engine.published.is_read:
        refresh(tx)
    return {**tx.engine.published.contracts, **tx.engine.contracts}


def contract_of(tx: Transaction, name: str) -> JobContract | None:
    """What is promised about jobs of a type; None if nobody said anything."""
    own = tx.engine.contracts.get(name)
    if own is not None:
        return own
    if not tx.engine.published.is_read:
        refresh(tx)
    return tx.engine.published.contracts.get(name)


def meant_by(tx: Transaction, live: Live, entry: journal.JobOpened) -> str:
    """The job type of a job that begins: where the diagram names code, the service that is meant by it."""
    if entry.kind == "BPMN_ELEMENT":
        names_code = entry.element.job is not None and entry.element.job.names_code
    else:
        names_code = live.definition.process.dialect is Dialect.CAMUNDA_7  # all its listeners are code
    if not names_code or entry.type in tx.engine.contracts:
        return entry.type
    return delegates.resolve(entry.type, known(tx))


def _written(contract: JobContract) -> dict[str, Any]:
    lengths = {name: getattr(contract, name) for name in LENGTHS}
    return {
        **{name: None if length is None else length.total_seconds() for name, length in lengths.items()},
        "retries": contract.retries, "repeatable": contract.repeatable, "askable": contract.askable,
        "inputs": None if contract.inputs is None else sorted(contract.inputs),
        "sensitive": sorted(contract.sensitive),
    }


def _read(written: Mapping[str, Any]) -> JobContract:
    expected, pickup, total = (
        None if written[name] is None else timedelta(seconds=written[name]) for name in LENGTHS
    )
    inputs = written["inputs"]
    return JobContract(
        expected=expected, pickup=pickup, total=total, retries=written["retries"],
        repeatable=written["repeatable"], askable=written["askable"],
        inputs=None if inputs is None else frozenset(inputs), sensitive=frozenset(written.get("sensitive") or ()),
    )
