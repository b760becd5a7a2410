"""`partitur users` and `partitur tokens`: who may come in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from web.auth import secrets
from web.auth.accessfile import AccessFile, Content, Token, User, checked_name
from web.cli.group import Refused
from web.cli.settings import Settings
from web.cli.terminal import Json, answer, table


class Action(StrEnum):
    """What to do with a user or token."""

    ADD = "add"
    REMOVE = "remove"
    LIST = "list"


Actions = Annotated[Action, typer.Argument(show_default=False, help="What to do.")]
Name = Annotated[str | None, typer.Argument(metavar="NAME", show_default=False, help="Whose.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group they are in; may be given several times.")]


def users(
    action: Actions, name: Name = None, groups: Groups = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from there.")] = False,
    json: Json = False,
) -> None:
    """Add, remove or list people. `add` for one that exists sets a new password; a running server knows at once."""
    file = _file()
    content = file.read()
    if action is Action.LIST:
        return _list(content.users, {"users": _shown(content.users)})
    who = _required(name)
    if action is Action.REMOVE:
        return _remove(file, content, content.users, who, "user")
    if who in content.tokens:
        raise Refused(f"Expected a new name, but {who!r} is a token.")
    password = _password(password_stdin)
    kept = groups if groups is not None or who not in content.users else content.users[who].groups
    content.users[who] = User(secrets.hash_of(password), tuple(kept or ()))
    file.write(content)
    answer({"user": who}, lambda console: console.print(f"{who} can log in.", markup=False))


def tokens(action: Actions, name: Name = None, groups: Groups = None, json: Json = False) -> None:
    """Add, remove or list tokens of programs. `add` shows the token once; for one that exists it makes a new one."""
    file = _file()
    content = file.read()
    if action is Action.LIST:
        return _list(content.tokens, {"tokens": _shown(content.tokens)})
    who = _required(name)
    if action is Action.REMOVE:
        return _remove(file, content, content.tokens, who, "token")
    if who in content.users:
        raise Refused(f"Expected a new name, but {who!r} is a user.")
    token = secrets.new_token()
    content.tokens[who] = Token(secrets.digest_of(token), tuple(groups or ()))
    file.write(content)

    def show(console: Console) -> None:
        console.print(token, markup=False, soft_wrap=True)
        console.print("This is shown once. Send it as 'Authorization: Bearer …', or as the client secret of "
                      f"OAuth client {who} at /oauth/token.", markup=False)

    answer({"name": who, "token": token}, show)


def _file() -> AccessFile:
    settings = Settings.of()
    settings.make_data_dir()
    return AccessFile(settings.access_file)


def _required(name: str | None) -> str:
    if name is None:
        raise Refused("Expected NAME, but it is missing.")
    return checked_name(name)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    if len(password) < secrets.SHORTEST:
        raise Refused(f"Expected a password of {secrets.SHORTEST} characters or more, but it has {len(password)}.")
    return password


def _remove(file: AccessFile, content: Content, of: dict[str, Any], who: str, kind: str) -> None:
    if who not in of:
        raise Refused(f"Expected a {kind} {who!r}, but there is none.")
    del of[who]
    if content.is_empty:
        # Not the file without anybody in it: the server would be open to all, and nobody said so.
        raise Refused(f"Expected somebody to be left, but {who!r} is the last who may come in. To let everybody in "
                      f"from this machine, remove {file.path}.")
    file.write(content)
    answer({"removed": who}, lambda console: console.print(f"{who} cannot come in any more.", markup=False))


def _shown(of: Mapping[str, User | Token]) -> list[dict[str, Any]]:
    return [{"name": name, "groups": list(each.groups)} for name, each in sorted(of.items())]


def _list(of: Mapping[str, User | Token], facts: dict[str, Any]) -> None:
    rows = [[name, ", ".join(each.groups)] for name, each in sorted(of.items())]
    answer(facts, lambda console: console.print(table(["name", "groups"], rows)))
