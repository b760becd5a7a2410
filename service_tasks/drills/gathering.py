"""Which files of a database a process needs to run somewhere else."""

from __future__ import annotations

from bpmn.model import Process
from engine.definitions import Resource
from engine.engine import Engine
from engine.queries import decisions, definitions
from service_tasks.drills.rehearsal import called_by


def gathered(engine: Engine, key: int) -> list[Resource]:
    """The file of a deployed process first, and then the newest files of the processes that it calls, directly or
    through others, and of all decisions if any of them needs one; all of its tenant.

    Raises `engine.errors.NotFound`.
    """
    row = definitions.get(engine, key)
    found = [Resource(name=row.resource_name, content=definitions.content(engine, key))]
    first = definitions.process(engine, key)
    processes = {first.id: first}
    todo = called_by(first)
    while todo:
        id = todo.pop()
        newest = definitions.search(engine, process_id=id, tenant_id=row.tenant_id, latest=True, limit=1).items
        if id in processes or not newest:
            continue
        found.append(Resource(name=newest[0].resource_name, content=definitions.content(engine, newest[0].key)))
        processes[id] = definitions.process(engine, newest[0].key)
        todo += called_by(processes[id])
    if any(_decides(process) for process in processes.values()):
        found += _decisions(engine, row.tenant_id)
    # Several processes may stand in one file.
    return list({resource.content: resource for resource in found}.values())


def _decides(process: Process) -> bool:
    return any(element.called_decision is not None for element in process.elements.values())


def _decisions(engine: Engine, tenant_id: str) -> list[Resource]:
    # A file may import others, so all of them go along.
    graphs = {decision.requirements_key for decision in decisions.newest(engine, tenant_id=tenant_id)}
    return [Resource(name=f"{key}.dmn", content=decisions.file(engine, key)) for key in sorted(graphs)]
