"""Searches: operators, alternatives, sorting, pages by offset and by cursor."""

from __future__ import annotations

import shutil

import pytest

from engine.engine import Engine
from tests.conftest import TurnedClock
from tests.engine import drawing
from tests.web.camunda8 import shapes
from tests.web.camunda8.conftest import Api
from web.app import create_app

OF_ORDER = {"processDefinitionId": "order"}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def api(request, tmp_path_factory):
    """A client on either database, whose statements differ most in searches; shared, because those change nothing."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_template")()
    else:
        path = tmp_path_factory.mktemp("searching") / "partitur.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    engine = Engine(url, clock=TurnedClock(), synchronous="OFF")
    yield Api(create_app(engine, secret_key="test"), engine)
    engine.close()


@pytest.fixture(scope="module")
def orders(api):
    """Five instances, a minute apart; the last two have completed."""
    api.deploy(drawing.process("order", drawing.start(), drawing.service("pay"), drawing.end()))
    keys = []
    for number in range(5):
        keys.append(api.start(
            "order", {"number": number, "name": f"Order {number}"}, businessId=f"B_{number}" if number < 3 else None,
            tags=["even"] if number % 2 == 0 else [],
        ))
        api.engine.clock.advance(minutes=1)
    for job in api.take("pay")[3:]:
        api.send("POST", f"/jobs/{job['jobKey']}/completion")
    return keys


def found(api, filter, **more):
    of_order = {**OF_ORDER, **filter}
    return [each["processInstanceKey"] for each in api.items("process-instances", of_order, **more)]


@pytest.mark.parametrize(("filter", "wanted"), [
    ({}, [0, 1, 2, 3, 4]),
    ({"state": "COMPLETED"}, [3, 4]),
    ({"state": {"$neq": "COMPLETED"}}, [0, 1, 2]),
    ({"state": {"$in": ["ACTIVE", "TERMINATED"]}}, [0, 1, 2]),
    ({"state": {"$notIn": ["ACTIVE"]}}, [3, 4]),
    ({"state": {"$eq": "COMPLETED", "$in": [], "$notIn": []}, "$or": []}, [3, 4]),
    ({"state": {"$in": []}}, [0, 1, 2, 3, 4]),
    ({"state": {"$eq": None, "$neq": "COMPLETED"}, "businessId": {}}, [0, 1, 2]),
    ({"businessId": "B_1"}, [1]),
    ({"businessId": {"$exists": False}}, [3, 4]),
    ({"businessId": {"$like": "B?1"}}, [1]),
    ({"businessId": {"$like": "b_?"}}, [0, 1, 2]),
    ({"businessId": {"$like": "?_1"}}, [1]),
    ({"businessId": {"$like": "B?\u00e4*"}}, []),
    ({"businessId": {"$like": "*_*"}}, [0, 1, 2]),
    ({"businessId": {"$like": "B\\*"}}, []),
    ({"businessId": {"$like": "%"}}, []),
    ({"startDate": {"$gt": "2030-01-31T12:01:00Z"}}, [2, 3, 4]),
    ({"startDate": {"$gte": "2030-01-31T13:01:00.000+01:00", "$lt": "2030-01-31T12:03:00Z"}}, [1, 2]),
    ({"endDate": {"$exists": True}}, [3, 4]),
    ({"processDefinitionId": "order", "processDefinitionVersion": {"$gte": 1}}, [0, 1, 2, 3, 4]),
    ({"hasIncident": True}, []),
    ({"hasIncident": {"$lt": True}}, [0, 1, 2, 3, 4]),
    ({"parentProcessInstanceKey": {"$exists": False}, "tags": ["even"]}, [0, 2, 4]),
    ({"elementId": "pay", "elementInstanceState": "ACTIVE"}, [0, 1, 2]),
    ({"elementId": "end"}, [3, 4]),
    ({"variables": [{"name": "number", "value": "3"}]}, [3]),
    ({"variables": [{"name": "name", "value": {"$like": '"Order *'}},
                    {"name": "number", "value": {"$in": ["1", "2"]}}]}, [1, 2]),
    ({"variables": [{"name": "name", "value": "\"Order 4\""}]}, [4]),
    ({"$or": [{"businessId": "B_0"}, {"state": "COMPLETED", "endDate": {"$exists": True}}]}, [0, 3, 4]),
])
def test_filters(api, orders, filter, wanted):
    assert found(api, filter) == [orders[index] for index in wanted]


def test_filters_by_key(api, orders):
    assert found(api, {"processInstanceKey": orders[2]}) == [orders[2]]
    assert found(api, {"processInstanceKey": {"$in": orders[1:3]}}) == orders[1:3]
    assert found(api, {"processInstanceKey": {"$neq": orders[0]}}) == orders[1:]


@pytest.mark.parametrize("body", [
    {"filter": {"colour": "red"}}, {"filter": {"state": {"$near": "x"}}}, {"filter": {"state": {"$in": "ACTIVE"}}},
    {"filter": {"processInstanceKey": "abc"}}, {"filter": {"startDate": "yesterday"}},
    {"filter": {"startDate": "2030-01-31T12:00:00"}}, {"filter": {"hasIncident": "yes"}},
    {"filter": {"processDefinitionVersion": "1"}}, {"filter": {"$or": [{"colour": "red"}]}},
    {"filter": {"variables": [{"name": "x", "value": {"$gt": "1"}}]}}, {"filter": {"variables": [{"value": "1"}]}},
    {"sort": [{"field": "colour"}]}, {"sort": [{"field": "state", "order": "UP"}]}, {"sort": [{}]},
    {"page": {"limit": -1}}, {"page": {"from": -1}}, {"page": {"after": "nonsense"}}, {"page": {"after": "W10="}},
    {"page": {"before": "WyJ4Il0="}},
])
def test_a_search_that_makes_no_sense_is_refused(api, orders, body):
    problem = api.post("/process-instances/search", body, status=400)
    shapes.check(problem, shapes.PROBLEM)


def test_a_search_needs_no_body(api, orders):
    response = api.client.post("/v2/process-instances/search", content_type="application/json")
    assert len(response.get_json()["items"]) >= 5


def test_sorting(api, orders):
    assert found(api, {}, sort=[{"field": "startDate", "order": "desc"}]) == orders[::-1]
    # nulls are last in both directions
    by_name = found(api, {}, sort=[{"field": "businessId", "order": "DESC"}, {"field": "startDate", "order": "ASC"}])
    assert by_name == [orders[index] for index in (2, 1, 0, 3, 4)]


def test_pages_by_offset(api, orders):
    answer = api.post("/process-instances/search", {"filter": OF_ORDER, "page": {"from": 3, "limit": 2}})
    assert [each["processInstanceKey"] for each in answer["items"]] == orders[3:]
    shapes.check(answer["page"], shapes.PAGE)
    assert (answer["page"]["totalItems"], answer["page"]["hasMoreTotalItems"]) == (5, False)
    empty = api.post("/process-instances/search", {"filter": OF_ORDER, "page": {"limit": 0}})
    assert empty == {"items": [], "page": {"totalItems": 5, "hasMoreTotalItems": False, "startCursor": None,
                                           "endCursor": None}}


@pytest.mark.parametrize("sort", [
    [], [{"field": "businessId"}], [{"field": "businessId", "order": "DESC"}], [{"field": "endDate", "order": "DESC"}],
    [{"field": "state"}, {"field": "startDate", "order": "DESC"}], [{"field": "hasIncident"}],
])
def test_pages_by_cursor_neither_skip_nor_repeat(api, orders, sort):
    wanted = found(api, {}, sort=sort)
    pages, cursor = [], None
    while True:
        page = {"limit": 2} if cursor is None else {"limit": 2, "after": cursor}
        answer = api.post("/process-instances/search", {"filter": OF_ORDER, "sort": sort, "page": page})
        if not answer["items"]:
            break
        pages.append(answer)
        cursor = answer["page"]["endCursor"]
    forward = [each["processInstanceKey"] for page in pages for each in page["items"]]
    assert forward == wanted

    # and back again
    page = {"limit": 10, "before": pages[-1]["page"]["startCursor"]}
    back = api.post("/process-instances/search", {"filter": OF_ORDER, "sort": sort, "page": page})
    assert [each["processInstanceKey"] for each in back["items"]] == wanted[:4]


def test_pages_by_cursor_hold_when_others_come(api, orders):
    api.deploy(drawing.process("growing", drawing.start(), drawing.user("wait"), drawing.end()), name="growing.bpmn")
    keys = [api.start("growing") for _ in range(4)]
    query = {"filter": {"processDefinitionId": "growing"}, "sort": [{"field": "processInstanceKey", "order": "DESC"}]}
    first = api.post("/process-instances/search", {**query, "page": {"limit": 2}})
    keys.append(api.start("growing"))
    second = api.post("/process-instances/search",
                      {**query, "page": {"limit": 2, "after": first["page"]["endCursor"]}})
    assert [each["processInstanceKey"] for each in first["items"] + second["items"]] == keys[3::-1]
    for key in keys:
        api.send("POST", f"/process-instances/{key}/cancellation")


def test_words_that_differ_are_translated_in_filters(api, orders):
    assert len(api.items("jobs", {"state": "CREATED"})) == 3
    assert len(api.items("jobs", {"state": {"$notIn": ["CREATED"]}})) == 2
    assert api.items("jobs", {"state": "MIGRATED"}) == []
    assert len(api.items("element-instances", {"type": "SERVICE_TASK"})) == 5
    assert api.items("element-instances", {"type": "AD_HOC_SUB_PROCESS"}) == []
