"""What a variable held, when, and who set it; and what all variables of an instance held at a moment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, func, select

from engine import masking, schema

if TYPE_CHECKING:
    from engine.engine import Engine

LIMIT = 1000
"""Variables of one instance that are told at most."""

_v = schema.variables.c
_h = schema.variable_history.c
_a = schema.audit.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person or a program did to an instance, and why."""

    actor: str
    operation: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a variable held for a while, or that it was removed (`exists` False).

    `since` is None where an earlier version of Partitur set it. `element_id` is the element that set it; None if it
    was set from outside: then `act` tells by whom, if the audit trail knows. `until` is None for what it holds now.
    """

    value: Any
    exists: bool
    since: datetime | None
    until: datetime | None
    element_id: str | None
    act: Act | None
    revision: int | None


@dataclass(frozen=True, slots=True)
class _Written:
    """When something was written, and by which element."""

    at: datetime | None
    by: str | None
    revision: int | None


def versions(engine: Engine, instance_key: int, scope_key: int, name: str, *, limit: int = 50,
             before: int | None = None) -> tuple[tuple[Version, ...], int | None]:
    """What one variable held, the newest first, and where the next page begins (`before`: a revision), if there is one.

    Empty if there is and was no such variable.
    """
    own = (_h.instance_key == instance_key, _h.scope_key == scope_key, _h.name == name)
    replaced = select(schema.variable_history).where(*own).order_by(_h.revision.desc()).limit(limit + 1)
    if before is not None:
        replaced = replaced.where(_h.revision < before)
    present = select(_v.value, _v.created_at, _v.created_by, _v.created_revision).where(
        _v.instance_key == instance_key, _v.scope_key == scope_key, _v.name == name)
    with engine.read() as connection:
        now = connection.execute(present).one_or_none()
        rows = connection.execute(replaced).all()
        # Where the variable that a row tells of began: its removal knows, or the variable that there still is.
        begun = _Written(now.created_at, now.created_by, now.created_revision) if now is not None else None
        later = select(schema.variable_history).where(
            *own, _h.removed, _h.revision >= (before or 0)).order_by(_h.revision).limit(1)
        if before is not None and (removal := connection.execute(later).one_or_none()) is not None:
            begun = _Written(removal.created_at, removal.created_by, removal.created_revision)
        found = _told(name, now if before is None else None, rows, begun, limit)
        acts = _acts(connection, instance_key, {each.since for each in found if each.element_id is None and each.since})
    after = rows[limit - 1].revision if len(rows) > limit else None
    return tuple(_with_act(each, acts) for each in found), after


def _told(name: str, now: Any, rows: Sequence[Any], begun: _Written | None, limit: int) -> list[Version]:
    """The versions that `limit` rows tell of; the row after them knows when the oldest one was written."""
    found: list[Version] = []

    def tell(value: Any, exists: bool, written: _Written | None, until: datetime | None) -> None:
        value = masking.shown(value, name)
        written = written or _Written(None, None, None)
        found.append(Version(value=value, exists=exists, since=written.at, until=until, element_id=written.by, act=None,
                             revision=written.revision))

    def written_at(index: int) -> _Written | None:
        """When that was written which rows[index - 1] replaced."""
        if index < len(rows) and not rows[index].removed:
            return _Written(rows[index].replaced_at, rows[index].replaced_by, rows[index].revision)
        return begun

    if now is not None:
        tell(now.value, True, written_at(0), None)
    for index, row in enumerate(rows[:limit]):
        if row.removed:
            begun = _Written(row.created_at, row.created_by, row.created_revision)
            until = found[-1].since if found else None
            tell(None, False, _Written(row.replaced_at, row.replaced_by, row.revision), until)
        tell(row.value, True, written_at(index + 1), row.replaced_at)
    return found


def _acts(connection: Connection, instance_key: int, moments: Collection[datetime]) -> dict[datetime, Act]:
    if not moments:
        return {}
    statement = (
        select(_a.at, _a.actor, _a.operation, _a.reason)
        .where(_a.instance_key == instance_key, _a.at.in_(list(moments))).order_by(_a.key)
    )
    return {row.at: Act(actor=row.actor, operation=row.operation, reason=row.reason)
            for row in connection.execute(statement)}


def _with_act(version: Version, acts: dict[datetime, Act]) -> Version:
    if version.element_id is not None or version.since not in acts:
        return version
    return Version(value=version.value, exists=version.exists, since=version.since, until=version.until,
                   element_id=None, act=acts[version.since], revision=version.revision)


def values_at(connection: Connection, instance_key: int, revision: int, *, names: Collection[str] | None = None,
              scopes: Collection[int] = ()) -> dict[tuple[int, str], Any]:
    """What the variables of an instance held after its transaction number `revision`: (scope key, name) → value.

    With `names` only those that are called so, and are in one of `scopes`, by default the outermost one.
    """
    of_them, present_ones = ([] if names is None else [
        columns.scope_key.in_(list(scopes or (instance_key,))), columns.name.in_(list(names))] for columns in (_h, _v))
    later = (
        select(_h.scope_key, _h.name, func.min(_h.revision).label("revision"),
               func.min(_h.revision).filter(_h.removed).label("removed_at"))
        .where(_h.instance_key == instance_key, _h.revision > revision, *of_them)
        .group_by(_h.scope_key, _h.name).limit(LIMIT).subquery()
    )
    removal = schema.variable_history.alias("removal")
    replaced = (
        select(_h.scope_key, _h.name, _h.value, later.c.removed_at,
               removal.c.created_revision.label("removal_created"))
        .select_from(later)
        .join(schema.variable_history, and_(
            _h.instance_key == instance_key, _h.scope_key == later.c.scope_key, _h.name == later.c.name,
            _h.revision == later.c.revision))
        .outerjoin(removal, and_(
            removal.c.instance_key == instance_key, removal.c.scope_key == later.c.scope_key,
            removal.c.name == later.c.name, removal.c.revision == later.c.removed_at))
    )
    present = (
        select(_v.scope_key, _v.name, _v.value, _v.created_revision)
        .where(_v.instance_key == instance_key, *present_ones).order_by(_v.scope_key, _v.name).limit(LIMIT)
    )
    found: dict[tuple[int, str], Any] = {}
    begun: dict[tuple[int, str], int | None] = {}
    for row in connection.execute(present):
        begun[row.scope_key, row.name] = row.created_revision
        if (row.created_revision or 0) <= revision:
            found[row.scope_key, row.name] = row.value
    for old in connection.execute(replaced):
        key = (old.scope_key, old.name)
        created = old.removal_created if old.removed_at is not None else begun.get(key)
        if (created or 0) <= revision:
            found[key] = old.value
        else:
            found.pop(key, None)
    return {key: masking.shown(value, key[1]) for key, value in found.items()}


def revision_at(connection: Connection, instance_key: int, at: datetime) -> int:
    """The last transaction up to a time that set, replaced or removed a variable of an instance; 0 if none did."""
    replaced = select(func.max(_h.revision)).where(_h.instance_key == instance_key, _h.replaced_at <= at)
    created = select(func.max(_v.created_revision)).where(_v.instance_key == instance_key, _v.created_at <= at)
    return max(connection.scalar(replaced) or 0, connection.scalar(created) or 0)
