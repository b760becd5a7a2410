"""What became of external tasks, and what workers had to say when they failed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select

from engine import retention, schema
from engine.queries.criteria import Criterion, lean
from engine.queries.job_log import JOB_EVENTS
from tests.web.camunda7.drawing import external, process


@pytest.fixture
def order(api):
    api.deploy(process("order", external("ship"), external("bill")))
    return api.start("order")


def fail(api, job, **more):
    api.post(f"/external-task/{job['id']}/failure", {
        "workerId": "w", "errorMessage": "no", "retries": 2, "retryTimeout": 0, **more}, 204)


def test_log_of_an_instance_is_found_where_the_indexes_of_jobs_are():
    # given the parts of the log, of which SQLite says how it reads them
    engine = create_engine("sqlite://")
    schema.metadata.create_all(engine)
    asked = Criterion("instance_key", "eq", 4711)
    matching = lean(JOB_EVENTS, JOB_EVENTS.where(None, [asked]))
    with engine.connect() as connection:
        words = matching.compile(engine, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]
    # then none of them reads all jobs
    assert sum("ix_jobs_instance" in step for step in plan) >= 2
    assert not any(step.startswith("SCAN jobs") for step in plan), plan


def test_every_event_is_told(api, clock, order):
    [job] = api.fetch("ship")
    fail(api, job, errorDetails="line 1\nline 2")
    clock.advance(seconds=1)
    [again] = api.fetch("ship", worker="v")
    assert (again["errorMessage"], again["errorDetails"]) == ("no", "line 1\nline 2")
    assert api.client.get(f"/engine-rest/external-task/{job['id']}/errorDetails").text == "line 1\nline 2"
    api.post(f"/external-task/{job['id']}/failure", {"workerId": "v", "retries": 1, "retryTimeout": 0}, 204)
    clock.advance(seconds=1)
    [again] = api.fetch("ship")
    assert again["errorDetails"] is None    # the newest attempt said nothing at length
    api.post(f"/external-task/{job['id']}/complete", {"workerId": "w"}, 204)
    clock.advance(seconds=1)
    api.send("DELETE", f"/process-instance/{order}")

    path = f"/history/external-task-log?processInstanceId={order}"
    log = api.get(f"{path}&sortBy=timestamp&sortOrder=asc")
    kinds = ("creationLog", "failureLog", "successLog", "deletionLog")
    assert [next(kind for kind in kinds if each[kind]) for each in log if each["topicName"] == "ship"] \
        == ["creationLog", "failureLog", "failureLog", "successLog"]
    assert [each["topicName"] for each in log if each["deletionLog"]] == ["bill"]
    failures = [each for each in log if each["failureLog"]]
    assert [(each["workerId"], each["retries"], each["errorMessage"]) for each in failures] \
        == [("w", 2, "no"), ("v", 1, "")]
    assert api.get(f"{path}&failureLog=true&workerId=v&maxResults=5") == failures[1:]
    assert api.get(f"/history/external-task-log/count?externalTaskId={job['id']}") == {"count": 4}
    assert len({each["id"] for each in log}) == len(log)
    for each in log:
        assert api.get(f"/history/external-task-log/{each['id']}") == each
        assert api.post("/history/external-task-log", {"logId": each["id"]}) == [each]
    details = [api.client.get(f"/engine-rest/history/external-task-log/{each['id']}/error-details")
               for each in failures]
    assert [(each.status_code, each.text) for each in details] == [(200, "line 1\nline 2"), (204, "")]
    api.get("/history/external-task-log/99", 404)
    api.get("/history/external-task-log/x-end", 404)
    api.get("/history/external-task-log/99/error-details", 404)


def test_the_failures_go_with_the_history(api, engine, clock, order):
    [job] = api.fetch("ship")
    fail(api, job)
    api.send("DELETE", f"/process-instance/{order}")
    clock.advance(days=40)
    while engine.execute(retention.clean, timedelta(days=1)):
        pass
    with engine.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.job_failures)) == 0
