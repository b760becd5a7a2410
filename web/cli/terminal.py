"""What a command prints: a table for people, JSON with `--json` for programs."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_json: ContextVar[bool] = ContextVar("json", default=False)


def _remember(wanted: bool) -> bool:
    # Errors are shown by the group, which does not see the options of its commands.
    _json.set(wanted)
    return wanted


Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.", callback=_remember, is_eager=True)]
"""The option of every command."""


def wants_json() -> bool:
    """Whether the running command was given `--json`."""
    return _json.get()


def console() -> Console:
    """Where people read; made anew because the tests exchange the streams."""
    # What goes into a file or a pipe is not cut to a screen that is not there.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def answer(value: Any, show: Callable[[Console], None]) -> None:
    """Print `value` as JSON, or call `show` to print it for people."""
    if wants_json():
        typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))
    else:
        show(console())


def fail(sentence: str, details: Any = None, show: Callable[[Console], None] | None = None) -> None:
    """Say why the command was refused, in the form the caller asked for.

    With `--json` the answer goes to standard output as `{"error": …, "details": …}`, else to standard error.
    """
    if wants_json():
        typer.echo(json.dumps({"error": sentence, "details": plain(details)}, indent=2, ensure_ascii=False))
        return
    errors = Console(stderr=True, highlight=False)
    if show:
        show(errors)
    errors.print(f"[bold red]✗[/] {escape(sentence)}", soft_wrap=True)


def plain(value: Any, name: str = "") -> Any:
    """A value as JSON has it. The keys in our own records become strings of digits (64 bits are more than
    JavaScript's numbers hold); mappings are the data of processes and keep their numbers."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return str(value) if name == "key" or name.endswith("_key") else value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [plain(item, name.removesuffix("s")) for item in value]
    return str(value)


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]], title: str | None = None) -> Table:
    """A table of untrusted texts: nothing in them is markup."""
    made = Table(*columns, title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for row in rows:
        made.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    return made


def moment(value: datetime | None) -> str:
    """A time in the reader's own zone, to the second."""
    return "" if value is None else value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
