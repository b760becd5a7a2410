"""Diagrams that are drawn to hold a server up: reading, checking and compiling them ends soon all the same."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from bpmn.interpreter import compile_process
from bpmn.parser import MAX_PROCESSES, examine, read
from service_tasks import Data, service_task
from service_tasks.checks import Catalogue
from service_tasks.registry import Registry
from tests.bpmn.diagrams import diagram, el, end, ext, file, flow, gateway, service, start, sub, task

SECONDS = 5.0
"""What no request may take longer than."""


class Answer(Data):
    amount: int
    note: str


@service_task("pay", errors={"DECLINED": "The card was declined."})
def pay(amount: int, other: str) -> Answer: ...


@pytest.fixture
def catalogue():
    registry = Registry()
    registry.add(pay)
    return Catalogue(registry=registry)


def drawn(id, *parts):
    return el("process", *parts, id=id, isExecutable="true")


def call(id, called):
    return task(id, ext(el("zeebe:calledElement", processId=called)), tag="callActivity")


def row(nodes, *more):
    """Nodes one behind the other: their ids, and what they are."""
    ids = ["Start", *nodes, "End"]
    return diagram(start(), *nodes.values(), end(), *more, *row_of(ids))


def row_of(ids):
    return [flow(one, two) for one, two in pairwise(ids)]


def services(kind, number):
    return row({f"T{at}": service(f"T{at}", type=kind) for at in range(number)})


def fan(kind, width):
    """A gateway with so many ways out, which meet at another one."""
    names = [f"T{number}" for number in range(width)]
    return diagram(start(), gateway(kind, "Fork"), gateway(kind, "Join"), end(), flow("Start", "Fork"),
                   flow("Join", "End"), *map(task, names), *(flow(name, "Join") for name in names),
                   *(flow("Fork", name, "=x" if kind != "parallel" else None) for name in names))


def nested(depth):
    inside = start("S") + end("E") + flow("S", "E")
    for number in range(depth):
        inside = (start(f"S{number}") + sub(f"U{number}", inside) + end(f"E{number}")
                  + flow(f"S{number}", f"U{number}") + flow(f"U{number}", f"E{number}"))
    return diagram(inside)


def ladder(kind, steps):
    """Gateways with ways to the next three and back: more ways through than anybody could count."""
    names = [f"G{number}" for number in range(steps)]
    ways = [(names[at], names[at + far]) for at in range(steps) for far in (1, 2, 3, -6) if 0 < at + far < steps]
    return diagram(start(), *(gateway(kind, name) for name in names), end(), flow("Start", "G0"),
                   flow(names[-1], "End", "=x"), *(flow(one, two, "=x") for one, two in ways))


def each_other(number):
    """Processes each of which calls all others: the ways from caller to caller are countless."""
    parts = []
    for at in range(number):
        ids = [f"S{at}", f"P{at}", *(f"C{at}_{to}" for to in range(number) if to != at), f"E{at}"]
        calls = (call(id, f"p{id.split('_')[1]}") for id in ids[2:-1])
        parts.append(drawn(f"p{at}", start(ids[0]), service(ids[1], type="pay"), *calls, end(ids[-1]), *row_of(ids)))
    return file(*parts)


HOSTILE = {
    "a row of 3,000 services": lambda: services("pay", 3_000),
    "a row of 3,000 unknown services": lambda: services("none", 3_000),
    "10,000 ways into one inclusive gateway": lambda: fan("inclusive", 10_000),
    "3,000 ways into one parallel gateway": lambda: fan("parallel", 3_000),
    "a ladder of inclusive gateways": lambda: ladder("inclusive", 2_000),
    "sub-processes in each other": lambda: nested(199),
    "processes that call each other": lambda: each_other(20),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_reading_checking_and_compiling_end_soon(catalogue, name):
    content = HOSTILE[name]()
    began = time.thread_time()

    # when
    model, problems = read(content, "hostile.bpmn")
    assert model is not None, problems[:3]
    said = list(catalogue.check(model))
    for process in model.processes:
        compile_process(process)

    # then
    assert time.thread_time() - began < SECONDS
    unchecked = [each for each in said if "too many elements or ways: the rest of it was not checked" in each.message]
    assert bool(unchecked) == ("services" in name or "call" in name)


def test_what_people_draw_is_checked_wholly(catalogue):
    model, _ = read(services("none", 400), "large.bpmn")
    assert len(list(catalogue.check(model))) == 400


def test_processes_of_one_file_are_limited():
    parts = [drawn(f"p{at}", start(f"S{at}"), end(f"E{at}"), flow(f"S{at}", f"E{at}"))
             for at in range(MAX_PROCESSES + 1)]
    model, problems = examine(file(*parts), "many.bpmn")
    assert len(model.processes) == MAX_PROCESSES
    assert [each.message for each in problems if each.severity == "error"] == [
        "Expected at most 200 executable processes in one file, but there are 201."]


def test_a_long_name_is_no_trouble():
    model, _ = read(diagram(el("startEvent", ext(), id="Start", name="x" * 1_000_000)), "long.bpmn")
    assert model is not None
