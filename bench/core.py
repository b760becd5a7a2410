"""The interpreter alone, in memory, beside stock SpiffWorkflow in the same run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from bench import models, stock
from bench.figures import Figure
from bench.models import Flavour
from bench.timing import cpu_seconds, in_new_process, peak_megabytes
from bpmn.interpreter import Execution, compile_process
from bpmn.parser import read
from engine.execution import SLICE

GROUP = "Core, in memory (CPU time, least of several windows)"
STOCK_LOOPS = (100, 300)
LOOPS = (100, 1_000, 10_000, 100_000)
ROUND_STEPS = 3
BUDGET = 10_000_000


def program(content: bytes) -> Any:
    """The compiled process of a diagram."""
    model, problems = read(content, "bench.bpmn")
    if model is None or not model.processes:
        raise SystemExit("\n".join(map(str, problems)))
    return compile_process(model.processes[0])


def run(compiled: Any, variables: dict[str, Any], recording: bool = True) -> Execution:
    """Start an instance and let it run until it waits or ends, slice by slice as the engine does.

    Stock keeps no journal, so ours can be switched off.
    """
    execution = Execution.start(compiled, key=1, keys=itertools.count(2), variables=variables, recording=recording)
    execution.advance(BUDGET, SLICE)
    while not execution.is_waiting:
        execution.journal.clear()
        execution.advance(BUDGET, SLICE)
    return execution


def measure() -> Iterator[Figure]:
    """All figures of the core."""
    yield from measure_order()
    yield from measure_loops()
    yield from measure_multi_instance()
    yield from measure_waiting()


def compare(make: Callable[[Flavour], bytes], process_id: str, variables: dict[str, Any]) -> tuple[float, float, float]:
    """CPU seconds of one run: ours with its journal, ours without, stock's."""
    ours, theirs = program(make(Flavour.CAMUNDA_8)), stock.parse(make(Flavour.PLAIN), process_id)
    check_completed(run(ours, variables))
    if not stock.run(theirs, variables).is_completed():
        raise SystemExit(f"Expected stock SpiffWorkflow to complete {process_id}, but it did not.")
    return (
        cpu_seconds(lambda: run(ours, variables)),
        cpu_seconds(lambda: run(ours, variables, recording=False)),
        cpu_seconds(lambda: stock.run(theirs, variables)),
    )


def check_completed(execution: Execution) -> None:
    """A figure of something that did not run to its end would be worth nothing."""
    if execution.state != "COMPLETED":
        raise SystemExit(f"Expected the instance to complete, but it is {execution.state}: {execution.journal[-3:]}")


def measure_order() -> Iterator[Figure]:
    """The order process of eight steps."""
    journalled, bare, theirs = compare(models.order, "bench_order", models.ORDER_VARIABLES)
    for name, ours in (("with its journal", journalled), ("without journal", bare)):
        yield Figure(
            group=GROUP,
            name=f"order of 8 steps, {name}",
            unit="µs",
            partitur=ours * 1e6,
            stock=theirs * 1e6,
            target="≥ 60 ×",
        )
    yield Figure(
        group=GROUP,
        name="the same, with its journal",
        unit="steps/s",
        partitur=models.ORDER_STEPS / journalled,
        stock=models.ORDER_STEPS / theirs,
        more_is_better=True,
    )


def measure_loops() -> Iterator[Figure]:
    """Loops: the time per round must not grow, nor the memory."""
    for rounds in LOOPS:
        yield Figure(
            group=GROUP,
            name=f"loop of {rounds:,} rounds",
            unit="ms",
            partitur=loop_seconds(rounds, True) * 1e3,
            **stock_loop(rounds),
        )
    for recording, name in ((True, "with its journal"), (False, "without journal")):
        short, long = (loop_seconds(rounds, recording) / rounds for rounds in (1_000, 100_000))
        yield Figure(
            group=GROUP,
            name=f"one round at 100,000, {name}",
            unit="µs",
            partitur=long * 1e6,
            target="± 20 %",
            note=f"{long / short - 1:+.0%} against a round at 1,000",
        )
        small, large = (in_new_process(loop_memory, rounds, recording) for rounds in (1_000, 100_000))
        yield Figure(
            group=GROUP,
            name=f"peak memory at 100,000 rounds, {name}",
            unit="MB",
            partitur=large,
            target="constant",
            note=f"{large - small:+.1f} MB against 1,000 rounds",
        )


def loop_seconds(rounds: int, recording: bool) -> float:
    """CPU seconds of one loop."""
    compiled = program(models.loop(rounds, Flavour.CAMUNDA_8))
    check_completed(run(compiled, models.LOOP_VARIABLES))
    return cpu_seconds(lambda: run(compiled, models.LOOP_VARIABLES, recording), windows=8)


def stock_loop(rounds: int) -> dict[str, Any]:
    """Stock's time for a loop, or how far it came."""
    if rounds > 1_000:
        return {"note": "not tried with stock: it ends silently, see 1,000"}
    spec = stock.parse(models.loop(rounds, Flavour.PLAIN), "bench_loop")
    workflow = stock.run(spec, models.LOOP_VARIABLES)
    reached = max(task.data.get("i", 0) for task in workflow.get_tasks())
    if reached < rounds:
        return {"note": f"stock ends silently at {reached}, is_completed() is {workflow.is_completed()}"}
    return {"stock": cpu_seconds(lambda: stock.run(spec, models.LOOP_VARIABLES), windows=3) * 1e3}


def loop_memory(rounds: int, recording: bool) -> float:
    """Peak memory of a process that has run one loop."""
    check_completed(run(program(models.loop(rounds, Flavour.CAMUNDA_8)), models.LOOP_VARIABLES, recording))
    return peak_megabytes()


def measure_multi_instance() -> Iterator[Figure]:
    """A script task in 1,000 parallel instances."""
    items = {"items": list(range(1_000))}
    ours, _, theirs = compare(lambda flavour: models.multi_instance(1_000, flavour), "bench_multi_instance", items)
    yield Figure(
        group=GROUP, name="parallel multi-instance, 1,000 wide", unit="ms", partitur=ours * 1e3, stock=theirs * 1e3
    )


def measure_waiting() -> Iterator[Figure]:
    """Saving and loading an instance that waits at a user task."""
    compiled = program(models.approval(Flavour.CAMUNDA_8))
    waiting = run(compiled, models.ORDER_VARIABLES)
    tokens = waiting.dump()
    variables = [(scope, name, value) for scope, name, value in waiting.changes().set]
    workflow = stock.run(stock.parse(models.approval(Flavour.PLAIN), "bench_approval"), models.ORDER_VARIABLES)
    text = stock.save(workflow)

    def load() -> None:
        Execution.load(compiled, tokens, variables, key=1, keys=itertools.count(100))

    group = "An instance waiting at a user task (its variables aside)"

    def save() -> None:
        waiting.dump()
        waiting.changes()

    save_ours, load_ours = cpu_seconds(save), cpu_seconds(load)
    yield Figure(
        group=group,
        name="state",
        unit="bytes",
        partitur=len(tokens),
        stock=len(text),
        target="≤ 300",
        note="stock's holds the variables and the whole specification",
    )
    yield Figure(
        group=group,
        name="save",
        unit="µs",
        partitur=save_ours * 1e6,
        stock=cpu_seconds(lambda: stock.save(workflow)) * 1e6,
    )
    yield Figure(
        group=group, name="load", unit="µs", partitur=load_ours * 1e6, stock=cpu_seconds(lambda: stock.load(text)) * 1e6
    )
    yield Figure(group=group, name="save and load", unit="µs", partitur=(save_ours + load_ours) * 1e6, target="≤ 50")
