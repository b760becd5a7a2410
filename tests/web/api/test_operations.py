"""Operations over `/api`."""

from __future__ import annotations

import pytest

from engine.operations import carrying, plans
from engine.queries import lists

WHY = {"reason": "Because."}


@pytest.fixture
def client(app):
    return app.test_client()


def post(client, path, body, status=200):
    response = client.post(path, json=body)
    assert response.status_code == status, response.text
    return response.json


def ready(engine, key):
    while engine.execute(plans.judge, int(key)):
        pass


def test_a_retry_of_what_failed(client, engine, story, failed_instance):
    plan = post(client, "/api/operations", {"kind": "RETRY", "filter": "state=incident", "parameters": {"retries": 2}})
    assert (plan["total"], plan["state"], plan["author"]) == (1, "PLANNING", "API")
    path = f"/api/operations/{plan['key']}"
    ready(engine, plan["key"])
    [item] = client.get(f"{path}/items?state=PLANNED").json["items"]
    assert (item["instanceKey"], item["label"]) == (str(failed_instance), "order-0")
    assert post(client, f"{path}/apply", WHY)["state"] == "RUNNING"
    while carrying.work(engine):
        pass
    assert lists.incidents(engine).total == 0
    job = story.take_job()
    assert job.retries == 2
    assert client.get(path).json["watching"] == 1
    assert client.get("/api/operations?state=RUNNING&kind=RETRY").json["total"] == 1
    assert client.get(f"/api/instances?operation={plan['key']}").json["total"] == 1


def test_keys_pause_resume_stop_and_again(client, engine, failed_instance):
    keys = [row["key"] for row in client.get("/api/instances").json["items"]]
    plan = post(client, "/api/operations", {"kind": "CANCEL", "keys": keys})
    path = f"/api/operations/{plan['key']}"
    assert post(client, f"{path}/apply", WHY, 409)["detail"].endswith("Wait a moment.")
    ready(engine, plan["key"])
    post(client, f"{path}/apply", WHY, 400)
    post(client, f"{path}/apply", {**WHY, "consent": True})
    assert post(client, f"{path}/pause", WHY)["state"] == "PAUSED"
    assert post(client, f"{path}/resume", WHY)["state"] == "RUNNING"
    assert post(client, f"{path}/stop", WHY)["notStarted"] == 3
    assert post(client, "/api/operations", {"repeats": plan["key"]})["repeatsKey"] == plan["key"]
    assert client.get("/api/instances?operation=" + plan["key"] + "&outcome=NOT_STARTED").json["total"] == 3


@pytest.mark.parametrize(("body", "word"), [
    ({}, "kind"), ({"kind": "DANCE", "filter": ""}, "kind"), ({"kind": "CANCEL"}, "either"),
    ({"kind": "CANCEL", "filter": "", "keys": ["1"]}, "either"), ({"kind": "CANCEL", "keys": []}, "list"),
    ({"kind": "CANCEL", "keys": ["x"]}, "key"), ({"kind": "CANCEL", "filter": "proces=p"}, "proces"),
    ({"kind": "RETRY", "filter": "", "parameters": {"retry": 1}}, "retry"), ({"more": 1}, "more"),
    ({"kind": "CANCEL", "keys": ["99"]}, "none through"),
])
def test_what_is_not_understood_is_refused(client, failed_instance, body, word):
    assert word in post(client, "/api/operations", body, 400)["detail"]


def test_what_is_not_there(client):
    assert client.get("/api/operations/7").status_code == 404
    assert client.get("/api/operations/7/items").status_code == 404
    for act in ("apply", "pause", "resume", "stop"):
        post(client, f"/api/operations/7/{act}", WHY, 404)
        post(client, f"/api/operations/7/{act}", {}, 400)
