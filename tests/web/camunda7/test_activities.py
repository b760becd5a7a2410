"""What kinds of activities are called."""

from __future__ import annotations

import pytest

from bpmn.model import Element, ElementType, EventDefinition, EventKind
from web.camunda7.activities import type_of


@pytest.mark.parametrize(("type", "name"), [
    ("SERVICE_TASK", "serviceTask"), ("SUB_PROCESS", "subProcess"), ("MULTI_INSTANCE_BODY", "multiInstanceBody"),
    ("EVENT_BASED_GATEWAY", "eventBasedGateway"), ("TASK", "task"), ("PROCESS", "processDefinition"),
    ("CALL_ACTIVITY", "callActivity"), ("TRANSACTION", "transaction"),
])
def test_activities_and_gateways(type, name):
    assert type_of(type, None) == name


@pytest.mark.parametrize(("type", "kind", "name"), [
    ("START_EVENT", "NONE", "startEvent"), ("START_EVENT", "MESSAGE", "messageStartEvent"),
    ("END_EVENT", "NONE", "noneEndEvent"), ("END_EVENT", "ERROR", "errorEndEvent"),
    ("BOUNDARY_EVENT", "TIMER", "boundaryTimer"), ("INTERMEDIATE_CATCH_EVENT", "TIMER", "intermediateTimer"),
    ("INTERMEDIATE_CATCH_EVENT", "MESSAGE", "intermediateMessageCatch"),
    ("INTERMEDIATE_THROW_EVENT", "NONE", "intermediateNoneThrow"),
    ("INTERMEDIATE_THROW_EVENT", "SIGNAL", "intermediateSignalThrow"),
])
def test_events_are_named_with_what_they_are_about(type, kind, name):
    event = EventDefinition(kind=EventKind(kind))
    assert type_of(type, Element(id="e", type=ElementType(type), scope="p", events=(event,))) == name


@pytest.mark.parametrize("type", ElementType)
def test_every_kind_has_a_name(type):
    assert type_of(type.value, None)
