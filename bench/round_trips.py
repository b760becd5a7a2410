"""What SpiffWorkflow's own persistence costs: the state read from its JSON, one step made, and written again.

CPU seconds, without any database: as if that cost nothing.
"""

from __future__ import annotations

import functools
import time
from typing import Any

from SpiffWorkflow import TaskState

from bench import models, stock
from bench.models import Drawing, Flavour
from bench.timing import cpu_seconds


@functools.cache
def scripts() -> float:
    """A script-only order, one round trip for each of its steps."""
    spec = stock.parse(models.order(Flavour.PLAIN), "bench_order")

    def run() -> None:
        text = stock.save(stock.start(spec, models.ORDER_VARIABLES))
        while True:
            workflow = stock.load(text)
            ready = next(iter(workflow.get_tasks(state=TaskState.READY)), None)
            if ready is None:
                return
            ready.run()
            text = stock.save(workflow)

    return cpu_seconds(run, windows=5)


@functools.cache
def waits(count: int = 1) -> float:
    """An instance that waits so many times, one round trip for each; its start is part of it if there are several."""
    drawing = Drawing("bench_waits", Flavour.PLAIN)
    elements = ["received", *(f"wait_{number}" for number in range(count)), "done"]
    drawing.event("startEvent", "received")
    for element in elements[1:-1]:
        drawing.user_task(element)
    drawing.event("endEvent", "done")
    drawing.flow(*elements)
    spec = stock.parse(drawing.xml(), "bench_waits")
    waiting = stock.save(stock.run(spec, models.ORDER_VARIABLES))

    def run() -> None:
        text = waiting if count == 1 else stock.save(stock.run(spec, models.ORDER_VARIABLES))
        for _ in range(count):
            text = _completed(text)

    return cpu_seconds(run, windows=5)


@functools.cache
def fan_out(width: int) -> float:
    """A fan-out whose members wait, and are completed one by one: one round trip, times their number."""
    drawing = Drawing("bench_members", Flavour.PLAIN)
    drawing.event("startEvent", "begin")
    drawing.event("endEvent", "done")
    xml = drawing.xml().replace(
        b'<bpmn:endEvent', b'<bpmn:manualTask id="member" name="member"><bpmn:incoming>to_member</bpmn:incoming>'
        b'<bpmn:outgoing>to_done</bpmn:outgoing>' + drawing.many(width).encode() + b'</bpmn:manualTask>'
        b'<bpmn:sequenceFlow id="to_member" sourceRef="begin" targetRef="member"/>'
        b'<bpmn:sequenceFlow id="to_done" sourceRef="member" targetRef="done"/><bpmn:endEvent',
    )
    text = stock.save(stock.run(stock.parse(xml, "bench_members"), {}))
    begin = time.process_time()
    _completed(text)
    return (time.process_time() - begin) * width


def _completed(text: str) -> Any:
    workflow = stock.load(text)
    next(iter(workflow.get_tasks(state=TaskState.READY, manual=True))).run()
    workflow.do_engine_steps()
    return stock.save(workflow)
