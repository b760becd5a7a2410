"""From a process of the model to SpiffWorkflow specs, by SpiffWorkflow's parser.

The library's `BpmnParser` walks the XML and makes one spec per element, through the parser classes registered here.
Two things differ from the library's own: every flow node is parsed, not only those reachable from a start event, and
nodes are connected from the list of flows instead of by recursion, so that a diagram of any length parses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec

from bpmn.interpreter.failures import CompileError
from bpmn.interpreter.nodes import (
    ad_hoc,
    calls,
    events,
    gateways,
    multi_instance,
    observing,
    subprocesses,
    tasks,
    user_tasks,
)
from bpmn.interpreter.nodes.base import Branch, Node
from bpmn.model import SCOPES, Dialect, Element, ElementType, EventKind, Flow, Process

NODES: dict[ElementType, type[Node]] = {
    ElementType.START_EVENT: events.StartEvent,
    ElementType.END_EVENT: events.EndEvent,
    ElementType.INTERMEDIATE_CATCH_EVENT: events.IntermediateCatchEvent,
    ElementType.INTERMEDIATE_THROW_EVENT: events.IntermediateThrowEvent,
    ElementType.BOUNDARY_EVENT: events.BoundaryEvent,
    ElementType.EVENT_BASED_GATEWAY: events.EventBasedGateway,
    ElementType.EXCLUSIVE_GATEWAY: gateways.ExclusiveGateway,
    ElementType.PARALLEL_GATEWAY: gateways.ParallelGateway,
    ElementType.INCLUSIVE_GATEWAY: gateways.InclusiveGateway,
    ElementType.TASK: tasks.NoneTask,
    ElementType.MANUAL_TASK: tasks.ManualTask,
    ElementType.SERVICE_TASK: tasks.Job,
    ElementType.SEND_TASK: tasks.Job,
    ElementType.BUSINESS_RULE_TASK: tasks.Job,
    ElementType.SCRIPT_TASK: tasks.ScriptTask,
    ElementType.USER_TASK: user_tasks.UserTask,
    ElementType.RECEIVE_TASK: events.ReceiveTask,
    ElementType.CALL_ACTIVITY: calls.CallActivity,
    ElementType.SUB_PROCESS: subprocesses.SubProcess,
    ElementType.TRANSACTION: subprocesses.Transaction,
    ElementType.AD_HOC_SUB_PROCESS: ad_hoc.AdHocSubProcess,
    ElementType.EVENT_SUB_PROCESS: subprocesses.EventSubProcess,
}
"""One spec class per element type; a new element is one class and one line here."""
SERVICE_LIKE = frozenset({
    ElementType.SERVICE_TASK, ElementType.SEND_TASK, ElementType.BUSINESS_RULE_TASK, ElementType.SCRIPT_TASK,
})


class ProcessSpec(BpmnProcessSpec):
    """The spec of a process, or of the inside of a sub-process."""

    program: Program

    def __init__(self, name: str, description: str | None = None, filename: str | None = None) -> None:
        # Not the library's constructor: it adds specs named Start and End, which elements may be called.
        WorkflowSpec.__init__(self, name=name, filename=filename)
        self.description = description or name
        self.io_specification = None
        self.data_objects: dict[str, Any] = {}
        self.data_stores: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}
        self.bpmn_start_events: list[Node] = []
        self.nodes: list[Node] = []
        self.none_start: Node | None = None
        self.typed_start: Node | None = None
        self.event_sub_processes: list[subprocesses.EventSubProcess] = []
        self.compensation_handler: subprocesses.EventSubProcess | None = None
        self.entries: list[Node] = []
        """Nodes without incoming flow, where an ad-hoc sub-process can begin."""
        self.is_watched = False
        """What is around it looks at every element that completes inside."""
        self.before: observing.ProcessStart | None = None
        self.after: observing.ProcessEnd | None = None

    def _add_notify(self, task_spec: Node) -> None:
        WorkflowSpec._add_notify(self, task_spec)


class NodeParser(TaskParser):
    """Makes the spec of one element. What the element means is read from the model, not from the XML again."""

    def parse_node(self) -> Node:
        """The spec, not connected yet."""
        element = self.process_parser.process.elements[self.bpmn_id]
        self.task = self.create_node(element)
        return self.task

    def create_node(self, element: Element) -> Node:
        """One spec, or two for a loop: the body and what it repeats."""
        kind = node_class(element)
        if element.loop is None:
            return self._make(kind, element.id, element)
        body_class = multi_instance.MultiInstance if element.loop.multi_instance else multi_instance.StandardLoop
        body = self._make(body_class, element.id, replace(
            element, type=ElementType.MULTI_INSTANCE_BODY, inputs=(), outputs=(), job=None, listeners=()))
        inner = self._make(kind, f"{element.id}#inner", element)
        body.inner = inner
        return body

    def _make(self, kind: type[Node], name: str, element: Element) -> Node:
        options: dict[str, Any] = {"bpmn_name": element.name, "lane": self.lane,
                                   "documentation": element.documentation}
        if element.type in (ElementType.START_EVENT, ElementType.END_EVENT, ElementType.INTERMEDIATE_CATCH_EVENT,
                            ElementType.INTERMEDIATE_THROW_EVENT, ElementType.EVENT_BASED_GATEWAY) \
                and not issubclass(kind, tasks.Job):
            options["event_definition"] = NoneEventDefinition()
        if kind is events.EventBasedGateway:
            options["event_definition"] = MultipleEventDefinition()
        if kind is events.BoundaryEvent:
            options |= {"event_definition": NoneEventDefinition(), "cancel_activity": element.interrupting}
        if issubclass(kind, (subprocesses.SubProcess, calls.CallActivity)):
            options["subworkflow_spec"] = element.id
        node = kind(self.spec, name, **options)
        node.element = element
        node.dialect = self.process_parser.process.dialect
        node.keeps_local_results = node.dialect == Dialect.CAMUNDA_7
        return node


def node_class(element: Element) -> type[Node]:
    """Which spec class runs `element`."""
    if element.type in (ElementType.END_EVENT, ElementType.INTERMEDIATE_THROW_EVENT) and element.job is not None:
        return events.MessageJobThrow
    if element.called_decision is not None:
        return tasks.BusinessRule
    # What is done decides, not what the task is called: a worker may do a script task (Camunda 8), and a service task
    # may compute an expression (Camunda 7's camunda:expression).
    if element.type in SERVICE_LIKE and element.script is not None:
        return tasks.ScriptTask
    if element.type in SERVICE_LIKE and element.job is not None:
        return tasks.Job
    return NODES[element.type]


class ScopeParser(ProcessParser):
    """Parses the flow nodes of a process or sub-process, without going into those inside."""

    @property
    def process(self) -> Process:
        """The model of the process that is being compiled."""
        return self.parser.process  # type: ignore[no-any-return]

    def create_spec(self) -> ProcessSpec:
        return ProcessSpec(self.bpmn_id, description=self.get_name(), filename=self.filename)

    def add_tasks(self) -> None:
        for child in self.node:
            if isinstance(child.tag, str) and child.get("id") in self.process.elements:
                self.parse_node(child)


class Parser(BpmnParser):
    """SpiffWorkflow's parser with our spec classes."""

    PROCESS_PARSER_CLASS = ScopeParser

    def __init__(self, process: Process) -> None:
        super().__init__()
        self.process = process

    def _get_parser_class(self, tag: str) -> tuple[type[NodeParser], type[Node]]:
        return NodeParser, Node

    def parse(self) -> dict[str, ProcessSpec]:
        """A spec for the process and for each sub-process, at every depth."""
        tree = self.process.tree
        if tree is None:
            raise CompileError(f"Expected process {self.process.id!r} to come from a file, but it has no XML.")
        self._add_diagram_indexes(tree.getroottree())
        specs: dict[str, ProcessSpec] = {}
        todo: list[etree._Element] = [tree]
        while todo:
            node = todo.pop()
            self.create_parser(node, None)
            specs[node.get("id", "")] = self.process_parsers[node.get("id")].get_spec()
            todo.extend(child for child in node if child.tag in SUB_PROCESS_TAGS
                        and child.get("id") in self.process.elements)
        return specs


SUB_PROCESS_TAGS = frozenset(full_tag(name) for name in ("subProcess", "transaction", "adHocSubProcess"))


class Program:
    """A process, compiled: one per definition version, shared by all its instances, never changed.

    Attributes:
        process: the model it was compiled from.
        spec: the SpiffWorkflow spec of the process itself.
        nodes: every spec of the process at every depth; the position is the node's `number` in saved states.
    """

    def __init__(self, process: Process, specs: dict[str, ProcessSpec]) -> None:
        self.process = process
        self.spec = specs[process.id]
        self.nodes: list[Node] = []
        self.by_id: dict[str, Node] = {}
        for spec in specs.values():
            spec.program = self
        order = {id: i for i, id in enumerate(process.elements)}
        for node in sorted((n for s in specs.values() for n in s.task_specs.values()),
                           key=lambda n: (order[n.element.id], n.name != n.element.id)):
            self._count(node)
        self._connect(specs)
        self.spec.before, self.spec.after = observing.on_process(self.spec, process)
        for observer in (self.spec.before, self.spec.after):
            if observer is not None:
                self._count(observer)
        for node in self.nodes:
            node._wf_spec.nodes.append(node)
            node.link()

    def _count(self, node: Node) -> None:
        node.number = len(self.nodes)
        self.nodes.append(node)
        self.by_id[node.name] = node

    def _connect(self, specs: dict[str, ProcessSpec]) -> None:
        process = self.process
        links = {_link_name(n.element): n for n in self.nodes
                 if n.element.type == ElementType.INTERMEDIATE_CATCH_EVENT and _link_name(n.element) is not None}
        boundaries: dict[str, list[events.BoundaryEvent]] = {}
        for node in self.nodes[:]:
            element, spec = node.element, node._wf_spec
            if node.name != element.id:
                continue
            node.branches = self._branches(node, links)
            if element.default_flow is not None:
                node.default = next((b for b in node.branches if b.id == element.default_flow), None)
            if isinstance(node, events.BoundaryEvent) and element.attached_to is not None:
                node.awaited = events.waited_for(element.events)    # its host has to know when it is linked
                boundaries.setdefault(element.attached_to, []).append(node)
            if element.compensation_handler is not None:
                self._attach_handler(node, self.by_id[element.compensation_handler])
            if process.elements[element.id].type in SCOPES:
                (node.inner or node).inside = specs[element.id]
                specs[element.id].is_watched = bool(
                    element.completion_condition or element.output_collection
                    or (element.job and element.type == ElementType.AD_HOC_SUB_PROCESS))
            if isinstance(node, subprocesses.EventSubProcess):
                inside = specs[element.id]
                inside.typed_start = _start(inside, typed=True)
                if _is_compensation(inside.typed_start):
                    spec.compensation_handler = node
                else:
                    spec.event_sub_processes.append(node)
            elif not element.incoming and element.type not in (ElementType.BOUNDARY_EVENT, ElementType.START_EVENT) \
                    and not element.for_compensation:
                spec.entries.append(node)
        for host, attached in boundaries.items():
            self.by_id[host].boundaries = tuple(attached)
        for spec in specs.values():
            spec.none_start = _start(spec, typed=False) or next(iter(spec.entries), None)

    def _attach_handler(self, node: Node, handler: Node) -> None:
        # Camunda 8 undoes a multi-instance activity once, Camunda 7 every instance of it.
        target = node.inner if node.inner is not None and self.process.dialect == Dialect.CAMUNDA_7 else node
        target.handler = handler

    def _branches(self, node: Node, links: dict[str | None, Node]) -> tuple[Branch, ...]:
        element = node.element
        if element.type == ElementType.INTERMEDIATE_THROW_EVENT and _link_name(element) is not None:
            return (Branch(None, links[_link_name(element)], None),)
        branches = []
        for flow_id in element.outgoing:
            flow = self.process.flows[flow_id]
            target = self.by_id[flow.target]
            node.connect(target)
            if flow.listeners and element.type != ElementType.EVENT_BASED_GATEWAY:
                target = self._observed(node, flow, target)
            branches.append(Branch(flow.id, target, flow.condition))
        return tuple(branches)

    def _observed(self, source: Node, flow: Flow, target: Node) -> Node:
        observer = observing.on_flow(source._wf_spec, flow, self.process)
        observer.branches = (Branch(flow.id, target, None),)
        self._count(observer)
        return observer


def _link_name(element: Element) -> str | None:
    return next((e.name.text for e in element.events if e.kind == EventKind.LINK and e.name is not None), None)


def _start(spec: ProcessSpec, *, typed: bool) -> Node | None:
    for node in spec.task_specs.values():
        if node.element.type == ElementType.START_EVENT:
            is_typed = any(e.kind != EventKind.NONE for e in node.element.events)
            if is_typed == typed:
                return node  # type: ignore[no-any-return]
    return None


def _is_compensation(start: Node | None) -> bool:
    return start is not None and any(e.kind == EventKind.COMPENSATION for e in start.element.events)


def compile_process(process: Process) -> Program:
    """Compile a process of the model for execution.

    Raises:
        CompileError: SpiffWorkflow's parser refused it, although it passed validation.
    """
    try:
        return Program(process, Parser(process).parse())
    except CompileError:
        raise
    except Exception as error:
        raise CompileError(f"Expected process {process.id!r} to compile, but {error}") from error
