"""How time and memory are taken."""

from __future__ import annotations

import gc
import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def cpu_seconds(run: Callable[[], Any], windows: int = 15, window: float = 0.02) -> float:
    """CPU seconds of one run: the least over several short windows, because other programs only ever add to it."""
    run()
    best, repeat = float("inf"), 1
    gc.collect()
    for _ in range(windows):
        begin = time.process_time()
        for _ in range(repeat):
            run()
        spent = time.process_time() - begin
        best = min(best, spent / repeat)
        if spent < window:
            repeat = max(repeat + 1, min(repeat * 10, int(repeat * window / max(spent, 1e-6))))
        elif spent > 1:
            break
    return best


@dataclass(frozen=True, slots=True)
class Batch:
    """What one run of many took, for each: wall-clock seconds, and the CPU seconds among them."""

    wall: float
    cpu: float


def best_batch(run: Callable[[int], Any], size: int, batches: int = 5) -> Batch:
    """The quickest of several batches: what a disk takes is part of it, what other programs take should not be."""
    taken = []
    for _ in range(batches):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        run(size)
        taken.append(Batch((time.perf_counter() - begin) / size, (time.process_time() - begin_cpu) / size))
    return min(taken, key=lambda batch: batch.wall)


def peak_megabytes() -> float:
    """The most memory this process has had so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would count what the parent had when it started us.
        return int(re.findall(r"VmHWM:\s+(\d+)", status.read_text())[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def in_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of a module in a process of its own, so that its memory is seen alone."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)
