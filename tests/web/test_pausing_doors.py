"""A paused process at every door: each says in its words who paused it and why."""

from __future__ import annotations

import pytest

from tests.web.test_changing_pages import places

WHY = "The bank is down."


@pytest.fixture
def paused(app, story):
    story.deploy()
    client = app.test_client()
    answer = client.post("/api/processes/review/starts/pause", json={"reason": WHY})
    assert answer.status_code == 200, answer.text
    assert (answer.json["paused"], answer.json["reason"], answer.json["pausedBy"]) == (True, WHY, "API")
    return client


def test_camunda_8_is_told(paused):
    answer = paused.post("/v2/process-instances", json={"processDefinitionId": "review"})
    assert answer.status_code == 409
    assert WHY in answer.json["detail"]


def test_camunda_7_is_told(paused):
    answer = paused.post("/engine-rest/process-definition/key/review/start", json={})
    assert answer.status_code >= 400
    assert WHY in answer.json["message"]


def test_it_is_looked_at_and_resumed_over_the_api(paused, engine, story):
    assert paused.get("/api/processes/review/starts").json["held"] == 0
    assert paused.post("/api/processes/review/starts/pause", json={"reason": "Again."}).status_code == 409
    answer = paused.post("/api/processes/review/starts/resume", json={"reason": "It is back."})
    assert (answer.json["paused"], answer.json["started"]) == (False, 0)
    assert places(engine, story.start()) == ["check"]
    assert paused.post("/api/processes/review/starts/resume", json={"reason": "It is back."}).status_code == 409


def test_what_cannot_be_is_refused(paused):
    assert paused.get("/api/processes/nothing/starts").status_code == 404
    assert paused.post("/api/processes/nothing/starts/pause", json={"reason": "x"}).status_code == 404
    assert paused.post("/api/processes/review/starts/pause", json={}).status_code in (400, 422)
