"""Where job types are used in the processes that are deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpmn.model import JobDefinition
from engine.queries import definitions

if TYPE_CHECKING:
    from engine.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One element of the newest version of a process that makes jobs of a type."""

    process_id: str
    process_name: str | None
    element_id: str
    element_name: str | None


def uses_of(engine: Engine, type: str) -> tuple[Use, ...]:
    """The elements that make jobs of a type, those whose type is computed left out."""
    found = []
    for row in definitions.processes(engine):
        for element in definitions.process(engine, row.latest.key).elements.values():
            jobs = [element.job, *(listener.job for listener in element.listeners)]
            if any(_is_of(job, type) for job in jobs):
                found.append(Use(process_id=row.process_id, process_name=row.name, element_id=element.id,
                                 element_name=element.name))
    return tuple(found)


def _is_of(job: JobDefinition | None, type: str) -> bool:
    return job is not None and job.type.is_static and job.type.evaluate({}) == type
