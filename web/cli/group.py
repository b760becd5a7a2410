"""What all commands have in common: a refusal is a sentence and exit code 1, never a traceback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from bpmn.problems import Problem, Severity
from engine.errors import DeploymentRefused, Rejection, Unavailable, WrongSchema
from service_tasks import ContractError
from web.auth.access import Unprotected
from web.auth.accessfile import AccessFileError
from web.cli.settings import SettingsError
from web.cli.terminal import fail, table


class Refused(Exception):
    """The command line itself refuses: a file that is not there, a server that does not answer."""


REFUSALS = (Rejection, Unavailable, WrongSchema, ContractError, SettingsError, AccessFileError, Unprotected, Refused)
"""What a sentence says all of."""


class Commands(TyperGroup):
    """The group that all commands are in."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; show what refused it.

        Raises:
            typer.Exit: with code 1, when it was refused.
        """
        try:
            return super().invoke(ctx)
        except DeploymentRefused as refused:
            refuse_deployment(refused)
        except REFUSALS as refused:
            fail(str(refused))
        raise typer.Exit(1)


def refuse_deployment(refused: DeploymentRefused) -> None:
    """Say all that is wrong."""
    problems = refused.problems
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    counted = f"{errors} {'error' if errors == 1 else 'errors'}"
    if refused.strict and warnings:
        counted += f", {warnings} {'warning' if warnings == 1 else 'warnings'} (strict: they refuse, too)"
    fail(
        f"Nothing was deployed: {counted}.",
        problems,
        lambda console: show_problems(console, problems),
    )


def show_problems(console: Console, problems: Sequence[Problem]) -> None:
    """A table of what is wrong with the files of a deployment."""
    console.print(
        table(
            ["", "file", "element", "problem"],
            (
                ["✗" if problem.severity is Severity.ERROR else "!", place(problem), element(problem), problem.message]
                for problem in problems
            ),
        )
    )


def place(problem: Problem) -> str:
    """The file, with the line where there is one."""
    return f"{problem.resource_name}:{problem.line}" if problem.line else problem.resource_name


def element(problem: Problem) -> str:
    """The element as the analyst knows it: its id, and its name where it has one."""
    if not problem.element_id:
        return ""
    named = problem.element_name and problem.element_name != problem.element_id
    return f"{problem.element_id} ({problem.element_name})" if named else problem.element_id
