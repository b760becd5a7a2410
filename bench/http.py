"""What the doors give: jobs over HTTP, long polls, and pages beside them. Server and clients are processes.

The reference is a Flask application that answers every request with nothing, behind the same web server: what HTTP
itself costs on this machine, at this moment, with these clients.
"""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flask import Flask, jsonify

from bench import clients
from bench.figures import Figure
from bench.services import PROCESS
from bench.timing import in_new_process
from engine import definitions, instances
from engine.definitions import Resource
from engine.engine import Engine
from web.cli.web_server import WebServer

GROUP = "HTTP"
WORKERS = (1, 8, 64)
JOBS = 400
"""For each number of workers."""
POLLS = 500
JOB_TYPE = "bench-http"


def measure() -> Iterator[Figure]:
    """The figures of the doors."""
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder), JOBS * len(WORKERS) + 200)
        with _bare_server() as bare, _server(Path(folder)) as port:
            for workers in WORKERS:
                yield from _rates(port, bare, workers)
            yield from _latency(port)
            yield from _pages(port)


def _prepare(folder: Path, count: int) -> None:
    engine = Engine(f"sqlite:///{folder / 'partitur.db'}")
    content = PROCESS.format(name=JOB_TYPE).encode()
    engine.execute(definitions.deploy, [Resource(name="bench.bpmn", content=content)])

    def some(tx: Any) -> None:
        for _ in range(50):
            instances.start(tx, JOB_TYPE, variables={"orderId": "B-1"})

    for _ in range(-(-count // 50)):
        engine.execute(some)
    engine.close()


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    """`partitur serve` as users run it, without services of its own; its port."""
    command = [sys.executable, "-m", "web.cli", "serve", "--port", "0", "--data-dir", str(folder), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    try:
        found = None
        while found is None and process.stdout is not None:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("Expected the server to start, but it ended.")
            found = re.search(r"http://[\w.]+:(\d+)", line)
        yield int(found[1]) if found else 0
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def _bare_server() -> Iterator[int]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_nothing, args=(theirs,), daemon=True)
    process.start()
    yield ours.recv()
    process.terminate()
    process.join()


def serve_nothing(connection: Connection) -> None:
    """A server that does nothing, in a process of its own; tells its port."""
    app = Flask("bare")
    app.add_url_rule("/", "nothing", lambda: jsonify(jobs=[]), methods=["POST"])
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    connection.send(server.port)
    threading.Event().wait()


def _rates(port: int, bare: int, workers: int) -> Iterator[Figure]:
    reference = in_new_process(clients.requests_per_second, bare, workers, 2 * JOBS)
    found = in_new_process(clients.rates, port, JOB_TYPE, workers, JOBS)
    name = f"{workers} {'worker' if workers == 1 else 'workers'}"
    for what, rate in (("activations", found.activations), ("completions", found.completions)):
        yield Figure(group=GROUP, name=f"{what}, {name}, one job a request", unit="1/s", partitur=rate, stock=reference,
                     more_is_better=True, note="beside: requests that do nothing")


def _latency(port: int) -> Iterator[Figure]:
    # What the measurements before have left over is taken first.
    in_new_process(clients.rates, port, JOB_TYPE, 4, 10**6)
    taken = in_new_process(clients.latencies, port, JOB_TYPE, JOB_TYPE, 100)
    for share, target in ((50, ""), (99, "≤ 50 ms on a quiet machine")):
        yield Figure(group=GROUP, name=f"start requested → idle long poll has the job, p{share}", unit="ms",
                     partitur=1000 * _quantile(taken, share), target=target, note="the start is in it")


def _pages(port: int) -> Iterator[Figure]:
    alone, beside = (in_new_process(clients.page_latencies, port, "/instances", 100, polls, "nobody")
                     for polls in (0, POLLS))
    for share in (50, 99):
        yield Figure(group=GROUP, name=f"page of instances beside {POLLS} idle polls, p{share}", unit="ms",
                     partitur=1000 * _quantile(beside, share), stock=1000 * _quantile(alone, share),
                     note="beside: without the polls")


def _quantile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
