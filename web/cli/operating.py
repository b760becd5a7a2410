"""`partitur retry`, `suspend`, `resume`, `cancel`, `upgrade` and `templates`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import rights, upgrade
from engine.database import Database, ping
from engine.engine import Engine
from engine.errors import NotFound
from engine.operations import at_once
from engine.operations.at_once import Outcome
from engine.queries import instance, lists
from service_tasks import templates as element_templates
from web.cli.group import Refused
from web.cli.opening import opened, reaching
from web.cli.services import Services, Sources
from web.cli.settings import Settings, shown_url
from web.cli.terminal import Json, answer
from web.cli.watching import Key

Reason = Annotated[str, typer.Option(help="Why; the audit trail keeps it.", prompt=False, show_default=False)]


def retry(
    key: Annotated[
        int,
        typer.Argument(
            metavar="KEY", show_default=False, help="The key of an incident, or of an instance: all its incidents."
        ),
    ],
    reason: Reason,
    retries: Annotated[
        int | None, typer.Option(min=1, help="How many attempts a job gets.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Try again what failed. Calls in doubt are left: `partitur decide`."""
    with opened() as engine:
        found = incidents_of(engine, key)
        owner = lists.incident(engine, found[0]).instance_key
        given: dict[str, Any] = {} if retries is None else {"retries": retries}
        if key == found[0]:
            given["incident"] = key
        outcome = at_once.act(engine, "RETRY", given, owner, reason, consent=True)
        left = {row.key for row in lists.incidents(engine, instance_key=owner, limit=1000).items}
    again = [incident for incident in found if incident not in left]
    word = "incident" if len(again) == 1 else "incidents"
    answer(
        {"resolved": [str(incident) for incident in again], "operation": str(outcome.operation)},
        lambda console: console.print(f"Trying again: {len(again)} {word}. {report(outcome)}", markup=False),
    )


def report(outcome: Outcome) -> str:
    """Where the report of a deed is."""
    return f"Report: partitur operations show {outcome.operation}"


def incidents_of(engine: Engine, key: int) -> list[int]:
    """The open incidents that a key means.

    Raises:
        NotFound: it is neither an incident's nor an instance's.
        Refused: the instance has none.
    """
    try:
        return [lists.incident(engine, key).key]
    except NotFound:
        pass
    try:
        instance.get(engine, key)
    except NotFound:
        raise NotFound(f"Expected an incident or an instance with key {key}, but there is neither.") from None
    page = lists.incidents(engine, instance_key=key, limit=1000)
    if not page.items:
        raise Refused(f"Expected instance {key} to have an open incident, but it has none.")
    return [incident.key for incident in page.items]


def suspend(key: Key, reason: Reason, json: Json = False) -> None:
    """Let an instance rest: no job is handed out, no timer fires."""
    _operate("SUSPEND", key, reason, "Suspended")


def resume(key: Key, reason: Reason, json: Json = False) -> None:
    """Let a suspended instance go on."""
    _operate("RESUME", key, reason, "Resumed")


def cancel(key: Key, reason: Reason, json: Json = False) -> None:
    """End an instance, and all that it called, for good."""
    _operate("CANCEL", key, reason, "Cancelled")


def _operate(kind: str, key: int, reason: str, done: str) -> None:
    with opened() as engine:
        outcome = at_once.act(engine, kind, {}, key, reason, consent=True)
        row = instance.get(engine, key)
    answer(row, lambda console: console.print(f"{done} instance {key}. {report(outcome)}", markup=False))


def upgrade_database(
    grant: Annotated[str | None, typer.Option(
        metavar="ROLE", show_default=False,
        help="Let this role of PostgreSQL read and write rows, which is all that servers need.")] = None,
    json: Json = False,
) -> None:
    """Bring the database to the schema of this version."""
    settings = Settings.of()
    with reaching(settings):
        database = Database(settings.database_url)
        with database.read() as connection:
            ping(connection)
    try:
        before, after = upgrade.upgrade(database)
        if grant:
            rights.grant(database, grant)
    finally:
        database.close()
    if before != after:
        with opened(settings) as engine:
            engine.execute(upgrade.done, before, after)
    sentence = f"{shown_url(settings.database_url)} has schema {after}"
    sentence += " already." if before == after else f"; before it had {before or 'none'}."
    sentence += f" {grant} may read and write rows, and nothing else." if grant else ""
    answer({"before": before, "after": after, "granted": grant}, lambda console: console.print(sentence, markup=False))


class Action(StrEnum):
    """What is done with element templates."""

    SYNC = "sync"


def templates(
    action: Annotated[Action, typer.Argument(show_default=False, help="Bring the folder up to date.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")] = Path(
        ".camunda/element-templates"
    ),
    services: Sources = None,
    json: Json = False,
) -> None:
    """Write element templates of the services, for Camunda Modeler's palette; those of services that are gone go."""
    known = Services(sources=services or ())
    known.load()
    if not known.registry.own():
        raise Refused("Expected services to make templates of, but none was given: use --services.")
    written: list[Any] = [str(path) for path in element_templates.sync(known.registry.own(), folder)]
    answer({"files": written}, lambda console: console.print("\n".join(written), markup=False))
