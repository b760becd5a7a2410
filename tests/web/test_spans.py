"""Traces at a collector: one tree from the request to the last call, over nodes and restarts."""

from __future__ import annotations

from collections import Counter

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typer.testing import CliRunner

from engine import definitions, messages
from engine.cluster import due
from engine.engine import Engine
from engine.queries import lists
from engine.queries.instances import InstanceFilter, search
from engine.tasks import user_tasks
from service_tasks import Call, Data, Registry, service_task
from service_tasks.worker import Worker
from tests.engine import drawing
from tests.web.collector import Collector
from web import otel
from web.app import create_app
from web.cli import app as command_line

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EACH = (
    '<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics '
    'inputCollection="=[1, 2, 3]" inputElement="item"/></bpmn:extensionElements>'
    "</bpmn:multiInstanceLoopCharacteristics>"
)
COMPENSATE = "<bpmn:compensateEventDefinition/>"
PARTS = drawing.file(
    drawing.message_of("paid", "Paid", key="=order"),
    drawing.process(
        "main", drawing.start(), drawing.service("book"), drawing.boundary("undo", "book", COMPENSATE),
        drawing.service("refund").replace("<bpmn:serviceTask", '<bpmn:serviceTask isForCompensation="true"'),
        '<bpmn:association id="a" associationDirection="One" sourceRef="undo" targetRef="refund"/>',
        f'<bpmn:subProcess id="all">{EACH}'
        f'{drawing.inside(drawing.start("s2"), drawing.service("pack"), drawing.end("e2"))}</bpmn:subProcess>',
        drawing.call("child", "called"), drawing.user("look"), drawing.catch("wait", drawing.timer("Duration", "PT1H")),
        drawing.catch("pay", drawing.message("paid")), drawing.throw("sorry", COMPENSATE), drawing.end(),
        flows="start>book book>all all>child child>look look>wait wait>pay pay>sorry sorry>end",
    ),
    drawing.process("called", drawing.start("s3"), drawing.service("flaky", retries=2), drawing.end("e3")),
)


class Spans(Collector):
    path, request = "/v1/traces", ExportTraceServiceRequest

    def __init__(self):
        self.spans = []
        super().__init__()

    def take(self, request):
        self.hear(request.resource_spans)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, start):
        return [span for span in self.spans if span.name.startswith(start)]


@pytest.fixture
def collector(monkeypatch):
    collector = Spans()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


class Done(Data):
    """Nothing more."""


def services(seen):
    """All that the diagram calls; `flaky` fails once."""
    registry = Registry()

    def named(name):
        @service_task(name, idempotent=True)
        def function(*, call: Call) -> Done:
            seen.append((name, call.attempt, call.traceparent))
            if name == "flaky" and call.attempt == 1:
                raise GiveUpOnce
            return Done()
        return function

    registry.add(*[named(name) for name in ("book", "refund", "pack", "flaky")])
    return registry


class GiveUpOnce(Exception):
    """The service is away for a moment."""


class Part:
    """A node: an engine, its worker, its exporter."""

    def __init__(self, url, clock, seen):
        self.engine = Engine(url, clock=clock)
        self.engine.spans = self.exporter = otel.Exporter()
        self.worker = Worker(self.engine, services(seen))

    def work_until(self, reached):
        with self.engine.wakeup.listen(()) as listener:
            self.worker.start()
            for _ in range(600):
                if reached():
                    break
                listener.wait(0.05)
            else:
                pytest.fail("Expected the instance to come that far, but it did not.")
        self.worker.stop()

    def close(self):
        self.engine.close()
        self.exporter.close()


def attributes(span):
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_one_trace_from_the_request_to_the_last_call_over_nodes_and_restarts(either_url, clock, collector):
    # given
    seen = []
    first = Part(either_url, clock, seen)
    first.engine.execute(definitions.deploy, [PARTS])
    client = create_app(first.engine, secret_key="test").test_client()

    # when: a request starts it at one node, which ends
    answer = client.post("/v2/process-instances", headers={"traceparent": PARENT},
                         json={"processDefinitionId": "main", "variables": {"order": "4711"}})
    key = int(answer.json["processInstanceKey"])
    first.work_until(lambda: any(name == "flaky" for name, _, _ in seen))
    first.close()
    # and another one goes on
    second = Part(either_url, clock, seen)
    clock.advance(minutes=5)
    second.work_until(lambda: lists.user_tasks(second.engine, instance_key=key).items)
    task = lists.user_tasks(second.engine, instance_key=key).items[0]
    second.engine.execute(user_tasks.complete, task.key, {})
    clock.advance(hours=2)
    due.fire_timers(second.engine)
    second.close()
    third = Part(either_url, clock, seen)
    third.engine.execute(messages.publish, "Paid", "4711", {})
    third.work_until(lambda: not search(third.engine, InstanceFilter(states=("active",))).items)
    third.close()

    # then
    trace = PARENT.split("-")[1]
    spans = collector.spans
    assert {span.trace_id.hex() for span in spans} == {trace}
    ids = Counter(span.span_id.hex() for span in spans)
    assert max(ids.values()) == 1
    parents = {span.parent_span_id.hex() for span in spans}
    assert parents - ids.keys() == {PARENT.split("-")[2]}
    assert collector.services == {"partitur"}
    [request] = collector.named("POST /v2/process-instances")
    assert (request.parent_span_id.hex(), request.kind) == (PARENT.split("-")[2], 2)
    [instance] = collector.named("Main")
    assert instance.parent_span_id == request.span_id
    assert instance.end_time_unix_nano - instance.start_time_unix_nano >= 2 * 3_600 * 10**9
    [child] = collector.named("Called")
    [caller] = [span for span in spans if attributes(span).get("bpmn.element.id") == "child"]
    assert child.parent_span_id == caller.span_id
    assert len([span for span in spans if attributes(span).get("bpmn.element.type") and span.name == "pack"]) == 3
    assert len(collector.named("pack (attempt 1)")) == 3
    failed, worked = sorted(collector.named("flaky (attempt"), key=lambda span: span.name)
    assert (failed.status.code, worked.status.code) == (2, 0)
    assert collector.named("refund (attempt 1)")
    # what a service is told is the span of the very attempt
    told = {traceparent.split("-")[2] for _, _, traceparent in seen}
    assert told == {span.span_id.hex() for span in spans if "(attempt" in span.name}


def test_who_wakes_an_instance_of_another_trace_is_linked(app, engine, collector):
    engine.spans = exporter = otel.Exporter()
    engine.execute(definitions.deploy, [drawing.file(
        drawing.message_of("paid", "Paid", key="=order"),
        drawing.process("waits", drawing.start(), drawing.catch("pay", drawing.message("paid")), drawing.end()))])
    client = app.test_client()
    client.post("/v2/process-instances", json={"processDefinitionId": "waits", "variables": {"order": "1"}})
    client.post("/v2/messages/publication", headers={"traceparent": PARENT},
                json={"name": "Paid", "correlationKey": "1", "timeToLive": 0})
    exporter.close()
    [caught] = [span for span in collector.spans if attributes(span).get("bpmn.element.id") == "pay"]
    [request] = collector.named("POST /v2/messages/publication")
    assert [link.span_id for link in caught.links] == [request.span_id]
    assert caught.trace_id != request.trace_id


def test_who_does_not_want_to_see_a_trace_gets_none(app, engine, collector):
    engine.spans = exporter = otel.Exporter()
    engine.execute(definitions.deploy, [drawing.file(drawing.process("short", drawing.start(), drawing.end()))])
    client = app.test_client()
    client.post("/v2/process-instances", json={"processDefinitionId": "short"},
                headers={"traceparent": PARENT[:-1] + "0"})
    client.get("/")
    exporter.close()
    assert collector.spans == []


def test_a_collector_that_is_away_stops_nobody(app, engine, collector, caplog):
    collector.answer = 400
    engine.spans = exporter = otel.Exporter()
    engine.execute(definitions.deploy, [drawing.file(drawing.process("short", drawing.start(), drawing.end()))])
    answer = app.test_client().post("/v2/process-instances", json={"processDefinitionId": "short"})
    exporter.close()
    assert answer.status_code == 200
    assert search(engine, InstanceFilter()).items[0].state == "COMPLETED"


@pytest.mark.parametrize(("settings", "wanted"), [
    ({}, False), ({"OTEL_TRACES_EXPORTER": "otlp"}, True), ({"OTEL_TRACES_EXPORTER": "none"}, False),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True), ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
])
def test_settings_are_those_of_opentelemetry(settings, wanted):
    assert otel.is_wanted(settings) is wanted


def test_spans_wait_for_others_a_second_at_most_unless_the_settings_say_more():
    assert otel.delay({}) == 1_000
    assert otel.delay({"OTEL_BSP_SCHEDULE_DELAY": "30000"}) is None


def test_commands_send_traces_too(tmp_path, monkeypatch, collector):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    drawn = tmp_path / "short.bpmn"
    drawn.write_bytes(drawing.file(drawing.process("short", drawing.start(), drawing.end())).content)
    runner = CliRunner()
    assert runner.invoke(command_line, ["deploy", str(drawn)]).exit_code == 0
    assert runner.invoke(command_line, ["start", "short"]).exit_code == 0
    assert collector.named("Short")
