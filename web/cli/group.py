"""What all commands have in common: a refusal is a sentence and exit code 1, never a traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from web.cli.terminal import fail, table

if TYPE_CHECKING:
    from bpmn.problems import Problem
    from engine.errors import DeploymentRefused


class Refused(Exception):
    """The command line itself refuses: a file that is not there, a server that does not answer."""


class Commands(TyperGroup):
    """The group that all commands are in."""

    table: ClassVar[Mapping[str, str]] = {}
    """Where each command is: `module:function`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": Lazily(self.table)})
        self._tells_help = False

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands."""
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command; while the help of all is told, only what its first sentence is."""
        if self._tells_help and cmd_name in self.table:
            return TyperCommand(cmd_name, help=first_words(self.table[cmd_name]))
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Say which commands there are, without reading their modules."""
        self._tells_help = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._tells_help = False

    def invoke(self, ctx: Any) -> Any:
        """Run the command; show what refused it.

        Raises:
            typer.Exit: with code 1, when it was refused.
        """
        try:
            return super().invoke(ctx)
        except Exception as error:
            if not _refused(error):
                raise
        raise typer.Exit(1)


class Lazily(MutableMapping[str, Any]):
    """The commands by their names, each made when it is asked for."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = dict(table)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            module, _, function = self._table[name].partition(":")
            callback = getattr(import_module(f"web.cli.{module}"), function)
            self._made[name] = get_command_from_info(
                CommandInfo(name=name, callback=callback), pretty_exceptions_short=True, rich_markup_mode="rich")
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._table.setdefault(name, "")
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._table[name]
        self._made.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def first_words(where: str) -> str:
    """The first paragraph of what a command says of itself, from its source."""
    module, _, function = where.partition(":")
    source = Path(__file__).with_name(f"{module}.py").read_text("utf-8")
    found = re.search(rf'^def {function}\(.*?\) -> None:\n    """(.*?)(?:\n\n|""")', source, re.S | re.M)
    return " ".join(found[1].split()) if found else ""


def _refused(error: Exception) -> bool:
    """Say what an error says, if it is a refusal and no bug."""
    if isinstance(error, typer.Exit | typer.Abort):
        return False
    # Not before something is wrong: they bring the whole engine along.
    from engine.errors import DeploymentRefused, Rejection, Unavailable, WrongSchema
    from service_tasks import ContractError
    from web.auth.access import Unprotected
    from web.auth.accessfile import AccessFileError
    from web.cli.settings import SettingsError

    if isinstance(error, DeploymentRefused):
        refuse_deployment(error)
        return True
    known = (Rejection, Unavailable, WrongSchema, ContractError, SettingsError, AccessFileError, Unprotected, Refused)
    if isinstance(error, known):
        fail(str(error))
        return True
    return False


def refuse_deployment(refused: DeploymentRefused) -> None:
    """Say all that is wrong."""
    from bpmn.problems import Severity

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
    from bpmn.problems import Severity

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
