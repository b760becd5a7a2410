"""Before a deployment: how the next version of each process differs, and what that means for live instances.

The files travel with the form of the page, so that exactly what was looked at is deployed, and only if no other version
came in between.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Request, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bpmn import parser
from bpmn.comparing import compare
from bpmn.model import Process
from bpmn.problems import Problem, Severity
from engine import decision_files, definitions, requests
from engine import forms as form_files
from engine.definitions import Resource
from engine.errors import Conflict, InvalidInput
from engine.operations import radius
from engine.operations.radius import Radius
from engine.queries import definitions as known
from engine.queries.definitions import DefinitionRow
from engine.schema import DEFAULT_TENANT
from web.console import deployments, differences, tenants
from web.console.blueprint import bp, engine
from web.console.marks import Marks
from web.scanning import look_at

MOST_FILES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A process of the files beside its newest version; `same` if that came from the very same file.

    `xml` is the text of the new file if it can be drawn; `radius` has the versions with live instances.
    """

    number: int
    process_id: str
    name: str
    resource_name: str
    version: int
    newest: DefinitionRow | None
    same: bool
    xml: str | None
    sentences: Sequence[tuple[str, str]] = ()
    old_marks: Marks | None = None
    new_marks: Marks | None = None
    radius: Sequence[Radius] = ()

    @property
    def live(self) -> int:
        """How many instances are live in the versions that there are."""
        return sum(each.live for each in self.radius)

    @property
    def fit(self) -> int:
        """How many of them could be migrated."""
        return sum(each.fit for each in self.radius)


@bp.post("/deployments")
def deploy() -> ResponseReturnValue:
    """Deploy the uploaded files, or say everything that is wrong with them.

    Where a process would get another version, it is shown what that changes first, and nothing is deployed yet.
    """
    resources = deployments.uploaded()
    return _review(resources) if _brings_next_version(resources) else deployments.deployed(resources)


def _brings_next_version(resources: Iterable[Resource]) -> bool:
    tenant = tenants.named() or DEFAULT_TENANT
    for resource in filter(is_process, resources):
        model, _problems = parser.examine(resource.content, resource.name, engine().scripts)
        for process in model.processes if model else ():
            newest = next(iter(known.versions(engine(), process.id, tenant_id=tenant)), None)
            if newest is not None and known.content(engine(), newest.key) != resource.content:
                return True
    return False


@bp.post("/deployments/review")
def review() -> ResponseReturnValue:
    """What deploying the uploaded files would change. Nothing is deployed by this."""
    return _review(deployments.uploaded())


def _review(resources: Sequence[Resource]) -> ResponseReturnValue:
    problems = engine().execute(definitions.check, resources, tenants.named())
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors or (problems and engine().strict):
        return deployments.refused(resources, problems, strict=engine().strict), 422
    return _page(resources, problems)


def _page(resources: Sequence[Resource], problems: Sequence[Problem]) -> str:
    tenant_id = tenants.named()
    found = list(reviewed(resources, tenant_id))
    others = [resource.name for resource in resources if not is_process(resource)]
    return render_template(
        "deployments/review.html", section="processes", reviewed=found, others=others, problems=problems,
        tenant_id=tenant_id,
        files=[(resource.name, base64.b64encode(resource.content).decode()) for resource in resources],
        anything=bool(others) or any(not each.same for each in found),
    )


def is_process(resource: Resource) -> bool:
    """Whether a file has processes, and no decisions or forms."""
    return not decision_files.is_decision(resource) and not form_files.is_form(resource)


def reviewed(resources: Iterable[Resource], tenant_id: str | None = None) -> Iterable[Reviewed]:
    """Each process of files beside its newest version."""
    tenant = tenant_id or DEFAULT_TENANT
    number = 0
    for resource in filter(is_process, resources):
        model, _problems = parser.examine(resource.content, resource.name, engine().scripts)
        for process in model.processes if model else ():
            number += 1
            yield _one(number, resource, process, tenant)


def _one(number: int, resource: Resource, process: Process, tenant: str) -> Reviewed:
    newest = next(iter(known.versions(engine(), process.id, tenant_id=tenant)), None)
    text = resource.content.decode("utf-8", errors="replace")
    common: dict[str, Any] = {
        "number": number, "process_id": process.id, "name": process.name or process.id, "newest": newest,
        "resource_name": resource.name, "version": newest.version + 1 if newest else 1,
        "xml": text if "BPMNDiagram" in text else None,
    }
    if newest is None:
        return Reviewed(**common, same=False)
    if known.content(engine(), newest.key) == resource.content:
        return Reviewed(**common, same=True)
    old = known.process(engine(), newest.key)
    difference = compare(old, process)
    return Reviewed(
        **common, same=False, sentences=differences.sentences(difference, old, process),
        old_marks=differences.old_marks(difference, known.element_counts(engine(), newest.key)),
        new_marks=differences.new_marks(difference), radius=radius.of(engine(), process, tenant_id=tenant, guess=True),
    )


@bp.post("/deployments/reviewed")
def deploy_reviewed() -> ResponseReturnValue:
    """Deploy the files that were looked at, unless another version of a process came in between."""
    resources = _carried(request)
    # What this very request deployed before is no other version that came in between.
    for text in () if requests.repeats() else request.form.getlist("seen"):
        version, _space, process_id = text.partition(" ")
        newest = next(iter(known.versions(engine(), process_id, tenant_id=tenants.named())), None)
        found = newest.version if newest else 0
        if version != str(found):
            raise Conflict(_("Expected version %(seen)s of %(process)s to be the newest, as when you looked, but it is "
                             "version %(found)s now. Choose the files again and look once more.", seen=version,
                             process=process_id, found=found))
    return deployments.deployed(resources)


def _carried(request: Request) -> list[Resource]:
    """The files that the page of a review carried along. Raises InvalidInput if something is wrong with them."""
    names, contents = request.form.getlist("name"), request.form.getlist("content")
    if not names or len(names) != len(contents) or len(names) > MOST_FILES:
        raise InvalidInput(_("Expected the files that were looked at, but they are not all there. Choose them again."))
    try:
        carried = [Resource(name=name, content=base64.b64decode(content, validate=True))
                   for name, content in zip(names, contents, strict=True)]
    except (binascii.Error, ValueError):
        raise InvalidInput(_("Expected the files as they were looked at, but they were changed on the way. Choose them "
                             "again.")) from None
    for each in carried:
        look_at(each.name, each.content)
    return carried
