"""More processes for crash tests: what is drawn less often than the ways to wait of `tests.scenarios.catalogue`, what
comes together in one diagram, and what operators do to an instance meanwhile."""

from __future__ import annotations

from tests.engine.drawing import (
    boundary,
    call,
    catch,
    end,
    error,
    error_of,
    file,
    message,
    message_of,
    process,
    service,
    signal,
    signal_of,
    start,
    throw,
    timer,
    user,
)
from tests.scenarios.catalogue import DONE, FORK, JOIN, STOP, Scenario, drawn, each, handler, loop, on, sub, undone

RAISED = '<bpmn:escalation id="x" name="x" escalationCode="x"/>'
RAISE = '<bpmn:escalationEventDefinition escalationRef="x"/>'
COMPENSATE = "<bpmn:compensateEventDefinition/>"
BROKEN = error_of("err", "BROKEN")
TOPIC = 'camunda:type="external" camunda:topic='
FORM = b"""{"id": "order", "type": "default", "schemaVersion": 16, "components": [
    {"key": "approved", "type": "checkbox", "label": "Approved", "id": "f1"}]}"""
TO_ALL = ('<bpmn:extensionElements><zeebe:properties><zeebe:property name="eventTarget" value="all"/>'
          '<zeebe:property name="eventType" value="com.example.paid"/></zeebe:properties></bpmn:extensionElements>')


def _when_true(condition: str) -> str:
    return ('<bpmn:conditionalEventDefinition><bpmn:condition xsi:type="bpmn:tFormalExpression">'
            f"{condition}</bpmn:condition></bpmn:conditionalEventDefinition>")


def _sent(id: str, inner: str, ref: str = "m") -> str:
    return throw(id, f'<bpmn:messageEventDefinition messageRef="{ref}"><bpmn:extensionElements>{inner}'
                     "</bpmn:extensionElements></bpmn:messageEventDefinition>")


def _until(condition: str, sequential: bool = False) -> str:
    """A loop that ends when a condition holds."""
    return loop(sequential).replace(
        "</bpmn:multiInstanceLoopCharacteristics>",
        f"<bpmn:completionCondition>={condition}</bpmn:completionCondition></bpmn:multiInstanceLoopCharacteristics>")


def _task7(id: str, more: str = "") -> str:
    return f'<bpmn:serviceTask id="{id}" {TOPIC}"{id}" {more}/>'


def _escalations() -> dict[str, Scenario]:
    raising = sub("part", start("s"), service("a"), throw("raise", RAISE), service("b"), end("e"))
    return {
        "escalation beside": drawn(
            RAISED, process("p", start(), raising, end(), boundary("heard", "part", RAISE, False), service("note"),
                            end("noted"), flows="start>part part>end heard>note note>noted")),
        "escalation instead": drawn(
            RAISED, process("p", start(), raising, end(), boundary("heard", "part", RAISE), service("note"),
                            end("noted"), flows="start>part part>end heard>note note>noted")),
        "escalation of a called process": drawn(
            RAISED, process("p", start(), call("sub", "child"), end("well"), boundary("b", "sub", RAISE),
                            service("mend"), end("ill"), flows="start>sub sub>well b>mend mend>ill"),
            process("child", start("s"), service("inner"), end("e", RAISE))),
        "escalation in an event sub-process": drawn(
            RAISED, process("p", start(), service("a"), throw("raise", RAISE), service("b"), end(),
                            on("heard", RAISE, service("note"), interrupting=False),
                            flows="start>a a>raise raise>b b>end")),
    }


def _many() -> dict[str, Scenario]:
    some = service("each").replace("</bpmn:serviceTask>", _until("numberOfCompletedInstances &gt;= 2")
                                   + "</bpmn:serviceTask>")
    one_by_one = some.replace('isSequential="false"', 'isSequential="true"')
    called = call("each", "child").replace("</bpmn:callActivity>", f"{loop(False)}</bpmn:callActivity>")
    trips = sub("trip", start("s"), service("hotel"), user("ask"), end("e"), undone("hotel", "cancel_hotel"),
                flows="s>hotel hotel>ask ask>e", more=loop(False))
    items = {"items": [1, 2, 3]}
    result = {"variables": {"result": 7}}
    return {
        "parallel until enough are done": drawn(process("p", start(), some, service("after"), end()),
                                                variables=items, answers={"each": result}),
        "one by one until enough are done": drawn(process("p", start(), one_by_one, service("after"), end()),
                                                  variables=items, answers={"each": result}),
        "many called processes": drawn(process("p", start(), called, service("after"), end()),
                                       process("child", start("s"), service("inner"), end("e")),
                                       variables=items, answers={"inner": result}),
        "many sub-processes that are undone": drawn(
            process("p", start(), trips, throw("undo", COMPENSATE), end(), flows="start>trip trip>undo undo>end"),
            variables={"items": ["x", "y"]}, answers={"ask": result}),
        "many that one error ends": drawn(
            BROKEN, process("p", start(), each("each", False), end("well"), boundary("b", "each", error("err")),
                            service("mend"), end("ill"), flows="start>each each>well b>mend mend>ill"),
            variables=items, answers={"each": {"error": "BROKEN"}}),
        "ad-hoc sub-process by a list": drawn(process(
            "p", start(), '<bpmn:adHocSubProcess id="tools"><bpmn:extensionElements><zeebe:adHoc '
            'activeElementsCollection="=todo"/></bpmn:extensionElements>' + service("search") + user("mail")
            + "</bpmn:adHocSubProcess>", service("after"), end(), flows="start>tools tools>after after>end"),
            variables={"todo": ["search", "mail"]}, answers={"mail": DONE}),
    }


def _events() -> dict[str, Scenario]:
    thrown = _sent("throw", '<zeebe:publishMessage correlationKey="=id" timeToLive="=&quot;PT9000H&quot;"/>')
    return {
        "message that is thrown, kept and taken": drawn(
            STOP, process("p", start(), thrown, service("a"), catch("wait", message("m")), end())),
        "messages of Camunda 7": drawn(
            message_of("m", "stop"), process(
                "p", start(), f'<bpmn:sendTask id="send" {TOPIC}"send"/>',
                throw("tell", f'<bpmn:messageEventDefinition messageRef="m" {TOPIC}"tell"/>'), _task7("a"),
                f'<bpmn:endEvent id="end"><bpmn:messageEventDefinition messageRef="m" {TOPIC}"last"/></bpmn:endEvent>'),
            camunda7=True),
        "receive task": drawn(STOP, process("p", start(), '<bpmn:receiveTask id="wait" messageRef="m"/>', service("a"),
                                            end()), answers={"wait": {"variables": {"told": 1}}}),
        "signal to itself": drawn(
            signal_of("g", "all"), process(
                "p", start(), FORK, catch("wait", signal("g")), service("a"), throw("yell", signal("g")), JOIN, end(),
                flows="start>fork fork>wait wait>join fork>a a>yell yell>join join>end")),
        "event for a target": drawn(
            signal_of("g", "all"), process(
                "p", start(), service("a"), throw("yell", signal("g")).replace('id="yell">', f'id="yell">{TO_ALL}'),
                service("b"), end())),
        "terminate": drawn(process(
            "p", start(), FORK, service("a"), user("ask"), end(), end("stop", "<bpmn:terminateEventDefinition/>"),
            flows="start>fork fork>ask ask>end fork>a a>stop")),
        "links": drawn(process(
            "p", start(), service("a"), throw("go", '<bpmn:linkEventDefinition name="L"/>'),
            catch("come", '<bpmn:linkEventDefinition name="L"/>'), service("b"), end(),
            flows="start>a a>go come>b b>end")),
        "timer in an event sub-process": drawn(
            process("p", start(), user("work"), end(), on("late", timer("Cycle", "R2/PT10M"), service("remind"),
                                                         interrupting=False), flows="start>work work>end"),
            answers={"work": DONE}, fires={"late": 2}),
        "message in an event sub-process inside": drawn(
            STOP, process("p", start(), sub("part", start("s"), user("work"), end("e"),
                                            on("told", message("m"), service("note")), flows="s>work work>e"),
                          service("after"), end(), flows="start>part part>after after>end"),
            answers={"told": {"variables": {"n": 1}}}, fires={"told": 1}),
        "condition in the flow": drawn(
            process("p", start(), catch("wait", _when_true("${x &gt; 2}")), _task7("a"), end()), camunda7=True,
            variables={"x": 0}, answers={"wait": {"variables": {"x": 3}}}),
        "condition in an event sub-process": drawn(
            process("p", start(), '<bpmn:userTask id="work"/>', end(),
                    on("seen", _when_true("${x &gt; 2}"), _task7("note")), flows="start>work work>end"),
            camunda7=True, variables={"x": 0}, answers={"seen": {"variables": {"x": 3}}}, fires={"seen": 1}),
        "called process that is interrupted": drawn(
            process("p", start(), call("sub", "child"), end("well"), boundary("b", "sub", timer("Duration", "PT1H")),
                    service("mend"), end("ill"), flows="start>sub sub>well b>mend mend>ill"),
            process("child", start("s"), call("deeper", "grandchild"), end("e")),
            process("grandchild", start("s2"), user("ask"), end("e2")), fires={"b": 1}),
        "error two calls below": drawn(
            BROKEN, process("p", start(), call("sub", "child"), end("well"), boundary("b", "sub", error("err")),
                            service("mend"), end("ill"), flows="start>sub sub>well b>mend mend>ill"),
            process("child", start("s"), call("deeper", "grandchild"), end("e")),
            process("grandchild", start("s2"), service("inner"), end("e2", error("err")))),
    }


def _undoing() -> dict[str, Scenario]:
    asked = handler("x").replace("serviceTask", "userTask").replace(
        '<zeebe:taskDefinition type="x"/>', "<zeebe:userTask/>")
    called = call("void", "child").replace("<bpmn:callActivity ", '<bpmn:callActivity isForCompensation="true" ')
    return {
        "undone by a person, a called process and a service": drawn(
            process("p", start(), FORK, service("hotel"), service("flight"), service("car"), JOIN,
                    end("end", COMPENSATE),
                    undone("hotel", "ask").replace(handler("ask"), asked.replace('"x"', '"ask"')),
                    undone("flight", "void").replace(handler("void"), called), undone("car", "return_car"),
                    flows="start>fork fork>hotel hotel>join fork>flight flight>join fork>car car>join join>end"),
            process("child", start("s"), service("inner"), end("e"))),
        "handler that fails once": drawn(
            process("p", start(), service("hotel"), throw("undo", COMPENSATE), service("after"), end(),
                    undone("hotel", "cancel_hotel"), flows="start>hotel hotel>undo undo>after after>end"),
            answers={"cancel_hotel": {"gives_up": True}}),
        "one activity is undone": drawn(
            process("p", start(), service("hotel"), service("flight"),
                    throw("undo", '<bpmn:compensateEventDefinition activityRef="flight"/>'), service("after"), end(),
                    undone("hotel", "cancel_hotel"), undone("flight", "cancel_flight"),
                    flows="start>hotel hotel>flight flight>undo undo>after after>end")),
        "transaction that an error ends": drawn(
            BROKEN, process(
                "p", start(), sub("tx", start("s"), service("hotel"), service("flight"), end("e"),
                                  undone("hotel", "cancel_hotel"), flows="s>hotel hotel>flight flight>e",
                                  kind="transaction"),
                end("well"), boundary("b", "tx", error("err")), service("tell"), end("ill"),
                flows="start>tx tx>well b>tell tell>ill"), answers={"flight": {"error": "BROKEN"}}),
    }


def _people() -> dict[str, Scenario]:
    told = ('<bpmn:userTask id="ask"><bpmn:extensionElements><zeebe:userTask/><zeebe:formDefinition formId="order"/>'
            '<zeebe:assignmentDefinition assignee="ann" candidateGroups="buyers"/>'
            '<zeebe:taskSchedule dueDate="=now() + duration(&quot;P1D&quot;)"/></bpmn:extensionElements>'
            "</bpmn:userTask>")
    line = process("p", start(), service("a"), user("ask"), service("b"), end())
    newer = file(process("q", start(), service("a"), user("ask"), service("c"), end()), name="q.bpmn")
    return {
        "user task with a form": drawn(process("p", start(), told, service("a"), end()), more=(("order.form", FORM),),
                                       answers={"ask": {"variables": {"approved": True}}}),
        "asynchronous and listened to in Camunda 7": drawn(
            process("p", start(), _task7("a", 'camunda:asyncBefore="true" camunda:asyncAfter="true"'),
                    '<bpmn:userTask id="ask" camunda:asyncAfter="true"/>', _task7("b"), end()), camunda7=True,
            answers={"ask": DONE}),
        "modified": drawn(line, acts={"ask": "MODIFY b"}),
        "migrated": drawn(line, more=((newer.name, newer.content),), acts={"ask": "MIGRATE q"}, answers={"ask": DONE}),
        "suspended and resumed": drawn(line, acts={"ask": "SUSPEND"}, answers={"ask": DONE}),
        "cancelled with all that it called": drawn(
            process("p", start(), FORK, call("sub", "child"), service("a"), JOIN, end(),
                    flows="start>fork fork>sub sub>join fork>a a>join join>end"),
            process("child", start("s"), user("ask"), end("e")), acts={"join": "CANCEL"}),
    }


RARER = {**_escalations(), **_many(), **_events(), **_undoing(), **_people()}
