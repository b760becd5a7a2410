"""Job workers of any language: activation, answers, changes."""

from __future__ import annotations

import pytest

from engine import instances
from tests.engine import drawing
from tests.web.camunda8 import shapes

HEADERS = '<zeebe:taskHeaders><zeebe:header key="currency" value="EUR"/></zeebe:taskHeaders>'


@pytest.fixture
def key(api):
    api.deploy(
        drawing.process(
            "order", drawing.start(), drawing.service("pay", retries=3, more=HEADERS), drawing.end(),
            drawing.boundary("declined", "pay", drawing.error("e")), drawing.end("lost"),
            flows="start>pay pay>end declined>lost",
        ),
        drawing.error_of("e", "DECLINED"),
    )
    return api.start("order", {"amount": 42, "name": "Ada"}, businessId="A-1", tags=["vip"])


def test_an_activated_job_has_every_field(api, key):
    [job] = api.take("pay", timeout=60_000)
    shapes.check(job, shapes.ACTIVATED_JOB)
    assert (job["customHeaders"], job["variables"]) == ({"currency": "EUR"}, {"amount": 42, "name": "Ada"})
    assert (job["retries"], job["worker"], job["kind"]) == (3, "w", "BPMN_ELEMENT")
    assert (job["listenerEventType"], job["businessId"], job["tags"]) == ("UNSPECIFIED", "A-1", ["vip"])
    assert job["deadline"] == 1896091260000
    assert job["processInstanceKey"] == job["rootProcessInstanceKey"] == key


def test_only_wanted_variables_are_handed_over(api, key):
    [job] = api.take("pay", fetchVariable=["name"])
    assert job["variables"] == {"name": "Ada"}


def test_a_job_that_a_worker_holds_is_not_handed_out_again_until_its_time_is_over(api, key, clock):
    [job] = api.take("pay", timeout=30_000)
    assert api.take("pay") == []
    api.pass_time(clock, seconds=31)
    [again] = api.take("pay")
    assert again["jobKey"] == job["jobKey"]


def test_jobs_of_a_suspended_instance_rest(api, key, engine):
    engine.execute(instances.suspend, int(key), "Wait.")
    assert api.take("pay") == []


def test_a_failed_job_comes_back_after_its_pause(api, key, clock):
    [job] = api.take("pay")
    api.send("POST", f"/jobs/{job['jobKey']}/failure",
             {"retries": 2, "errorMessage": "busy", "retryBackOff": 5_000, "variables": {"tried": 1}})
    [found] = api.items("jobs", {"processInstanceKey": key})
    shapes.check(found, shapes.JOB)
    assert (found["state"], found["hasFailedWithRetriesLeft"], found["errorMessage"]) == ("FAILED", True, "busy")
    assert api.take("pay") == []
    api.pass_time(clock, seconds=6)
    [again] = api.take("pay")
    assert (again["retries"], again["variables"]["tried"]) == (2, 1)


def test_a_job_without_retries_is_an_incident(api, key):
    [job] = api.take("pay")
    api.send("POST", f"/jobs/{job['jobKey']}/failure", {})
    [found] = api.items("jobs", {"processInstanceKey": key})
    assert (found["state"], found["hasFailedWithRetriesLeft"], found["retries"]) == ("FAILED", False, 0)
    assert api.items("incidents")[0]["jobKey"] == job["jobKey"]


def test_a_bpmn_error_takes_the_way_of_its_boundary_event(api, key):
    [job] = api.take("pay")
    api.send("POST", f"/jobs/{job['jobKey']}/error", {"errorCode": "DECLINED", "errorMessage": "no funds"})
    assert ("lost", "COMPLETED") in api.history(key)
    [found] = api.items("jobs", {"state": "ERROR_THROWN"})
    assert (found["errorCode"], found["errorMessage"]) == ("DECLINED", "no funds")


def test_a_finished_job_cannot_be_finished_again(api, key):
    [job] = api.take("pay")
    api.send("POST", f"/jobs/{job['jobKey']}/completion", {"variables": {"paid": True}})
    assert api.post(f"/jobs/{job['jobKey']}/completion", status=409)["title"] == "INVALID_STATE"
    api.post("/jobs/1/completion", status=404)


def test_a_worker_keeps_its_job_longer(api, key, clock):
    [job] = api.take("pay", timeout=30_000)
    api.send("PATCH", f"/jobs/{job['jobKey']}", {"changeset": {"timeout": 90_000, "retries": 9, "priority": 5}})
    api.pass_time(clock, seconds=60)
    assert api.take("pay") == []
    [found] = api.items("jobs")
    assert (found["retries"], found["priority"], found["deadline"]) == (9, 5, "2030-01-31T12:01:30.000Z")
    api.pass_time(clock, seconds=31)
    assert api.items("jobs")[0]["state"] == "TIMED_OUT"


def test_changing_nothing_is_refused(api, key):
    [job] = api.take("pay")
    api.send("PATCH", f"/jobs/{job['jobKey']}", {"changeset": {}}, status=400)


def test_a_lease_fences_off_a_worker_that_lost_its_job(api, key, clock):
    [first] = api.take("pay", withLease=True)
    api.pass_time(clock, seconds=31)
    [second] = api.take("pay", withLease=True)
    late = {"jobLeaseToken": first["jobLeaseToken"]}
    api.post(f"/jobs/{first['jobKey']}/completion", late, status=409)
    api.send("POST", f"/jobs/{first['jobKey']}/completion", {"jobLeaseToken": second["jobLeaseToken"]})


@pytest.mark.parametrize("wrong", [
    {"timeout": 0}, {"timeout": None}, {"maxJobsToActivate": 0}, {"type": ""}, {"type": None},
    {"tenantIds": "acme"}, {"requestTimeout": "long"}, {"fetchVariable": "x"},
])
def test_an_activation_that_makes_no_sense_is_refused(api, wrong):
    body = {"type": "pay", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": -1}
    api.post("/jobs/activation", body | wrong, status=400)
