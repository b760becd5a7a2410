"""What docs/EVENTS.md says of each kind of event is what comes, and its check of a signature works."""

from __future__ import annotations

import base64
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import incidents, instances
from engine.events import outbox, targets, types
from engine.queries import lists
from engine.tasks import user_tasks
from engine.work import activation, jobs
from service_tasks.events.webhook import Webhook
from tests.engine.drawing import boundary, end, error, error_of, process, service, signal, signal_of, start, throw, user

DOCUMENT = (Path(__file__).parents[2] / "docs" / "EVENTS.md").read_text()
ROWS = dict(re.findall(r"^\| `(partitur\.[a-z.-]+)` \|.*\| `(\{.*\})` \|$", DOCUMENT, re.M))
ALWAYS = {"processInstanceKey", "rootInstanceKey", "processId", "businessId"}
SENT = """<bpmn:sendTask id="tell"><bpmn:extensionElements><zeebe:taskDefinition type="partitur.event"/>
    </bpmn:extensionElements></bpmn:sendTask>"""


def test_each_kind_is_described():
    assert set(ROWS) == set(types.TYPES)


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


def test_each_kind_has_the_data_of_its_example(engine, clock, steps):
    # given a target of everything, and processes that make everything happen
    engine.execute(targets.add, "all", "http://127.0.0.1:9/")
    clock.advance(seconds=targets.SETTLES.total_seconds())
    steps.deploy(signal_of("g", "go"), error_of("no", "NO"), process(
        "all", start(), throw("shout", signal("g")), SENT, service("pay"), user("ask"), end(),
        boundary("refused", "pay", error("no")), end("e2"),
        flows="start>shout shout>tell tell>pay pay>ask ask>end refused>e2"))

    def work(act, *values, **more):
        [job] = engine.execute(activation.activate, ["pay"], "w")
        engine.execute(act, job.key, *values, lock_token=job.lock_token, **more)

    # when
    steps.start("all")
    work(jobs.fail, "down", retries=1, retry_in=timedelta())
    work(jobs.fail, "down", retries=0)
    [incident] = lists.incidents(engine).items
    engine.execute(incidents.resolve, incident.key)
    work(jobs.complete)
    task = steps.task()
    engine.execute(user_tasks.claim, task, "ann")
    engine.execute(user_tasks.change, task, {"priority": 70})
    engine.execute(user_tasks.complete, task)
    steps.start("all")
    work(jobs.throw_error, "NO")
    left = steps.start("all")
    work(jobs.complete)
    engine.execute(instances.cancel, left, "no need")

    # then
    seen = {}
    while taken := engine.execute(outbox.claim):
        for event in taken:
            seen.setdefault(event.type, set(event.body["data"]))
        engine.execute(outbox.delivered, taken)
    wanted = {type: set(json.loads(example)) | ALWAYS for type, example in ROWS.items()}
    wanted["partitur.message.thrown"].add("elementInstanceKey")     # of the one with a job type
    wanted["partitur.element.completed"] = seen["partitur.element.completed"] | {"elementInstanceKey"}
    seen["partitur.element.completed"] = wanted["partitur.element.completed"]
    assert seen == wanted


@pytest.mark.parametrize("secret", ["a long enough secret", "whsec_" + base64.b64encode(b"binary key").decode()])
def test_check_of_a_signature_in_the_document_takes_ours_and_no_other(secret):
    names: dict = {}
    exec(re.search(r"```python\n(.*?)```", DOCUMENT, re.S)[1], names)
    event = outbox.Waiting(key=1, target_key=1, target="t", address="", secret="s", event_id="7", type="t",
                           instance_key=1, body={}, attempts=0, lock_token=0)
    body, now = b'{"amount": 5}', datetime.fromtimestamp(time.time(), UTC)
    headers = dict(Webhook(None, lambda name: secret)._signature(event, now, body))
    assert names["is_genuine"](headers, body, secret)
    assert not names["is_genuine"](headers, body + b" ", secret)
    assert not names["is_genuine"](headers, body, "another secret")
    late = dict(Webhook(None, lambda name: secret)._signature(event, now - timedelta(minutes=6), body))
    assert not names["is_genuine"](late, body, secret)
