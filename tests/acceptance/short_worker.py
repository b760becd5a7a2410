"""A worker in a process of its own whose locks are short: `short_worker.py DATABASE_URL SERVICES NAME SECONDS`.

It lives until it is killed. Its scheduler gives the jobs of others back when their locks run out.
"""

from __future__ import annotations

import sys
import threading
from datetime import timedelta

from engine.cluster.scheduler import Scheduler
from engine.engine import Engine
from service_tasks import Registry
from service_tasks.checks import Catalogue
from service_tasks.worker import Worker


def main(url: str, services: str, name: str, seconds: str) -> None:
    registry = Registry()
    registry.load(services)
    engine = Engine(url, synchronous="OFF")
    Catalogue(registry=registry).connect(engine)
    Scheduler(engine).start()
    short = timedelta(seconds=float(seconds))
    Worker(engine, registry, name=name, threads=2, lock=short, poll=timedelta(seconds=0.05)).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
