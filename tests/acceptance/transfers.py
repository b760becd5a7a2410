"""A service that must not be called twice, for workers in processes of their own.

It writes a line into the file TRANSFERS for each transfer, and hangs as long as the file HANGS is there.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from service_tasks import Call, DidNotHappen, Happened, Retry, service_task

AT_ONCE = Retry(attempts=5, first=0.05, jitter=0)


def _book() -> Path:
    return Path(os.environ["TRANSFERS"])


def look(*, call: Call) -> Happened | DidNotHappen:
    """Whether the book has a line of the call in question."""
    return Happened() if call.idempotency_key in _book().read_text() else DidNotHappen()


def _transfer(call: Call) -> None:
    with _book().open("a") as book:
        book.write(call.idempotency_key + "\n")
    while Path(os.environ["HANGS"]).exists():
        threading.Event().wait(0.02)


@service_task("work", idempotent=False, retry=AT_ONCE, timeout=60)
def transfer(*, call: Call) -> None:
    """Nobody can tell whether it was made."""
    _transfer(call)


@service_task("work-with-probe", idempotent=False, retry=AT_ONCE, timeout=60, probe=look)
def transfer_with_probe(*, call: Call) -> None:
    """Its book tells."""
    _transfer(call)
