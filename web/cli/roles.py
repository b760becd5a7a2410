"""`partitur roles`: what users, tokens and groups may do; and the options that say so when one is added."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer

from engine.schema import DEFAULT_TENANT
from engine.sight import ANY
from web.auth.accessfile import AccessFile, Content, checked_name
from web.auth.roles import EVERYTHING, Grant, Permission, Role
from web.cli import noting
from web.cli.group import Refused
from web.cli.settings import Settings
from web.cli.terminal import Json, answer, table

PATTERN = re.compile(r"[\w.-]+\*?|\*")
"""An id of a definition (XML's NCName), or the beginning of one, or all."""
TENANT = re.compile(r"[A-Za-z0-9_.-]{1,31}")
"""As `engine.tenants` has it."""

Roles = Annotated[Role | None, typer.Option("--role", show_default=False, help="A bundle of permissions.")]
Permissions = Annotated[
    list[Permission] | None, typer.Option("--may", show_default=False, help="A permission beside the role's.")]
Definitions = Annotated[
    list[str] | None, typer.Option("--process", "--definition", metavar="ID", show_default="all",
                                   help="For this process, decision or form; order* is all that begin so.")]
Tenants = Annotated[
    list[str] | None, typer.Option("--tenant", metavar="ID", show_default="all", help="In this tenant.")]


class Action(StrEnum):
    """What to do with roles."""

    LIST = "list"
    GIVE = "give"
    TAKE = "take"


def roles(
    action: Annotated[Action, typer.Argument(show_default=False, help="What to do.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", show_default=False, help="Whose.")] = None,
    group: Annotated[bool, typer.Option("--group", help="NAME is a group, here or at your provider.")] = False,
    role: Roles = None, permissions: Permissions = None, definitions: Definitions = None, tenants: Tenants = None,
    json: Json = False,
) -> None:
    """Give roles to users, tokens and groups, take them, or list them; a running server knows at once.

    `give` adds to what NAME has already; `take` takes all of it.
    """
    settings = Settings.of()
    settings.make_data_dir()
    file = AccessFile(settings.access_file)
    if action is Action.LIST:
        return _list(file.read())
    if name is None:
        raise Refused("Expected NAME, but it is missing.")
    if action is Action.GIVE:
        given = grant(role, permissions, definitions, tenants)
        if given is None:
            raise Refused("Expected --role or --may, but neither was given.")
    else:
        given = None
    with file.changing() as content:
        before = _of(content, name, group=group)
        now = (*before, given) if given is not None else ()
        _set(content, name, now, group=group)
    kind = "GROUP" if group else "USER" if name in content.users else "TOKEN"
    noting.tell("CHANGE", kind, name, {"may": shown(before)}, {"may": shown(now)})
    answer({"name": name, "grants": shown(now)},
           lambda console: console.print(f"{name}: {words(now)}.", markup=False))


def grant(role: Role | None, permissions: list[Permission] | None, definitions: list[str] | None,
          tenants: list[str] | None) -> Grant | None:
    """What the options give; None if they say nothing of it. Raises Refused."""
    if role is None and not permissions:
        if definitions or tenants:
            raise Refused("Expected --role or --may with --process and --tenant, but neither was given.")
        return None
    for pattern in definitions or ():
        if not PATTERN.fullmatch(pattern):
            raise Refused(f"Expected the id of a process, decision or form, or its beginning and a *, but found "
                          f"{pattern[:100]!r}.")
    for tenant in tenants or ():
        if tenant not in (ANY, DEFAULT_TENANT) and not TENANT.fullmatch(tenant):
            raise Refused(f"Expected the id of a tenant, but found {tenant[:100]!r}.")
    return Grant(role, tuple(permissions or ()), tuple(definitions or (ANY,)), tuple(tenants or (ANY,)))


def at_first(content: Content, given: Grant | None, groups: tuple[str, ...]) -> tuple[Grant, ...]:
    """The grants of somebody new: what was said, else what their groups have, else everything."""
    if given is not None:
        return (given,)
    return () if content.of_groups(groups) else EVERYTHING


def words(grants: tuple[Grant, ...]) -> str:
    """Grants as people read them."""
    return "; ".join(map(str, grants)) or "nothing"


def shown(grants: tuple[Grant, ...] | None) -> list[Any]:
    """Grants as programs read them."""
    return [{"role": each.role, "permissions": list(each.permissions), "definitions": list(each.definitions),
             "tenants": list(each.tenants)} for each in (EVERYTHING if grants is None else grants)]


def _of(content: Content, name: str, *, group: bool) -> tuple[Grant, ...]:
    if group:
        return content.roles.get(checked_name(name), ())
    known = content.users.get(name) or content.tokens.get(name)
    if known is None:
        raise Refused(f"Expected a user or token {name!r}, but there is none. For a group, add --group.")
    return known.grants or ()


def _set(content: Content, name: str, grants: tuple[Grant, ...], *, group: bool) -> None:
    if group:
        content.roles[name] = grants
        if not grants:
            del content.roles[name]
    elif name in content.users:
        content.users[name] = msgspec.structs.replace(content.users[name], grants=grants)
    elif name in content.tokens:
        content.tokens[name] = msgspec.structs.replace(content.tokens[name], grants=grants)
    else:
        raise Refused(f"Expected a user or token {name!r}, but there is none. For a group, add --group.")


def _list(content: Content) -> None:
    found = [(kind, name, grants) for kind, of in (
        ("user", {name: each.grants for name, each in content.users.items()}),
        ("token", {name: each.grants for name, each in content.tokens.items()}), ("group", content.roles),
    ) for name, grants in sorted(of.items())]
    rows = [[kind, name, "admin (from before there were roles)" if grants is None else words(grants)]
            for kind, name, grants in found]
    facts = [{"kind": kind, "name": name, "grants": shown(grants)} for kind, name, grants in found]
    answer({"roles": facts}, lambda console: console.print(table(["kind", "name", "may"], rows)))
