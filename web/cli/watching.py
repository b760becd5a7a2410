"""`partitur instances`, `show` and `incidents`."""

from __future__ import annotations

import json as json_module
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.markup import escape
from rich.tree import Tree

from engine.queries import instance, instances, lists
from engine.queries.instance import InstanceDetail
from engine.queries.instances import ANY, InstanceFilter, InstanceRow
from engine.queries.things import ElementRow, IncidentRow
from web.cli.opening import opened
from web.cli.terminal import Json, answer, moment, plain, table

COLOURS = {
    "active": "cyan",
    "waiting": "cyan",
    "retrying": "yellow",
    "stalled": "dark_orange",
    "in_doubt": "bright_magenta",
    "held": "blue",
    "incident": "red",
    "suspended": "bright_black",
    "completed": "green",
    "terminated": "magenta",
}
Key = Annotated[int, typer.Argument(metavar="KEY", show_default=False, help="The key of an instance.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]
Offset = Annotated[int, typer.Option(min=0, help="How many to pass over first.")]
Process = Annotated[str | None, typer.Option("--process", help="Of this process id only.", show_default=False)]
Element = Annotated[str | None, typer.Option(help="Those at this element (its id) now.", show_default=False)]
Error = Annotated[str | None, typer.Option(help="Those whose error contains this text.", show_default=False)]


def list_instances(
    process: Process = None,
    version: Annotated[int | None, typer.Option(help="Of this version only.", show_default=False)] = None,
    state: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(COLOURS)}; several times: any of them.", show_default=False)
    ] = None,
    element: Element = None,
    business_id: Annotated[str | None, typer.Option(help="With this business id.", show_default=False)] = None,
    parent: Annotated[int | None, typer.Option(help="Called by this instance.", show_default=False)] = None,
    error: Error = None,
    since: Annotated[datetime | None, typer.Option(help="Started then or later.", show_default=False)] = None,
    until: Annotated[datetime | None, typer.Option(help="Started before then.", show_default=False)] = None,
    variable: Annotated[
        str | None, typer.Option(metavar="NAME[=VALUE]", help="With this variable; VALUE is JSON.", show_default=False)
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.", show_default=False)] = None,
    sort: Annotated[str, typer.Option(help="started_at, duration, variable:NAME, …; - in front: descending.")] = "-key",
    limit: Limit = 50,
    offset: Offset = 0,
    json: Json = False,
) -> None:
    """List instances, the newest first."""
    name, value = variable_wanted(variable)
    wanted = InstanceFilter(
        process_id=process,
        version=version,
        states=state or (),
        element_id=element,
        business_id=business_id,
        parent_key=parent,
        error=error,
        started_from=since and since.astimezone(),
        started_until=until and until.astimezone(),
        variable_name=name,
        variable_value=value,
        tenant_id=tenant,
    )
    with opened() as engine:
        page = instances.search(engine, wanted, sort=sort, limit=limit, offset=offset)
    answer(
        {"total": page.total, "more": page.more, "instances": [dict_of(row) for row in page.items]},
        lambda console: show_instances(console, page.items, page.total),
    )


def variable_wanted(text: str | None) -> tuple[str | None, Any]:
    """The name and value of `NAME=VALUE`; a value that is no JSON is taken as a text."""
    if not text:
        return None, ANY
    name, given, value = text.partition("=")
    if not given:
        return name, ANY
    try:
        return name, json_module.loads(value)
    except ValueError:
        return name, value


def dict_of(row: InstanceRow) -> Any:
    """An instance with its one-word status, for JSON."""
    return {**plain(row), "status": row.status}


def coloured(status: str) -> str:
    """A status in its colour."""
    return f"[{COLOURS.get(status, 'default')}]{escape(status)}[/]"


def show_instances(console: Console, rows: Sequence[InstanceRow], total: int) -> None:
    """The list, and how many more there are."""
    if not rows:
        console.print("No instance is like that. `partitur start PROCESS` starts one.")
        return
    made = table(["key", "process", "version", "business id", "status", "started", "ended", "reason"], ())
    for row in rows:
        cells = (row.key, row.process_id, row.version, row.business_id or "")
        times = (moment(row.started_at), moment(row.ended_at), row.end_reason or "")
        made.add_row(*(escape(str(cell)) for cell in cells), coloured(row.status), *(escape(cell) for cell in times))
    console.print(made)
    if total > len(rows):
        console.print(f"{len(rows)} of {total:,}; --limit and --offset show others.")


def show(key: Key, json: Json = False) -> None:
    """Show one instance: its elements, variables, incidents and open jobs."""
    with opened() as engine:
        found = instance.detail(engine, key)
    answer(found, lambda console: show_instance(console, found))


def show_instance(console: Console, found: InstanceDetail) -> None:
    """Everything about an instance, for people."""
    row = found.row
    console.print(
        f"[bold]{escape(row.process_name or row.process_id)}[/] version {row.version}, "
        f"instance {row.key} {escape(row.business_id or '')}: {coloured(row.status)} {escape(row.end_reason or '')}"
    )
    console.print(f"started {moment(row.started_at)} {'ended ' + moment(row.ended_at) if row.ended_at else ''}\n")
    console.print(element_tree(found))
    for title, part in sections(found):
        console.print(Group("", f"[bold]{title}[/]", part))


def element_tree(found: InstanceDetail) -> Tree:
    """The history: what ran inside what, in order."""
    tree = Tree(f"[bold]Elements[/] ({found.elements_total:,})")
    inside: dict[int, list[ElementRow]] = defaultdict(list)
    for element in found.elements:
        inside[element.scope_key].append(element)

    def grow(branch: Tree, scope_key: int) -> None:
        for element in inside.get(scope_key, ()):
            grow(branch.add(element_line(element)), element.key)

    grow(tree, found.row.key)
    return tree


def element_line(element: ElementRow) -> str:
    """One element instance."""
    status = "incident" if element.incident_key else element.state.lower()
    took = f" {(element.ended_at - element.started_at).total_seconds():.3f} s" if element.ended_at else ""
    kind = element.type.lower().replace("_", " ")
    return f"{escape(element.element_id)} [bright_black]{kind}[/] {coloured(status)}{took}"


def sections(found: InstanceDetail) -> Iterator[tuple[str, Any]]:
    """The tables below the history, those with something in them."""
    if found.variables:
        yield (
            "Variables",
            table(
                ["name", "value", "scope"],
                (
                    [
                        variable.name,
                        json_module.dumps(variable.value, ensure_ascii=False)[:200],
                        "" if variable.scope_key == found.row.key else variable.scope_key,
                    ]
                    for variable in found.variables
                    if not variable.ended or found.row.ended_at
                ),
            ),
        )
    open_incidents = [incident for incident in found.incidents if incident.resolved_at is None]
    if open_incidents:
        yield "Incidents", incident_table(open_incidents)
    jobs = [job for job in found.jobs if job.ended_at is None]
    if jobs:
        yield (
            "Jobs",
            table(
                ["key", "type", "state", "attempt", "retries", "due", "worker", "error"],
                (
                    [
                        job.key,
                        job.type,
                        job.state.lower(),
                        job.attempt,
                        job.retries,
                        moment(job.due_at),
                        job.locked_by,
                        job.error_message,
                    ]
                    for job in jobs
                ),
            ),
        )
    tasks = [task for task in found.user_tasks if task.ended_at is None]
    if tasks:
        yield (
            "User tasks",
            table(
                ["key", "name", "assignee", "groups"],
                (
                    [task.key, task.name or task.element_id, task.assignee, ", ".join(task.candidate_groups)]
                    for task in tasks
                ),
            ),
        )
    if found.called:
        yield (
            "Called instances",
            table(
                ["key", "process", "status"],
                ([called.key, called.process_id, called.status] for called in found.called),
            ),
        )


def list_incidents(
    process: Process = None,
    element: Element = None,
    error: Error = None,
    instance_key: Annotated[
        int | None, typer.Option("--instance", help="Of this instance.", show_default=False)
    ] = None,
    limit: Limit = 50,
    offset: Offset = 0,
    json: Json = False,
) -> None:
    """List what failed and why, the newest first."""
    with opened() as engine:
        page = lists.incidents(
            engine,
            process_id=process,
            element_id=element,
            error=error,
            instance_key=instance_key,
            limit=limit,
            offset=offset,
        )

    def show_page(console: Console) -> None:
        console.print(incident_table(page.items) if page.items else "No incident is open.")

    answer({"total": page.total, "more": page.more, "incidents": page.items}, show_page)


def incident_table(rows: Sequence[IncidentRow]) -> Any:
    """Incidents for people."""
    return table(
        ["key", "instance", "business id", "element", "type", "message", "since"],
        (
            [row.key, row.instance_key, row.business_id, row.element_id, row.type, row.message, moment(row.created_at)]
            for row in rows
        ),
    )
