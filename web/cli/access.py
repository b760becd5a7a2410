"""`partitur users` and `partitur tokens`: who may come in."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from engine import second_factors, sessions
from engine.clock import system_clock
from engine.errors import Unavailable, WrongSchema
from web.auth import secrets
from web.auth.accessfile import AccessFile, Content, Token, User, checked_name
from web.auth.breached import Unusable
from web.auth.roles import Grant
from web.cli import identity, noting
from web.cli.group import Refused
from web.cli.opening import opened
from web.cli.roles import Definitions, Permissions, Roles, Tenants, at_first, grant, shown, words
from web.cli.settings import Settings
from web.cli.terminal import Json, answer, moment, table

LONGEST_DAYS = 3_650


class Action(StrEnum):
    """What to do with a token."""

    ADD = "add"
    REMOVE = "remove"
    LIST = "list"


class UserAction(StrEnum):
    """What to do with a user."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    LIST = "list"
    RESET_SECOND_FACTOR = "reset-second-factor"


class Demanded(StrEnum):
    """Whether somebody has to have a second factor."""

    REQUIRED = "required"
    OPTIONAL = "optional"


Actions = Annotated[Action, typer.Argument(show_default=False, help="What to do.")]
UserActions = Annotated[UserAction, typer.Argument(show_default=False, help="What to do.")]
SecondFactors = Annotated[Demanded | None, typer.Option(
    "--second-factor", show_default=False,
    help="Whether they have to have one; optional: only if PARTITUR_SECOND_FACTOR says so.")]
Name = Annotated[str | None, typer.Argument(metavar="NAME", show_default=False, help="Whose.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group they are in; may be given several times.")]


def users(
    action: UserActions, name: Name = None, groups: Groups = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from there.")] = False,
    second_factor: SecondFactors = None, role: Roles = None, permissions: Permissions = None,
    definitions: Definitions = None, tenants: Tenants = None, json: Json = False,
) -> None:
    """Add, remove or list people. `add` for one that exists sets a new password; a running server knows at once.

    `change` sets --group, --role, --may and --second-factor only; `reset-second-factor` helps somebody who lost the
    phone. Without --role or --may, and without a group that has a role, somebody new may do everything.
    """
    file = _file()
    if action is UserAction.LIST:
        return _list("users", file.read().users, file.read())
    who = _required(name)
    if action is UserAction.REMOVE:
        return _remove(file, who, "user")
    if action is UserAction.RESET_SECOND_FACTOR:
        return _reset_second_factor(file, who)
    given = grant(role, permissions, definitions, tenants)
    demanded = None if second_factor is None else second_factor is Demanded.REQUIRED
    if action is UserAction.CHANGE:
        if who not in file.read().users:
            raise Refused(f"Expected a user {who!r}, but there is none.")
        return _put(file, who, None, groups, given, demanded)
    if who in file.read().tokens:
        raise Refused(f"Expected a new name, but {who!r} is a token.")
    return _put(file, who, secrets.hash_of(_password(who, password_stdin)), groups, given, demanded)


def tokens(
    action: Actions, name: Name = None, groups: Groups = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="90d", show_default="never", help="After 12h, 90d or 8w.")
    ] = None,
    role: Roles = None, permissions: Permissions = None, definitions: Definitions = None, tenants: Tenants = None,
    json: Json = False,
) -> None:
    """Add, remove or list tokens of programs. `add` shows the token once; for one that exists it makes a new one.

    Without --role or --may, and without a group that has a role, a new one may do everything.
    """
    file = _file()
    if action is Action.LIST:
        return _list("tokens", file.read().tokens, file.read())
    who = _required(name)
    if action is Action.REMOVE:
        return _remove(file, who, "token")
    token = secrets.new_token()
    now = system_clock()
    given = grant(role, permissions, definitions, tenants)
    with file.changing() as content:
        if who in content.users:
            raise Refused(f"Expected a new name, but {who!r} is a user.")
        before = content.tokens.get(who)
        grants = at_first(content, given, tuple(groups or ())) if before is None or given else before.grants
        content.tokens[who] = Token(secrets.digest_of(token), tuple(groups or ()), grants, made=now,
                                    expires=None if expires is None else now + _span(expires))
    _tell(who, "TOKEN", before, content.tokens[who])

    def show(console: Console) -> None:
        console.print(token, markup=False, soft_wrap=True)
        console.print("This is shown once. Send it as 'Authorization: Bearer …', or as the client secret of "
                      f"OAuth client {who} at /oauth/token.", markup=False)

    answer({"name": who, "token": token}, show)


def _put(file: AccessFile, who: str, password: str | None, groups: list[str] | None, given: Grant | None,
         demanded: bool | None) -> None:
    """Write a user; without `password`, one that is there. What is None stays as it was."""
    with file.changing() as content:
        if who in content.tokens:
            raise Refused(f"Expected a new name, but {who!r} is a token.")
        before = content.users.get(who)
        kept_password = password or (before.password if before else None)
        if kept_password is None:
            raise Refused(f"Expected a user {who!r}, but there is none.")
        kept = tuple(groups or ()) if groups is not None or before is None else before.groups
        grants = at_first(content, given, kept) if before is None or given else before.grants
        if demanded is None:
            demanded = before is not None and before.second_factor
        after = content.users[who] = User(kept_password, kept, grants, demanded)
    _tell(who, "USER", before, after, end_sessions=before is not None and password is not None)
    may = words(content.identity(who, after).grants)
    needs = ", with a second factor" if demanded else ""
    answer({"user": who, "second_factor_required": demanded},
           lambda console: console.print(f"{who} can log in{needs}, and may: {may}.", markup=False))


def _file() -> AccessFile:
    settings = Settings.of()
    settings.make_data_dir()
    return AccessFile(settings.access_file)


def _required(name: str | None) -> str:
    if name is None:
        raise Refused("Expected NAME, but it is missing.")
    return checked_name(name)


def _password(name: str, from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        return secrets.checked_password(password, name, identity.breached())
    except (secrets.Easy, Unusable) as easy:
        raise Refused(str(easy)) from easy


def _remove(file: AccessFile, who: str, kind: str) -> None:
    with file.changing() as content:
        of: dict[str, Any] = content.users if kind == "user" else content.tokens
        if who not in of:
            raise Refused(f"Expected a {kind} {who!r}, but there is none.")
        before = of.pop(who)
        if content.is_empty:
            # Not the file without anybody in it: the server would be open to all, and nobody said so.
            raise Refused(f"Expected somebody to be left, but {who!r} is the last who may come in. To let everybody in "
                          f"from this machine, remove {file.path}.")
    _tell(who, kind.upper(), before, None, end_sessions=kind == "user")
    answer({"removed": who}, lambda console: console.print(f"{who} cannot come in any more.", markup=False))


def _reset_second_factor(file: AccessFile, who: str) -> None:
    if who not in file.read().users:
        raise Refused(f"Expected a user {who!r}, but there is none.")
    with opened() as engine:
        engine.execute(second_factors.reset, who)
    answer({"reset": who}, lambda console: console.print(
        f"{who} has no second factor any more, and is logged out everywhere.", markup=False))


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,4})([hdw])", text.strip())
    span = timedelta(**{{"h": "hours", "d": "days", "w": "weeks"}[found[2]]: int(found[1])}) if found else None
    if span is None or span.days > LONGEST_DAYS:
        raise Refused(f"Expected a time such as 12h, 90d or 8w, at most {LONGEST_DAYS} days, but found {text[:40]!r}.")
    return span


def _tell(who: str, kind: str, before: User | Token | None, after: User | Token | None, *,
          end_sessions: bool = False) -> None:
    operation = "ADD" if before is None else "CHANGE" if after is not None else "REMOVE"
    noting.tell(operation, kind, who, _facts(before), _facts(after), end_sessions=end_sessions)


def _facts(each: User | Token | None) -> dict[str, Any] | None:
    """What may be known of somebody who may come in."""
    if each is None:
        return None
    facts: dict[str, Any] = {"groups": list(each.groups), "may": shown(each.grants)}
    if isinstance(each, User):
        facts["second_factor_required"] = each.second_factor
    return facts | {"expires": each.expires} if isinstance(each, Token) else facts


def _last_uses() -> dict[str, datetime]:
    try:
        with opened() as engine:
            return sessions.last_uses(engine)
    except (Refused, Unavailable, WrongSchema):
        return {}       # who may come in is known all the same


def _second_factors() -> dict[str, datetime]:
    try:
        with opened() as engine:
            return second_factors.since(engine)
    except (Refused, Unavailable, WrongSchema):
        return {}


def _list(kind: str, of: Mapping[str, User | Token], content: Content) -> None:
    used = _last_uses() if of else {}
    factors = _second_factors() if of and kind == "users" else {}
    demand = identity.demand()
    facts, rows = [], []
    for name, each in sorted(of.items()):
        fact: dict[str, Any] = {"name": name, "groups": list(each.groups), "last_used": used.get(name)}
        row = [name, ", ".join(each.groups), moment(used.get(name)) or "never"]
        if isinstance(each, Token):
            fact |= {"made": each.made, "expires": each.expires, "expired": each.is_over}
            row.append("expired" if each.is_over else moment(each.expires) or "never")
        else:
            demanded = each.second_factor or demand.is_for(content.identity(name, each))
            fact |= {"second_factor_since": factors.get(name), "second_factor_required": demanded}
            row.append(moment(factors.get(name)) or ("required, not set up" if demanded else "no"))
        facts.append(fact)
        rows.append(row)
    columns = ["name", "groups", "last used", "expires" if kind == "tokens" else "second factor"]
    answer({kind: facts}, lambda console: console.print(table(columns, rows)))
