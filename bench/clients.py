"""Clients of a server, in a process of their own: threads with a connection each, and as little else as possible."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

PATIENCE = 120
LOCK = 600_000


class Client:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._connection.connect()

    def post(self, path: str, content: Any) -> Any:
        """The decoded answer of a POST."""
        self._connection.request("POST", path, json.dumps(content), {"Content-Type": "application/json"})
        return self._answer()

    def get(self, path: str) -> None:
        """Fetch a page and forget it."""
        self._connection.request("GET", path)
        self._connection.getresponse().read()

    def activate(self, type: str, most: int = 1, patience: int = -1) -> list[dict[str, Any]]:
        """Take jobs."""
        jobs: list[dict[str, Any]] = self.post("/v2/jobs/activation", {
            "type": type, "timeout": LOCK, "maxJobsToActivate": most, "worker": "bench", "requestTimeout": patience,
        })["jobs"]
        return jobs

    def start(self, process_id: str) -> None:
        """Start an instance."""
        self.post("/v2/process-instances", {"processDefinitionId": process_id, "variables": {"orderId": "B-1"}})

    def close(self) -> None:
        """Let go."""
        self._connection.close()

    def _answer(self) -> Any:
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"Expected an answer, but the server said {response.status}: {content[:300]!r}.")
        return json.loads(content) if content else None


@dataclass(frozen=True, slots=True)
class Rates:
    """How many jobs a second workers take and answer."""

    activations: float
    completions: float


def rates(port: int, type: str, workers: int, jobs: int) -> Rates:
    """Let so many workers take so many jobs one by one, and then complete all of them one by one."""
    taken: list[str] = []

    def take(client: Client) -> bool:
        found = client.activate(type)
        taken.extend(job["jobKey"] for job in found)
        return bool(found) and len(taken) < jobs

    activations = _run(port, workers, take)
    left = list(taken)

    def complete(client: Client) -> bool:
        try:
            key = left.pop()
        except IndexError:
            return False
        client.post(f"/v2/jobs/{key}/completion", {"variables": {"paid": True}})
        return True

    completions = _run(port, workers, complete)
    return Rates(len(taken) / activations, len(taken) / completions)


def requests_per_second(port: int, workers: int, requests: int) -> float:
    """How often workers can post something small to the address `/`."""
    left = [None] * requests

    def ask(client: Client) -> bool:
        try:
            left.pop()
        except IndexError:
            return False
        client.post("/", {"type": "x", "worker": "bench"})
        return True

    return requests / _run(port, workers, ask)


def latencies(port: int, type: str, process_id: str, count: int) -> list[float]:
    """Seconds from sending the request that makes a job to having the job, on a long poll that waits for it."""
    worker, starter = Client(port), Client(port)
    taken = []
    for _ in range(count):
        arrived: list[float] = []

        def wait(arrived: list[float] = arrived) -> None:
            jobs = worker.activate(type, most=32, patience=60_000)
            arrived.append(time.perf_counter() if jobs else float("inf"))

        poll = threading.Thread(target=wait)
        poll.start()
        # The poll is to be idle; when exactly it is, nobody tells a client.
        time.sleep(0.05)
        begin = time.perf_counter()
        starter.start(process_id)
        poll.join()
        taken.append(arrived[0] - begin)
    return taken


def page_latencies(port: int, path: str, count: int, polls: int, type: str) -> list[float]:
    """Seconds that a page takes while so many long polls wait for jobs that do not come."""
    waiting = [Client(port) for _ in range(polls)]
    for client in waiting:
        content = json.dumps({"type": type, "timeout": LOCK, "maxJobsToActivate": 1, "requestTimeout": 300_000})
        client._connection.request("POST", "/v2/jobs/activation", content, {"Content-Type": "application/json"})
    reader = Client(port)
    reader.get(path)
    time.sleep(polls / 500)
    taken = []
    for _ in range(count):
        begin = time.perf_counter()
        reader.get(path)
        taken.append(time.perf_counter() - begin)
    for client in waiting:
        client.close()
    return taken


def _run(port: int, workers: int, step: Callable[[Client], bool]) -> float:
    clients = [Client(port) for _ in range(workers)]
    gate = threading.Barrier(workers + 1)

    def work(client: Client) -> None:
        gate.wait()
        while step(client):
            pass

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    gate.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - begin
    for client in clients:
        client.close()
    return spent
