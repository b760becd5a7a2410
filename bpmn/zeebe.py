"""Camunda 8's dialect: what the `zeebe:` extension elements of an element say.

Source: Camunda 8 documentation, "BPMN coverage" and the pages of the single elements; element and attribute names are
those the Camunda Modeler writes.
"""

from __future__ import annotations

from types import MappingProxyType

from bpmn.expressions import Literal
from bpmn.model import (
    CalledDecision,
    CalledProcess,
    Dialect,
    ElementType,
    JobDefinition,
    Listener,
    ScriptDefinition,
    UserTaskDefinition,
    VariableMapping,
)
from bpmn.reading.fields import ElementFields, LoopFields
from bpmn.reading.forms import read_zeebe
from bpmn.reading.nodes import ZEEBE, Node, attribute, extension, flag
from bpmn.reading.source import Source

PERFORMED_BY_WORKER = frozenset({
    ElementType.SERVICE_TASK,
    ElementType.SEND_TASK,
    ElementType.BUSINESS_RULE_TASK,
    ElementType.SCRIPT_TASK,
    ElementType.INTERMEDIATE_THROW_EVENT,
    ElementType.END_EVENT,
    ElementType.AD_HOC_SUB_PROCESS,
})
"""Elements whose `zeebe:taskDefinition` opens a job."""


def read_element(node: Node, type: ElementType, source: Source) -> ElementFields:
    """Everything the Camunda 8 extension elements of `node` say."""
    fields = ElementFields()
    if inputs := _mappings(node, "input", source):
        fields["inputs"] = inputs
    if outputs := _mappings(node, "output", source):
        fields["outputs"] = outputs
    if listeners := read_listeners(node, source):
        fields["listeners"] = listeners
    if properties := _properties(node):
        fields["properties"] = MappingProxyType(properties)
    if type in PERFORMED_BY_WORKER and (job := _job(node, source)):
        fields["job"] = job
    if type is ElementType.USER_TASK:
        fields["user_task"] = _user_task(node, source)
    if type is ElementType.START_EVENT and (form := read_zeebe(node, source)):
        fields["start_form"] = form
    if type is ElementType.SCRIPT_TASK and (script := _script(node, source)):
        fields["script"] = script
    if type is ElementType.CALL_ACTIVITY and (called := _called_process(node, source)):
        fields["called_process"] = called
    if type is ElementType.BUSINESS_RULE_TASK and (decision := _called_decision(node, source)):
        fields["called_decision"] = decision
    ad_hoc = extension(node, ZEEBE + "adHoc")
    active = source.optional(ad_hoc, attribute(ad_hoc, "activeElementsCollection"), "the active elements")
    if active is not None:
        fields["active_elements"] = active
    if name := attribute(ad_hoc, "outputCollection"):
        fields["output_collection"] = name
    output = source.optional(ad_hoc, attribute(ad_hoc, "outputElement"), "the output element")
    if output is not None:
        fields["output_element"] = output
    return fields


def read_loop(characteristics: Node, source: Source) -> LoopFields:
    """What `zeebe:loopCharacteristics` says about a multi-instance activity."""
    fields = LoopFields()
    node = extension(characteristics, ZEEBE + "loopCharacteristics")
    collection = source.optional(node, attribute(node, "inputCollection"), "the input collection")
    if collection is not None:
        fields["collection"] = collection
    if name := attribute(node, "inputElement"):
        fields["element_variable"] = name
    if name := attribute(node, "outputCollection"):
        fields["output_collection"] = name
    output = source.optional(node, attribute(node, "outputElement"), "the output element")
    if output is not None:
        fields["output_element"] = output
    return fields


def read_version_tag(process: Node) -> str | None:
    """The version tag of a process (`zeebe:versionTag`)."""
    return attribute(extension(process, ZEEBE + "versionTag"), "value")


def _mappings(node: Node, direction: str, source: Source) -> tuple[VariableMapping, ...]:
    container = extension(node, ZEEBE + "ioMapping")
    found = [] if container is None else container.findall(ZEEBE + direction)
    mappings = []
    for mapping in found:
        written, target = attribute(mapping, "source"), attribute(mapping, "target")
        if target is None:
            source.error(mapping, f"Expected each {direction} mapping to have a target variable, but one has none.")
        elif written is None:
            source.error(mapping, f"Expected the {direction} mapping of {target!r} to have a source, but it has none.")
        else:
            value = source.expression(mapping, written, f"the {direction} mapping of {target!r}")
            mappings.append(VariableMapping(source=value, target=target))
    return tuple(mappings)


def _job(node: Node, source: Source) -> JobDefinition | None:
    definition = extension(node, ZEEBE + "taskDefinition")
    type = attribute(definition, "type")
    if definition is None or type is None:
        return None
    priority = extension(node, ZEEBE + "jobPriorityDefinition")
    return JobDefinition(
        type=source.expression(definition, type, "the job type"),
        retries=source.optional(definition, attribute(definition, "retries"), "the number of retries"),
        headers=MappingProxyType(_headers(node)),
        priority=source.optional(priority, attribute(priority, "priority"), "the priority"),
    )


def _headers(node: Node) -> dict[str, str]:
    container = extension(node, ZEEBE + "taskHeaders")
    headers = [] if container is None else container.findall(ZEEBE + "header")
    return {key: header.get("value") or "" for header in headers if (key := attribute(header, "key"))}


def _properties(node: Node) -> dict[str, str]:
    container = extension(node, ZEEBE + "properties")
    found = [] if container is None else container.findall(ZEEBE + "property")
    properties = {name: item.get("value") or "" for item in found if (name := attribute(item, "name"))}
    for name in ("modelerTemplate", "modelerTemplateVersion"):
        if value := attribute(node, ZEEBE + name):
            properties[name] = value
    return properties


def read_listeners(node: Node, source: Source) -> tuple[Listener, ...]:
    """Execution and task listeners."""
    listeners = []
    for container, item in (("executionListeners", "executionListener"), ("taskListeners", "taskListener")):
        found = extension(node, ZEEBE + container)
        for listener in [] if found is None else found.findall(ZEEBE + item):
            type, event = attribute(listener, "type"), attribute(listener, "eventType")
            if type is None or event is None:
                source.error(listener, "Expected each listener to have an event and a job type, but one lacks them.")
                continue
            job = JobDefinition(
                type=source.expression(listener, type, "the job type of a listener"),
                retries=source.optional(listener, attribute(listener, "retries"), "the number of retries"),
                headers=MappingProxyType(_headers(node)),
            )
            listeners.append(Listener(event=event, job=job))
    return tuple(listeners)


def _user_task(node: Node, source: Source) -> UserTaskDefinition:
    assignment = extension(node, ZEEBE + "assignmentDefinition")
    schedule = extension(node, ZEEBE + "taskSchedule")
    priority = extension(node, ZEEBE + "priorityDefinition")
    return UserTaskDefinition(
        assignee=source.optional(assignment, attribute(assignment, "assignee"), "the assignee"),
        candidate_users=source.optional(assignment, attribute(assignment, "candidateUsers"), "the candidate users"),
        candidate_groups=source.optional(assignment, attribute(assignment, "candidateGroups"), "the candidate groups"),
        due_date=source.optional(schedule, attribute(schedule, "dueDate"), "the due date"),
        follow_up_date=source.optional(schedule, attribute(schedule, "followUpDate"), "the follow-up date"),
        priority=source.optional(priority, attribute(priority, "priority"), "the priority"),
        form=read_zeebe(node, source),
        headers=MappingProxyType(_headers(node)),
        job_based=source.dialect is Dialect.CAMUNDA_8 and extension(node, ZEEBE + "userTask") is None,
    )


def _script(node: Node, source: Source) -> ScriptDefinition | None:
    script = extension(node, ZEEBE + "script")
    if script is None:
        return None
    written, variable = attribute(script, "expression"), attribute(script, "resultVariable")
    if written is None:
        source.error(script, "Expected the script to have a FEEL expression, but it has none.")
    if variable is None:
        source.error(script, "Expected the script to have a result variable, but it has none.")
    value = Literal("") if written is None else source.feel(script, written, "the script")
    return ScriptDefinition(expression=value, result_variable=variable)


def _called_process(node: Node, source: Source) -> CalledProcess | None:
    called = extension(node, ZEEBE + "calledElement")
    process_id = attribute(called, "processId")
    if called is None or process_id is None:
        return None
    return CalledProcess(
        process_id=source.expression(called, process_id, "the id of the called process"),
        binding=attribute(called, "bindingType") or "latest",
        version=source.optional(called, attribute(called, "versionTag"), "the version tag"),
        all_in=flag(called, "propagateAllParentVariables", True),
        all_out=flag(called, "propagateAllChildVariables", True),
        business_id=source.optional(called, attribute(called, "businessId"), "the business id"),
    )


def _called_decision(node: Node, source: Source) -> CalledDecision | None:
    called = extension(node, ZEEBE + "calledDecision")
    decision_id, variable = attribute(called, "decisionId"), attribute(called, "resultVariable")
    if called is None:
        return None
    if decision_id is None:
        source.error(called, "Expected the id of a decision (decisionId), but there is none.")
    if variable is None:
        source.error(called, "Expected the decision to have a result variable (resultVariable), but it has none.")
    return CalledDecision(
        decision_id=source.expression(called, decision_id or "", "the id of the decision"),
        result_variable=variable or "",
        binding=attribute(called, "bindingType") or "latest",
        version=source.optional(called, attribute(called, "versionTag"), "the version tag"),
    )


