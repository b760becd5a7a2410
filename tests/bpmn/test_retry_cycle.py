"""How often a job is tried and how long it waits, as Camunda 7 writes it."""

from __future__ import annotations

import pytest

from bpmn.retry_cycle import RetryCycle, read_cycle


@pytest.mark.parametrize(("text", "attempts", "waits"), [
    ("R5/PT10M", 5, ["PT10M", "PT10M", "PT10M", "PT10M"]),
    ("PT1M,PT5M", 3, ["PT1M", "PT5M", "PT5M"]),
    ("PT1M", 2, ["PT1M"]),
    ("R3/2030-01-01T00:00:00Z/PT10M", 3, ["PT10M"]),
])
def test_cycle_tells_attempts_and_waits(text, attempts, waits):
    cycle = read_cycle(text)
    assert cycle is not None
    assert cycle.attempts == attempts
    assert [cycle.wait_after(number) for number in range(1, len(waits) + 1)] == waits


@pytest.mark.parametrize("text", ["", "R0/PT1M", "R/PT1M", "ten", "PT1M,,PT2M", "R3/", "3"])
def test_text_that_is_no_cycle_is_none(text):
    assert read_cycle(text) is None


def test_wait_before_anything_failed_is_the_first_one():
    assert RetryCycle(3, ("PT1M", "PT2M")).wait_after(0) == "PT1M"
