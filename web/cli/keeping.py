"""What `partitur doctor` tries out in the database: does it take what is written, and can it be read again?"""

from __future__ import annotations

from engine import second_factors, secrets, writable
from engine.engine import Engine
from engine.keyring import VARIABLE, KeyProblem, Keyring
from web.cli.checks import Check, Result
from web.cli.settings import Settings

NAMED = 5
"""How many secrets are named."""


def check_writing(engine: Engine) -> Check | None:
    """The database takes what is written; None if it does. Nothing is changed."""
    why = writable.trouble(engine)
    if why is None:
        return None
    return Check(name="Writing", result=Result.FAILED, found=f"it can be read only: {why}",
                 advice="Look whether it is a standby, or set to read only, or out of room: every command is answered "
                        "with 503 until it takes changes.")


def check_secrets(engine: Engine, settings: Settings) -> Check | None:
    """The secrets that are stored can be opened; None if there are none."""
    path = settings.data_dir / "secrets_key"
    where = VARIABLE if settings.secrets_keys else str(path)
    try:
        engine.keyring = Keyring(settings.secrets_keys, path)
    except KeyProblem as error:
        return Check(name="Secrets", result=Result.FAILED, found=str(error), advice=f"Mend {where}.")
    stored = len(secrets.all_of_them(engine))
    closed = secrets.unreadable(engine)
    if closed:
        return Check(name="Secrets", result=Result.FAILED,
                     found=f"{len(closed)} of {stored} cannot be opened by the keys in {where}: {_named(closed)}",
                     advice=f"Put the key back that they were stored with ({VARIABLE}, or {path}), or store them "
                            "again: `partitur secrets set NAME`.")
    return Check(name="Secrets", result=Result.OK, found=f"{stored}, all of which open") if stored else None


def check_second_factors(engine: Engine) -> Check | None:
    """The second factors can be opened, by the keys that `check_secrets` gave the engine; None if there are none."""
    there = len(second_factors.since(engine))
    closed = second_factors.unreadable(engine)
    if closed:
        return Check(name="Second factors", result=Result.FAILED,
                     found=f"{len(closed)} of {there} cannot be opened, so no code of theirs lets in: {_named(closed)}",
                     advice="Put the key of secrets back that they were set up with, or let them set up others: "
                            "`partitur users reset-second-factor NAME`.")
    return Check(name="Second factors", result=Result.OK, found=f"{there}, all of which open") if there else None


def _named(closed: list[str]) -> str:
    return ", ".join(closed[:NAMED]) + (", …" if len(closed) > NAMED else "")
