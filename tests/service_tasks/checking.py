"""What the checks say about a small diagram, in both dialects."""

from __future__ import annotations

from bpmn.parser import parse
from bpmn.problems import Severity
from service_tasks import Registry
from service_tasks.checks import Catalogue
from tests.engine import drawing


def task(id, type=None, dialect=8, *, inputs=(), outputs=(), retries=None, listeners="", loop="", attributes=""):
    """A service task with input and output mappings, given as (target, source)."""
    if dialect == 8:
        mapped = "".join(f'<zeebe:input source="{source}" target="{target}"/>' for target, source in inputs)
        mapped += "".join(f'<zeebe:output source="{source}" target="{target}"/>' for target, source in outputs)
        tries = f' retries="{retries}"' if retries else ""
        inner = f'<zeebe:taskDefinition type="{type or id}"{tries}/>' + (
            f"<zeebe:ioMapping>{mapped}</zeebe:ioMapping>" if mapped else "")
        kind = ""
    else:
        mapped = "".join(f'<camunda:inputParameter name="{target}">{source}</camunda:inputParameter>'
                         for target, source in inputs)
        mapped += "".join(f'<camunda:outputParameter name="{target}">{source}</camunda:outputParameter>'
                          for target, source in outputs)
        inner = f"<camunda:inputOutput>{mapped}</camunda:inputOutput>" if mapped else ""
        if retries:
            inner += f"<camunda:failedJobRetryTimeCycle>{retries}</camunda:failedJobRetryTimeCycle>"
        kind = f' camunda:type="external" camunda:topic="{type or id}"'
    return (f'<bpmn:serviceTask id="{id}" name="{id}"{kind}{attributes}><bpmn:extensionElements>{inner}{listeners}'
            f"</bpmn:extensionElements>{loop}</bpmn:serviceTask>")


def sub(id, *nodes, flows=None, event=False, more=""):
    """A sub-process; `event` makes it one that an event starts."""
    triggered = ' triggeredByEvent="true"' if event else ""
    inner = drawing.inside(*nodes, flows=flows)
    return f'<bpmn:subProcess id="{id}" name="{id}"{triggered}>{more}{inner}</bpmn:subProcess>'


def gateway(id, kind="exclusive", default=None):
    chosen = f' default="{default}"' if default else ""
    return f'<bpmn:{kind}Gateway id="{id}"{chosen}/>'


def process(*nodes, flows=None, roots=(), dialect=8, others=()):
    """A file of one process of these nodes, between a start and an end unless they have their own."""
    if flows is None:
        nodes = (drawing.start(), *nodes, drawing.end())
    made = drawing.file if dialect == 8 else drawing.file7
    return made(drawing.process("p", *nodes, flows=flows), *others, *roots)


def found(resource, *services, external=None):
    """What the checks find: severity, element and message."""
    registry = Registry()
    if services:
        registry.add(*services)
    model = parse(resource.content, resource.name)
    return [(each.severity, each.element_id, each.message, each.line)
            for each in Catalogue(registry=registry, external_types=external).check(model)]


def warnings(resource, *services, about="", **more):
    """The warnings with a word in them, by element; there must be no errors."""
    everything = found(resource, *services, **more)
    assert not [each for each in everything if each[0] is Severity.ERROR]
    return [(element, message) for _, element, message, _ in everything if about in message]


def errors(resource, *services, **more):
    return [(element, message) for severity, element, message, _ in found(resource, *services, **more)
            if severity is Severity.ERROR]
