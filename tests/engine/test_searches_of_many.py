"""Searches that a caller composes find the same, in the same order, whether few instances match or many."""

from __future__ import annotations

import pytest

from engine import definitions, instances, tenants
from engine import variables as engine_variables
from engine.queries import (
    among,
    by_name,
    criteria,
    instance_parts,
    narrowing,
    ordering,
    orders,
    paging,
    variables,
    walking,
)
from engine.queries import instances as lists
from engine.queries.criteria import Criterion, Search
from engine.queries.instances import InstanceFilter
from engine.queries.ordering import SORTS
from engine.queries.searches import ELEMENTS, INSTANCES, VARIABLES
from engine.queries.variables import VariableCondition
from tests.engine.drawing import end, file, process, service, start, user

CRITERIA = (
    (), (Criterion("process_id", "eq", "order"),), (Criterion("process_id", "in", ["order", "review"]),),
    (Criterion("version", "gt", 1),), (Criterion("tenant_id", "eq", "north"),),
    (Criterion("state", "eq", "ACTIVE"), Criterion("process_id", "eq", "order")),
    (Criterion("standing", "in", ["COMPLETED", "TERMINATED"]),), (Criterion("standing", "eq", "ACTIVE"),),
    (Criterion("ended_at", "exists", True), Criterion("business_id", "like", "b-*")),
    (Criterion("element", "has", [Criterion("element_id", "eq", "work"), Criterion("state", "eq", "ACTIVE")]),),
    (Criterion("variable", "has", ("n", [Criterion("value", "eq", 1)])),),
    (Criterion("variable", "has", ("n", [Criterion("value", "neq", 1)])), Criterion("business_id", "exists", True)),
    (Criterion("has_incident", "eq", False), Criterion("process_name", "exists", False)),
)


@pytest.fixture
def made(engine, clock, steps):
    """Instances of two processes, two versions and two tenants; some ended, one rests, some have no business id."""
    engine.execute(tenants.add, "north")
    steps.deploy(process("order", start(), service("work"), end()))
    steps.deploy(process("review", start(), user("check"), end()))
    engine.execute(definitions.deploy, [file(process("order", start(), service("work"), end()))], tenant_id="north")
    for number in range(14):
        if number == 7:
            steps.deploy(process("order", start(), service("work"), end("Done")))
        key = engine.execute(
            instances.start, "review" if number % 4 == 3 else "order", variables={"n": number % 3},
            business_id=None if number % 5 == 4 else f"B-{number % 6}",
            **({"tenant_id": "north"} if number in (2, 8) else {})).key
        clock.advance(seconds=1)
        if number % 6 == 1:
            engine.execute(instances.cancel, key, reason="no longer wanted")
        if number == 5:
            engine.execute(instances.suspend, key, reason="wait")


def found(engine, criteria, sort, *, by_cursor=False):
    rows, after = [], None
    while True:
        page = criteria_search(engine, criteria, sort, len(rows), after if by_cursor else None)
        rows += [row.key for row in page.items]
        if len(page.items) < 4:
            return rows
        after = page.last


def criteria_search(engine, wanted, sort, offset, after):
    return criteria.search(engine, INSTANCES, Search(
        criteria=wanted, sort=sort, limit=4, offset=0 if after else offset, after=after))


def test_every_search_gives_the_same_from_few_and_from_many(engine, made, monkeypatch):
    # Every sort in both directions, and every criterion with a third of them.
    wanted = [(each, [(name, (row + place) % 2 == 0)]) for row, each in enumerate(CRITERIA)
              for place, name in enumerate(SORTS) if (row + place) % 3 == 0]
    few = [found(engine, *each) for each in wanted]
    assert all(len({*rows}) == len(rows) for rows in few)
    assert {len(rows) for rows in few} > {0, 14} - {0}

    for module in (criteria, among, narrowing, ordering, orders, paging, walking, lists, instance_parts):
        monkeypatch.setattr(module, "COUNTED", 1, raising=False)
    for module in (narrowing, orders, walking):
        monkeypatch.setattr(module, "LOOKED_THROUGH", 4)

    for each, rows in zip(wanted, few, strict=True):
        assert found(engine, *each) == rows, each
        if each[1][0][0] in ("key", "started_at"):
            assert found(engine, *each, by_cursor=True) == rows, each


def pages(engine, what, wanted, sort):
    """The keys page by page, forwards by a cursor, by offsets, and back from the end of it."""
    forwards, after, ends = [], None, []
    while True:
        page = criteria.search(engine, what, Search(criteria=wanted, sort=sort, limit=3, after=after))
        forwards += [row.key for row in page.items]
        if len(page.items) < 3:
            break
        after, ends = page.last, [*ends, page.first]
    by_offset = [row.key for offset in range(0, len(forwards), 3) for row in criteria.search(
        engine, what, Search(criteria=wanted, sort=sort, limit=3, offset=offset)).items]
    back = criteria.search(engine, what, Search(criteria=wanted, sort=sort, limit=3, before=ends[-1])) if ends else None
    return forwards, by_offset, None if back is None else [row.key for row in back.items]


def test_variables_come_in_the_order_of_names_from_few_and_from_many(engine, made, monkeypatch):
    # given names that all have, and one that a single instance has
    one = instances_of(engine)[0]
    engine.execute(engine_variables.set, one, {"a": 1, "z": 2})
    of = (Criterion("process_id", "eq", "order"), Criterion("tenant_id", "eq", "north"),
          Criterion("value", "eq", 1), Criterion("instance_key", "eq", one))
    asked = [(VARIABLES, wanted, [("name", down)]) for wanted in ((), *((each,) for each in of))
             for down in (False, True)]
    asked += [(ELEMENTS, (each,), []) for each in of[:2]]
    few = [pages(engine, *each) for each in asked]
    assert [len(forwards) for forwards, _, _ in few][:2] == [16, 16]
    assert all(forwards == by_offset and len({*forwards}) == len(forwards) for forwards, by_offset, _ in few)

    # when more match than are sorted
    for module in (criteria, paging, among):
        monkeypatch.setattr(module, "COUNTED", 1)
    for most in (1, 5):
        monkeypatch.setattr(by_name, "VERY_MANY", most)
        # then the same is found
        assert [pages(engine, *each) for each in asked] == few


def instances_of(engine):
    return sorted(row.key for row in criteria.search(engine, INSTANCES, Search(criteria=(
        Criterion("state", "eq", "ACTIVE"),))).items)


def test_no_more_than_some_long_values_are_read_while_somebody_waits(engine, steps, monkeypatch):
    # given three long texts, of which the oldest has the word
    steps.deploy(process("order", start(), service("work"), end()))
    keys = [steps.start("order", {"text": word + "x" * 100}) for word in ("needle", "hay", "hay")]
    wanted = InstanceFilter(variables=[VariableCondition("text", "contains", "needle")])
    assert lists.search(engine, wanted, thorough=False).looked_through is None

    # when no more than two are read
    monkeypatch.setattr(variables, "LONG_ONES", 2)

    # then the page says that there may be more, and has it when all are looked through
    hasty = lists.search(engine, wanted, thorough=False)
    assert (hasty.items, hasty.more, hasty.looked_through) == ((), True, lists.LOOKED_THROUGH)
    assert [row.key for row in lists.search(engine, wanted).items] == keys[:1]
