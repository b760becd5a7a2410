"""The orders of lists of instances, the same on both databases, whether few instances match or many."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from engine import instances, schema
from engine.errors import InvalidInput
from engine.queries import instances as lists
from engine.queries import matching, narrowing, orders, paging, walking
from engine.queries.instances import InstanceFilter
from engine.queries.variables import VariableCondition
from tests.engine.drawing import end, process, service, start

SORTS = [*lists.SORTS, "variable:v", "variable:nobody has it"]
VALUES = {"nine": 9, "ten": 10, "half": 9.5, "less": -3, "large": 10**30, "text": "b", "other": "a", "yes": True,
          "no": False, "null": None, "list": [1], "without": ...}


ENDED = {"ten", "yes", "half"}


@pytest.fixture
def made(engine, clock, steps):
    """One instance for each value of `v`, a second apart; some ended, some are tagged, the last are of version 2."""
    steps.deploy(process("order", start(), service("work"), end()))
    made = {}
    for name, value in VALUES.items():
        if name == "list":
            steps.deploy(process("order", start(), service("work"), end("Done")))
        tags = {"nine": ["urgent"], "text": ["big", "red"]}.get(name)
        made[name] = engine.execute(
            instances.start, "order", business_id=None if name == "less" else f"B-{name}", tags=tags,
            variables={} if value is ... else {"v": value, "n": len(made)}).key
        clock.advance(seconds=1)
    for number, name in enumerate(("ten", "yes", "half")):
        clock.advance(seconds=10 * number)
        engine.execute(instances.cancel, made[name], reason="no longer wanted")
    return made


@pytest.fixture
def listed(engine, made):
    """The names in an order, page by page."""
    names = {key: name for name, key in made.items()}

    def of(sort, size=5, **filter):
        found, offset = [], 0
        while True:
            page = lists.search(engine, InstanceFilter(**filter), sort=sort, limit=size, offset=offset)
            found += [names[row.key] for row in page.items]
            if len(page.items) < size:
                return found
            offset += size
    return of


@pytest.fixture(params=["few", "many"])
def how_many(request, monkeypatch):
    """Whether what is there is few, or more than is sorted or counted."""
    if request.param == "many":
        for module in (orders, walking, lists, paging, narrowing, matching):
            monkeypatch.setattr(module, "COUNTED", 2)
        for module in (orders, walking):
            monkeypatch.setattr(module, "LOOKED_THROUGH", 4)


def test_every_order_has_every_instance_once(listed, made, how_many):
    everything = [({}, set(VALUES)), ({"states": ["active"]}, set(VALUES) - ENDED),
                  ({"states": ["terminated"]}, ENDED), ({"variable_name": "v"}, set(VALUES) - {"without"})]
    for sort in SORTS:
        for sign in ("", "-"):
            for filter, expected in everything:
                found = listed(sign + sort, **filter)
                assert (len(found), {*found}) == (len(expected), expected), (sign + sort, filter)


def test_what_is_not_there_comes_last_in_both_directions(listed, how_many):
    assert [listed(sign + "tags")[:2] for sign in ("", "-")] == [["text", "nine"], ["nine", "text"]]
    assert [listed(sign + "business_id")[-1] for sign in ("", "-")] == ["less"] * 2
    ended = [listed(sign + "ended_at")[:3] for sign in ("", "-")]
    assert ended == [["ten", "yes", "half"], ["half", "yes", "ten"]]
    assert {*listed("end_reason")[:3]} == {"ten", "yes", "half"}


def test_durations_of_those_in_flight_and_of_those_that_ended_are_one_order(listed, clock, how_many):
    # given that all were started a second apart, and three have ended
    flying = [name for name in VALUES if name not in ("ten", "yes", "half")]
    assert listed("-duration") == [flying[0], "half", *flying[1:], "yes", "ten"]
    assert listed("duration") == listed("-duration")[::-1]
    assert listed("-duration", states=["active"]) == flying
    assert listed("duration", states=["terminated"]) == ["ten", "yes", "half"]


def test_values_of_a_variable_are_ordered_by_kind(listed, how_many):
    numbers, texts, words = ["less", "nine", "half", "ten", "large"], ["other", "text"], ["no", "null", "yes"]
    rest = ["list", "without"]
    assert listed("variable:v") == numbers + texts + words + rest
    assert listed("-variable:v") == numbers[::-1] + words[::-1] + texts[::-1] + rest[::-1]
    assert listed("variable:v", states=["terminated"]) == ["half", "ten", "yes"]
    assert listed("-variable:v", variables=[VariableCondition("n", "lt", 3)]) == ["ten", "half", "nine"]


def test_what_would_take_long_is_left_out_and_the_page_says_so(engine, made, monkeypatch):
    # given that even few are many, and few are looked through
    for module in (orders, walking, lists, paging, narrowing, matching):
        monkeypatch.setattr(module, "COUNTED", 2)
    for module in (orders, walking, narrowing, lists):
        monkeypatch.setattr(module, "LOOKED_THROUGH", 4)
    # and two conditions that many fit, but of the newest only one fits both
    wanted = InstanceFilter(variables=[VariableCondition("v", "exists"), VariableCondition("n", "lt", 9)])

    for sort in ("-started_at", "-key", "-duration", "-tags", "-variable:n"):
        # when somebody waits for the page
        hasty = lists.search(engine, wanted, sort=sort, thorough=False)
        # then it has some of what there is, in the same order
        thorough = lists.search(engine, wanted, sort=sort)
        assert (hasty.more, hasty.looked_through) == (True, 4)
        assert (thorough.looked_through, len(thorough.items)) == (None, 9)
        rest = iter(row.key for row in thorough.items)
        assert all(row.key in rest for row in hasty.items)
        assert len(hasty.items) < 9
    assert lists.counts(engine, [wanted]) == [3]


def test_other_orders_are_refused(engine):
    for sort in ("colour", "", "-", "variable:", "--key", "variable"):
        with pytest.raises(InvalidInput, match="sort"):
            lists.search(engine, InstanceFilter(), sort=sort)


PLANS = (
    ("ix_instances_duration",
     f"SELECT key FROM instances WHERE ended_at IS NOT NULL ORDER BY ({schema.DURATION}), key"),
    ("ix_instances_tags", f"SELECT key FROM instances WHERE ({schema.TAGGED}) ORDER BY ({schema.TAGS_TEXT}), key"),
    ("ix_variables_number", "SELECT instance_key FROM variables WHERE name = 'v' AND "
                            f"({schema.NUMBER}) IS NOT NULL ORDER BY ({schema.NUMBER}), instance_key"),
    ("ix_variables_number", f"SELECT instance_key FROM variables WHERE name = 'v' AND ({schema.NUMBER}) > 5 "
                            f"ORDER BY ({schema.NUMBER})"),
    ("ix_variables_cut", f"SELECT instance_key FROM variables WHERE name = 'v' AND ({schema.CUT}) AND value IS NULL"),
    ("ix_variables_name", "SELECT instance_key FROM variables WHERE name = 'v' AND lookup > '\"a' ORDER BY lookup"),
)


def test_what_is_sorted_by_is_in_the_order_of_an_index(engine):
    explain = "EXPLAIN QUERY PLAN " if engine.database.is_sqlite else "EXPLAIN "
    with engine.read() as connection:
        if not engine.database.is_sqlite:
            # With so few rows it would read them all.
            for way in ("seqscan", "sort", "bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        for index, statement in PLANS:
            plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement))
            assert index in plan
            assert "TEMP B-TREE" not in plan
            assert "Sort" not in plan


@pytest.mark.parametrize("sort", ["variable:v", "-variable:v"])
def test_values_of_a_variable_are_read_in_the_order_of_their_index(engine, made, monkeypatch, sort):
    if engine.database.is_sqlite:
        pytest.skip("SQLite follows the index whatever it expects.")
    # given more instances than are sorted
    monkeypatch.setattr(narrowing, "COUNTED", -1)
    settings = []

    def note(connection, _cursor, statement, *_):
        if "variables AS shown" in statement:
            settings.append(connection.connection.driver_connection.execute("SHOW enable_sort").fetchone()[0])

    # when
    event.listen(engine.database.engine, "before_cursor_execute", note)
    lists.search(engine, InstanceFilter(), sort=sort)
    event.remove(engine.database.engine, "before_cursor_execute", note)

    # then PostgreSQL is told to, and sorts again what comes after it
    assert set(settings) == {"off"}
    with engine.read() as connection:
        assert connection.exec_driver_sql("SHOW enable_sort").scalar() == "on"
