"""What a reader may see: which definitions of which tenants, and whatever belongs to them.

Reading under a sight (`begin`) shows nothing else, whichever query is asked (`engine.sighted`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass

ANY = "*"
"""As a pattern: every id. At the end of one: whatever follows."""


@dataclass(frozen=True, slots=True)
class Area:
    """The definitions (processes, decisions, forms) whose ids fit one of the patterns, in some tenants."""

    patterns: tuple[str, ...] = (ANY,)
    tenants: tuple[str, ...] = (ANY,)

    @property
    def is_everything(self) -> bool:
        """Whether nothing is outside it."""
        return ANY in self.patterns and ANY in self.tenants

    def has_tenant(self, tenant_id: str) -> bool:
        """Whether anything of a tenant is in it."""
        return ANY in self.tenants or tenant_id in self.tenants

    def has(self, definition_id: str, tenant_id: str) -> bool:
        """Whether a definition of a tenant is in it."""
        return self.has_tenant(tenant_id) and any(fits(each, definition_id) for each in self.patterns)


@dataclass(frozen=True, slots=True)
class Sight:
    """All areas that somebody sees, and who it is: what people keep for themselves is seen by them only."""

    areas: tuple[Area, ...]
    owner: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is hidden."""
        return any(each.is_everything for each in self.areas)

    def has(self, definition_id: str, tenant_id: str) -> bool:
        """Whether a definition of a tenant is seen."""
        return any(each.has(definition_id, tenant_id) for each in self.areas)

    def has_tenant(self, tenant_id: str) -> bool:
        """Whether anything of a tenant is seen."""
        return any(each.has_tenant(tenant_id) for each in self.areas)

    def has_all_of(self, tenant_id: str) -> bool:
        """Whether every definition of a tenant is seen, those included that are deployed later."""
        return any(ANY in each.patterns and each.has_tenant(tenant_id) for each in self.areas)


def fits(pattern: str, definition_id: str) -> bool:
    """Whether an id is the pattern, or begins with what stands before its `*`."""
    return definition_id.startswith(pattern[:-1]) if pattern.endswith(ANY) else definition_id == pattern


_seen: ContextVar[Sight | None] = ContextVar("seen", default=None)
_allowed: ContextVar[Sight | None] = ContextVar("allowed", default=None)
_AS_IT_IS: AbstractContextManager[None] = nullcontext()


def current() -> Sight | None:
    """How far the reader sees; None: everything."""
    return _seen.get()


def allowed() -> Sight | None:
    """What a command may act on that finds by itself what to act on; None: everything."""
    return _allowed.get()


def begin(seen: Sight | None, may: Sight | None) -> None:
    """From now on, this thread reads what is `seen`, and its commands act on what they `may`; None: everything."""
    _seen.set(None if seen is None or seen.is_everything else seen)
    _allowed.set(None if may is None or may.is_everything else may)


def unlimited() -> AbstractContextManager[None]:
    """Let everything be seen meanwhile."""
    # Every command asks for it, and hardly any is run by a thread that sees a part.
    return _AS_IT_IS if _seen.get() is None else _unlimited()


@contextmanager
def _unlimited() -> Iterator[None]:
    token = _seen.set(None)
    try:
        yield
    finally:
        _seen.reset(token)
