"""Services of the recorder, for workers in processes of their own: one that may be called again, one that may not."""

from __future__ import annotations

import os

from service_tasks import Call, Data, Retry, service_task
from service_tasks.http import HttpService

AT_ONCE = Retry(attempts=5, first=0.05, jitter=0)
TIMEOUT = float(os.environ.get("RECORDER_TIMEOUT", "20"))


class Number(Data):
    """What it answers with."""

    number: int


class Recorder(HttpService):
    """The recorder."""

    @service_task("work", idempotent=True, retry=AT_ONCE, timeout=TIMEOUT)
    def work(self, *, call: Call) -> Number:
        """May be called again with the same key."""
        return self.post("/", {}, call, Number)

    @service_task("once", idempotent=False, retry=AT_ONCE, timeout=TIMEOUT)
    def once(self, *, call: Call) -> Number:
        """Must not be called again by itself."""
        return self.post("/", {}, call, Number)


recorder = Recorder(os.environ["RECORDER"], max_response_bytes=1000)
