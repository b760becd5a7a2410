"""The manual of BPMN names every kind of event and the limits that hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpmn import parser
from bpmn.model import EventKind
from engine import calls, values

MANUAL = (Path(__file__).parents[2] / "docs" / "BPMN.md").read_text()


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_has_a_line(kind):
    assert re.search(rf"^\| {kind.value.lower()} \|", MANUAL, re.MULTILINE)


def test_limits_are_those_that_hold(engine):
    rows = dict(re.findall(r"^\| ([^|]+) \| ([\d,]+)(?: MiB| characters)? \|", MANUAL, re.MULTILINE))
    assert {name: int(number.replace(",", "")) for name, number in rows.items()} == {
        "size of a file": parser.MAX_BYTES // 1024**2,
        "XML elements": parser.MAX_ELEMENTS,
        "nested sub-processes": parser.MAX_NESTED_SUB_PROCESSES,
        "calls of calls": calls.MAX_DEPTH,
        "steps without waiting": engine.step_budget,
        "names of messages, signals, job types; correlation keys": values.LONGEST_NAME,
    }
