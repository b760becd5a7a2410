"""Where job types are used in the processes that are deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpmn import delegates
from bpmn.model import JobDefinition
from bpmn.near import hint, near_misses
from engine import services
from engine.errors import InvalidInput
from engine.queries import definitions, lists

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


def job_types(engine: Engine) -> set[str]:
    """The job types of the newest versions of all processes, but for computed ones."""
    found: set[str] = set()
    for row in definitions.processes(engine):
        for element in definitions.process(engine, row.latest.key).elements.values():
            jobs = [element.job, *(listener.job for listener in element.listeners)]
            found.update(str(job.type.evaluate({})) for job in jobs if job is not None and job.type.is_static)
    return found


def check_known(engine: Engine, name: str) -> None:
    """Refuse a name that is no service, no type of an open job and none of a deployed diagram.

    Raises InvalidInput with the name that was probably meant.
    """
    names = set(engine.execute(lambda tx: list(services.known(tx)))) | set(lists.job_types(engine))
    if name in names:
        return
    names |= job_types(engine)
    if name not in names:
        near = hint(near_misses(name, sorted(names)))
        raise InvalidInput(f"Expected the name of a service, but no service, job or diagram knows {name!r}.{near}")


def _is_of(job: JobDefinition | None, type: str) -> bool:
    if job is None or not job.type.is_static:
        return False
    written = str(job.type.evaluate({}))
    return written == type or (job.names_code and type in delegates.candidates(written))
