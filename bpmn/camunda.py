"""Camunda 7's dialect: what the `camunda:` attributes and extension elements of an element say.

Source: Camunda 7 manual, "BPMN 2.0 Implementation Reference" and "Custom Extensions". Nothing here ever becomes code:
`camunda:class`, `camunda:delegateExpression` and `camunda:expression` give the *name* of the job that a registered
service or a worker performs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType

from bpmn.camunda_values import read_mappings, read_script
from bpmn.expressions import Expression, Literal
from bpmn.model import (
    CalledDecision,
    CalledProcess,
    DeclaredError,
    ElementType,
    EventDefinition,
    JobDefinition,
    Listener,
    ScriptDefinition,
    UserTaskDefinition,
    VariableMapping,
)
from bpmn.reading.fields import ElementFields, LoopFields
from bpmn.reading.forms import read_camunda
from bpmn.reading.nodes import BPMN, CAMUNDA, Node, attribute, child, extension, extensions, flag, local_name, text
from bpmn.reading.source import Source
from bpmn.retry_cycle import read_cycle
from bpmn.wording import quoted

SERVICE_LIKE = frozenset({ElementType.SERVICE_TASK, ElementType.SEND_TASK, ElementType.BUSINESS_RULE_TASK})
THROW_EVENTS = frozenset({ElementType.INTERMEDIATE_THROW_EVENT, ElementType.END_EVENT})
BEAN = re.compile(r"[$#]\{\s*([A-Za-z_][\w]*(?:\.[A-Za-z_][\w]*)*)\s*(?:\(.*\))?\s*\}\Z", re.DOTALL)
"""An expression that names a bean or calls a method of one."""
INHERITED_RESULT = "decisionResult"
"""The variable of a decision's result when the model names none (manual, "Business Rule Task")."""
TASK_EVENTS = MappingProxyType({
    "create": "creating", "assignment": "assigning", "update": "updating", "complete": "completing",
    "delete": "canceling",
})
"""Camunda 7's words for what happens to a user task, in Camunda 8's."""
PERFORMERS = ("humanPerformer", "potentialOwner")


def read_element(node: Node, type: ElementType, source: Source, has_behaviour: bool = False) -> ElementFields:
    """Everything the Camunda 7 attributes and extension elements of `node` say.

    With `has_behaviour` the other dialect has already said what the element does.
    """
    fields = ElementFields()
    holder = _job_holder(node, type)
    mappings = extension(node, CAMUNDA + "inputOutput")
    inputs = read_mappings(mappings, "inputParameter", source)
    inputs += read_mappings(child(_connector(holder), CAMUNDA + "inputOutput"), "inputParameter", source)
    inputs += _field_expressions(holder, source)
    outputs = read_mappings(child(_connector(holder), CAMUNDA + "inputOutput"), "outputParameter", source)
    outputs += read_mappings(mappings, "outputParameter", source)
    if inputs:
        fields["inputs"] = inputs
    if outputs:
        fields["outputs"] = outputs
    if listeners := read_listeners(node, source):
        fields["listeners"] = listeners
    if properties := _properties(node):
        fields["properties"] = MappingProxyType(properties)
    if type is ElementType.START_EVENT and (variable := attribute(node, CAMUNDA + "initiator")):
        fields["initiator"] = variable
    if type is ElementType.START_EVENT and (form := read_camunda(node, source)):
        fields["start_form"] = form
    if not has_behaviour:
        _read_behaviour(node, type, holder, source, fields)
    _read_async(node, fields)
    return fields


def _read_behaviour(node: Node, type: ElementType, holder: Node | None, source: Source, fields: ElementFields) -> None:
    if type is ElementType.USER_TASK:
        fields["user_task"] = _user_task(node, source)
    elif type is ElementType.SCRIPT_TASK:
        fields["script"] = _script(node, source)
    elif type is ElementType.CALL_ACTIVITY:
        if called := _called_process(node, source):
            fields["called_process"] = called
    elif type is ElementType.BUSINESS_RULE_TASK and (decision := _called_decision(node, source)):
        fields["called_decision"] = decision
    elif holder is not None:
        job = read_job(node, holder, source)
        if job is not None:
            fields["job"] = job
        elif type in SERVICE_LIKE and (script := _expression(holder, source)):
            fields["script"] = script
        elif attribute(holder, CAMUNDA + "expression"):
            source.error(holder, "Expected the expression to name a service that sends the message, but it computes.")


def _read_async(node: Node, fields: ElementFields) -> None:
    """Asynchronous continuations; on a multi-instance body they count for the activity."""
    loop = child(node, BPMN + "multiInstanceLoopCharacteristics")
    for holder in (node, loop):
        if holder is None:
            continue
        if flag(holder, CAMUNDA + "asyncBefore") or flag(holder, CAMUNDA + "async"):
            fields["async_before"] = True
        if flag(holder, CAMUNDA + "asyncAfter"):
            fields["async_after"] = True


def read_loop(characteristics: Node, source: Source) -> LoopFields:
    """What `camunda:collection` and `camunda:elementVariable` say about a multi-instance activity."""
    fields = LoopFields()
    collection = attribute(characteristics, CAMUNDA + "collection")
    if collection is not None:
        is_expression = "${" in collection or "#{" in collection or collection.startswith("=")
        read = source.expression if is_expression else source.variable
        fields["collection"] = read(characteristics, collection, "the collection")
    if name := attribute(characteristics, CAMUNDA + "elementVariable"):
        fields["element_variable"] = name
    return fields


def read_version_tag(process: Node) -> str | None:
    """The version tag of a process (`camunda:versionTag`)."""
    return attribute(process, CAMUNDA + "versionTag")


def _job_holder(node: Node, type: ElementType) -> Node | None:
    """The element whose attributes say how the job is done: for a throw event its message event definition."""
    if type in SERVICE_LIKE:
        return node
    return child(node, BPMN + "messageEventDefinition") if type in THROW_EVENTS else None


def _connector(holder: Node | None) -> Node | None:
    return extension(holder, CAMUNDA + "connector")


def read_job(node: Node, holder: Node, source: Source) -> JobDefinition | None:
    """The job of a service-like element: its external topic, or the name of the class, bean or connector."""
    type = _job_type(holder, source)
    code = None if type is not None else _code_name(holder)
    if type is None and code is None:
        type = _connector_type(holder)
        if type is None:
            return None
    headers = {
        name: value
        for field in extensions(holder, CAMUNDA + "field")
        if (name := attribute(field, "name")) and (value := _field_text(field)) is not None
    }
    priority = attribute(node, CAMUNDA + "taskPriority") or attribute(node, CAMUNDA + "jobPriority")
    calls = attribute(holder, CAMUNDA + "expression") is not None
    return JobDefinition(
        type=type or Literal(code or ""),
        names_code=code is not None,
        result_variable=attribute(holder, CAMUNDA + "resultVariable") if calls else None,
        retry_cycle=_retry_cycle(node, source),
        headers=MappingProxyType(headers),
        priority=source.optional(node, priority, "the priority"),
        errors=_declared_errors(holder, source),
    )


def _job_type(holder: Node, source: Source) -> Expression | None:
    kind = attribute(holder, CAMUNDA + "type")
    if kind == "external":
        topic = attribute(holder, CAMUNDA + "topic")
        if topic is None:
            source.error(holder, "Expected the external task to have a topic (camunda:topic), but it has none.")
        return Literal("") if topic is None else source.expression(holder, topic, "the topic")
    if kind is not None:
        return Literal(kind)
    return None


def _code_name(holder: Node) -> str | None:
    """The name of the class, bean or method that Camunda 7 would call; it stands for a service (`bpmn.delegates`)."""
    if (name := attribute(holder, CAMUNDA + "class")) is not None:
        return name
    if (name := attribute(holder, CAMUNDA + "delegateExpression")) is not None:
        return bean_name(name) or name
    return bean_name(attribute(holder, CAMUNDA + "expression") or "")


def _connector_type(holder: Node) -> Expression | None:
    connector = text(child(_connector(holder), CAMUNDA + "connectorId"))
    return None if connector is None else Literal(connector)


def bean_name(written: str) -> str | None:
    """The bare name in an expression such as `${billing}` or `${billing.charge(order)}`; None if it has none."""
    match = BEAN.match(written.strip())
    return match.group(1) if match and match.group(1) not in ("true", "false", "null") else None


def _expression(holder: Node, source: Source) -> ScriptDefinition | None:
    """A `camunda:expression` that computes something instead of calling a bean."""
    written = attribute(holder, CAMUNDA + "expression")
    if written is None:
        return None
    value = source.expression(holder, written, "the expression")
    return ScriptDefinition(expression=value, result_variable=attribute(holder, CAMUNDA + "resultVariable"))


def _field_text(field: Node) -> str | None:
    return field.get("stringValue") or text(child(field, CAMUNDA + "string"))


def _field_expressions(holder: Node | None, source: Source) -> tuple[VariableMapping, ...]:
    """Injected fields become inputs of the job."""
    mappings = []
    for field in [] if holder is None else extensions(holder, CAMUNDA + "field"):
        name = attribute(field, "name")
        fixed = _field_text(field)
        written = attribute(field, "expression") or text(child(field, CAMUNDA + "expression"))
        if name is not None and fixed is not None:
            mappings.append(VariableMapping(source=Literal(fixed), target=name))
        elif name is not None and written is not None:
            value = source.expression(field, written, f"the field {name!r}")
            mappings.append(VariableMapping(source=value, target=name))
    return tuple(mappings)


def _retry_cycle(node: Node, source: Source) -> Expression | None:
    """What `failedJobRetryTimeCycle` says (manual, "Failed Jobs"); on a multi-instance body it is the activity's."""
    loop = child(node, BPMN + "multiInstanceLoopCharacteristics")
    for holder in (node, loop):
        written = text(extension(holder, CAMUNDA + "failedJobRetryTimeCycle"))
        if written is None:
            continue
        cycle = source.expression(node, written, "the retry time cycle")
        if cycle.is_static and read_cycle(written) is None:
            found = f"it is {quoted(written)}"
            source.error(node, f"Expected a retry time cycle such as R3/PT10M or PT1M,PT5M, but {found}.")
        return cycle
    return None


def _declared_errors(holder: Node, source: Source) -> tuple[DeclaredError, ...]:
    """When a worker's answer is a BPMN error (`camunda:errorEventDefinition`; manual, "External Tasks")."""
    errors = []
    for definition in extensions(holder, CAMUNDA + "errorEventDefinition"):
        written, reference = attribute(definition, "expression"), attribute(definition, "errorRef")
        code = attribute(source.referred(definition, "errorRef", "error"), "errorCode") or reference
        if written is None or code is None:
            source.error(holder, "Expected each error of the external task to have an errorRef and an expression, "
                                 "but one lacks them.")
            continue
        errors.append(DeclaredError(code=source.expression(holder, code, "the error code"),
                                    condition=source.expression(holder, written, "the condition of the error")))
    return tuple(errors)


def read_listeners(node: Node, source: Source, event_if_absent: str = "start") -> tuple[Listener, ...]:
    """Execution and task listeners, each as a job."""
    listeners = []
    for listener in extensions(node, CAMUNDA + "executionListener") + extensions(node, CAMUNDA + "taskListener"):
        event = attribute(listener, "event") or event_if_absent
        event = TASK_EVENTS.get(event, event) if local_name(listener) == "taskListener" else event
        name = attribute(listener, "class")
        if name is None:
            written = attribute(listener, "delegateExpression") or attribute(listener, "expression")
            name = None if written is None else bean_name(written) or written
        if name is None:
            found = "it names none" if child(listener, CAMUNDA + "script") is None else "it is a script"
            source.error(
                listener, f"Expected the {event!r} listener to name a service (class, delegateExpression), but {found}."
            )
            continue
        listeners.append(Listener(event=event, job=JobDefinition(type=Literal(name), names_code=True)))
    return tuple(listeners)


def _properties(node: Node) -> dict[str, str]:
    container = extension(node, CAMUNDA + "properties")
    found = [] if container is None else container.findall(CAMUNDA + "property")
    properties = {name: item.get("value") or "" for item in found if (name := attribute(item, "name"))}
    for name in ("modelerTemplate", "modelerTemplateVersion"):
        if value := attribute(node, CAMUNDA + name):
            properties[name] = value
    return properties


def _user_task(node: Node, source: Source) -> UserTaskDefinition:
    def read(name: str, what: str) -> Expression | None:
        return source.optional(node, attribute(node, CAMUNDA + name), what)

    assignee, users, groups = _performers(node)
    return UserTaskDefinition(
        assignee=read("assignee", "the assignee") or source.optional(node, assignee, "the assignee"),
        candidate_users=read("candidateUsers", "the candidate users") or source.optional(node, users, "the users"),
        candidate_groups=read("candidateGroups", "the candidate groups") or source.optional(node, groups, "the groups"),
        due_date=read("dueDate", "the due date"),
        follow_up_date=read("followUpDate", "the follow-up date"),
        priority=read("priority", "the priority"),
        form=read_camunda(node, source),
    )


def _performers(node: Node) -> tuple[str | None, str | None, str | None]:
    """Assignee, candidate users and candidate groups as plain BPMN writes them (BPMN 2.0 §10.3.4)."""
    assignee: str | None = None
    users: list[str] = []
    groups: list[str] = []
    for name in PERFORMERS:
        for performer in node.findall(BPMN + name):
            expression = child(performer, BPMN + "resourceAssignmentExpression")
            written = text(child(expression, BPMN + "formalExpression"))
            if written is None:
                continue
            if name == "humanPerformer":
                assignee = written
                continue
            for part in written.split(","):
                kind = re.match(r"\s*(user|group)\((.*)\)\s*\Z", part)
                (users if kind and kind.group(1) == "user" else groups).append(kind.group(2) if kind else part.strip())
    return assignee, ",".join(users) or None, ",".join(groups) or None


def _script(node: Node, source: Source) -> ScriptDefinition:
    value = read_script(node, child(node, BPMN + "script"), source)
    return ScriptDefinition(expression=value, result_variable=attribute(node, CAMUNDA + "resultVariable"))


def _called_decision(node: Node, source: Source) -> CalledDecision | None:
    reference = attribute(node, CAMUNDA + "decisionRef")
    version = attribute(node, CAMUNDA + "decisionRefVersionTag") or attribute(node, CAMUNDA + "decisionRefVersion")
    if reference is None:
        return None
    return CalledDecision(
        decision_id=source.expression(node, reference, "the id of the decision"),
        result_variable=attribute(node, CAMUNDA + "resultVariable") or INHERITED_RESULT,
        binding=attribute(node, CAMUNDA + "decisionRefBinding") or "latest",
        version=source.optional(node, version, "the version"),
        map_result=attribute(node, CAMUNDA + "mapDecisionResult") or "resultList",
    )


def read_payload(node: Node, event: EventDefinition, source: Source) -> EventDefinition:
    """A thrown signal with the variables that it carries (`camunda:in`; manual, "Signal Events")."""
    inputs = extensions(node, CAMUNDA + "in")
    key = next((value for mapping in inputs if (value := attribute(mapping, "businessKey"))), None)
    return replace(
        event, payload=_handed_over(inputs, source), business_id=source.optional(node, key, "the business key"),
        payload_all=any(attribute(mapping, "variables") == "all" for mapping in inputs),
    )


def _called_process(node: Node, source: Source) -> CalledProcess | None:
    process_id, case_id = attribute(node, "calledElement"), attribute(node, CAMUNDA + "caseRef")
    if case_id is not None:
        source.error(node, "Expected the call activity to call a process, but it calls a case (CMMN).")
        return CalledProcess(process_id=Literal(case_id))
    if process_id is None:
        return None
    inputs, outputs = extensions(node, CAMUNDA + "in"), extensions(node, CAMUNDA + "out")
    version = attribute(node, CAMUNDA + "calledElementVersionTag") or attribute(node, CAMUNDA + "calledElementVersion")
    key = next((value for mapping in inputs if (value := attribute(mapping, "businessKey"))), None)
    for name in ("variableMappingClass", "variableMappingDelegateExpression"):
        if attribute(node, CAMUNDA + name):
            source.error(node, f"Expected variables to be passed with camunda:in and camunda:out, but it is by {name}.")
    return CalledProcess(
        process_id=source.expression(node, process_id, "the id of the called process"),
        binding=attribute(node, CAMUNDA + "calledElementBinding") or "latest",
        version=source.optional(node, version, "the version"),
        all_in=any(attribute(mapping, "variables") == "all" and not flag(mapping, "local") for mapping in inputs),
        local_in=any(attribute(mapping, "variables") == "all" and flag(mapping, "local") for mapping in inputs),
        all_out=any(attribute(mapping, "variables") == "all" for mapping in outputs),
        inputs=_handed_over(inputs, source),
        outputs=_handed_over(outputs, source),
        business_id=source.optional(node, key, "the business key"),
    )


def _handed_over(mappings: list[Node], source: Source) -> tuple[VariableMapping, ...]:
    handed = []
    for mapping in mappings:
        target = attribute(mapping, "target")
        name, written = attribute(mapping, "source"), attribute(mapping, "sourceExpression")
        if name is None and written is None:
            continue
        if target is None:
            source.error(mapping, "Expected each passed variable to have a target, but one has none.")
        elif written is not None:
            value = source.expression(mapping, written, f"the value of {target!r}")
            handed.append(VariableMapping(source=value, target=target))
        elif name is not None:
            handed.append(VariableMapping(source=source.variable(mapping, name, "the variable"), target=target))
    return tuple(handed)
