"""Idempotent requests: what was asked twice under one key is done once, and gets the first answer again.

A request is any number of commands, each a transaction. Every one leaves its result in its own transaction, so a
repetition takes up where the first try stopped, whatever died in between: commands that were carried out give their
result back, the others run. So the commands of a request must be the same each time: what depends on how things stand,
such as which incidents are open, is a command, too, and who looks whether something may be done asks `repeats` first.
Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, is_dataclass
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
SLICE = 2_000
"""How many commands are forgotten at once."""
LONGEST_KEY = 255
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
"""A text as a structured field has it (RFC 9651, "Strings"), of any letters."""
LARGEST_ANSWER = 1024 * 1024
"""Bytes; a larger answer is not kept, and a repetition is told that it was carried out."""

_r = schema.requests.c
OF_CALL = select(_r.digest, _r.result).where(_r.id == bindparam("id"), _r.call == bindparam("call"))
FIRST = select(_r.digest, _r.answer).where(_r.id == bindparam("id"), _r.call == 0)
KEEP_ANSWER = update(schema.requests).where(_r.id == bindparam("b_id"), _r.call == 0).values(
    answer=bindparam("b_answer"))
OLD = select(_r.id).where(_r.at < bindparam("before")).order_by(_r.at).limit(bindparam("most"))
FORGET = delete(schema.requests).where(_r.id.in_(bindparam("ids", expanding=True)))

PLAIN = (type(None), bool, int, str, datetime)
"""What a command may give beside a dataclass."""
OURS = ("bpmn", "engine", "service_tasks", "web")


@dataclass(slots=True)
class Request:
    """One request under a key; `calls` counts the commands that it had carried out so far. `repeated`: an earlier try
    had at least the first one carried out."""

    id: str
    digest: str
    calls: int = 0
    repeated: bool = False


_current: ContextVar[Request | None] = ContextVar("request", default=None)


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


def repeats() -> bool:
    """Whether an earlier try began what this thread works for. Who looks first whether something may be done would find
    that it was, and refuse what has to be answered as it was the first time."""
    request = _current.get()
    return request is not None and request.repeated


def checked_key(key: str) -> str:
    """A key as it may be. Raises InvalidInput."""
    # The draft quotes every key. One without quotes is taken, too, but not with a comma: servers and proxies join a
    # header that comes twice by one, each in its own way, so that the same request would have several keys.
    if "," in key and not QUOTED.fullmatch(key):
        raise InvalidInput("Expected one Idempotency-Key, with double quotes around it if there is a comma in it, but "
                           "found a comma without them: perhaps the header was sent twice.")
    if not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidInput(f"Expected an Idempotency-Key of 1 to {LONGEST_KEY} printable characters, "
                           f"but it has {len(key)}.")
    for number, character in enumerate(key, 1):
        if not character.isprintable():
            raise InvalidInput(f"Expected an Idempotency-Key of 1 to {LONGEST_KEY} printable characters, "
                               f"but character {number} is U+{ord(character):04X}.")
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
    """What the caller was sent the first time; None if nothing was. Notes whether the request is `repeated`.

    Raises InvalidInput for a key that was used for something else.
    """
    with engine.read() as connection:
        found = connection.execute(FIRST, {"id": request.id}).first()
    request.repeated = found is not None
    if found is None:
        return None
    _same(found.digest, request)
    answer: bytes | None = found.answer
    return answer


def keep_answer(tx: Transaction, request: Request, answer: bytes) -> None:
    """Keep what the caller is sent."""
    if len(answer) <= LARGEST_ANSWER:
        tx.connection.execute(KEEP_ANSWER, {"b_id": request.id, "b_answer": answer})


def forget(tx: Transaction) -> int:
    """Forget a slice of the keys that are too old, each with all of its commands; returns how many commands that were.

    Some of them alone would act again beside others that gave their old results back, if the request came once more.
    """
    before: datetime = tx.now - KEPT
    ids = sorted(set(tx.connection.scalars(OLD, {"before": before, "most": SLICE})))
    return tx.connection.execute(FORGET, {"ids": ids}).rowcount if ids else 0


def _same(digest: str, request: Request) -> None:
    if digest != request.digest:
        raise InvalidInput("Expected a new Idempotency-Key for another request, but this one was used before, "
                           "with another content.")


def _kept(result: Any) -> bytes | None:
    """What a command gave, with the name of its type; None if it would not come back as it was."""
    many = isinstance(result, list | tuple)
    items = list(result) if many else [result]
    types = {type(item) for item in items}
    if not all(each in PLAIN or is_dataclass(each) for each in types):
        return None
    [name] = [_name(each) for each in types] if len(types) == 1 else [""]
    try:
        kept = msgspec.msgpack.encode({"type": name, "many": many, "value": items})
        same = _restored(kept) == (items if many else result)
    except (Conflict, NameError, TypeError, ValueError, msgspec.ValidationError):
        return None
    return kept if same else None


def _name(cls: type) -> str:
    return "" if cls in PLAIN else f"{cls.__module__}:{cls.__qualname__}"


def _restored(kept: bytes | None) -> Any:
    content = None if kept is None else msgspec.msgpack.decode(kept)
    if content is None or (content["type"] and not _is_known(content["type"])):
        raise Conflict("This request was carried out before, but its answer was not kept.")
    module, _, name = content["type"].partition(":")
    items = content["value"]
    if name:
        cls = getattr(importlib.import_module(module), name)
        items = msgspec.convert(items, list[cls])  # type: ignore[valid-type]
    return items if content["many"] else items[0]


def _is_known(name: str) -> bool:
    """Whether a type is one of ours that is there: another version may have kept it."""
    module, _, cls = name.partition(":")
    if module.partition(".")[0] not in OURS:
        return False
    try:
        return is_dataclass(getattr(importlib.import_module(module), cls, None))
    except ImportError:
        return False
