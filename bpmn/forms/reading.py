"""Reads Camunda Forms: form-js JSON, from a `.form` file or embedded in a diagram.

Sources: form-js documentation and its `FieldFactory`, `PathRegistry`; Zeebe's checks of a form at deployment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from bpmn.forms.components import ComponentReader
from bpmn.forms.form import Form
from bpmn.problems import Problem, Severity
from bpmn.wording import quoted

SCHEMA_VERSION = 19
"""The newest version of form-js' schema that is known here."""


class _NotRead(Exception):
    """The text is no form at all."""


def read(content: bytes | str, resource_name: str, *,
         default_id: str | None = None) -> tuple[Form | None, list[Problem]]:
    """A form, and everything that is wrong or doubtful; no form if anything is wrong.

    Arguments: the JSON, the file that it stands in, and the id of a form that needs none of its own because it is
    embedded in a diagram.
    """
    reader = ComponentReader(resource_name)
    try:
        written = _json(content)
        form_id = _id(written, default_id)
    except _NotRead as error:
        return None, [Problem(severity=Severity.ERROR, message=str(error), resource_name=resource_name)]
    form = _read(written, form_id, reader)
    return (form if not reader.has_errors else None), reader.problems


def read_object(written: Mapping[str, Any]) -> Form | None:
    """A form that was made here; None if it cannot be one."""
    reader = ComponentReader("")
    form = _read(written, written["id"], reader)
    return form if not reader.has_errors else None


def _read(written: Mapping[str, Any], form_id: str, reader: ComponentReader) -> Form:
    _versions(written, reader)
    components = written.get("components")
    if not isinstance(components, list):
        reader.error(None, f"Expected the form to have a list of components, but it has {_kind(components)}.")
        components = []
    read_components, schema = reader.components(components)
    tag = written.get("versionTag")
    if tag is not None and not isinstance(tag, str):
        reader.error(None, f"Expected the version tag to be a text, but it is {_kind(tag)}.")
    return Form(id=form_id, version_tag=tag or None, components=read_components,
                schema={**written, "id": form_id, "type": "default", "components": schema})


def _json(content: bytes | str) -> Mapping[str, Any]:
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        written = json.loads(text, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _NotRead(f"Expected a form as JSON in UTF-8, but byte {error.start} is none.") from error
    except RecursionError as error:
        raise _NotRead("Expected a form as JSON, but it nests too deeply.") from error
    except ValueError as error:
        raise _NotRead(f"Expected a form as JSON, but {error}.") from error
    if not isinstance(written, dict):
        raise _NotRead(f"Expected a form as a JSON object, but it is {_kind(written)}.")
    return written


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _id(written: Mapping[str, Any], default_id: str | None) -> str:
    found = written.get("id", default_id)
    if not isinstance(found, str) or not found.strip():
        raise _NotRead(f"Expected the form to have an id, but it is {_kind(found)}.")
    if len(found) > 255:
        raise _NotRead(f"Expected the id of the form to have at most 255 characters, but it has {len(found)}.")
    return found


def _versions(written: Mapping[str, Any], reader: ComponentReader) -> None:
    version = written.get("schemaVersion")
    if version is None:
        return
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        reader.error(None, f"Expected the schemaVersion to be a whole number from 1 on, but it is {_kind(version)}.")
    elif version > SCHEMA_VERSION:
        reader.warn(None, f"The form was made for schema version {version}, and {SCHEMA_VERSION} is the newest known "
                          "here. What is new in it is not checked.")


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return quoted(value) if isinstance(value, str) else json.dumps(value)
