"""Which jobs of a type a worker wants, where the type alone does not say it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, TextClause, exists, text

from engine import schema
from engine.live import has_value

_j = schema.jobs.c
_v = schema.variables.c
# Other names than in the statements that these conditions become part of: those may join the tables too.
_instances = schema.instances.alias("wanted_instances")
_definitions = schema.definitions.alias("wanted_definitions")


TO_HAND_OUT: TextClause = text("jobs.state = 'CREATED' AND NOT jobs.suspended")
"""Which jobs wait for a worker, in the words of the index `ix_jobs_due`: SQLite takes a partial index for no others,
not for a bound state, and would look through all jobs that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """What is not set does not matter. `variables` are of the instance itself, and compared exactly."""

    business_id: str | None = None
    process_ids: Collection[str] | None = None
    definition_keys: Collection[int] | None = None
    version_tag: str | None = None
    tenant_ids: Collection[str] | None = None
    variables: Mapping[str, Any] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on `jobs`. Raises InvalidInput for a variable that cannot be searched for."""
        found: list[ColumnElement[bool]] = []
        for column, values in ((_j.process_id, self.process_ids), (_j.definition_key, self.definition_keys),
                               (_j.tenant_id, self.tenant_ids)):
            if values is not None:
                found.append(column.in_(list(values)))
        if self.business_id is not None:
            found.append(exists().where(_instances.c.key == _j.instance_key,
                                        _instances.c.business_id == self.business_id))
        if self.version_tag is not None:
            found.append(exists().where(_definitions.c.key == _j.definition_key,
                                        _definitions.c.version_tag == self.version_tag))
        for name, value in (self.variables or {}).items():
            found.append(exists().where(_v.instance_key == _j.instance_key, _v.scope_key == _j.instance_key,
                                        _v.name == name, has_value(value)))
        return found
