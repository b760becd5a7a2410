"""One small process for each way to wait: what crash tests kill at every step, and what a release leaves behind.

A scenario says how the world answers, as plain data, so that it can be stored beside a database and be taken up by
a later version. Nobody has to know how far an instance is: `tests.scenarios.office` looks at what is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine import drawing
from tests.engine.drawing import (
    boundary,
    call,
    catch,
    end,
    error,
    error_of,
    inside,
    message,
    message_of,
    process,
    script,
    service,
    signal,
    signal_of,
    start,
    timer,
    user,
)


@dataclass(frozen=True)
class Scenario:
    """A process `p` and how the world answers it.

    `answers`: by job type, task or subscription what comes of it (see `tests.scenarios.office`); `fires`: how often an
    attached event (boundary, event sub-process) is made to happen, by the id of the event; `acts`: what an operator
    does, once, when a token is at an element.
    """

    files: tuple[tuple[str, bytes], ...]
    variables: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fires: Mapping[str, int] = field(default_factory=dict)
    acts: Mapping[str, str] = field(default_factory=dict)


def drawn(*parts: str, camunda7: bool = False, more: tuple[tuple[str, bytes], ...] = (), **said: Any) -> Scenario:
    file = (drawing.file7 if camunda7 else drawing.file)(*parts, name="p.bpmn")
    return Scenario(files=((file.name, file.content), *more), **said)


def loop(sequential: bool) -> str:
    return (f'<bpmn:multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}"><bpmn:extensionElements>'
            '<zeebe:loopCharacteristics inputCollection="=items" inputElement="item" outputCollection="results" '
            'outputElement="=result"/></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>')


def each(id: str, sequential: bool) -> str:
    return service(id).replace("</bpmn:serviceTask>", f"{loop(sequential)}</bpmn:serviceTask>")


def undone(activity: str, by: str) -> str:
    return (f'<bpmn:boundaryEvent id="c_{activity}" attachedToRef="{activity}"><bpmn:compensateEventDefinition/>'
            f'</bpmn:boundaryEvent>{handler(by)}<bpmn:association id="a_{activity}" '
            f'associationDirection="One" sourceRef="c_{activity}" targetRef="{by}"/>')


def handler(id: str) -> str:
    return service(id).replace("<bpmn:serviceTask ", '<bpmn:serviceTask isForCompensation="true" ')


def sub(id: str, *nodes: str, flows: str | None = None, attributes: str = "", kind: str = "subProcess",
         more: str = "") -> str:
    return f'<bpmn:{kind} id="{id}" {attributes}>{inside(*nodes, flows=flows)}{more}</bpmn:{kind}>'


def on(id: str, event: str, *nodes: str, interrupting: bool = True) -> str:
    """An event sub-process; its start event is called `id`."""
    began = f'<bpmn:startEvent id="{id}" isInterrupting="{str(interrupting).lower()}">{event}</bpmn:startEvent>'
    return sub(f"on_{id}", began, *nodes, end(f"end_{id}"), attributes='triggeredByEvent="true"')


UNDO = '<bpmn:intermediateThrowEvent id="undo"><bpmn:compensateEventDefinition/></bpmn:intermediateThrowEvent>'
FORK, JOIN = '<bpmn:parallelGateway id="fork"/>', '<bpmn:parallelGateway id="join"/>'
DONE = {"variables": {"done": True}}
STOP = message_of("m", "stop", "=id")
DISCOUNT = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="pricing" name="Pricing"
    namespace="t"><decision id="discount" name="Discount"><decisionTable id="table">
    <input id="i1" label="Amount"><inputExpression id="ie1"><text>amount</text></inputExpression></input>
    <output id="o1" name="percent"/>
    <rule id="r1"><inputEntry id="e1"><text>&lt; 100</text></inputEntry>
      <outputEntry id="x1"><text>0</text></outputEntry></rule>
    <rule id="r2"><inputEntry id="e2"><text>&gt;= 100</text></inputEntry>
      <outputEntry id="x2"><text>10</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


def _when(flow: str, condition: str) -> str:
    a, b = flow.split(">")
    return (f'<bpmn:sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"><bpmn:conditionExpression>{condition}'
            "</bpmn:conditionExpression></bpmn:sequenceFlow>")


def _flow_scenarios() -> dict[str, Scenario]:
    choice = process("p", start(), service("a"), '<bpmn:exclusiveGateway id="x" default="x_c"/>', service("b"),
                     service("c"), end(), flows="start>a a>x x>c b>end c>end")
    either = process("p", start(), '<bpmn:inclusiveGateway id="some" default="some_c"/>', service("a"), service("b"),
                     service("c"), '<bpmn:inclusiveGateway id="all"/>', end(),
                     flows="start>some some>c a>all b>all c>all all>end")
    return {
        "sequence": drawn(process("p", start(), service("a"), script("s", "=x + 1", "y"), service("b"), end()),
                           variables={"x": 1}, answers={"a": {"variables": {"x": 5}}}),
        "exclusive gateway": drawn(
            choice.replace("</bpmn:process>", _when("x>b", "=x &gt; 1") + "</bpmn:process>"),
            variables={"x": 0}, answers={"a": {"variables": {"x": 2}}}),
        "inclusive gateway": drawn(
            either.replace("</bpmn:process>", _when("some>a", "=x &gt; 1") + _when("some>b", "=x &gt; 2")
                           + "</bpmn:process>"), variables={"x": 3}),
        "fork and join": drawn(
            process("p", start(), FORK, service("a"), service("b"), service("c"), JOIN, service("d"), end(),
                    flows="start>fork fork>a a>b b>join fork>c c>join join>d d>end"),
            answers={"a": {"variables": {"fromA": 1}}, "c": {"variables": {"fromC": 2}}}),
        "parallel multi-instance": drawn(
            process("p", start(), each("each", False), service("after"), end()),
            variables={"items": [1, 2, 3]}, answers={"each": {"variables": {"result": 7}}}),
        "sequential multi-instance": drawn(
            process("p", start(), each("each", True), service("after"), end()),
            variables={"items": ["a", "b", "c"]}, answers={"each": {"variables": {"result": "x"}}}),
        "call activity": drawn(
            process("p", start(), call("sub", "child"), service("after"), end()),
            process("child", start("s"), service("inner"), user("ask"), end("e")),
            answers={"inner": {"variables": {"given": {"a": [1, 2.5]}}}, "ask": DONE}),
        "error of a called process": drawn(
            error_of("err", "BROKEN"),
            process("p", start(), call("sub", "child"), end("well"), boundary("b", "sub", error("err")),
                    service("mend"), end("ill"), flows="start>sub sub>well b>mend mend>ill"),
            process("child", start("s"), service("inner"), end("e")),
            answers={"inner": {"error": "BROKEN"}}),
        "loop": drawn(process(
            "p", start(), script("s", "=i + 1", "i"), service("a"), '<bpmn:exclusiveGateway id="g" default="g_end"/>',
            end(), flows="start>s s>a a>g g>end").replace(
                "</bpmn:process>", _when("g>s", "=i &lt; 3") + "</bpmn:process>"), variables={"i": 0}),
    }


def _event_scenarios() -> dict[str, Scenario]:
    which = '<bpmn:eventBasedGateway id="which"/>'
    return {
        "timers": drawn(process("p", start(), catch("wait", timer("Duration", "PT1H")), service("a"),
                                 catch("again", timer("Date", '=now() + duration("PT2H")')), end())),
        "repeating timer": drawn(
            process("p", start(), user("work"), end(), boundary("b", "work", timer("Cycle", "R3/PT10M"), False),
                    service("remind"), end("reminded"), flows="start>work work>end b>remind remind>reminded"),
            answers={"work": DONE}, fires={"b": 3}),
        "message": drawn(STOP, process("p", start(), catch("wait", message("m")), service("a"), end()),
                          answers={"wait": {"variables": {"told": "stop"}}}),
        "signal": drawn(signal_of("g", "all"), process("p", start(), catch("wait", signal("g")), service("a"), end()),
                         answers={"wait": {"variables": {"heard": 1}}}),
        "one of three events": drawn(
            STOP, signal_of("g", "everybody"),
            process("p", start(), which, catch("told", message("m")), end("e1"),
                    catch("late", timer("Duration", "PT1H")), end("e2"), catch("yelled", signal("g")), end("e3"),
                    flows="start>which which>told told>e1 which>late late>e2 which>yelled yelled>e3"),
            answers={"told": {"variables": {"by": "message"}}}),
        "message at the boundary": drawn(
            STOP, process("p", start(), service("work"), end("done"), boundary("b", "work", message("m")),
                          service("stopped"), end("told"), flows="start>work work>done b>stopped stopped>told"),
            answers={"b": {"variables": {"why": "enough"}}}, fires={"b": 1}),
        "timer at the boundary": drawn(
            process("p", start(), user("work"), end("done"), boundary("b", "work", timer("Duration", "PT1H")),
                    service("remind"), end("late"), flows="start>work work>done b>remind remind>late"),
            fires={"b": 1}),
        "error at the boundary": drawn(
            error_of("err", "BROKEN"),
            process("p", start(), service("work"), end("done"), boundary("b", "work", error("err")), service("mend"),
                    end("mended"), flows="start>work work>done b>mend mend>mended"),
            answers={"work": {"error": "BROKEN"}}),
        "event sub-process beside": drawn(
            STOP, process("p", start(), service("a"), user("work"), end(),
                          on("heard", message("m"), service("note"), interrupting=False),
                          flows="start>a a>work work>end"),
            answers={"work": DONE, "heard": {"variables": {"n": 1}}}, fires={"heard": 2}),
        "event sub-process instead": drawn(
            error_of("err", "BROKEN"),
            process("p", start(), sub("part", start("s"), service("a"), service("b"), end("e"),
                                       on("broke", error("err"), service("mend")), flows="s>a a>b b>e"),
                    service("after"), end(), flows="start>part part>after after>end"),
            answers={"b": {"error": "BROKEN"}}),
        "condition": drawn(
            process("p", start(), '<bpmn:userTask id="work"/>', end(), boundary(
                "b", "work", "<bpmn:conditionalEventDefinition><bpmn:condition "
                'xsi:type="bpmn:tFormalExpression">${x &gt; 2}</bpmn:condition></bpmn:conditionalEventDefinition>'),
                '<bpmn:serviceTask id="a" camunda:type="external" camunda:topic="a"/>', end("seen"),
                flows="start>work work>end b>a a>seen"),
            camunda7=True, variables={"x": 0}, answers={"b": {"variables": {"x": 3}}}, fires={"b": 1}),
    }


def _compensation_scenarios() -> dict[str, Scenario]:
    cancelled = '<bpmn:cancelEventDefinition/>'
    return {
        "compensation": drawn(process(
            "p", start(), service("hotel"), service("flight"), end(), undone("hotel", "cancel_hotel"),
            undone("flight", "cancel_flight"), UNDO,
            flows="start>hotel hotel>flight flight>undo undo>end"),
            answers={"hotel": {"variables": {"room": 12}}, "flight": {"variables": {"seat": "4A"}}}),
        "compensation of a sub-process": drawn(process(
            "p", start(), sub("trip", start("s"), service("hotel"), service("car"), end("e"),
                               undone("hotel", "cancel_hotel"), undone("car", "return_car"),
                               flows="s>hotel hotel>car car>e"),
            service("pay"), end(), undone("pay", "refund"), UNDO, flows="start>trip trip>pay pay>undo undo>end"),
            answers={"hotel": {"variables": {"room": 12}}}),
        "error inside a compensation": drawn(
            error_of("err", "GONE"),
            process("p", start(), sub("part", start("s"), service("hotel"), end("e"), undone("hotel", "cancel_hotel"),
                                       UNDO, flows="s>hotel hotel>undo undo>e"),
                    end("well"), boundary("b", "part", error("err")), service("call"), end("ill"),
                    flows="start>part part>well b>call call>ill"),
            answers={"cancel_hotel": {"error": "GONE"}}),
        "cancelled transaction": drawn(process(
            "p", start(), sub("tx", start("s"), service("hotel"), service("flight"), end("no", cancelled),
                               undone("hotel", "cancel_hotel"), undone("flight", "cancel_flight"),
                               flows="s>hotel hotel>flight flight>no", kind="transaction"),
            end("well"), boundary("b", "tx", cancelled), service("tell"), end("ill"),
            flows="start>tx tx>well b>tell tell>ill")),
    }


def _work_scenarios() -> dict[str, Scenario]:
    rule = ('<bpmn:businessRuleTask id="rule"><bpmn:extensionElements><zeebe:calledDecision decisionId="discount" '
            'resultVariable="discount"/></bpmn:extensionElements></bpmn:businessRuleTask>')
    heard = ('<zeebe:executionListeners><zeebe:executionListener eventType="start" type="began"/>'
             '<zeebe:executionListener eventType="end" type="ended"/></zeebe:executionListeners>')
    listened = ('<bpmn:userTask id="ask"><bpmn:extensionElements><zeebe:userTask/><zeebe:taskListeners>'
                '<zeebe:taskListener eventType="creating" type="on-creating"/>'
                '<zeebe:taskListener eventType="completing" type="on-completing"/>'
                "</zeebe:taskListeners></bpmn:extensionElements></bpmn:userTask>")
    agent = ('<bpmn:adHocSubProcess id="tools"><bpmn:extensionElements><zeebe:taskDefinition type="agent"/>'
             '<zeebe:adHoc outputCollection="found" outputElement="=answer"/></bpmn:extensionElements>'
             f"{service('search')}{service('mail')}</bpmn:adHocSubProcess>")
    mapped = ('<zeebe:ioMapping><zeebe:input source="=order.id" target="orderId"/>'
              '<zeebe:output source="=receipt.no" target="receiptNo"/></zeebe:ioMapping>')
    return {
        "user task": drawn(process("p", start(), user("ask"), service("a"), end()),
                            answers={"ask": {"variables": {"approved": True, "note": "fine"}}}),
        "decision": drawn(process("p", start(), service("a"), rule, service("b"), end()),
                           more=(("pricing.dmn", DISCOUNT),), answers={"a": {"variables": {"amount": 250}}}),
        "retries": drawn(process("p", start(), service("a"), end()), answers={"a": {"fails_until": 1}}),
        "incident of a job": drawn(process("p", start(), service("a"), service("b"), end()),
                                    answers={"b": {"gives_up": True}}),
        "incident of an expression": drawn(
            process("p", start(), FORK, '<bpmn:exclusiveGateway id="x"/>', service("a"), JOIN, end(),
                    flows="start>fork fork>x fork>a a>join join>end").replace(
                        "</bpmn:process>", _when("x>join", "=ready") + "</bpmn:process>"),
            variables={"ready": False}, answers={"x": {"variables": {"ready": True}}}),
        "listeners": drawn(process("p", start(), service("a", more=heard), listened, end())),
        "ad-hoc sub-process": drawn(
            process("p", start(), agent, service("after"), end(), flows="start>tools tools>after after>end"),
            variables={"answer": None},
            answers={"agent": {"activates": ["search", "mail"]}, "search": {"variables": {"answer": "a"}}}),
        "mappings and scopes": drawn(
            process("p", start(), sub("part", start("s"), service("a", more=mapped), user("ask"), end("e")), end()),
            variables={"order": {"id": 4711, "lines": [{"sku": "tea", "price": 12.5}]}},
            answers={"a": {"variables": {"receipt": {"no": "R-1"}}}}),
        "external tasks of Camunda 7": drawn(
            process("p", start(), '<bpmn:serviceTask id="a" camunda:type="external" camunda:topic="a" '
                    'camunda:asyncBefore="true"/>', '<bpmn:userTask id="ask"/>',
                    '<bpmn:serviceTask id="b" camunda:class="b"/>', end()), camunda7=True,
            answers={"a": {"variables": {"text": "Grüße", "when": "2030-01-31T12:00:00+01:00"}}}),
    }


SCENARIOS = {**_flow_scenarios(), **_event_scenarios(), **_compensation_scenarios(), **_work_scenarios()}
