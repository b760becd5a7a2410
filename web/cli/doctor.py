"""`partitur doctor`."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console

from web.cli import checks
from web.cli.checks import Check, Result
from web.cli.settings import Settings
from web.cli.terminal import Json, answer, table

MARKS = {Result.OK: "✓", Result.WARNING: "!", Result.FAILED: "✗"}


def doctor(json: Json = False) -> None:
    """Look for what is wrong with this machine, and say what to do about it."""
    found = list(checks.examine(Settings.of()))

    def show(console: Console) -> None:
        console.print(
            table(
                ["", "", "", "what to do"],
                ([MARKS[check.result], check.name, check.found, check.advice] for check in found),
            )
        )

    answer({"healthy": not failed(found), "checks": found}, show)
    if failed(found):
        raise typer.Exit(1)


def failed(found: list[Check]) -> list[Any]:
    """The checks that failed."""
    return [check for check in found if check.result is Result.FAILED]
