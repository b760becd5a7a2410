"""Forms that were deployed, and the one that belongs to a user task or to the start of a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import Connection, exists, select

from bpmn.forms.definition import EMBEDDED, OF_DEPLOYMENT, FormDefinition, GeneratedField
from bpmn.forms.form import Form
from engine import forms, schema
from engine.errors import NotFound
from engine.programs import Definition
from engine.queries.things import UserTaskRow
from engine.rows import AnyRow

if TYPE_CHECKING:
    from engine.engine import Engine

_f, _r = schema.forms.c, schema.resources.c
_newer = schema.forms.alias("newer_forms")

_ROWS = select(
    _f.key, _f.form_id, _f.version, _f.version_tag, _f.resource_name, _f.deployment_key, _f.tenant_id, _f.deployed_at)
_LATEST = ~exists().where(
    _newer.c.form_id == _f.form_id, _newer.c.tenant_id == _f.tenant_id, _newer.c.version > _f.version)
_CONTENT = select(_r.content, _f.resource_name).join(schema.forms, _f.resource_key == _r.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRow:
    """One version of a form."""

    key: int
    form_id: str
    version: int
    version_tag: str | None
    resource_name: str
    deployment_key: int
    tenant_id: str
    deployed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FormOf:
    """The form of a task or of a start: a Camunda Form, fields from the diagram, a page elsewhere, or nothing.

    `missing` says why there is none although the diagram names one.
    """

    form: Form | None = None
    row: FormRow | None = None
    """The version that it is, if it was deployed as a file."""
    text: str | None = field(default=None, repr=False)
    """Its JSON as it was deployed."""
    fields: tuple[GeneratedField, ...] = ()
    address: str | None = None
    missing: str | None = None
    definition: FormDefinition | None = None


def latest(engine: Engine) -> tuple[FormRow, ...]:
    """The newest version of each form, by id."""
    with engine.read() as connection:
        rows = connection.execute(_ROWS.where(_LATEST).order_by(_f.form_id, _f.tenant_id))
        return tuple(FormRow(**row._mapping) for row in rows)


def versions(engine: Engine, form_id: str, *, tenant_id: str = schema.DEFAULT_TENANT) -> tuple[FormRow, ...]:
    """All versions of a form, the newest first; empty if it was never deployed."""
    statement = _ROWS.where(_f.form_id == form_id, _f.tenant_id == tenant_id).order_by(_f.version.desc())
    with engine.read() as connection:
        return tuple(FormRow(**row._mapping) for row in connection.execute(statement))


def of_deployment(engine: Engine, key: int) -> tuple[FormRow, ...]:
    """The forms that came with a deployment."""
    with engine.read() as connection:
        rows = connection.execute(_ROWS.where(_f.deployment_key == key).order_by(_f.key))
        return tuple(FormRow(**row._mapping) for row in rows)


def get(engine: Engine, key: int, named: FormDefinition | None = None) -> FormOf:
    """One version of a form by its key, as a diagram has `named` it; raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(_ROWS.where(_f.key == key)).one_or_none()
        if row is None:
            raise NotFound(f"Expected to find a form with key {key}, but there is none.")
        return _deployed(connection, row, named)


def of_task(engine: Engine, task: UserTaskRow) -> FormOf:
    """The form of a user task. One that came after its task is found too; raises NotFound."""
    definition = _definition(engine, task.definition_key)
    element = definition.process.elements.get(task.element_id)
    named = forms.of_element(element) if element is not None else None
    if task.bound_form is not None:
        return get(engine, task.bound_form, named)
    if named is None and task.form_key is None:
        return FormOf()
    return _find(engine, definition, named or FormDefinition(), task.form_key)


def of_start(engine: Engine, definition_key: int) -> FormOf:
    """The form of the start event without a trigger of a process; raises NotFound."""
    definition = _definition(engine, definition_key)
    start = definition.none_start
    if start is None or start.start_form is None:
        return FormOf()
    key = start.start_form.key.text if start.start_form.key is not None else None
    return _find(engine, definition, start.start_form, key)


def has_start_form(engine: Engine, definition_key: int) -> bool:
    """Whether a process asks for something when it starts; raises NotFound."""
    start = _definition(engine, definition_key).none_start
    return start is not None and start.start_form is not None


def _definition(engine: Engine, key: int) -> Definition:
    """A definition as the engine runs it; raises NotFound."""
    with engine.read() as connection:
        return engine.programs.get(connection, key)


def _find(engine: Engine, definition: Definition, named: FormDefinition, key: str | None) -> FormOf:
    if named.fields:
        return FormOf(fields=named.fields, definition=named)
    if named.id is not None:
        return _by_id(engine, definition, named)
    if key is None:
        return FormOf(definition=named)
    if key.startswith(EMBEDDED):
        return _embedded(definition, key.removeprefix(EMBEDDED), named)
    if key.startswith(OF_DEPLOYMENT):
        return _of_file(engine, definition, key.removeprefix(OF_DEPLOYMENT), named)
    return _elsewhere(key, named)


def _by_id(engine: Engine, definition: Definition, named: FormDefinition) -> FormOf:
    # What depends on variables is looked at when the task is created only.
    if named.id is None or not named.id.is_static or (named.version is not None and not named.version.is_static):
        return FormOf(missing="Expected the form to be deployed when the task was created, but it was not.",
                      definition=named)
    version = None if named.version is None else named.version.text
    with engine.read() as connection:
        row = forms.bound(connection, named.id.text, named.binding, version,
                          deployment_key=definition.deployment_key, tenant_id=definition.tenant_id)
        if row is not None:
            return _deployed(connection, row, named)
    which = {"latest": "", "deployment": " with the diagram"}.get(named.binding, f" ({named.binding} {version})")
    return FormOf(missing=f"Expected the form {named.id.text!r} to be deployed{which}, but it is not.",
                  definition=named)


def _embedded(definition: Definition, id: str, named: FormDefinition) -> FormOf:
    text = definition.process.forms.get(id)
    form = None if text is None else forms.embedded(text, id, definition.process.id)[0]
    if form is None:
        return FormOf(missing=f"Expected the form {id!r} in the diagram, but it is not there.", definition=named)
    return FormOf(form=form, text=text, definition=named)


def _of_file(engine: Engine, definition: Definition, name: str, named: FormDefinition) -> FormOf:
    values = {"name": name, "tenant_id": definition.tenant_id, "version": definition.deployment_key}
    with engine.read() as connection:
        row = connection.execute(forms.OF_FILE, values).first()
        if row is not None:
            return _deployed(connection, row, named)
    return FormOf(missing=f"Expected the form {name!r} to be deployed with the diagram, but it is not.",
                  definition=named)


def _elsewhere(key: str, named: FormDefinition) -> FormOf:
    try:
        is_address = urlsplit(key).scheme in ("http", "https") and bool(urlsplit(key).hostname)
    except ValueError:
        is_address = False
    if is_address:
        return FormOf(address=key, definition=named)
    if key.startswith("embedded:"):
        why = f"Expected a Camunda Form, but {key!r} is an HTML form with scripts, which is not run here."
    elif key.startswith("camunda-forms:app:"):
        why = f"Expected a form that was deployed, but {key!r} is a file of a Java application."
    else:
        why = f"Expected the address of a form, but its key is {key!r}."
    return FormOf(missing=why, definition=named)


def _deployed(connection: Connection, row: AnyRow, named: FormDefinition | None = None) -> FormOf:
    found = connection.execute(_CONTENT.where(_f.key == row.key)).one()
    content = bytes(found.content)
    form, _ = forms.compiled(content, found.resource_name)
    kept = FormRow(**{name: getattr(row, name) for name in FormRow.__slots__})
    if form is None:
        # It was read when it was deployed, so this version of Partitur reads forms differently.
        return FormOf(row=kept, missing=f"Expected to read the form {row.form_id!r}, but it failed.", definition=named)
    return FormOf(form=form, row=kept, text=content.decode("utf-8-sig"), definition=named)

