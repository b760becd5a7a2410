"""`partitur check`: what a deployment would say, without a database and without deploying anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer
from rich.console import Console

from bpmn.problems import Severity
from engine import definitions
from engine.definitions import Resource
from engine.engine import Engine
from web.cli.deploying import Files, found
from web.cli.group import show_problems
from web.cli.opening import read_file
from web.cli.services import ExternalTypes, Services, Sources, Strict
from web.cli.settings import Settings
from web.cli.terminal import Json, answer


def check(
    files: Files,
    services: Sources = None,
    external_types: ExternalTypes = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Check processes and decisions, and their use of services, as a deployment would. Exit code 1 if it refused."""
    resources = [Resource(name=path.name, content=read_file(path)) for path in found(files)]
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(f"sqlite:///{Path(folder) / 'scratch.db'}", synchronous="OFF")
        try:
            Services(sources=services or (), external_types=external_types).connect(engine)
            problems = engine.execute(definitions.check, resources)
        finally:
            engine.close()
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    refused = bool(errors or (warnings and Settings.of(strict=strict).strict))

    def show(console: Console) -> None:
        if problems:
            show_problems(console, problems)
        console.print(f"{'Would be refused' if refused else 'Can be deployed'}: {_count(errors, 'error')}, "
                      f"{_count(warnings, 'warning')}.")

    answer({"deployable": not refused, "errors": errors, "warnings": warnings, "problems": problems}, show)
    if refused:
        raise typer.Exit(1)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
