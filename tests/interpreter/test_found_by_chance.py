"""What random models have found, each as small as it gets."""

from __future__ import annotations

import pytest

from bpmn.interpreter import compile_process
from tests.bpmn.diagrams import (
    boundary,
    definition,
    diagram,
    el,
    end,
    ext,
    flow,
    flows,
    gateway,
    model_of,
    start,
    sub,
    text,
    throw,
)
from tests.conformance.micro_host import Host, done
from tests.interpreter.random_run import RandomRun

RELOAD = pytest.mark.parametrize("reload", [False, True], ids=["kept", "reloaded"])


def user(id, *more):
    return el("userTask", *more, id=id)


def log(id):
    return el("scriptTask", text("script", f"log('{id}')"), id=id, scriptFormat="python")


def begin(content, reload, **variables):
    host = Host(reload)
    host.deploy(content.decode())
    return host, host.start("P", **variables)


@RELOAD
def test_a_condition_on_an_activity_sees_the_variables_of_the_activity(reload):
    inside = sub("SP", start("S1"), user("U"), end("E1"), flows("S1 > U > E1"))
    condition = definition("conditional", text("condition", "${x > y}"))
    host, instance = begin(diagram(
        start("S"), inside, boundary("B", "SP", condition), log("Caught"), end("E2"), end("E"),
        flows("S > SP > E", "B > Caught > E2"), platform="Camunda Platform", camunda__historyTimeToLive="1"),
        reload, x=0, y=9)
    [activity] = [key for key, element in instance.run.open_tokens() if element == "SP"]
    instance.run.set_variables(activity, {"x": 5}, local=True)
    host.drain(instance)
    assert host.trace == []

    host.set_vars(instance, y=3)

    assert host.trace == ["Caught"]


def test_a_signal_reaches_those_who_wait_in_the_order_in_which_they_came():
    # given one who waits inside a sub-process, and one who came to the top later
    signal = definition("signal", signalRef="G")
    inside = sub("SP", start("S1"), el("intermediateCatchEvent", signal, id="C1"), end("E1"), flows("S1 > C1 > E1"))
    program = compile_process(model_of(diagram(
        start("S"), gateway("parallel", "F"), user("U"), el("intermediateCatchEvent", signal, id="C2"), inside,
        end("E2"), end("E"), flows("S > F > SP > E", "F > U > C2 > E2"),
        before=el("signal", id="G", name="s"))).processes[0])

    def left(reload):
        run = RandomRun(program, reload=reload)
        [task] = [key for (key, _), wait in run.waits.items() if wait.element.id == "U"]
        run.do(("complete", task), 0)
        run.do(("signal",), 0)
        names = {entry[1]: entry[2] for entry in run.trace if entry[0] == "Entered"}
        return [names[entry[1]] for entry in run.trace if entry[0] == "Left" and names[entry[1]] in ("C1", "C2")]

    # when it happens, kept in memory and taken up again
    # then
    assert left(reload=False) == left(reload=True) == ["C1", "C2"]


@RELOAD
@pytest.mark.parametrize("caught", [True, False])
def test_cancelling_one_instance_of_a_transaction_cancels_all_of_them(reload, caught):
    many = el("multiInstanceLoopCharacteristics", text("loopCardinality", "3"))
    inside = sub(
        "T", many, start("S1"), user("U"), gateway("exclusive", "G", default="G_E1"),
        end("E1"), end("E2", definition("cancel")), flow("G", "E2", "${no}"), flows("S1 > U > G > E1"),
        tag="transaction")
    catch = boundary("B", "T", definition("cancel")) + log("Caught") + end("E3") + flows("B > Caught > E3")
    host, instance = begin(diagram(
        start("S"), inside, catch if caught else "", log("After"), end("E"), flows("S > T > After > E"),
        platform="Camunda Platform", camunda__historyTimeToLive="1"), reload, no=False)
    done(host, instance, "U", no=False)

    done(host, instance, "U", no=True)

    assert host.state(instance) == "completed"
    assert host.trace == (["Caught"] if caught else [])


@RELOAD
def test_a_compensation_handler_does_not_see_what_is_local_to_the_event_that_calls_it(reload):
    local = ext(el("zeebe:ioMapping", el("zeebe:input", source='="inner"', target="x")))
    host, instance = begin(diagram(
        start("S"), user("A"), boundary("B", "A", definition("compensate")), user("H").replace(
            "<userTask ", '<userTask isForCompensation="true" '),
        el("association", id="AH", sourceRef="B", targetRef="H"),
        throw("T", local, definition("compensate")), end("E"), flows("S > A > T > E"), platform="Camunda Cloud"),
        reload, x="outer")
    done(host, instance, "A")
    host.drain(instance)

    [handler] = instance.waits

    assert instance.run.variables(handler)["x"] == "outer"


@RELOAD
def test_tokens_of_two_firings_meet_in_an_inclusive_join_as_those_of_one_do(reload):
    """A join does not know which firing a token came from, as in Camunda 7: one that counts them waits in vain then."""
    program = compile_process(model_of(diagram(
        el("message", id="M", name="m"),
        start("S"), user("U"), end("E"),
        boundary("B", "U", el("messageEventDefinition", messageRef="M"), cancelActivity="false"),
        gateway("inclusive", "Split"), user("One"), user("Two"), gateway("inclusive", "Join"), user("After"), end("E2"),
        flows("S > U > E", "B > Split", "One > Join", "Two > Join", "Join > After > E2"),
        flow("Split", "One", "${flag == 1}"), flow("Split", "Two", "${flag == 2}"),
        platform="Camunda Platform", camunda__historyTimeToLive="1")).processes[0])
    run = RandomRun(program, reload=reload)
    [boundary_event] = [at for at, wait in run.waits.items() if wait.element.id == "B"]
    for flag in (1, 2):
        run.do(("flag",), flag)
        run.do(("trigger", *boundary_event), 0)

    for element in ("One", "Two"):
        assert [wait.element.id for wait in run.waits.values()].count("After") == 0
        run.do(("complete", next(key for (key, _), wait in run.waits.items() if wait.element.id == element)), 0)

    assert [wait.element.id for wait in run.waits.values()].count("After") == 1
