"""DMN files: read with those that they import, from the same deployment or from earlier ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, select

from bpmn import dmn
from bpmn.dmn import DecisionError, DecisionModel
from bpmn.problems import Problem, Severity
from engine import schema, sight

if TYPE_CHECKING:
    from engine.definitions import Resource
    from engine.engine import Engine
    from engine.rows import AnyRow
    from engine.transaction import Transaction

_r = schema.requirements.c
_CONTENT = (
    select(_r.key, _r.resource_name, _r.namespace, _r.imports, schema.resources.c.content)
    .join(schema.resources, schema.resources.c.key == _r.resource_key)
)
IN_NAMESPACE = (
    _CONTENT.where(_r.namespace == bindparam("namespace"), _r.tenant_id == bindparam("tenant_id"))
    .order_by(_r.deployed_at.desc(), _r.key.desc()).limit(1)
)
BY_KEYS = _CONTENT.where(_r.key.in_(bindparam("keys", expanding=True)))


@dataclass(frozen=True, slots=True)
class Source:
    """A DMN file that others may import. `key` is that of its graph if it was deployed before."""

    name: str
    content: bytes
    namespace: str
    imports: frozenset[str] = frozenset()
    key: int | None = None


@dataclass(frozen=True, slots=True)
class DecisionFile:
    """A DMN file to be deployed, compiled, with all the files that it imports."""

    source: Source
    model: DecisionModel
    imported: tuple[Source, ...]

    @property
    def requirements_id(self) -> str:
        """The id of its decision requirements graph."""
        return self.model.id or self.source.name

    @property
    def checksum(self) -> str:
        """Of its bytes, and of the files that it imports: when one of those changes, it means something else."""
        digest = hashlib.sha256(self.source.content)
        for content in sorted(other.content for other in self.imported):
            digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()


def is_decision(resource: Resource) -> bool:
    """Whether a file is a DMN model, by its name."""
    return resource.name.lower().endswith(".dmn")


def read(tx: Transaction, resources: Sequence[Resource], tenant_id: str) -> tuple[list[DecisionFile], list[Problem]]:
    """The DMN models among the files, and what is wrong with them.

    They import each other by namespace; what is not among them is looked for in the newest that was deployed before.
    """
    own = [Source(file.name, file.content, *dmn.namespaces(file.content)) for file in resources if is_decision(file)]
    files: list[DecisionFile] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str], Source] = {}
    for source in own:
        imported = tuple(_imported(tx, source, own, tenant_id))
        model, found = dmn.read(source.content, source.name, _contents(imported))
        problems += found
        if model is not None:
            files.append(DecisionFile(source, model, imported))
            problems += _twice(files[-1], seen)
    return files, problems


def _twice(file: DecisionFile, seen: dict[tuple[str, str], Source]) -> Iterator[Problem]:
    """What a file has that another one of the deployment has, too: each would be a version of the same thing."""
    ids = [("decision requirements graph", file.requirements_id), *(("decision", id) for id in file.model.decisions)]
    for what, id in ids:
        before = seen.setdefault((what, id), file.source)
        # Not by name: two files of one upload may have the same.
        if before is not file.source:
            yield Problem(severity=Severity.ERROR, resource_name=file.source.name, element_id=id,
                          message=f"Expected each {what} once, but {id!r} is in {before.name} as well.")


def _imported(tx: Transaction, source: Source, own: Sequence[Source], tenant_id: str) -> Iterator[Source]:
    by_namespace = {other.namespace: other for other in reversed(own) if other is not source}
    wanted, found = sorted(source.imports), {source.namespace}
    while wanted:
        namespace = wanted.pop()
        if namespace in found:
            continue
        found.add(namespace)
        other = by_namespace.get(namespace)
        if other is not None:
            wanted += sorted(other.imports)
            yield other
            continue
        row = tx.first(IN_NAMESPACE, {"namespace": namespace, "tenant_id": tenant_id})
        if row is not None:
            yield _deployed(row)
            for further in _by_keys(tx, row.imports):
                if further.namespace not in found:
                    found.add(further.namespace)
                    yield further


def _deployed(row: AnyRow) -> Source:
    return Source(row.resource_name, row.content, row.namespace, key=row.key)


def _by_keys(tx: Transaction, keys: Sequence[int]) -> list[Source]:
    return [_deployed(row) for row in tx.select(BY_KEYS, {"keys": list(keys)})] if keys else []


def _contents(sources: Sequence[Source]) -> Mapping[str, bytes]:
    # Two deployments may have used the same file name.
    return {f"{source.name}#{place}": source.content for place, source in enumerate(sources)}


def model_of(tx: Transaction, requirements_key: int) -> DecisionModel:
    """The compiled model of a deployed graph, read once, with what it imported when it was deployed.

    Raises DecisionError if it cannot be read.
    """
    if requirements_key not in tx.engine.decision_models:
        tx.rows.flush()
    return deployed_model(tx.engine, tx.connection, requirements_key)


def deployed_model(engine: Engine, connection: Connection, requirements_key: int) -> DecisionModel:
    """`model_of`, for who only reads. Raises DecisionError if it cannot be read."""
    if sight.current() is not None:
        if not engine.database.select(connection, BY_KEYS, {"keys": [requirements_key]}):
            raise DecisionError(f"Expected to find the decisions with key {requirements_key}, but they are gone.")
        # What it imports may be out of sight, but belongs to it.
        with sight.unlimited(), engine.read() as every:
            return deployed_model(engine, every, requirements_key)
    kept = engine.decision_models.get(requirements_key)
    if kept is None:
        rows = engine.database.select(connection, BY_KEYS, {"keys": [requirements_key]})
        if not rows:
            raise DecisionError(f"Expected to find the decisions with key {requirements_key}, but they are gone.")
        row = rows[0]
        imported = engine.database.select(connection, BY_KEYS, {"keys": list(row.imports)}) if row.imports else []
        kept, problems = dmn.read(row.content, row.resource_name, _contents([_deployed(each) for each in imported]))
        if kept is None:
            raise DecisionError(f"Expected to read {row.resource_name}, but it failed: {problems[0].message}")
        engine.decision_models[requirements_key] = kept
    return kept
