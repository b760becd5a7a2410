"""Who has to have a second factor: what the setting says, and what is said of single users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from web.auth.identity import Identity
from web.auth.roles import PERMISSIONS, Permission, Role

EVERYBODY = "everybody"


class DemandError(Exception):
    """A word that says nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Of whom a second factor is demanded: of all, or of those who may do certain things somewhere.

    `bundles`: one has to have all permissions of one of these. Without anything: of nobody.
    """

    everybody: bool = False
    bundles: tuple[frozenset[Permission], ...] = ()

    @classmethod
    def of(cls, words: Iterable[str]) -> Demand:
        """What words say: `everybody`, roles and permissions. Raises DemandError."""
        everybody, bundles = False, []
        for word in words:
            if word == EVERYBODY:
                everybody = True
            elif word in set(Role):
                bundles.append(PERMISSIONS[Role(word)])
            elif word in set(Permission):
                bundles.append(frozenset({Permission(word)}))
            else:
                raise DemandError(f"Expected {EVERYBODY}, roles or permissions, but found {word!r}.")
        return cls(everybody=everybody, bundles=tuple(bundles))

    def is_for(self, identity: Identity) -> bool:
        """Whether somebody is meant."""
        return self.everybody or any(
            all(grant.has(each) for each in bundle) for bundle in self.bundles for grant in identity.grants)
