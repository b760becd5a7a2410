"""`partitur feel`: evaluate one FEEL expression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from bpmn.feel import FeelSyntaxError
from bpmn.feel.trial import Trial, caret, try_out
from web.cli.group import Refused
from web.cli.terminal import Json, answer, fail

Expression = Annotated[
    str, typer.Argument(metavar="EXPRESSION", show_default=False, help="With or without a leading =.")
]
Context = Annotated[
    str | None,
    typer.Option("--context", "-c", metavar="JSON|FILE", show_default=False, help="The variables: a JSON object."),
]


def feel(expression: Expression, context: Context = None, json: Json = False) -> None:
    """Evaluate a FEEL expression: its result, its type, and why something in it is null."""
    variables = read_object(context, "the context")
    try:
        trial = try_out(expression, variables)
    except FeelSyntaxError as error:
        place = caret(error.text, error.position)
        fail(error.message, {"position": error.position},
             lambda console: console.print(escape(place), soft_wrap=True))
        raise typer.Exit(1) from error
    if trial.error is not None:
        raise Refused(trial.error)
    answer({"result": trial.result, "type": trial.type, "text": trial.text, "warnings": trial.warnings},
           lambda console: _show(console, trial))


def _show(console: Console, trial: Trial) -> None:
    console.print(escape(trial.text), soft_wrap=True)
    console.print(f"[dim]{escape(trial.type)}[/]")
    show_warnings(console, trial.warnings)


def show_warnings(console: Console, warnings: Sequence[str]) -> None:
    """Why something is null."""
    for warning in warnings:
        console.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)


def read_object(text: str | None, what: str) -> dict[str, Any]:
    """A JSON object, or the file that holds one; nothing is an empty one.

    Raises:
        Refused: it is no JSON object, or there is no such file.
    """
    if text is None:
        return {}
    from web.cli.opening import json_object, read_file  # which bring the engine along

    source = text if text.lstrip().startswith("{") else read_file(Path(text.removeprefix("@"))).decode(errors="replace")
    return json_object(source, what)
