"""Secrets: values that diagrams use by name (`{{secrets.NAME}}`) and that are readable nowhere.

They are encrypted in the database (`engine.keyring`) and decrypted by a worker at the moment of a call only.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, update

from engine import audit, guard, schema, second_factors
from engine.database import Upsert
from engine.errors import InvalidInput, NotFound
from engine.keyring import KeyProblem

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./-]{0,253}[A-Za-z0-9_])?")
"""What a secret may be called: what Camunda's references can hold."""
SHORTEST = 4
"""Characters of the shortest secret: a shorter one cannot be told from ordinary text, and so not be hidden."""
LONGEST = 65_536

_s = schema.secrets.c
ALL = select(_s.name, _s.changed_at, _s.changed_by).order_by(_s.name)
CIPHERTEXTS = select(_s.name, _s.ciphertext).where(_s.name.in_(bindparam("names", expanding=True)))
EVERY_CIPHERTEXT = select(_s.key, _s.name, _s.ciphertext).with_for_update()
PUT = Upsert(schema.secrets, ["name"], ["ciphertext", "changed_at", "changed_by"])
FIND = select(_s.key).where(_s.name == bindparam("name"))
DELETE = delete(schema.secrets).where(_s.name == bindparam("b_name"))
REPLACE = update(schema.secrets).where(_s.key == bindparam("b_key")).values(ciphertext=bindparam("b_ciphertext"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What may be known of a secret: everything but its value."""

    name: str
    changed_at: datetime
    changed_by: str


def all_of_them(engine: Engine) -> tuple[Secret, ...]:
    """The secrets that are stored, by name."""
    with engine.read() as connection:
        return tuple(Secret(**row._mapping) for row in connection.execute(ALL))


def put(tx: Transaction, name: str, value: str) -> bool:
    """Store a secret, or replace its value; whether it is a new one. Audited without the value.

    Raises InvalidInput (its name, or a value that could not be hidden), KeyProblem.
    """
    named, content = checked_name(name), _checked_value(value)
    is_new = tx.first(FIND, {"name": named}) is None
    tx.rows.write(PUT, {
        "key": tx.key(), "name": named, "ciphertext": tx.engine.keyring.encrypt(named, content),
        "changed_at": tx.now, "changed_by": tx.actor,
    })
    # That there is a value; never which.
    audit.record(tx, "CREATE" if is_new else "REPLACE", "SECRET", tx.key(), details={"name": named},
                 before={"is_set": not is_new}, after={"is_set": True})
    return is_new


def remove(tx: Transaction, name: str, reason: str) -> None:
    """Delete a secret: calls that need it become incidents. Audited. Raises InvalidInput (no reason), NotFound."""
    why = guard.reason_given(reason, "delete a secret")
    if tx.first(FIND, {"name": name}) is None:
        raise NotFound(f"Expected a secret named {name!r}, but there is none.")
    tx.rows.write(DELETE, {"b_name": name})
    audit.record(tx, "DELETE", "SECRET", tx.key(), reason=why, details={"name": name}, before={"is_set": True},
                 after={"is_set": False})


def rotate(tx: Transaction) -> int:
    """Encrypt every secret anew with the newest key; how many there are. Audited. Raises KeyProblem.

    Those of second factors, too, which are not counted.
    """
    keyring = tx.engine.keyring
    found = tx.select(EVERY_CIPHERTEXT)
    for row in found:
        ciphertext = keyring.encrypt(row.name, keyring.decrypt(row.name, row.ciphertext))
        tx.rows.write(REPLACE, {"b_key": row.key, "b_ciphertext": ciphertext})
    second_factors.encrypt_anew(tx)
    audit.record(tx, "ROTATE", "SECRET", tx.key(), after={"encrypted_anew": len(found)})
    return len(found)


def reveal(engine: Engine, names: Collection[str]) -> dict[str, str]:
    """The values of those of `names` that are stored. For a worker that is about to make a call, and nobody else.

    Raises KeyProblem.
    """
    if not names:
        return {}
    with engine.read() as connection:
        found = connection.execute(CIPHERTEXTS, {"names": list(names)}).fetchall()
    return {row.name: engine.keyring.decrypt(row.name, row.ciphertext) for row in found}


def unreadable(engine: Engine) -> list[str]:
    """The secrets that the keys of this process do not open, by name."""
    found = []
    with engine.read() as connection:
        for row in connection.execute(select(_s.name, _s.ciphertext).order_by(_s.name)):
            try:
                engine.keyring.decrypt(row.name, row.ciphertext)
            except KeyProblem:
                found.append(row.name)
    return found


def checked_name(name: str) -> str:
    """The name of a secret. Raises InvalidInput."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"Expected a secret's name of letters, digits, '_', and '.', '-' or '/' in between, but it is {name!r}."
        )
    return name


def _checked_value(value: str) -> str:
    if len(value) < SHORTEST:
        raise InvalidInput(
            f"Expected a secret of at least {SHORTEST} characters, but it has {len(value)}: a shorter one could not be "
            f"kept out of messages without making them unreadable."
        )
    if len(value) > LONGEST:
        raise InvalidInput(f"Expected a secret of at most {LONGEST} characters, but it has {len(value)}.")
    if "\0" in value:
        raise InvalidInput("Expected a secret without the character NUL, but it contains one.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput("Expected a secret of plain characters, but it contains half of one.") from None
    return value
