"""The second factor of local users: codes of an app (TOTP), each of which counts once on all nodes, and recovery codes.

An app and this server share a secret, which is encrypted here (`engine.keyring`); it makes another code of six digits
every 30 seconds. Recovery codes are kept as slow hashes only, whose making is not ours (`web.auth.secrets`).
Sources: RFC 6238; OWASP ASVS 5.0, 6.5 and 6.6.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
from sqlalchemy import bindparam, delete, func, select, update

from engine import audit, schema, sessions
from engine.database import Upsert
from engine.errors import NotFound
from engine.keyring import KeyProblem

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

PERIOD = 30
"""Seconds for which a code holds."""
LATE = 1
"""How many codes before the present one and after it count: clocks differ, and people are slow (RFC 6238 §5.2)."""
SETTING_UP = timedelta(minutes=15)
"""How long somebody may take to set one up."""

_f = schema.second_factors.c
_r = schema.recovery_codes.c
_s = schema.factor_setups.c
FIND = select(_f.name, _f.secret, _f.since, _f.last_step, _f.salt).where(_f.name == bindparam("name"))
LEFT = select(func.count()).select_from(schema.recovery_codes).where(_r.name == bindparam("name"))
SETUP = select(_s.secret, _s.expires_at).where(_s.browser == bindparam("browser"), _s.name == bindparam("name"))
PUT = Upsert(schema.second_factors, ["name"], ["secret", "since", "last_step", "salt"])
PUT_SETUP = Upsert(schema.factor_setups, ["browser"], ["name", "secret", "expires_at"])
PUT_CODE = Upsert(schema.recovery_codes, ["digest"], ["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """What may be known of somebody's second factor."""

    name: str
    since: datetime
    codes_left: int
    """Recovery codes that were not used."""


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """New recovery codes, as they are kept."""

    salt: str
    digests: Sequence[str]


def of(engine: Engine, name: str) -> SecondFactor | None:
    """The second factor of somebody, if they have one."""
    with engine.read() as connection:
        row = connection.execute(FIND, {"name": name}).first()
        left = connection.scalar(LEFT, {"name": name}) if row else 0
    return SecondFactor(name=row.name, since=row.since, codes_left=left or 0) if row else None


def is_there(engine: Engine, name: str) -> bool:
    """Whether somebody has one."""
    with engine.read() as connection:
        return connection.execute(FIND, {"name": name}).first() is not None


def since(engine: Engine) -> dict[str, datetime]:
    """Who has one, and since when."""
    with engine.read() as connection:
        return {row.name: row.since for row in connection.execute(select(_f.name, _f.since))}


def begin(tx: Transaction, browser: str, name: str) -> None:
    """Draw the secret of a new second factor of somebody, which counts from `activate` on. Raises KeyProblem."""
    tx.rows.write(PUT_SETUP, {
        "browser": browser, "name": name, "expires_at": tx.now + SETTING_UP,
        # 160 random bits (RFC 4226 §4).
        "secret": tx.engine.keyring.encrypt(_setup_of(name), pyotp.random_base32())})


def begun(engine: Engine, browser: str, name: str) -> str | None:
    """The secret that this browser has begun to set up, for the app; None if there is none, or it is too old.

    Raises KeyProblem.
    """
    with engine.read() as connection:
        row = connection.execute(SETUP, {"browser": browser, "name": name}).first()
    if row is None or engine.clock() >= row.expires_at:
        return None
    return engine.keyring.decrypt(_setup_of(name), row.secret)


def address(secret: str, name: str, issuer: str) -> str:
    """What the QR code says: the app learns the secret, and what to call it (otpauth://)."""
    return pyotp.TOTP(secret, interval=PERIOD).provisioning_uri(name=name, issuer_name=issuer)


def activate(tx: Transaction, browser: str, name: str, code: str, codes: RecoveryCodes) -> bool:
    """Let the secret that this browser has begun count from now on, if the code of the app is right; whether it is.

    A second factor of before and its recovery codes count no more. All other sessions end. Audited. Raises KeyProblem.
    """
    # One after the other: an activation ends what others have begun for the same person.
    tx.engine.database.serialize(tx.connection, "second_factors")
    row = tx.first(SETUP, {"browser": browser, "name": name})
    if row is None or tx.now >= row.expires_at:
        return False
    secret = tx.engine.keyring.decrypt(_setup_of(name), row.secret)
    before = tx.first(FIND, {"name": name})
    step = _step(secret, code, tx.now, -1)
    if step is None:
        _refuse(tx, name)
        return False
    tx.rows.write(PUT, {"name": name, "secret": tx.engine.keyring.encrypt(_name_of(name), secret), "since": tx.now,
                        "last_step": step, "salt": codes.salt})
    _keep_codes(tx, name, codes)
    tx.connection.execute(delete(schema.factor_setups).where(_s.name == name))
    audit.record(tx, "REPLACE" if before else "ADD", "SECOND_FACTOR", tx.key(), details={"name": name},
                 before={"is_set": before is not None}, after={"is_set": True})
    sessions.end_all(tx, name, browser)
    return True


def use(tx: Transaction, name: str, code: str) -> bool:
    """Take a code of the app; whether it is right and was not used. A wrong one is audited. Raises KeyProblem."""
    row = tx.first(FIND, {"name": name})
    step = _step(tx.engine.keyring.decrypt(_name_of(name), row.secret), code, tx.now, row.last_step) if row else None
    # The condition again: of two nodes that read the same row, one changes it.
    is_first = step is not None and tx.connection.execute(
        update(schema.second_factors).where(_f.name == name, _f.last_step < step).values(last_step=step)).rowcount == 1
    if not is_first:
        _refuse(tx, name)
    return is_first


def salt(engine: Engine, name: str) -> str:
    """With what the recovery codes of somebody are hashed; empty if there are none."""
    with engine.read() as connection:
        row = connection.execute(FIND, {"name": name}).first()
    return str(row.salt) if row else ""


def recover(tx: Transaction, name: str, digest: str) -> bool:
    """Take a recovery code, which is gone then; whether it is one that was left. Audited."""
    found = tx.connection.execute(
        delete(schema.recovery_codes).where(_r.digest == digest, _r.name == name)).rowcount == 1
    if not found:
        _refuse(tx, name)
        return False
    left = tx.connection.scalar(LEFT, {"name": name})
    audit.record(tx, "USE", "RECOVERY_CODE", tx.key(), details={"name": name}, after={"left": left})
    return True


def renew_codes(tx: Transaction, name: str, codes: RecoveryCodes) -> None:
    """Give somebody other recovery codes; those of before count no more. Audited."""
    left = tx.connection.scalar(LEFT, {"name": name})
    tx.connection.execute(
        update(schema.second_factors).where(_f.name == name).values(salt=codes.salt))
    _keep_codes(tx, name, codes)
    audit.record(tx, "RENEW", "RECOVERY_CODE", tx.key(), details={"name": name}, before={"left": left},
                 after={"left": len(codes.digests)})


def remove(tx: Transaction, name: str) -> None:
    """Let somebody come in without one; all their sessions end. Audited. Raises NotFound."""
    _take_away(tx, name, "REMOVE")


def reset(tx: Transaction, name: str) -> None:
    """The same, for somebody who lost it, by whoever administers. Audited. Raises NotFound."""
    _take_away(tx, name, "RESET")


def forget_user(tx: Transaction, name: str) -> bool:
    """Delete all that there is of the second factor of somebody who is gone, or new; whether there was one."""
    for table in (schema.recovery_codes, schema.factor_setups):
        tx.connection.execute(delete(table).where(table.c.name == name))
    return tx.connection.execute(delete(schema.second_factors).where(_f.name == name)).rowcount > 0


def encrypt_anew(tx: Transaction) -> int:
    """Encrypt every secret with the newest key; how many there are. Raises KeyProblem."""
    keyring = tx.engine.keyring
    found = tx.select(select(_f.name, _f.secret).with_for_update())
    for row in found:
        fresh = keyring.encrypt(_name_of(row.name), keyring.decrypt(_name_of(row.name), row.secret))
        tx.connection.execute(update(schema.second_factors).where(_f.name == row.name).values(secret=fresh))
    return len(found)


def unreadable(engine: Engine) -> list[str]:
    """Whose second factors the keys of this process do not open."""
    with engine.read() as connection:
        rows = connection.execute(select(_f.name, _f.secret).order_by(_f.name)).fetchall()
    found = []
    for row in rows:
        try:
            engine.keyring.decrypt(_name_of(row.name), row.secret)
        except KeyProblem:
            found.append(row.name)
    return found


def forget(tx: Transaction) -> int:
    """Delete what nobody set up in time; returns how many."""
    return tx.connection.execute(delete(schema.factor_setups).where(_s.expires_at <= tx.now)).rowcount


def _take_away(tx: Transaction, name: str, operation: str) -> None:
    if not forget_user(tx, name):
        raise NotFound(f"Expected a second factor of {name!r}, but there is none.")
    audit.record(tx, operation, "SECOND_FACTOR", tx.key(), details={"name": name}, before={"is_set": True},
                 after={"is_set": False})
    sessions.end_all(tx, name)


def _step(secret: str, code: str, now: datetime, after: int) -> int | None:
    """The time step whose code this is, if it is one of the present and later than `after`."""
    app = pyotp.TOTP(secret, interval=PERIOD)
    present = int(now.timestamp()) // PERIOD
    given, found = code.encode("utf-8", "surrogatepass"), None
    for step in range(present - LATE, present + LATE + 1):
        # All are compared, each in a time that does not tell where it differs.
        if hmac.compare_digest(app.generate_otp(step).encode(), given) and step > after:
            found = step
    return found


def _keep_codes(tx: Transaction, name: str, codes: RecoveryCodes) -> None:
    tx.connection.execute(delete(schema.recovery_codes).where(_r.name == name))
    for digest in codes.digests:
        tx.rows.write(PUT_CODE, {"digest": digest, "name": name})


def _refuse(tx: Transaction, name: str) -> None:
    audit.record(tx, "REFUSE", "SECOND_FACTOR", tx.key(), details={"name": name})


def _name_of(name: str) -> str:
    # With a space, which no secret of diagrams has in its name: neither ciphertext passes for the other.
    return f"second factor of {name}"


def _setup_of(name: str) -> str:
    return f"new second factor of {name}"
