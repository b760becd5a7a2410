"""Idempotent requests: what was asked twice under one key is done once, and gets the first answer again.

A request is any number of commands, each a transaction. Every one leaves its result in its own transaction, so a
repetition takes up where the first try stopped, whatever died in between: commands that were carried out give their
result back, the others run.
Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import bindparam, delete, select, update

from engine import schema
from engine.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

Result = TypeVar("Result")

KEPT = timedelta(days=7)
"""How long a key is remembered."""
LONGEST_KEY = 255
LARGEST_ANSWER = 1024 * 1024
"""Bytes; a larger answer is not kept, and a repetition is told that it was carried out."""

_r = schema.requests.c
OF_CALL = select(_r.digest, _r.result).where(_r.id == bindparam("id"), _r.call == bindparam("call"))
FIRST = select(_r.digest, _r.answer).where(_r.id == bindparam("id"), _r.call == 0)
KEEP_ANSWER = update(schema.requests).where(_r.id == bindparam("b_id"), _r.call == 0).values(
    answer=bindparam("b_answer"))
FORGET = delete(schema.requests).where(_r.at < bindparam("before"))

_results: dict[str, type] = {}


@dataclass(slots=True)
class Request:
    """One request under a key; `calls` counts the commands that it had carried out so far."""

    id: str
    digest: str
    calls: int = 0


_current: ContextVar[Request | None] = ContextVar("request", default=None)


def result_type(cls: type[Result]) -> type[Result]:
    """Marks a dataclass that commands give back, so that it can be kept and given back again."""
    _results[cls.__name__] = cls
    return cls


@contextmanager
def under(request: Request | None) -> Iterator[None]:
    """Everything that this thread executes inside belongs to a request."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Request | None:
    """The request that this thread works for, if it has a key."""
    return _current.get()


def checked_key(key: str) -> str:
    """A key as it may be. Raises InvalidInput."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise InvalidInput(f"Expected an Idempotency-Key of 1 to {LONGEST_KEY} printable characters, "
                           f"but it has {len(key)}.")
    return key


def once(tx: Transaction, request: Request, act: Callable[[], Result]) -> Result:
    """Carry out the next command of a request, or give back what it gave the first time.

    Raises InvalidInput for a key that was used for something else; Conflict if the command was carried out, but what
    it gave cannot be told any more.
    """
    # Two that come at the same time: the second waits here, and finds what the first one did.
    tx.engine.database.serialize(tx.connection, f"request {request.id}")
    found = tx.connection.execute(OF_CALL, {"id": request.id, "call": request.calls}).first()
    if found is not None:
        _same(found.digest, request)
        kept: Result = _restored(found.result)
        return kept
    result = act()
    tx.connection.execute(schema.requests.insert(), {
        "id": request.id, "call": request.calls, "digest": request.digest, "result": _kept(result), "answer": None,
        "at": tx.now,
    })
    return result


def first_answer(engine: Engine, request: Request) -> bytes | None:
    """What the caller was sent the first time; None if nothing was.

    Raises InvalidInput for a key that was used for something else.
    """
    with engine.read() as connection:
        found = connection.execute(FIRST, {"id": request.id}).first()
    if found is None:
        return None
    _same(found.digest, request)
    answer: bytes | None = found.answer
    return answer


def keep_answer(tx: Transaction, request: Request, answer: bytes) -> None:
    """Keep what the caller is sent."""
    if len(answer) <= LARGEST_ANSWER:
        tx.connection.execute(KEEP_ANSWER, {"b_id": request.id, "b_answer": answer})


def forget(tx: Transaction) -> None:
    """Forget keys that are too old."""
    before: datetime = tx.now - KEPT
    tx.connection.execute(FORGET, {"before": before})


def _same(digest: str, request: Request) -> None:
    if digest != request.digest:
        raise InvalidInput("Expected a new Idempotency-Key for another request, but this one was used before, "
                           "with another content.")


def _kept(result: Any) -> bytes | None:
    """What a command gave, with the name of its type; None if it is of no kind that can be kept."""
    items = list(result) if isinstance(result, list | tuple) else [result]
    names = {type(item).__name__ for item in items}
    if not names <= {*_results, "NoneType", "int", "str", "bool"}:
        return None
    name = names.pop() if len(names) == 1 else ""
    many = isinstance(result, list | tuple)
    return msgspec.msgpack.encode({"type": name, "many": many, "value": items})


def _restored(kept: bytes | None) -> Any:
    if kept is None:
        raise Conflict("This request was carried out before, but its answer was not kept.")
    content = msgspec.msgpack.decode(kept)
    cls = _results.get(content["type"])
    items = content["value"] if cls is None else msgspec.convert(content["value"], list[cls])  # type: ignore[valid-type]
    return items if content["many"] else items[0]
