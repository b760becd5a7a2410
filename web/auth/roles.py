"""Roles and permissions: who may do what, to which definitions of which tenants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from engine.sight import ANY, Area


class Permission(StrEnum):
    """What one may be allowed. Nothing includes another, but for roles, which are bundles of these."""

    READ = "read"
    """See definitions, instances and all that belongs to them, in pages, lists, reports and exports."""
    TASKS = "tasks"
    """Claim, assign and complete user tasks, and comment on them."""
    START = "start"
    """Start instances."""
    MESSAGE = "message"
    """Publish messages, broadcast signals and evaluate conditions, which may reach every process of a tenant."""
    JOBS = "jobs"
    """Take jobs and answer them, as workers do."""
    DECIDE = "decide"
    """Ask decisions."""
    OPERATE = "operate"
    """Retry, suspend, cancel, modify, migrate, set variables, take care of incidents, pause processes."""
    DEPLOY = "deploy"
    """Deploy new versions. No role but admin has it: it is given by itself."""
    ADMINISTER = "administer"
    """Secrets, alerts, targets of events, sessions."""


class Role(StrEnum):
    """A bundle of permissions that has a name."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    OPERATOR = "operator"
    WORKER = "worker"
    ADMIN = "admin"


_ANALYST = frozenset({Permission.READ, Permission.TASKS, Permission.START, Permission.DECIDE})

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.ANALYST: _ANALYST,
    Role.OPERATOR: _ANALYST | {Permission.MESSAGE, Permission.OPERATE},
    Role.WORKER: frozenset({Permission.READ, Permission.JOBS, Permission.START, Permission.MESSAGE, Permission.DECIDE}),
    Role.ADMIN: frozenset(Permission),
}


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A role, or permissions by themselves, or both, for definitions that fit a pattern in some tenants.

    A pattern is the id of a process, decision or form, or the beginning of ids with `*` behind it; `*` is every one,
    as it is for tenants.
    """

    role: Role | None = None
    permissions: tuple[Permission, ...] = ()
    definitions: tuple[str, ...] = (ANY,)
    tenants: tuple[str, ...] = (ANY,)

    @property
    def area(self) -> Area:
        """Where it holds."""
        return Area(self.definitions, self.tenants)

    def has(self, permission: Permission) -> bool:
        """Whether it gives a permission, somewhere."""
        return permission in self.permissions or (self.role is not None and permission in PERMISSIONS[self.role])

    def __str__(self) -> str:
        """As people write it, such as `operator + deploy of order* in eu`."""
        what = " + ".join(filter(None, (self.role, *self.permissions)))
        where = "" if self.definitions == (ANY,) else f" of {', '.join(self.definitions)}"
        return what + where + ("" if self.tenants == (ANY,) else f" in {', '.join(self.tenants)}")


EVERYTHING = (Grant(role=Role.ADMIN),)
"""What those have who came into a file of users before there were roles."""


def permissions_in(scope: str) -> tuple[Permission, ...]:
    """The permissions that a scope of OAuth names, by words with spaces between them; others mean nothing here."""
    words = set(scope.split())
    return tuple(each for each in Permission if each in words)


def areas(grants: Iterable[Grant], permission: Permission) -> tuple[Area, ...]:
    """Where a permission holds."""
    return tuple(each.area for each in grants if each.has(permission))
