"""`partitur deploy` and `partitur start`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from engine import definitions, instances
from engine.definitions import Deployment, Resource
from engine.schema import DEFAULT_TENANT
from web import scanning
from web.cli.group import Refused, show_problems
from web.cli.opening import Url, ask, json_object, opened, read_file
from web.cli.services import ExternalTypes, Services, Sources, Strict
from web.cli.settings import Settings
from web.cli.tenants import Tenant
from web.cli.terminal import Json, answer, table

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE…", show_default=False, help="BPMN, DMN and form files, or folders of them."),
]

SUFFIXES = (".bpmn", ".dmn", ".form")


def deploy(
    files: Files, services: Sources = None, external_types: ExternalTypes = None, strict: Strict = False,
    tenant: Tenant = DEFAULT_TENANT, url: Url = None, json: Json = False,
) -> None:
    """Deploy processes, decisions and forms: all of them, or none and a list of everything that is wrong."""
    if url and strict:
        raise Refused("Expected --strict without --url, because a server is strict or not by itself, but got both.")
    resources = [Resource(name=path.name, content=read_file(path)) for path in found(files)]
    if url:
        body = ask(
            url,
            "POST",
            "/v2/deployments",
            data={} if tenant == DEFAULT_TENANT else {"tenantId": tenant},
            files=[("resources", (resource.name, resource.content, "application/xml")) for resource in resources],
        )
        answer(body, lambda console: show_remote(console, body))
        return
    settings = Settings.of(strict=strict)
    with opened(settings) as engine:
        if settings.scanner:
            for resource in resources:
                scanning.check(settings.scanner, engine, resource.name, resource.content)
        Services(sources=services or (), external_types=external_types).connect(engine)
        deployment = engine.execute(definitions.deploy, resources, source="command line", tenant_id=tenant)
    answer(deployment, lambda console: show(console, deployment))


def found(paths: Sequence[Path]) -> list[Path]:
    """The files that are meant.

    Raises:
        Refused: a folder holds neither processes nor decisions.
    """
    files: list[Path] = []
    for path in paths:
        inside = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise Refused(f"Expected *.bpmn, *.dmn or *.form files in {path}, but there are none.")
        files += inside
    return files


def show(console: Console, deployment: Deployment) -> None:
    """What was deployed, and the warnings."""
    if deployment.problems:
        show_problems(console, deployment.problems)
    rows: list[list[Any]] = [
        ["process", made.process_id, made.version, made.key, made.resource_name, "" if made.created else "unchanged"]
        for made in deployment.definitions
    ]
    rows += [
        [
            "decision",
            made.decision_id,
            made.version,
            made.key,
            made.requirements.resource_name,
            "" if made.created else "unchanged",
        ]
        for made in deployment.decisions
    ]
    rows += [
        ["form", made.form_id, made.version, made.key, made.resource_name, "" if made.created else "unchanged"]
        for made in deployment.forms
    ]
    console.print(table(["", "id", "version", "key", "file", ""], rows))


def show_remote(console: Console, body: Mapping[str, Any]) -> None:
    """What a server says it has deployed."""
    rows = []
    for item in body.get("deployments", ()):
        for kind, name in (("process", "processDefinition"), ("decision", "decisionDefinition"), ("form", "form")):
            made = item.get(name)
            if made:
                id = made.get(f"{name}Id")
                rows.append([kind, id, made.get("version", made.get(f"{name}Version")), made.get(f"{name}Key")])
    console.print(table(["", "id", "version", "key"], rows))


def start(
    process: Annotated[str, typer.Argument(metavar="PROCESS", show_default=False, help="Its id in the diagram.")],
    version: Annotated[
        int | None, typer.Option(help="Not the newest version but this one.", show_default=False)
    ] = None,
    variables: Annotated[str, typer.Option(metavar="JSON|@FILE", help="An object, or @ and a file with one.")] = "{}",
    business_id: Annotated[
        str | None, typer.Option(help="Your own name for it, such as the order number.", show_default=False)
    ] = None,
    start_key: Annotated[
        str | None,
        typer.Option(help="Start once only: the same key again gives the same instance.", show_default=False),
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    url: Url = None,
    json: Json = False,
) -> None:
    """Start an instance of a process."""
    content = read_variables(variables)
    if url:
        request = {
            "processDefinitionId": process,
            "processDefinitionVersion": version or -1,
            "variables": content,
            "businessId": business_id,
            "tenantId": None if tenant == DEFAULT_TENANT else tenant,
        }
        given = {name: value for name, value in request.items() if value is not None}
        body = ask(url, "POST", "/v2/process-instances", json=given)
        answer(body, lambda console: console.print(f"Started instance {body['processInstanceKey']}."))
        return
    with opened() as engine:
        made = engine.execute(
            instances.start, process, version=version, variables=content, business_id=business_id,
            start_key=start_key, tenant_id=tenant,
        )
    word = "Started" if made.created else "Was started before:"
    answer(made, lambda console: console.print(f"{word} instance {made.key} of {process} version {made.version}."))


def read_variables(text: str) -> dict[str, Any]:
    """The object that an option gave, or the file it names.

    Raises:
        Refused: it is no JSON object.
    """
    source = text
    if text.startswith("@"):
        source = read_file(Path(text[1:])).decode(errors="replace")
    return json_object(source, "variables")
