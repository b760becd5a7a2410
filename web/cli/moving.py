"""`partitur modify`, `partitur migrate` and `partitur restart`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from bpmn.interpreter import Put, Take
from bpmn.model import ElementType
from engine.approvals import asking
from engine.engine import Engine
from engine.errors import NotFound
from engine.operations import at_once, migration
from engine.operations.migration import Planned
from engine.operations.modification import Move
from engine.queries import instance
from engine.queries.criteria import Criterion, Search, search
from engine.queries.repeats import repeated
from engine.queries.searches import DEFINITIONS
from web.cli.group import Refused
from web.cli.opening import opened
from web.cli.operating import Reason, report
from web.cli.terminal import Json, answer, table
from web.cli.watching import Key

Ids = list[str] | None


def modify(
    key: Key,
    reason: Reason,
    put: Annotated[Ids, typer.Option(metavar="ELEMENT", help="Put a token here.", show_default=False)] = None,
    after: Annotated[Ids, typer.Option(metavar="ELEMENT", help="Put a token behind it.", show_default=False)] = None,
    take: Annotated[
        Ids, typer.Option(metavar="ELEMENT|KEY", help="Take its tokens, or the one of this key.", show_default=False)
    ] = None,
    move: Annotated[
        list[str] | None, typer.Option(metavar="FROM=TO", help="Move all tokens of an element.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Put, take and move tokens of an instance; all of it together, or nothing."""
    puts = [*(Put(element=id) for id in put or ()), *(Put(element=id, after=True) for id in after or ())]
    takes = [Take(key=int(id)) if id.isascii() and id.isdigit() else Take(element=id) for id in take or ()]
    moves = [Move(source=source, target=target) for source, target in pairs(move or (), "--move")]
    with opened() as engine:
        asked = {"puts": msgspec.to_builtins(puts), "takes": msgspec.to_builtins(takes),
                 "moves": msgspec.to_builtins(moves)}
        done = at_once.act(engine, "MODIFY", {name: value for name, value in asked.items() if value}, key, reason,
                           consent=True)
        detail = instance.detail(engine, key)
    where = sorted(row.element_id for row in detail.elements if row.state == "ACTIVE")
    place = f"it is at {', '.join(where)}" if where else "it ended"
    answer(
        {"key": str(key), "state": detail.row.state, "elements": where, "operation": str(done.operation)},
        lambda console: console.print(f"Modified instance {key}: {place}. {report(done)}", markup=False),
    )


def migrate(
    keys: Annotated[list[int], typer.Argument(metavar="KEY…", show_default=False, help="The keys of instances.")],
    to: Annotated[int, typer.Option(metavar="VERSION", show_default=False, help="The version of their process.")],
    reason: Annotated[str | None, typer.Option(help="Why; the audit trail keeps it.", show_default=False)] = None,
    map: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="An element that has another id in that version.", show_default=False),
    ] = None,
    suggested: Annotated[
        bool, typer.Option("--suggested", help="Also map elements that were probably renamed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    json: Json = False,
) -> None:
    """Let instances go on in another version of their process. Those that do not fit stay, and the exit code is 1."""
    given = dict(pairs(map or (), "--map"))
    if reason is None and not dry_run:
        raise Refused("Expected --reason to say why, or --dry-run, but neither was given.")
    with opened() as engine:
        if not dry_run:
            asking.expect_one(engine.four_eyes, len(set(keys)))
        target, process_id = definition_of(engine, keys[0], to)
        mapping = {**(_guessed(engine, keys[0], target) if suggested else {}), **given}
        planned = migration.plan(engine, keys, target, mapping)
        fit = [each for each in planned if not each.obstacles]
        if not dry_run:
            for each in fit:
                at_once.act(engine, "MIGRATE", {"definitionKey": target, "mapping": mapping}, each.instance_key,
                            reason or "", consent=True)
    word = "would be migrated" if dry_run else "migrated"
    answer(
        {
            "processId": process_id, "version": to, "dryRun": dry_run,
            "migrated": [str(each.instance_key) for each in fit],
            "refused": {
                str(each.instance_key): [obstacle.message for obstacle in each.obstacles]
                for each in planned if each.obstacles
            },
        },
        lambda console: _show(console, planned, word),
    )
    if len(fit) < len(planned):
        raise typer.Exit(1)


def restart(
    key: Key,
    elements: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="ELEMENT", help="Go on from here; else from the start.", show_default=False),
    ] = None,
    to: Annotated[
        int | None,
        typer.Option(metavar="VERSION", help="Start anew in this version; else in its own.", show_default=False),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; the audit trail keeps it.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which effects may repeat.")] = False,
    json: Json = False,
) -> None:
    """Let an instance go on from an element of its past: one that has ended as a new one, a running one is moved."""
    if reason is None and not dry_run:
        raise Refused("Expected --reason to say why, or --dry-run, but neither was given.")
    at = elements or []
    with opened() as engine:
        target = None if to is None else definition_of(engine, key, to)[0]
        # Another version may have elements that did nothing in this one.
        again = repeated(engine, key, at_own(engine, key, at) if target else at or start_events(engine, key))
        made = None
        if not dry_run:
            asked = {"elements": at, "definitionKey": target}
            made = at_once.act(engine, "RESTART", {name: value for name, value in asked.items() if value}, key,
                               reason or "", consent=True).made or key
    effects = [{"key": str(each.key), "elementId": each.element_id, "service": each.service, "effect": each.effect}
               for each in again]
    answer({"key": None if made is None else str(made), "mayRepeat": effects},
           lambda console: _show_restart(console, made, effects))


def at_own(engine: Engine, key: int, elements: list[str]) -> list[str]:
    """Those of some elements that the version of an instance has, too; without any its start events."""
    with engine.read() as connection:
        process = engine.programs.get(connection, instance.get(engine, key).definition_key).process
    return [id for id in elements if id in process.elements] if elements else start_events(engine, key)


def start_events(engine: Engine, key: int) -> list[str]:
    """Where the process of an instance begins. Raises NotFound."""
    with engine.read() as connection:
        process = engine.programs.get(connection, instance.get(engine, key).definition_key).process
    return [id for id, element in process.elements.items()
            if element.type == ElementType.START_EVENT and element.scope == process.id]


def _show_restart(console: Console, made: int | None, effects: Sequence[Mapping[str, str]]) -> None:
    if made is not None:
        console.print(f"Instance {made} goes on.")
    console.print(f"Effects that may repeat: {len(effects)}.")
    if effects:
        console.print(table(["job", "element", "service", "effect"], (list(each.values()) for each in effects)))


def pairs(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    """What options of the form A=B say.

    Raises:
        Refused: one of them has another form.
    """
    found = []
    for text in texts:
        left, equals, right = text.partition("=")
        if not (left and equals and right):
            raise Refused(f"Expected {option} to be two ids with = between them, but found {text!r}.")
        found.append((left, right))
    return found


def definition_of(engine: Engine, instance_key: int, version: int) -> tuple[int, str]:
    """The key of a version of the process of an instance, and the id of the process.

    Raises:
        NotFound: there is no such instance, or no such version.
    """
    row = instance.get(engine, instance_key)
    process_id = row.process_id
    found = search(engine, DEFINITIONS, Search(limit=1, criteria=[
        Criterion("process_id", "eq", process_id), Criterion("version", "eq", version),
        Criterion("tenant_id", "eq", row.tenant_id)])).items
    if not found:
        raise NotFound(f"Expected process {process_id!r} to have a version {version}, but it has none.")
    return found[0].key, process_id


def _guessed(engine: Engine, instance_key: int, target: int) -> dict[str, str]:
    with engine.read() as connection:
        old, new = (engine.programs.get(connection, key).process
                    for key in (instance.get(engine, instance_key).definition_key, target))
    return migration.suggested(old, new)


def _show(console: Console, planned: Sequence[Planned], word: str) -> None:
    console.print(table(["instance", "", "elements"], (
        [each.instance_key, "stays" if each.obstacles else word,
         " ".join(obstacle.message for obstacle in each.obstacles)
         or ", ".join(a if a == b else f"{a} → {b}" for a, b in each.elements)]
        for each in planned
    )))
