"""`partitur drill`: what is left undone when the steps of a process fail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bpmn.model import Model, Process
from bpmn.parser import ParseRefused, parse
from engine import drills
from engine.definitions import Resource
from engine.engine import Engine
from engine.errors import DeploymentRefused, NotFound
from engine.queries import definitions
from engine.schema import DEFAULT_TENANT
from service_tasks.drills import Drill, Effect, Report, Trial, drill, gathered
from web.cli.deploying import found, read_variables
from web.cli.group import Refused
from web.cli.opening import opened, read_file
from web.cli.services import Services, Sources
from web.cli.tenants import Tenant
from web.cli.terminal import Json, answer, table

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="PROCESS|FILE…", show_default=False,
        help="A deployed process, or a file with one; behind it the files that it needs.",
    ),
]


def drill_process(
    targets: Targets,
    version: Annotated[
        int | None, typer.Option(help="Not the newest version but this one.", show_default=False)
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    services: Sources = None,
    variables: Annotated[
        str, typer.Option(metavar="JSON|@FILE", help="What the process is started with, as far as it matters.")
    ] = "{}",
    results: Annotated[
        str, typer.Option(metavar="JSON|@FILE", help='What services answer: {"reserve": {"reservationId": "R-1"}}.')
    ] = "{}",
    good_end: Annotated[
        list[str] | None,
        typer.Option(metavar="ELEMENT", show_default=False, help="An end event at which effects are meant to stay."),
    ] = None,
    json: Json = False,
) -> None:
    """Let every step of a process fail in turn, on a scratch database with stand-ins, and tell what is not undone.

    The last drill of a deployed process is shown in the console. Exit code 1 if something was left, 2 if the command
    was not understood.
    """
    known = Services(sources=services or ())
    known.load()
    given = {"variables": read_variables(variables), "results": _results(read_variables(results))}
    if Path(targets[0]).exists():
        report = _drill_files([Path(target) for target in targets], known, good_end or (), given)
        answer(report.as_json(), lambda console: show(console, report))
    elif len(targets) > 1:
        raise typer.BadParameter(f"Expected one process or files that exist, but there is no file {targets[0]!r}.")
    else:
        report = _drill_deployed(targets[0], version, tenant, known, good_end or (), given)
    if not report.is_clean:
        raise typer.Exit(1)


def _drill_files(files: Sequence[Path], known: Services, good_ends: Sequence[str], given: dict[str, Any]) -> Report:
    resources = [Resource(name=path.name, content=read_file(path)) for path in found(files)]
    model = _model(resources[0])
    if not model.processes:
        raise Refused(f"Expected a process in {resources[0].name}, but there is none.")
    process = model.processes[0]
    _check_ends(process, good_ends)
    return drill(Drill(resources=resources, model=model, process=process, registry=known.registry,
                       good_ends=good_ends, **given))


def _drill_deployed(process_id: str, version: int | None, tenant: str, known: Services, good_ends: Sequence[str],
                    given: dict[str, Any]) -> Report:
    with opened() as engine:
        key = _key(engine, process_id, version, tenant)
        resources = gathered(engine, key)
        model = _model(resources[0])
        process = next(each for each in model.processes if each.id == process_id)
        _check_ends(process, good_ends)
        report = drill(Drill(resources=resources, model=model, process=process, registry=known.registry,
                             good_ends=good_ends, **given))
        engine.execute(drills.record, key, report.as_json(), failures=len(report.trials), remained=report.remained,
                       unreached=len(report.unreached))
    answer({"definition_key": str(key), **report.as_json()}, lambda console: show(console, report))
    return report


def _key(engine: Engine, process_id: str, version: int | None, tenant_id: str) -> int:
    rows = definitions.search(engine, process_id=process_id, tenant_id=tenant_id, version=version,
                              latest=version is None, limit=1).items
    if not rows:
        which = "" if version is None else f" version {version} of"
        raise NotFound(f"Expected{which} process {process_id!r} to be deployed, or to be a file, but it is neither.")
    return rows[0].key


def _model(resource: Resource) -> Model:
    try:
        return parse(resource.content, resource.name)
    except ParseRefused as refused:
        raise DeploymentRefused(refused.problems) from refused


def _check_ends(process: Process, ends: Sequence[str]) -> None:
    for id in ends:
        if id not in process.elements:
            raise Refused(f"Expected the id of an end event of process {process.id!r}, but it has no element {id!r}.")


def _results(written: dict[str, Any]) -> dict[str, dict[str, Any]]:
    for service, result in written.items():
        if not isinstance(result, dict):
            found = json.dumps(result)
            raise Refused(f"Expected the result of service {service!r} to be an object, but it is {found}.")
    return written


def show(console: Console, report: Report) -> None:
    """The failures, what was done about them, and what was left."""
    if report.trials:
        console.print(table(
            ["", "step", "fails with", "outcome", "undone, in order", "left undone"],
            [["✓" if trial.is_clean else "✗", trial.step.name or trial.step.element_id,
              trial.code or "technical failure", trial.outcome, _names(trial.handlers), _left(trial)]
             for trial in report.trials],
        ))
    for step in report.unreached:
        why = f" {step.why}" if step.why else ""
        console.print(f"Not reached: {step.name or step.element_id} ({step.service}).{why} Try --variables.",
                      markup=False)
    count = len(report.trials)
    tried = f"{count} {'failure' if count == 1 else 'failures'} tried in {report.runs} runs"
    if report.is_clean:
        verdict = "Nothing was left undone"
    elif report.remained:
        verdict = f"{report.remained} left something undone"
    else:
        verdict = "No step could be reached"
    missed = len(report.unreached)
    console.print(f"{verdict}: {tried}" + (f", {missed} {'step' if missed == 1 else 'steps'} not reached." if missed
                                           else "."))


def _left(trial: Trial) -> str:
    parts = [_names(trial.remained)] if trial.remained else []
    if trial.by_hand:
        parts.append(f"by hand: {', '.join(f'{each.service} with {each.undoing}' for each in trial.by_hand)}")
    if trial.kept:
        parts.append(f"kept, it went on: {_names(trial.kept)}")
    return "; ".join(parts)


def _names(effects: Sequence[Effect]) -> str:
    return ", ".join(effect.service for effect in effects)
