"""Lists with more in them than anybody counts."""

from __future__ import annotations

import pytest

from engine.queries import conditions, definitions, lists, matching, narrowing, orders, overview, paging, walking
from engine.queries import instances as instance_lists
from engine.queries.instances import InstanceFilter
from tests.engine.drawing import end, process, service, start, user


@pytest.fixture
def seven(engine, clock, steps, monkeypatch):
    """Seven instances where no more than five are counted, the oldest first."""
    for module in (paging, instance_lists, narrowing, matching, orders, walking, overview):
        monkeypatch.setattr(module, "COUNTED", 5)
    steps.deploy(process("order", start(), service("work"), end()))
    steps.deploy(process("review", start(), user("check"), end()))
    keys = []
    for number in range(7):
        keys.append(steps.start("order", {"number": number, "kind": "same"}, business_id=f"B-{number}"))
        clock.advance(seconds=1)
    return keys


def search(engine, limit=3, offset=0, **filter):
    page = instance_lists.search(engine, InstanceFilter(**filter), limit=limit, offset=offset)
    return [row.key for row in page.items], page.total, page.more


def test_list_says_that_there_are_more_than_were_counted(engine, seven):
    assert search(engine) == (seven[:3:-1], 5, True)
    assert search(engine, offset=6) == (seven[:1], 5, True)
    assert search(engine, business_id="B-3") == (seven[3:4], 1, False)


def test_what_is_frequent_and_what_is_rare_are_found_alike(engine, seven):
    for frequent in ({"variable_name": "kind", "variable_value": "same"}, {"variable_name": "kind"},
                     {"element_id": "work"}, {"element_id": "work", "process_id": "order"}):
        assert search(engine, **frequent) == (seven[:3:-1], 5, True), frequent
    assert search(engine, variable_name="number", variable_value=2) == (seven[2:3], 1, False)
    assert search(engine, element_id="work", process_id="review") == ([], 0, False)


def test_other_lists_and_the_overview_count_no_further_either(engine, seven):
    page = lists.jobs(engine, limit=2)
    assert (len(page.items), page.total, page.more) == (2, 5, True)
    counts = overview.overview(engine)
    assert (counts.active, counts.waiting) == (6, 0)
    assert set(conditions.STATES) <= set(conditions._CONDITIONS)


def test_processes_are_listed_with_and_without_counts(engine, seven):
    [order, _] = definitions.processes(engine)
    assert (order.counts.active, order.counts.completed) == (7, 0)
    assert definitions.processes(engine, counted=False)[0].counts == definitions.Counts()
