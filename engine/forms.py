"""Camunda Forms: deployed as versions of their own, and bound by user tasks and start events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, bindparam, select

from bpmn.forms import reading
from bpmn.forms.definition import OF_DEPLOYMENT, FormDefinition
from bpmn.forms.form import Form
from bpmn.model import Dialect, Element, Model
from bpmn.problems import Problem, Severity
from engine import schema

if TYPE_CHECKING:
    from bpmn.interpreter import journal
    from engine.definitions import Resource
    from engine.live import Live
    from engine.rows import AnyRow
    from engine.transaction import Transaction

_f = schema.forms.c

_OF_FORM = select(schema.forms).where(
    _f.form_id == bindparam("form_id"), _f.tenant_id == bindparam("tenant_id")).limit(1)
NEWEST = _OF_FORM.order_by(_f.version.desc())
_deployed_at = (
    select(schema.deployments.c.deployed_at).where(schema.deployments.c.key == bindparam("version")).scalar_subquery()
)
BINDINGS: Mapping[str, Select[Any]] = {
    "latest": NEWEST,
    # A file that did not change keeps its version, and the deployment that it came with before.
    "deployment": _OF_FORM.where(_f.deployed_at <= _deployed_at).order_by(
        (_f.deployment_key == bindparam("version")).desc(), _f.version.desc()),
    "version": _OF_FORM.where(_f.version == bindparam("version")),
    "versionTag": NEWEST.where(_f.version_tag == bindparam("version")),
}
"""Which version of a form an element means (both Camundas' documentation, "Version binding")."""
OF_FILE = (
    select(schema.forms).where(_f.tenant_id == bindparam("tenant_id"), _f.resource_name == bindparam("name"),
                               _f.deployed_at <= _deployed_at)
    .order_by((_f.deployment_key == bindparam("version")).desc(), _f.deployed_at.desc(), _f.key.desc()).limit(1)
)
"""The form that came from a file of this name with a deployment (`camunda-forms:deployment:…`)."""
HIGHEST_VERSION = 2**31


@dataclass(frozen=True, slots=True)
class FormFile:
    """A form to be deployed."""

    resource: Resource
    form: Form
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedForm:
    """A form of a deployment. `created` is False if its newest version has the same bytes."""

    key: int
    form_id: str
    version: int
    resource_name: str
    deployment_key: int
    tenant_id: str
    created: bool


def is_form(resource: Resource) -> bool:
    """Whether a file is a Camunda Form, by its name."""
    return resource.name.lower().endswith(".form")


def read(resources: Iterable[Resource]) -> tuple[list[FormFile], list[Problem]]:
    """The forms among the files, and what is wrong with them."""
    files: list[FormFile] = []
    problems: list[Problem] = []
    seen: dict[str, Resource] = {}
    for resource in filter(is_form, resources):
        form, found = compiled(resource.content, resource.name)
        problems += found
        if form is None:
            continue
        before = seen.setdefault(form.id, resource)
        if before is not resource:
            problems.append(Problem(severity=Severity.ERROR, resource_name=resource.name, element_id=form.id,
                                    message=f"Expected each form once, but {form.id!r} is in {before.name} as well."))
        files.append(FormFile(resource, form, hashlib.sha256(resource.content).hexdigest()))
    return files, problems


@lru_cache(maxsize=256)
def compiled(content: bytes, name: str) -> tuple[Form | None, tuple[Problem, ...]]:
    """The form in a file, read once, and what is wrong with it."""
    form, problems = reading.read(content, name)
    return form, tuple(problems)


@lru_cache(maxsize=256)
def embedded(text: str, id: str, resource_name: str) -> tuple[Form | None, tuple[Problem, ...]]:
    """The form that stands in a diagram under this id, and what is wrong with it."""
    form, problems = reading.read(text, resource_name, default_id=id)
    return form, tuple(problems)


def is_new(tx: Transaction, file: FormFile, tenant_id: str) -> bool:
    """Whether a file is another one than its form's newest version came from."""
    newest = _newest(tx, file, tenant_id)
    return newest is None or newest.checksum != file.checksum


def deploy(tx: Transaction, deployment_key: int, files: Sequence[FormFile], tenant_id: str, *,
           anew: bool = False) -> list[DeployedForm]:
    """Deploy forms. The same bytes as the newest version make no new one, unless all are to be made `anew`."""
    return [_deploy(tx, deployment_key, file, tenant_id, anew) for file in files]


def _deploy(tx: Transaction, deployment_key: int, file: FormFile, tenant_id: str, anew: bool) -> DeployedForm:
    newest = _newest(tx, file, tenant_id)
    name = file.resource.name
    if newest is not None and newest.checksum == file.checksum and not anew:
        return DeployedForm(key=newest.key, form_id=file.form.id, version=newest.version, resource_name=name,
                            deployment_key=newest.deployment_key, tenant_id=tenant_id, created=False)
    deployed = DeployedForm(key=tx.key(), form_id=file.form.id, version=newest.version + 1 if newest else 1,
                            resource_name=name, deployment_key=deployment_key, tenant_id=tenant_id, created=True)
    resource_key = tx.key()
    tx.rows.insert(schema.resources, {
        "key": resource_key, "deployment_key": deployment_key, "name": name, "checksum": file.checksum,
        "content": file.resource.content,
    })
    tx.rows.insert(schema.forms, {
        "key": deployed.key, "form_id": file.form.id, "version": deployed.version,
        "version_tag": file.form.version_tag, "resource_key": resource_key, "resource_name": name,
        "deployment_key": deployment_key, "checksum": file.checksum, "tenant_id": tenant_id, "deployed_at": tx.now,
    })
    return deployed


def _newest(tx: Transaction, file: FormFile, tenant_id: str) -> AnyRow | None:
    return tx.connection.execute(NEWEST, {"form_id": file.form.id, "tenant_id": tenant_id}).first()


def of_element(element: Element) -> FormDefinition | None:
    """What an element of a diagram says about its form."""
    return element.user_task.form if element.user_task is not None else element.start_form


def missing(tx: Transaction, models: Sequence[Model], files: Sequence[FormFile], tenant_id: str) -> list[Problem]:
    """What is wrong with the forms that diagrams name: those that are not there, and those that stand in them.

    A form bound by its deployment that is not part of it refuses the deployment in Camunda 8; others may still come.
    """
    own = {file.form.id for file in files}
    names = {file.resource.name for file in files}
    problems: list[Problem] = []
    for model in models:
        for process in model.processes:
            for id, text in process.forms.items():
                problems += embedded(text, id, model.resource_name)[1]
            for element in process.elements.values():
                form = of_element(element)
                if form is not None:
                    problems += _missing(tx, model, element, form, own, names, tenant_id)
    return problems


def _missing(tx: Transaction, model: Model, element: Element, form: FormDefinition, own: set[str], names: set[str],
             tenant_id: str) -> Iterator[Problem]:
    def problem(message: str, severity: Severity = Severity.WARNING) -> Problem:
        return Problem(severity=severity, resource_name=model.resource_name, element_id=element.id,
                       element_name=element.name, message=message)

    key = form.key.text if form.key is not None and form.key.is_static else ""
    if key.startswith(OF_DEPLOYMENT) and key.removeprefix(OF_DEPLOYMENT) not in names:
        yield problem(f"Expected the form {key.removeprefix(OF_DEPLOYMENT)!r} among the files, but it is not there.")
    if form.id is None or not form.id.is_static or form.id.text in own:
        return
    if form.binding == "deployment":
        refuses = model.dialect is Dialect.CAMUNDA_8 and model.states_platform
        yield problem(f"Expected the form {form.id.text!r} to be deployed with the diagram, but it is in none of the "
                      "files.", Severity.ERROR if refuses else Severity.WARNING)
    elif tx.connection.execute(NEWEST, {"form_id": form.id.text, "tenant_id": tenant_id}).first() is None:
        yield problem(f"Expected the form {form.id.text!r} to be deployed, but it is not. Until then a form is made "
                      "from the variables.")


def of_task(tx: Transaction, live: Live, entry: journal.UserTaskOpened) -> int | None:
    """The key of the form that a new user task is bound to, from now on; None if it names none or it is not there."""
    form = of_element(entry.element)
    if form is None or entry.form_id is None:
        return None
    row = bound(tx.connection, entry.form_id, form.binding, entry.form_version,
                deployment_key=live.definition.deployment_key, tenant_id=live.tenant_id)
    return None if row is None else int(row.key)


def bound(connection: Connection, form_id: str, binding: str, version: str | None, *, deployment_key: int,
          tenant_id: str) -> AnyRow | None:
    """The version of a form that an element means; None if it is not there."""
    values: dict[str, Any] = {"form_id": form_id, "tenant_id": tenant_id}
    if binding == "deployment":
        values["version"] = deployment_key
    elif binding == "version":
        number = int(version) if version and version.isdecimal() and len(version) < 11 else 0
        values["version"] = number if 0 < number < HIGHEST_VERSION else -1
    elif binding == "versionTag":
        values["version"] = version or ""
    return connection.execute(BINDINGS[binding], values).first()
