"""`partitur secrets`: the values that diagrams name as {{secrets.NAME}}."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from engine import secrets as store
from engine.engine import Engine
from web.cli.naming import named
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, table


class Action(StrEnum):
    """What to do with secrets."""

    SET = "set"
    LIST = "list"
    DELETE = "delete"
    ROTATE = "rotate"


def secrets(
    action: Annotated[Action, typer.Argument(show_default=False, help="What to do; rotate makes a new key.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", show_default=False, help="Whose.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why it is deleted; kept in the audit trail.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Set, list or delete secrets of the HTTP connector. `set` asks for the value, or reads it from standard input."""
    with opened() as engine:
        if action is Action.LIST:
            return _list(engine)
        if action is Action.ROTATE:
            return _rotate(engine)
        name = named(name, "a secret")
        if action is Action.SET:
            return _set(engine, name)
        engine.execute(store.remove, name, reason or "")
    answer({"secret": name, "deleted": True}, lambda console: console.print(f"{name} is deleted.", markup=False))


def _set(engine: Engine, name: str) -> None:
    store.checked_name(name)
    # Never an argument: other users of the machine see those, and shells remember them.
    if sys.stdin.isatty():
        value = typer.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    is_new = engine.execute(store.put, name, value)
    done = "stored" if is_new else "replaced"
    answer({"secret": name, "new": is_new}, lambda console: console.print(f"{name} is {done}.", markup=False))


def _list(engine: Engine) -> None:
    found = store.all_of_them(engine)

    def show(console: Console) -> None:
        if not found:
            console.print("No secret is stored. `partitur secrets set NAME` stores one.", markup=False)
            return
        rows = ([secret.name, moment(secret.changed_at), secret.changed_by] for secret in found)
        console.print(table(["secret", "changed", "by"], rows))

    answer({"secrets": found}, show)


def _rotate(engine: Engine) -> None:
    if engine.keyring.is_file:
        engine.keyring.renew()
    count = engine.execute(store.rotate)
    words = "1 secret is" if count == 1 else f"{count} secrets are"
    answer({"rotated": count}, lambda console: console.print(f"{words} encrypted with the newest key."))
