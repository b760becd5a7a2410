"""Damaged files against everything that reads them, and damaged requests against every door.

A chunk is a number of attempts that begin with a fresh state; the same kind and number try the same.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bpmn import dmn
from bpmn.dmn import DecisionError
from bpmn.forms import reading, submission
from bpmn.interpreter import compile_process
from bpmn.parser import read
from service_tasks.checks import Catalogue
from service_tasks.registry import Registry
from tests.fuzz import material
from tests.fuzz.harness import VARIABLES
from tests.fuzz.mutate import as_bytes, damaged_bytes, damaged_json, damaged_xml

SECONDS = 5.0
"""The longest that one file or request may take."""
HANGS = 60
"""Seconds by the clock on the wall after which an attempt is broken off; a busy machine is no reason."""


class Slow(Exception):
    """An attempt took longer than anything may."""


@dataclass(frozen=True, slots=True)
class Found:
    """What went wrong: with what, and how."""

    kind: str
    number: int
    what: str
    trouble: str
    content: bytes = b""

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.what}\n{self.trouble}\n{self.content[:3_000]!r}"


def bpmn_file(content: bytes) -> None:
    """Read, check and compile a diagram."""
    model, problems = read(content, "fuzz.bpmn")
    if model is None:
        assert problems, "Expected a reason why the file is refused, but there is none."
        return
    list(Catalogue(registry=Registry()).check(model))
    for process in model.processes:
        compile_process(process)


def dmn_file(content: bytes) -> None:
    """Read a file of decisions, and make some of them."""
    model, problems = dmn.read(content, "fuzz.dmn")
    if model is None:
        assert problems, "Expected a reason why the file is refused, but there is none."
        return
    for decision_id in list(model.decisions)[:3]:
        try:
            outcome = model.evaluate(decision_id, VARIABLES)
        except DecisionError:
            continue
        json.dumps(outcome.output, allow_nan=False)


def form_file(content: bytes) -> None:
    """Read a form, and answer it."""
    form, problems = reading.read(content, "fuzz.form")
    if form is None:
        assert problems, "Expected a reason why the form is refused, but there is none."
        return
    chance = random.Random(content)
    answers = {"name": "Ann", "amount": 5, "rows": [{"pick": "1"}], "inner": {"sure": True}, "kind": "a"}
    for answer in ({}, answers, damaged_json(chance, answers)):
        if isinstance(answer, dict):
            submission.submit(form, VARIABLES, answer)


FILES: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "bpmn": (bpmn_file, material.diagrams), "dmn": (dmn_file, material.tables), "form": (form_file, material.forms),
}


def damaged(kind: str, chance: random.Random, seeds: list[bytes]) -> bytes:
    """One file of a kind, damaged."""
    content = chance.choice(seeds)
    if chance.random() < 0.2:
        return damaged_bytes(chance, content, seeds)
    if kind == "form":
        return as_bytes(damaged_json(chance, json.loads(content)))
    return damaged_xml(chance, content, seeds)


def files(kind: str, number: int, size: int) -> list[Found]:
    """A chunk of files of a kind; what went wrong."""
    attack, seeds = FILES[kind]
    chance = random.Random(f"{kind} {number}")
    found = []
    for place in range(size):
        content = damaged(kind, chance, seeds())
        trouble = attempt(lambda content=content: attack(content))
        if trouble:
            found.append(Found(kind, number, f"file {place}", trouble, content))
    return found


def attempt(deed: Callable[[], None]) -> str | None:
    """What went wrong with something; None if nothing did."""
    started = time.thread_time()
    try:
        with _broken_off():
            deed()
        took = time.thread_time() - started
        if took > SECONDS:
            raise Slow(f"Expected it to be done in {SECONDS:g} s, but it took {took:.1f} s.")
    except (Exception, RecursionError) as error:
        return "".join(traceback.format_exception(error))[-3_000:]
    return None


@contextmanager
def _broken_off() -> Iterator[None]:
    """Break off what hangs, where that is possible: in the first thread of a process on Unix."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def hangs(*_: object) -> None:
        raise Slow(f"Expected it to end, but after {HANGS} s it had not.")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def requests(number: int, size: int, url: str | None = None) -> list[Found]:
    """A chunk of requests to every door, on a fresh SQLite file or an empty database elsewhere."""
    from tests.fuzz.doors import Doors

    folder = Path(tempfile.mkdtemp(prefix="partitur-fuzz-"))
    try:
        with Doors(url or f"sqlite:///{folder}/fuzz.db", random.Random(f"requests {number}")) as doors:
            return [Found("requests", number, what, trouble) for what, trouble in doors.attack(size)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def chunk(kind: str, number: int, size: int) -> list[Found]:
    """A chunk of any kind."""
    return requests(number, size) if kind == "requests" else files(kind, number, size)


def numbered(what: tuple[str, int, int]) -> list[Found]:
    """A chunk, for a pool of processes."""
    return chunk(*what)
