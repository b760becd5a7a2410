"""What goes wrong, without a word, with SpiffWorkflow 3.2 as it comes, and right with our subclasses of it.

Each test runs one diagram on both. The first half is the promise; the second shows that the test would notice.
"""

from __future__ import annotations

import os

import pytest
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.exceptions import WorkflowException

from bpmn.parser import read
from tests.bpmn.diagrams import (
    boundary,
    definition,
    diagram,
    el,
    end,
    errors,
    event_sub,
    file,
    flow,
    flows,
    gateway,
    model_of,
    start,
    sub,
    text,
    throw,
    timer,
    warnings,
)
from tests.conformance.micro_host import Host, done
from tests.interpreter.stock import Stock


def script(id, code=None):
    """A script task for both: the library runs it, for us it is a job that the test's host works on."""
    code = f"log('{id}')" if code is None else code
    return el("scriptTask", text("script", code), id=id, scriptFormat="python")


def user(id):
    return el("userTask", id=id)


def shape(element, y):
    bounds = el("dc:Bounds", x=0, y=y, width=100, height=80, xmlns__dc="http://www.omg.org/spec/DD/20100524/DC")
    return el("bpmndi:BPMNShape", bounds, id=f"{element}_di", bpmnElement=element)


def feel(content):
    """The diagram with its conditions, which are the same text in both languages, marked as FEEL."""
    return content.replace(b"<conditionExpression>", b"<conditionExpression>=")


def ours(*files, reload=False):
    host = Host(reload)
    for content in files:
        host.deploy(feel(content).decode())
    return host


def test_a_loop_goes_round_as_often_as_it_says():
    content = diagram(
        start("S"), gateway("exclusive", "M"), script("A", "n = n + 1"), gateway("exclusive", "G", default="G_E"),
        end("E"), flow("G", "M", "n < 400"), flows("S > M > A > G > E"))

    host = ours(content)
    instance = host.start("P", n=0)
    assert (host.state(instance), instance.run.variables()) == ("completed", {"n": 400})

    # its iterator over tasks stops at depth 1,000, and it takes the instance for completed
    workflow = Stock(content).start(n=0)
    assert workflow.is_completed()
    assert max(task.data.get("n", 0) for task in workflow.tasks.values()) == 333


def test_elements_may_be_called_start_and_end():
    content = diagram(start("Start"), script("A"), end("End"), flows("Start > A > End"))

    host = ours(content)
    instance = host.start("P")
    assert (host.state(instance), host.trace) == ("completed", ["A"])

    # it has elements of its own under these names
    with pytest.raises(WorkflowException, match="No output task connected"):
        Stock(content).start()


def test_a_flow_needs_no_id():
    nameless = el("sequenceFlow", sourceRef="S", targetRef="A")
    content = diagram(start("S"), script("A"), end("E"), nameless, flows("A > E"))

    host = ours(content)
    host.start("P")
    assert host.trace == ["A"]

    stock = Stock(content)
    stock.start()
    assert stock.trace == []


def test_caller_and_called_process_may_have_a_sub_process_of_the_same_id():
    def inside(name):
        return sub("SP", start("S1"), script("A", f"log('{name}')"), end("E1"), flows("S1 > A > E1"))

    caller = diagram(start("S"), inside("caller"), el("callActivity", id="C", calledElement="Q"), end("E"),
                     flows("S > SP > C > E"))
    called = diagram(start("S"), inside("called"), end("E"), flows("S > SP > E"), id="Q")

    host = ours(caller, called)
    host.start("P")
    assert host.trace == ["caller", "called"]

    stock = Stock(caller, called)
    stock.start(called="Q")
    assert len(stock.trace) == 2
    assert len(set(stock.trace)) == 1


def test_a_variable_may_have_a_key_named_typename():
    content = diagram(start("S"), user("U"), script("A", "log(v['typename'])"), end("E"), flows("S > U > A > E"))

    host = ours(content, reload=True)
    done(host, host.start("P", v={"typename": "car"}), "U")
    assert host.trace == ["car"]

    stock = Stock(content)
    stock.start(v={"typename": "car"})
    with pytest.raises(TypeError):
        stock.reload()


def test_exclusive_gateway_tries_its_flows_in_the_order_of_the_file():
    # A comes first in the file but is drawn below B
    process = el(
        "process", start("S"), gateway("exclusive", "G", default="G_E"), script("A"), script("B"), end("E"),
        flow("G", "A", "n > 0"), flow("G", "B", "n > 0"), flows("S > G > E", "A > E", "B > E"),
        id="P", isExecutable="true")
    plane = el("bpmndi:BPMNPlane", shape("A", 300), shape("B", 100), shape("E", 200), id="L", bpmnElement="P")
    content = file(process, el("bpmndi:BPMNDiagram", plane, id="D"))

    host = ours(content)
    host.start("P", n=1)
    assert host.trace == ["A"]

    stock = Stock(content)
    stock.start(n=1)
    assert stock.trace == ["B"]


def test_what_is_interrupted_does_not_go_on():
    content = diagram(
        start("S"),
        sub("SP", start("S1"), throw("T", definition("escalation", escalationRef="X1")), script("Late"), end("E1"),
            flows("S1 > T > Late > E1")),
        boundary("B", "SP", definition("escalation", escalationRef="X1"), cancelActivity="true"),
        script("Caught"), end("E2"), end("E"), flows("S > SP > E", "B > Caught > E2"),
        before=el("escalation", id="X1", name="x", escalationCode="x"))

    host = ours(content)
    instance = host.start("P")
    assert (host.state(instance), host.trace) == ("completed", ["Caught"])

    stock = Stock(content)
    stock.start()
    assert "Late" in stock.trace


def test_a_branch_that_joins_late_does_not_bring_back_old_variables():
    content = diagram(
        start("S"), gateway("parallel", "F"), user("U"), user("V"), gateway("parallel", "J"),
        script("A", "log(x)"), end("E"), flows("S > F > U > J", "F > V > J > A > E"))

    host = ours(content)
    instance = host.start("P", x="old")
    done(host, instance, "V", x="new")
    done(host, instance, "U")
    assert host.trace == ["new"]

    stock = Stock(content)
    stock.start(x="old")
    stock.done("V", x="new")
    stock.done("U")
    assert stock.trace == ["old"]


def test_an_error_is_not_caught_by_a_boundary_event_beside_it():
    content = diagram(
        start("S"), gateway("parallel", "F"),
        sub("SP", start("S1"), user("U"), end("E1"), flows("S1 > U > E1")),
        boundary("B", "SP", definition("error", errorRef="X1")), script("Caught"), end("E2"), end("E3"),
        user("V"), end("E4", definition("error", errorRef="X1")),
        flows("S > F > SP > E3", "F > V > E4", "B > Caught > E2"),
        before=el("error", id="X1", name="x", errorCode="x"))

    host = ours(content)
    instance = host.start("P")
    done(host, instance, "V")
    assert host.trace == []
    assert [id for _, id in instance.run.open_tokens() if id in ("SP", "U")] == ["SP", "U"]
    assert "Expected to catch the error 'x'" in host.state(instance)

    stock = Stock(content)
    stock.start()
    stock.done("V")
    assert stock.trace == ["Caught"]


@pytest.mark.parametrize("kind", ["error", "escalation"])
def test_an_event_sub_process_waits_for_its_event(kind):
    content = diagram(
        start("S"), script("A"), end("E"), flows("S > A > E"),
        event_sub("ES", start("S1", definition(kind, **{f"{kind}Ref": "X1"})), script("Handle"), end("E1"),
                  flows("S1 > Handle > E1")),
        before=el(kind, id="X1", name="x", **{f"{kind}Code": "x"}))

    host = ours(content)
    instance = host.start("P")
    assert (host.state(instance), host.trace) == ("completed", ["A"])

    stock = Stock(content)
    stock.start()
    assert "Handle" in stock.trace


def test_the_text_of_a_timer_is_not_run_as_python():
    def wait(written):
        return diagram(start("S"), el("intermediateCatchEvent", timer("Duration", written), id="T"), end("E"),
                       flows("S > T > E"))

    attack = wait("log('ran') or 'PT10S'")
    assert "ISO 8601" in errors(attack)["T"]
    host = ours(wait("PT10S"))
    instance = host.start("P")
    assert host.state(instance).startswith("open")
    host.wait(11_000)
    assert host.state(instance) == "completed"

    stock = Stock(attack)
    stock.start()
    assert stock.trace[:1] == ["ran"]
    with pytest.raises(WorkflowTaskException):
        Stock(wait("PT10S")).start()


def test_a_process_that_does_not_say_so_is_not_executable():
    process = el("process", start("S"), script("A"), end("E"), flows("S > A > E"), id="P")

    model, _ = read(file(process), "shop.bpmn")
    assert model is None or model.processes == ()

    stock = Stock(file(process))
    stock.start()
    assert stock.trace == ["A"]


def test_elements_that_no_flow_leads_to_are_noticed():
    content = diagram(start("S"), user("A"), end("E"), user("Lost"), flows("S > A > E"))

    assert "Lost" in warnings(content)
    assert "Lost" in model_of(content).processes[0].elements

    assert "Lost" not in Stock(content).parsers[0].get_spec("P").task_specs


def test_a_script_is_not_run_as_python():
    content = diagram(start("S"), script("A", "log(__import__('os').getpid())"), end("E"), flows("S > A > E"))

    assert "A" in errors(content)

    stock = Stock(content)
    stock.start()
    assert stock.trace == [os.getpid()]
