"""Who a request comes from, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.declared import Declarations
from engine.engine import Engine
from engine.errors import NotAllowed
from engine.sight import ANY, Sight
from web.auth.roles import Grant, Permission, areas


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has shown who they are.

    The audit trail carries `name`; `groups` decide about tasks, `grants` about everything. Without grants one may
    nothing: `web.auth.accessfile.Content` knows those of users, tokens and groups. `is_program`: it showed a token.
    `person` stays the same when a provider of identities gives them another name; empty for those of this server.
    """

    name: str
    groups: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    is_program: bool = False
    person: str = ""

    def narrowed(self, permissions: Iterable[Permission]) -> Identity:
        """The same, with no more than these permissions, where they have them."""
        left = ((tuple(filter(each.has, permissions)), each) for each in self.grants)
        return Identity(self.name, self.groups, tuple(
            Grant(permissions=kept, definitions=each.definitions, tenants=each.tenants) for kept, each in left if kept),
            self.is_program, self.person)

    def may(self, permission: Permission, definition_id: str, tenant_id: str) -> bool:
        """Whether they may do this to a process, decision or form of a tenant."""
        return any(each.has(definition_id, tenant_id) for each in areas(self.grants, permission))

    def may_somewhere(self, permission: Permission) -> bool:
        """Whether there is anything that they may do this to."""
        return any(each.has(permission) for each in self.grants)

    def may_everywhere(self, permission: Permission) -> bool:
        """Whether there is nothing that they may not do this to."""
        return any(each.is_everything for each in areas(self.grants, permission))

    def may_all_of(self, permission: Permission, tenant_id: str) -> bool:
        """Whether they may do this to every definition of a tenant, those included that are deployed later."""
        return any(ANY in each.patterns and each.has_tenant(tenant_id) for each in areas(self.grants, permission))

    def tenants(self, permission: Permission = Permission.READ) -> frozenset[str] | None:
        """The tenants in which they may do this to something; None: all."""
        found = {tenant for each in areas(self.grants, permission) for tenant in each.tenants}
        return None if ANY in found else frozenset(found)

    def sight(self, permission: Permission = Permission.READ) -> Sight:
        """What they see, or may do this to."""
        return Sight(areas(self.grants, permission), self.name)


def current() -> Identity | None:
    """Who asks; None where nobody is asked who they are."""
    from flask import g  # the command line knows identities, too, and no requests

    found: Identity | None = g.get("identity")
    return found


def acting(engine: Engine, nobody: str, declarations: Declarations | None = None) -> Engine:
    """The engine on behalf of who asks; of `nobody`, where nobody is asked who they are."""
    identity = current()
    if identity is None:
        return engine.acting_as(nobody, declarations)
    return engine.acting_as(identity.name, declarations, person=identity.person)


def person_of(issuer: str, subject: str) -> str:
    """Somebody whom a provider of identities knows, in words that stay the same (OpenID Connect Core 1.0 §5.7)."""
    return f"{issuer} {subject}"


def expect_approver() -> None:
    """Refuse a program what people answer for: whoever has its token may be the one who asked. Raises NotAllowed."""
    identity = current()
    if identity is not None and identity.is_program:
        raise NotAllowed(f"Expected a person to approve this, because two people are needed, but {identity.name!r} "
                         "is a program.")


def name_or(nobody: str) -> str:
    """The name for the audit trail; `nobody` where nobody is asked."""
    identity = current()
    return identity.name if identity else nobody
