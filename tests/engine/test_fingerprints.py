"""Failures that are the same but for keys and numbers are one row, across processes."""

from __future__ import annotations

import pytest

from engine import fingerprints, schema
from engine.fingerprints import normalise
from engine.work import jobs
from tests.engine.drawing import end, process, service, start


@pytest.mark.parametrize(("one", "other"), [
    ("Order A-4711 is unknown.", "Order B-9 is unknown."),
    ("no answer within 5 s", "no answer within 30 s"),
    ("key 7f3b1c1e-52a4-4f6f-9d0e-0c7c7a3f1f11 locked", "key 00000000-0000-4000-8000-000000000001 locked"),
    ("at 2026-11-27T03:12:44.120Z: refused", "at 2025-01-01T00:00:00Z: refused"),
    ("GET https://pay/orders/17 failed", "GET https://pay/orders/18 failed"),
    ("amount\n 10", "amount 11"),
])
def test_what_differs_from_case_to_case_does_not_count(one, other):
    assert normalise(one) == normalise(other)
    assert fingerprints.of("pay", "JOB_NO_RETRIES", one) == fingerprints.of("pay", "JOB_NO_RETRIES", other)


@pytest.mark.parametrize(("one", "other"), [
    ("HTTP 503", "HTTP 404"),
    ("answered with status 500.", "answered with status 422."),
    ("The card was declined.", "The bank did not answer."),
])
def test_different_failures_stay_different(one, other):
    assert normalise(one) != normalise(other)


def test_service_and_kind_of_error_count():
    assert fingerprints.of("pay", "X", "no") != fingerprints.of("ship", "X", "no")
    assert fingerprints.of("pay", "X", "no") != fingerprints.of("pay", "Y", "no")
    assert fingerprints.of(None, "X", "no") != fingerprints.of("", "X", "no")


def test_message_of_a_hostile_length_is_read_quickly():
    assert len(normalise("a.b-" * 1_000_000)) <= fingerprints.LONGEST
    assert normalise("") == ""


def test_incidents_of_two_processes_share_a_fingerprint(engine, steps):
    for name in ("one", "two"):
        steps.deploy(process(name, start(), service("pay", retries=1), end()), name=f"{name}.bpmn")
        steps.start(name)
    for number in (1, 2):
        [job] = steps.take("pay")
        engine.execute(jobs.fail, job.key, f"The bank refused order {number}")
    with engine.read() as connection:
        rows = connection.execute(schema.incidents.select()).all()
    assert {row.process_id for row in rows} == {"one", "two"}
    assert {row.fingerprint for row in rows} == {
        fingerprints.of("pay", "JOB_NO_RETRIES", "The bank refused order 7")}

