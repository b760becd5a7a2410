"""`partitur audit`: the audit trail listed, exported, and verified."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from engine import chain, outages
from engine.chain import Break, Head
from engine.engine import Engine
from engine.errors import InvalidInput, Unavailable
from engine.queries import trail
from engine.queries.trail import TrailFilter
from web import trail as files
from web.cli.group import Refused
from web.cli.opening import opened
from web.cli.terminal import Json, answer, fail, moment, table, wants_json
from web.cli.watching import Limit, Offset


class Action(StrEnum):
    """What to do with the audit trail."""

    LIST = "list"
    VERIFY = "verify"
    EXPORT = "export"


class Form(StrEnum):
    """How the trail is written into a file."""

    JSONL = "jsonl"
    CSV = "csv"


def audit(
    action: Annotated[Action, typer.Argument(show_default=False, help="List it, verify its chain, or export it.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", show_default=False, help="Where it is exported to, or what is verified."),
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Of this person.", show_default=False)] = None,
    text: Annotated[str | None, typer.Option(help="With this text in reason or values.", show_default=False)] = None,
    instance_key: Annotated[
        int | None, typer.Option("--instance", help="About this instance.", show_default=False)
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="Of the file.")] = Form.JSONL,
    expect: Annotated[
        str | None,
        typer.Option(metavar="POSITION:HASH", show_default=False, help="What was noted earlier must still be there."),
    ] = None,
    limit: Limit = 50,
    offset: Offset = 0,
    json: Json = False,
) -> None:
    """Who did what, when and why. `verify` follows the chain of hashes, and names the first entry that is wrong."""
    wanted = TrailFilter(actor=actor, text=text, instance_key=instance_key)
    if action is Action.VERIFY and file is not None:
        return _verify_file(file, _noted(expect))
    with opened() as engine:
        if action is Action.LIST:
            return _list(engine, wanted, limit, offset)
        if action is Action.EXPORT:
            return _export(engine, wanted, file, form)
        _seal(engine)
        verdict = chain.verify(engine, _noted(expect))
    _tell(verdict.checked, verdict.broken, verdict.head, verdict.unsealed)


def _seal(engine: Engine) -> None:
    """Seal what is new; a standby leaves that to its primary, and is looked at as it is."""
    try:
        chain.seal_all(engine)
    except Unavailable as error:
        if not outages.reads_only(error):
            raise


def _list(engine: Engine, wanted: TrailFilter, limit: int, offset: int) -> None:
    page = trail.search(engine, wanted, limit=limit, offset=offset)

    def show(console: Console) -> None:
        if not page.items:
            console.print("Nobody did anything that fits.")
            return
        rows = (
            [
                moment(row.at),
                row.actor,
                row.operation.lower().replace("_", " "),
                row.entity.lower().replace("_", " "),
                row.instance_key,
                row.reason,
            ]
            for row in page.items
        )
        console.print(table(["when", "who", "what", "of", "instance", "why"], rows))

    answer({"total": page.total, "more": page.more, "entries": page.items}, show)


def _export(engine: Engine, wanted: TrailFilter, file: Path | None, form: Form) -> None:
    written = files.comma_separated if form is Form.CSV else files.json_lines
    lines = written(trail.entries(engine, wanted))
    if file is None:
        if wants_json():
            raise Refused("Expected a FILE to export to, because --json tells of the export on standard output.")
        sys.stdout.writelines(lines)
        return
    count = 0
    with file.open("w", encoding="utf-8", newline="") as target:
        for line in lines:
            target.write(line)
            count += 1
    count -= form is Form.CSV
    answer({"file": str(file), "entries": count},
           lambda console: console.print(f"Exported {count} entries to {file}.", markup=False))


def _verify_file(file: Path, expected: tuple[int, str] | None) -> None:
    try:
        with file.open(encoding="utf-8") as source:
            checked, unsealed, broken = files.verify(source, expected)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"Expected a file that can be read, but {error}.") from error
    _tell(checked, broken, None, unsealed)


def _tell(checked: int, broken: Break | None, head: Head | None, unsealed: int) -> None:
    def show(console: Console) -> None:
        console.print(f"{checked} entries are as they were sealed.")
        if unsealed:
            console.print(f"{unsealed} more are too new to be sealed: nothing tells whether they were changed.")
        if head is not None and head.position:
            console.print(f"Note this elsewhere: --expect {head.position}:{head.hash}", soft_wrap=True)

    if broken is not None:
        fail(broken.sentence, {"broken": broken, "checked": checked, "head": head})
        raise typer.Exit(1)
    answer({"checked": checked, "head": head, "unsealed": unsealed}, show)


def _noted(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    position, _colon, hash = text.partition(":")
    if not position.isdecimal() or len(position) > 18:
        raise InvalidInput(f"Expected --expect as POSITION:HASH, such as 1200:9f8e…, but found {text[:80]!r}.")
    return int(position), hash
