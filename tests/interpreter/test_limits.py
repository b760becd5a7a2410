"""How far it goes: long, wide, deep and big; bounds are on counts and memory, never on time."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest

from bpmn.interpreter import Execution, compile_process, journal
from bpmn.parser import read
from bpmn.reading.document import MAX_NESTED_SUB_PROCESSES
from engine import definitions
from engine.definitions import Resource
from engine.queries import instance as instances_query
from engine.queries import lists
from tests.bpmn.diagrams import (
    diagram,
    el,
    end,
    ext,
    file,
    flow,
    flows,
    gateway,
    model_of,
    start,
    sub,
    task,
)
from tests.engine.steps import Steps

MEGABYTE = 1024 * 1024


def user(id):
    return el("userTask", ext(el("zeebe:userTask")), id=id)


def script(id, expression, variable):
    return el("scriptTask", ext(el("zeebe:script", expression=expression, resultVariable=variable)), id=id)


def counting_loop(rounds):
    return diagram(
        start("S"), gateway("exclusive", "M"), script("A", "=n + 1", "n"), gateway("exclusive", "G", default="G_E"),
        end("E"), flow("G", "M", f"=n < {rounds}"), flows("S > M > A > G > E"))


def begin(content, **variables):
    program = compile_process(model_of(content).processes[0])
    run = Execution.start(program, key=1, keys=itertools.count(2), variables=variables)
    run.advance()
    return run


def again(run):
    """The instance, saved and taken up anew."""
    changes = run.changes()
    return Execution.load(run.program, run.dump(), changes.set, key=run.key, keys=itertools.count(1_000_000))


def opened(run, kind=journal.UserTaskOpened):
    return [entry.key for entry in run.journal if isinstance(entry, kind)]


def test_a_loop_of_100_000_rounds_holds_one_token_and_constant_memory():
    # given a loop that is run and written down in slices, as the engine does
    program = compile_process(model_of(counting_loop(100_000)).processes[0])
    run = Execution.start(program, key=1, keys=itertools.count(2), variables={"n": 0})
    run.advance(pause_after=10_000)
    run.journal.clear()
    tokens, size = len(run.workflow.index), len(run.dump())
    tracemalloc.start()

    # when it goes on to its end
    slices = 0
    while not run.is_waiting:
        run.advance(pause_after=10_000)
        run.journal.clear()
        slices += 1
        # then no slice leaves more behind than the first did
        assert run.state == "COMPLETED" or (len(run.workflow.index), len(run.dump())) == (tokens, size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert run.variables() == {"n": 100_000}
    assert slices >= 28
    assert peak < 4 * MEGABYTE


def test_a_multi_instance_activity_may_be_10_000_wide():
    many = el("multiInstanceLoopCharacteristics", ext(el(
        "zeebe:loopCharacteristics", inputCollection="=items", inputElement="item", outputCollection="done",
        outputElement="=item")))
    work = el("serviceTask", ext(el("zeebe:taskDefinition", type="work")), many, id="A")
    run = begin(diagram(start("S"), work, end("E"), flows("S > A > E")), items=list(range(10_000)))
    jobs = opened(run, journal.JobOpened)
    assert len(jobs) == 10_000

    run = again(run)
    for key in jobs:
        run.complete(key)
    run.advance()

    assert run.state == "COMPLETED"
    assert run.variables()["done"] == list(range(10_000))
    assert run.workflow.index == {}


def nested(depth):
    inside = user("U") + start("S0") + end("E0") + flows("S0 > U > E0")
    for level in range(depth):
        inside = start(f"S{level}x") + sub(f"SP{level}", inside) + end(f"E{level}x") + flows(
            f"S{level}x > SP{level} > E{level}x")
    return diagram(inside)


@pytest.mark.parametrize("leave", ["complete", "cancel"])
def test_sub_processes_nest_200_deep(leave):
    run = begin(nested(MAX_NESTED_SUB_PROCESSES))
    [task_key] = opened(run)

    run = again(run)
    if leave == "complete":
        run.complete(task_key)
        run.advance()
    else:
        run.cancel()

    assert run.state == ("COMPLETED" if leave == "complete" else "TERMINATED")
    assert run.workflow.index == {}
    assert run.workflow.subprocesses == {}


def test_sub_processes_that_nest_deeper_are_refused_with_a_sentence():
    model, [problem] = read(nested(MAX_NESTED_SUB_PROCESSES + 1), "shop.bpmn")

    assert model is None
    assert "Expected sub-processes nested at most 200 deep" in problem.message


def test_a_straight_line_may_have_3_000_elements():
    ids = [f"T{number}" for number in range(3_000)]
    run = begin(diagram(start("S"), *[task(id) for id in ids], end("E"), flows(" > ".join(["S", *ids, "E"]))))

    assert run.state == "COMPLETED"
    assert [e.element.id for e in run.journal if isinstance(e, journal.Passed)] == ["S", *ids, "E"]


def test_an_instance_at_a_user_task_is_saved_in_300_bytes_whatever_its_variables():
    content = diagram(start("S"), user("U"), end("E"), flows("S > U > E"))

    small, big = begin(content), begin(content, text="x" * MEGABYTE)

    assert len(small.dump()) <= 300
    assert len(big.dump()) == len(small.dump())


# -- through the engine -----------------------------------------------------------------------------------------


@pytest.fixture
def steps(engine):
    return Steps(engine)


def deploy(engine, *files):
    engine.execute(definitions.deploy, [Resource(name=f"{number}.bpmn", content=content)
                                        for number, content in enumerate(files)])


def called(id):
    return el("callActivity", ext(el("zeebe:calledElement", processId=id, propagateAllChildVariables="true")), id="C")


def test_processes_call_each_other_50_levels_deep(engine, steps):
    # given
    levels = 50
    processes = [el("process", start("S"), called(f"P{n + 1}"), end("E"), flows("S > C > E"), id=f"P{n}",
                    isExecutable="true") for n in range(levels)]
    last = el("process", start("S"), user("U"), script("A", "=1", "deep"), end("E"), flows("S > U > A > E"),
              id=f"P{levels}", isExecutable="true")
    deploy(engine, *map(file, [*processes, last]))

    # when
    key = steps.start("P0")
    steps.finish()

    # then
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key) == {"deep": 1}
    assert steps.left_behind() == {}


def test_a_variable_may_have_1_megabyte(engine, steps):
    deploy(engine, diagram(start("S"), user("U"), script("A", "=string length(big)", "length"), end("E"),
                           flows("S > U > A > E")))

    key = steps.start("P", {"big": "x" * MEGABYTE})
    steps.finish()

    assert steps.variables(key)["length"] == MEGABYTE
    assert steps.state(key) == "COMPLETED"


def test_a_loop_without_end_is_stopped_with_an_incident_while_others_go_on(engine, steps):
    # given
    endless = diagram(
        start("S"), gateway("exclusive", "M"), script("A", "=n + 1", "n"), gateway("exclusive", "G", default="G_E"),
        end("E"), flow("G", "M", "=n > 0"), flows("S > M > A > G > E"), id="Endless")
    deploy(engine, endless, diagram(start("S"), user("U"), end("E"), flows("S > U > E")))
    engine.step_budget = 3_000

    # when
    other = steps.start("P")
    stuck = steps.start("Endless", {"n": 0})
    steps.finish()

    # then
    assert steps.state(other) == "COMPLETED"
    assert steps.state(stuck) == "ACTIVE"
    [incident] = lists.incidents(engine).items
    assert "loop without an end" in incident.message
    assert instances_query.get(engine, stuck).incident_count == 1
