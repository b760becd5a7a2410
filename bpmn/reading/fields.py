"""The fields of an element that a dialect fills in from its extension elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from bpmn.expressions import Expression
from bpmn.forms.definition import FormDefinition
from bpmn.model import (
    CalledDecision,
    CalledProcess,
    JobDefinition,
    Listener,
    ScriptDefinition,
    UserTaskDefinition,
    VariableMapping,
)


class ElementFields(TypedDict, total=False):
    """Fields of `bpmn.model.Element`; what is absent keeps its default."""

    inputs: tuple[VariableMapping, ...]
    outputs: tuple[VariableMapping, ...]
    job: JobDefinition
    user_task: UserTaskDefinition
    script: ScriptDefinition
    called_process: CalledProcess
    called_decision: CalledDecision
    listeners: tuple[Listener, ...]
    properties: Mapping[str, str]
    initiator: str
    start_form: FormDefinition
    async_before: bool
    async_after: bool
    active_elements: Expression
    output_collection: str
    output_element: Expression


class LoopFields(TypedDict, total=False):
    """Fields of `bpmn.model.Loop`; what is absent keeps its default."""

    collection: Expression
    element_variable: str
    output_collection: str
    output_element: Expression
